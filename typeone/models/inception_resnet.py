"""Inception-ResNet-v1, the network of FaceNet that IV-B attacks.

The architecture is that of Szegedy et al. (2016), figures 9-15, in the version of D. Sandberg's
FaceNet: a stem without branches, residuals scaled by 0.17, 0.10 and 0.20, batch norm with epsilon
0.001, a bottleneck to 512 dimensions. Tensors have the names of facenet-pytorch's checkpoints
(``conv2d_1a.conv.weight``, ``repeat_1.0.branch1.0.bn.bias``, ...), so that these load unchanged.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

EPSILON = 0.001  # epsilon of every batch norm


class _Convolution(nn.Module):
    """Convolution, batch norm, ReLU; ``same`` keeps height and width."""

    def __init__(
        self,
        fan_in: int,
        fan_out: int,
        kernel: int | tuple[int, int],
        *,
        stride: int = 1,
        same: bool = True,
    ) -> None:
        super().__init__()
        sides = (kernel, kernel) if isinstance(kernel, int) else kernel
        padding = (sides[0] // 2, sides[1] // 2) if same else 0
        self.conv = nn.Conv2d(fan_in, fan_out, sides, stride=stride, padding=padding, bias=False)
        self.bn = nn.BatchNorm2d(fan_out, eps=EPSILON)

    def forward(self, x: Tensor) -> Tensor:
        return torch.relu(self.bn(self.conv(x)))


def _reduction(fan_in: int, fan_out: int) -> _Convolution:
    """3x3 convolution of stride 2 without padding: the last layer of a reduction branch."""
    return _Convolution(fan_in, fan_out, 3, stride=2, same=False)


class _Residual(nn.Module):
    """x + scale * conv2d(concatenated branches), then ReLU unless ``last``."""

    def __init__(self, width: int, *branches: nn.Module, joined: int, scale: float, last: bool):
        super().__init__()
        self.scale, self.last = scale, last
        for i, branch in enumerate(branches):
            self.add_module(f"branch{i}", branch)
        self.branches = len(branches)
        self.conv2d = nn.Conv2d(joined, width, 1)

    def forward(self, x: Tensor) -> Tensor:
        seen = [self.get_submodule(f"branch{i}")(x) for i in range(self.branches)]
        x = x + self.scale * self.conv2d(torch.cat(seen, dim=1))
        return x if self.last else torch.relu(x)


def _block35() -> _Residual:
    """Inception-A at 17x17."""
    return _Residual(
        256,
        _Convolution(256, 32, 1),
        nn.Sequential(_Convolution(256, 32, 1), _Convolution(32, 32, 3)),
        nn.Sequential(_Convolution(256, 32, 1), _Convolution(32, 32, 3), _Convolution(32, 32, 3)),
        joined=96,
        scale=0.17,
        last=False,
    )


def _block17() -> _Residual:
    """Inception-B at 8x8."""
    return _Residual(
        896,
        _Convolution(896, 128, 1),
        nn.Sequential(
            *(_Convolution(896, 128, 1), _Convolution(128, 128, (1, 7))),
            _Convolution(128, 128, (7, 1)),
        ),
        joined=256,
        scale=0.10,
        last=False,
    )


def _block8(*, scale: float = 0.20, last: bool = False) -> _Residual:
    """Inception-C at 3x3."""
    return _Residual(
        1792,
        _Convolution(1792, 192, 1),
        nn.Sequential(
            *(_Convolution(1792, 192, 1), _Convolution(192, 192, (1, 3))),
            _Convolution(192, 192, (3, 1)),
        ),
        joined=384,
        scale=scale,
        last=last,
    )


class _Reduction(nn.Module):
    """Concatenation of branches that halve the image, and of its max pooling."""

    def __init__(self, *branches: nn.Module) -> None:
        super().__init__()
        for i, branch in enumerate(branches):
            self.add_module(f"branch{i}", branch)
        self.pool = nn.MaxPool2d(3, stride=2)

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([branch(x) for branch in self.children()], dim=1)


class InceptionResNetV1(nn.Module):
    """Standardised images ``(N, 3, 160, 160)`` → prelogits ``(N, 512)``, not normalised."""

    def __init__(self) -> None:
        super().__init__()
        self.conv2d_1a = _Convolution(3, 32, 3, stride=2, same=False)
        self.conv2d_2a = _Convolution(32, 32, 3, same=False)
        self.conv2d_2b = _Convolution(32, 64, 3)
        self.maxpool_3a = nn.MaxPool2d(3, stride=2)
        self.conv2d_3b = _Convolution(64, 80, 1)
        self.conv2d_4a = _Convolution(80, 192, 3, same=False)
        self.conv2d_4b = _Convolution(192, 256, 3, stride=2, same=False)
        self.repeat_1 = nn.Sequential(*(_block35() for _ in range(5)))
        self.mixed_6a = _Reduction(
            _reduction(256, 384),
            nn.Sequential(
                *(_Convolution(256, 192, 1), _Convolution(192, 192, 3), _reduction(192, 256))
            ),
        )
        self.repeat_2 = nn.Sequential(*(_block17() for _ in range(10)))
        self.mixed_7a = _Reduction(
            nn.Sequential(_Convolution(896, 256, 1), _reduction(256, 384)),
            nn.Sequential(_Convolution(896, 256, 1), _reduction(256, 256)),
            nn.Sequential(
                *(_Convolution(896, 256, 1), _Convolution(256, 256, 3), _reduction(256, 256))
            ),
        )
        self.repeat_3 = nn.Sequential(*(_block8() for _ in range(5)))
        self.block8 = _block8(scale=1.0, last=True)
        self.pool = nn.AdaptiveAvgPool2d(1)
        # from Sandberg's training, which keeps 40 %; the identity in eval mode
        self.dropout = nn.Dropout(0.6)
        self.last_linear = nn.Linear(1792, 512, bias=False)
        self.last_bn = nn.BatchNorm1d(512, eps=EPSILON)

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv2d_2b(self.conv2d_2a(self.conv2d_1a(x)))
        x = self.conv2d_4b(self.conv2d_4a(self.conv2d_3b(self.maxpool_3a(x))))
        x = self.repeat_2(self.mixed_6a(self.repeat_1(x)))
        x = self.block8(self.repeat_3(self.mixed_7a(x)))
        return self.last_bn(self.last_linear(self.dropout(self.pool(x).flatten(1))))
