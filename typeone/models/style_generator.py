"""A small style-based face generator and its critic, trained by the pipeline."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def _normalised(latent: Tensor) -> Tensor:
    return latent * (latent.square().mean(dim=1, keepdim=True) + 1e-8).rsqrt()


class _Modulated(nn.Module):
    """Modulated convolution: w scales the input channels, the output is demodulated.

    Karras et al. (2020), Eq. 1 and 3. Weights are shared over the batch: the input is scaled
    instead of the weights, and the output is divided by the norm of the scaled weights.
    """

    def __init__(self, style_dim: int, fan_in: int, fan_out: int, *, doubled: bool) -> None:
        super().__init__()
        self.doubled = doubled
        shape = (fan_in, fan_out, 4, 4) if doubled else (fan_out, fan_in, 3, 3)
        self.weight = nn.Parameter(torch.empty(shape))
        self.bias = nn.Parameter(torch.empty(fan_out))
        self.style = nn.Linear(style_dim, fan_in)

    def forward(self, x: Tensor, w: Tensor) -> Tensor:
        scale = self.style(w)
        squared = self.weight.square().sum(dim=(2, 3))  # (fan_in, fan_out) or its transpose
        squared = squared if self.doubled else squared.T
        if self.doubled:  # an output pixel of the doubled image uses a quarter of the weights
            squared = squared / 4
        norm = (scale.square() @ squared + 1e-8).rsqrt()
        x = x * scale[:, :, None, None]
        if self.doubled:
            x = F.conv_transpose2d(x, self.weight, stride=2, padding=1)
        else:
            x = F.conv2d(x, self.weight, padding=1)
        return torch.addcmul(self.bias[:, None, None], x, norm[:, :, None, None])


class StyleGenerator(nn.Module):
    """A small style-based generator: latents ``(N, D)`` → ``(N, 3, 64, 64)`` images in (0, 1).

    z is mapped to w, and w to the styles of four modulated layers.

    ASSUME: the paper uses the published StyleGAN; this is the smallest of its kind that trains in
    two minutes on one core. As in MobileStyleGAN, the last layer works at half the size and
    outputs four pixels at each position. Noise inputs are left out.

    Args:
        latent_dim: D.
        channels: channels at 32x32; 2, 3 and 4 times as many at 16x16, 8x8 and 4x4.
    """

    size = 64

    def __init__(self, *, latent_dim: int, channels: int) -> None:
        super().__init__()
        self.latent_dim = latent_dim
        c = [4 * channels, 4 * channels, 3 * channels, 2 * channels, channels]
        self.mapping = nn.Sequential(
            *(nn.Linear(latent_dim, latent_dim), nn.LeakyReLU(0.2)),
            *(nn.Linear(latent_dim, latent_dim), nn.LeakyReLU(0.2)),
        )
        self.constant = nn.Parameter(torch.empty(1, c[0], 4, 4))
        self.layers = nn.ModuleList(
            _Modulated(latent_dim, c[i], c[i + 1], doubled=i > 0) for i in range(4)
        )
        self.draw = nn.Conv2d(channels, 4 * 3, 3, padding=1)

    def reset_parameters(self, generator: torch.Generator) -> None:
        """Draw normal weights that preserve the variance; set style biases to 1, others to 0."""
        for module in self.modules():
            if isinstance(module, nn.Linear | nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, a=0.2, generator=generator)
                if module.bias is not None:
                    nn.init.zeros_(module.bias)
        for layer in self.layers:
            assert isinstance(layer, _Modulated)
            nn.init.normal_(layer.weight, generator=generator)
            layer.weight.data.mul_(layer.weight[0].numel() ** -0.5)
            nn.init.zeros_(layer.bias)
            layer.style.weight.data.mul_(0.5)
            nn.init.ones_(layer.style.bias)
        nn.init.normal_(self.constant, generator=generator)
        alike = self.draw.weight.data[::4].repeat_interleave(4, dim=0)
        self.draw.weight.data.copy_(alike)  # the four pixels of a position start equal

    def forward(self, latent: Tensor) -> Tensor:
        w = self.mapping(_normalised(latent))
        x = self.constant.expand(len(latent), -1, -1, -1)
        for layer in self.layers:
            x = 2**0.5 * F.leaky_relu(layer(x, w), 0.2)
        return torch.sigmoid(F.pixel_shuffle(self.draw(x), 2))


class StyleCritic(nn.Module):
    """Critic: images ``(N, 3, 64, 64)`` in [0, 1] → logits ``(N,)``, high for real images.

    The standard deviation over the batch is a further channel before the last layers (Karras et
    al., 2018), so that the critic detects mode collapse.
    """

    def __init__(self, *, channels: int) -> None:
        super().__init__()
        c = channels
        self.layers = nn.Sequential(
            *(nn.PixelUnshuffle(2), nn.Conv2d(12, c, 4, stride=2, padding=1), nn.LeakyReLU(0.2)),
            *(nn.Conv2d(c, 2 * c, 4, stride=2, padding=1), nn.LeakyReLU(0.2)),
            *(nn.Conv2d(2 * c, 4 * c, 4, stride=2, padding=1), nn.LeakyReLU(0.2)),
        )
        self.last = nn.Sequential(
            *(nn.Conv2d(4 * c + 1, 4 * c, 3, padding=1), nn.LeakyReLU(0.2), nn.Flatten()),
            nn.Linear(4 * c * 16, 1),
        )

    def reset_parameters(self, generator: torch.Generator) -> None:
        """Draw He-normal weights, set biases to zero."""
        for module in self.modules():
            if isinstance(module, nn.Linear | nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, a=0.2, generator=generator)
                if module.bias is not None:
                    nn.init.zeros_(module.bias)

    def forward(self, images: Tensor) -> Tensor:
        x = self.layers(2 * images - 1)
        spread = (x.var(dim=0, unbiased=False) + 1e-8).sqrt().mean()
        spread = spread.expand(len(x), 1, *x.shape[2:])
        return self.last(torch.cat([x, spread], dim=1))[:, 0]
