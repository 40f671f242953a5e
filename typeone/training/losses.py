"""Loss terms of the paper, one value for each example; callers reduce them once."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from typeone.models.layers import one_hot


def kl_divergence(mu: Tensor, sigma: Tensor) -> Tensor:
    """J_KL of Eq. 6: KL[N(mu, diag sigma²) || N(0, I)], nats, ``(N, D)`` each → ``(N,)``."""
    return 0.5 * (mu.square() + sigma.square() - 1 - 2 * sigma.log()).sum(dim=1)


def recon_loss(logits: Tensor, images: Tensor) -> Tensor:
    """J_dec of Eq. 6: -log p(x|z) for Bernoulli pixels, summed over the image, nats, ``(N,)``.

    ``logits``, ``images`` in [0, 1]: ``(N, C, H, W)``. ASSUME: the paper leaves p(x|z) open; the
    authors' code uses cross-entropy summed over pixels.
    """
    return F.binary_cross_entropy_with_logits(logits, images, reduction="none").flatten(1).sum(1)


def squared_error(logits: Tensor, images: Tensor) -> Tensor:
    """J_dec of Eq. 6 for faces: squared error of the decoded image, summed over it, ``(N,)``.

    ``logits``, ``images`` in [0, 1]: ``(N, C, H, W)``. ASSUME: the paper leaves p(x|z) open; the
    authors' code for faces sums squared errors.
    """
    return (torch.sigmoid(logits) - images).square().flatten(1).sum(1)


def weight_penalty(modules: Iterable[nn.Module]) -> Tensor:
    """Half the sum of squares of all weights of convolutions and dense layers, a scalar.

    ASSUME: biases and batch normalisation are excluded, and the factor 1/2 is TensorFlow's, as in
    the authors' code for faces; the paper has no such term.
    """
    layers = (m for module in modules for m in module.modules())
    weights = [m.weight for m in layers if isinstance(m, nn.Conv2d | nn.Linear)]
    return 0.5 * torch.stack([w.square().sum() for w in weights]).sum()


def cross_entropy(logits: Tensor, labels: Tensor) -> Tensor:
    """-log softmax(logits)[label], nats, ``(N, classes)`` and ``(N,)`` → ``(N,)``."""
    return F.cross_entropy(logits, labels, reduction="none")


def discriminator_loss(encoded_logit: Tensor, drawn_logit: Tensor) -> Tensor:
    """J_dis of Eq. 7 as a logistic loss: encoded latents are real, drawn ones fake, ``(N,)``.

    ASSUME: the paper writes Eq. 7 without logarithms; the authors' code uses the logistic loss
    with weight 0.5 for each half.
    """
    return 0.5 * F.softplus(-encoded_logit) + 0.5 * F.softplus(drawn_logit)


def manifold_penalty(logit: Tensor, form: str) -> Tensor:
    """The alpha term of J_IT without alpha: penalty on latents that f_dis rejects, ``(N,)``.

    ``logit``: f_dis before its sigmoid, ``(N,)``. ``probability``: 1 - f_dis(z), in [0, 1], as
    printed. ``log``: -log f_dis(z), as in the authors' code.
    """
    return torch.sigmoid(-logit) if form == "probability" else F.softplus(-logit)


def latent_norm(latent: Tensor) -> Tensor:
    """||z||_2 of J_IT (not squared), ``(N, D)`` → ``(N,)``; its gradient at 0 is defined as 0."""
    return torch.linalg.vector_norm(latent, dim=1)


def gradient_penalty(
    critic: Callable[[Tensor], Tensor], real: Tensor, fake: Tensor, share: Tensor
) -> Tensor:
    """WGAN-GP's (||grad critic||_2 - 1)² between real and fake images, ``(N,)``.

    ``real``, ``fake``: ``(N, C, H, W)``. ``share`` ``(N,)`` in [0, 1]: weight of ``real`` in the
    interpolated point. Gulrajani et al. (2017), Eq. 3, without its weight.
    """
    share = share.view(-1, *[1] * (real.ndim - 1))
    between = (share * real + (1 - share) * fake).requires_grad_(True)
    (slope,) = torch.autograd.grad(critic(between).sum(), between, create_graph=True)
    return (slope.flatten(1).norm(dim=1) - 1).square()


def squared_slope(scores: Tensor, images: Tensor) -> Tensor:
    """R1 of Mescheder et al. (2018): ||grad score||² at ``images``, ``(N,)``, without its weight.

    ``scores`` ``(N,)`` must depend on ``images`` ``(N, C, H, W)``, which must require a gradient.
    """
    (slope,) = torch.autograd.grad(scores.sum(), images, create_graph=True)
    return slope.flatten(1).square().sum(dim=1)


def margin_softmax(cosines: Tensor, labels: Tensor, *, scale: float, margin: float) -> Tensor:
    """Cross-entropy with a margin for the true class, nats, ``(N,)``.

    L_lmc of Wang et al. (2018), CosFace: logits are s cos, and s (cos - m) at the true class.

    Args:
        cosines: cosines of embeddings and class centres, ``(N, classes)`` in [-1, 1].
        labels: true classes, int64 ``(N,)``.
        scale: s, above 0.
        margin: m, in [0, 1].
    """
    own = one_hot(labels, cosines.shape[1]).to(cosines.dtype)
    return F.cross_entropy(scale * (cosines - margin * own), labels, reduction="none")


def embedding_distance(first: Tensor, second: Tensor) -> Tensor:
    """||first - second||_2 of embeddings ``(N, D)`` → ``(N,)``, in [0, 2] for unit embeddings.

    Its gradient is defined as 0 if both are equal.
    """
    return torch.linalg.vector_norm(first - second, dim=1)
