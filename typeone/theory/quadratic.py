"""The attacked network of II-B: one hidden layer, quadratic activation (Eq. 3).

f1(x) = w 1·(Wx)² + b is sum alpha_i z_i² + b in a rotation z of x (Eq. 4, there divided by -b):
W maps n dimensions to h, so f1 does not depend on n - h directions, the null space of W.
"""

from __future__ import annotations

import logging
import math
import os
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor, nn

from typeone.models.stored_networks import load_frozen, read_note
from typeone.runtime.checkpoints import Checkpoint
from typeone.runtime.logs import Progress
from typeone.theory.spheres import Spheres, quadratic_error, sample_sphere
from typeone.training.loop import TrainingDivergedError, TrainingSettings, learning_rate

logger = logging.getLogger(__name__)

CHUNK = 100
"""Steps whose samples are drawn at once; checkpoints and curve points are made between chunks."""


class QuadraticNetwork(nn.Module):
    """f1 of Eq. 3: points ``(N, n)`` → ``(N,)``, positive for the outer sphere.

    Args:
        dim: n.
        hidden: h; Type I examples exist only if it is below n.
    """

    def __init__(self, dim: int, hidden: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(hidden, dim))
        self.scale = nn.Parameter(torch.empty(()))
        self.bias = nn.Parameter(torch.empty(()))

    def forward(self, points: Tensor) -> Tensor:
        return self.scale * (points @ self.weight.T).square().sum(dim=1) + self.bias

    @torch.no_grad()
    def reset(self, spheres: Spheres, generator: torch.Generator) -> None:
        """Draw W; set w and b so that f1 is about 0 midway between the squared radii.

        ASSUME: W normal with standard deviation 1/sqrt(n), w = 1; the paper does not give them.
        """
        hidden, dim = self.weight.shape
        self.weight.copy_(torch.randn(hidden, dim, generator=generator) / math.sqrt(dim))
        self.scale.fill_(1.0)
        self.bias.fill_(-0.5 * (spheres.inner**2 + spheres.outer**2) * hidden / dim)

    @torch.no_grad()
    def decompose(self) -> tuple[Tensor, Tensor, int]:
        """Decompose f1 by Eq. 4 in float64: alphas ``(n,)``, rotation ``(n, n)`` and rank d.

        z = x @ rotation; f1 does not depend on z beyond d, and its alphas there are 0.
        """
        weight = self.weight.double()
        _, values, rows = torch.linalg.svd(weight, full_matrices=True)
        rank = int(torch.linalg.matrix_rank(weight))
        alphas = torch.zeros(weight.shape[1], dtype=torch.float64, device=weight.device)
        alphas[:rank] = self.scale.double() * values[:rank].square()
        return alphas, rows.T.contiguous(), rank


@dataclass(frozen=True, kw_only=True)
class SphereTraining:
    """Settings of the training of f1 of II-B.

    Attributes:
        steps: steps of Adam.
        batch_size: new samples in each step, even; half of them on each sphere.
        lr, beta1, schedule: as in `TrainingSettings`.
        beta2: Adam's second-moment decay; small, because gradients shrink with the error rate.
        curve_every: steps between two points of the curve, a multiple of `CHUNK`.
    """

    steps: int
    batch_size: int
    lr: float
    beta1: float
    beta2: float
    schedule: Literal["constant", "one_cycle"]
    curve_every: int


def loss_gradient(
    weight: Tensor, scale: Tensor, bias: Tensor, points: Tensor, outer: Tensor, into: Tensor
) -> None:
    """Write the gradient of the mean logistic loss in W, w and b, flat and in this order, ``into``.

    ``points`` ``(N, n)``; ``outer`` ``(N,)``, 1 on the outer sphere and 0 on the inner one. With
    e = sigmoid(f1) - outer: dW = 2 w (e Wx)ᵀ x, dw = e · |Wx|², db = sum e, each divided by N.
    """
    hidden = points @ weight.T
    sums = hidden.square().sum(dim=1)
    excess = (torch.sigmoid(scale * sums + bias) - outer) / len(points)
    slopes = hidden * (2 * scale * excess)[:, None]
    torch.mm(slopes.T, points, out=into[:-2].view_as(weight))
    into[-2] = excess @ sums
    into[-1] = excess.sum()


@torch.no_grad()
def train_quadratic(
    network: QuadraticNetwork,
    spheres: Spheres,
    settings: SphereTraining,
    *,
    generator: torch.Generator,
    name: str,
    checkpoint: Checkpoint | None = None,
) -> list[dict[str, float]]:
    """Minimise the logistic loss; every sample is used once.

    `typeone.training.loop.train` would take 2.5 times as long (tests/benchmarks/sphere.py): the
    network is so small that most of a step there is overhead. Here gradients are in closed form,
    Adam updates one vector, and samples are drawn for `CHUNK` steps at once.

    ASSUME: Adam and logistic loss; the paper gives the steps and the batch only.

    Args:
        network: on the device of ``generator``; left in eval mode.
        generator: draws the samples; its state is part of the checkpoint.
        name: name of the network in progress lines and errors.
        checkpoint: the sidecar to resume from and save to.

    Returns:
        The curve, a row every ``curve_every`` steps: step, the exact errors ``inner_error``,
        ``outer_error`` and their mean ``error`` (`quadratic_error`, without samples), and lr.

    Raises:
        TrainingDivergedError: the weights are no longer finite.
    """
    # there are no epochs here: only the schedule of the learning rate is used
    course = TrainingSettings(
        epochs=1, batch_size=settings.batch_size, lr=settings.lr, schedule=settings.schedule
    )
    parameters = torch.cat([p.detach().reshape(-1) for p in network.parameters()])
    weight = parameters[:-2].view_as(network.weight)
    scale, bias = parameters[-2], parameters[-1]
    gradient, mean, square = (torch.zeros_like(parameters) for _ in range(3))
    half = settings.batch_size // 2
    outer = torch.arange(2 * half, device=parameters.device) >= half
    radii = torch.where(outer, spheres.outer, spheres.inner)[:, None]
    outer = outer.to(parameters.dtype)
    step, rows = 0, []
    if checkpoint and (found := checkpoint.load()):
        tensors, state = found
        for tensor, key in ((parameters, "parameters"), (mean, "mean"), (square, "square")):
            tensor.copy_(tensors[key])
        generator.set_state(tensors["generator"])
        step, rows = state["step"], state["rows"]
        logger.info("%s: resumed at step %d of %d", name, step, settings.steps)
    beta1, beta2, epsilon = settings.beta1, settings.beta2, 1e-8
    say = Progress(f"training {name}", settings.steps, start=step)
    while step < settings.steps:
        count = min(CHUNK, settings.steps - step)
        draws = sample_sphere(count * 2 * half, spheres.dim, 1.0, generator, dtype=parameters.dtype)
        for points in draws.view(count, 2 * half, spheres.dim) * radii:
            loss_gradient(weight, scale, bias, points, outer, gradient)
            lr = learning_rate(course, step / settings.steps)
            step += 1
            mean.lerp_(gradient, 1 - beta1)
            square.mul_(beta2).addcmul_(gradient, gradient, value=1 - beta2)
            corrected = math.sqrt(1 - beta2**step)
            parameters.addcdiv_(
                mean,
                square.sqrt().add_(epsilon * corrected),
                value=-lr * corrected / (1 - beta1**step),
            )
        if not parameters.isfinite().all():
            raise TrainingDivergedError(
                f"training {name}: the weights are no longer finite at step {step} of "
                f"{settings.steps}; lower its learning rate (lr is {settings.lr})"
            )
        ended = step == settings.steps
        if ended or step % settings.curve_every == 0:
            _fill(network, parameters)
            rows.append({"step": step, **exact_errors(network, spheres), "lr": lr})
            logger.debug("%s: %s", name, rows[-1])
        if checkpoint and not ended and checkpoint.due():
            tensors = {"parameters": parameters, "mean": mean, "square": square}
            tensors["generator"] = generator.get_state()
            checkpoint.save(tensors, {"step": step, "rows": rows})
        say(step, f"error {rows[-1]['error']:.2e}" if rows else "")
    _fill(network, parameters)
    network.eval()
    return rows


def _fill(network: QuadraticNetwork, parameters: Tensor) -> None:
    place = 0
    for parameter in network.parameters():
        parameter.copy_(parameters[place : place + parameter.numel()].view_as(parameter))
        place += parameter.numel()


def exact_errors(network: QuadraticNetwork, spheres: Spheres) -> dict[str, float]:
    """Compute the exact error rates of ``network`` on each sphere and their mean, in [0, 1]."""
    alphas, _, _ = network.decompose()
    inner, outer = quadratic_error(alphas.cpu().numpy(), network.bias.item(), spheres)
    return {"inner_error": inner, "outer_error": outer, "error": 0.5 * (inner + outer)}


def load_quadratic(
    path: str | os.PathLike[str], device: torch.device | str = "cpu"
) -> tuple[QuadraticNetwork, dict[str, Any]]:
    """Load a trained network, in float64 and eval mode, frozen, and its checkpoint's metadata.

    Raises:
        InputError: the file is not a checkpoint of a `QuadraticNetwork`.
    """
    note = read_note(path, ["quadratic"], kind="a quadratic network")
    network = load_frozen(path, QuadraticNetwork(note["dim"], note["hidden"]))
    return network.double().to(device), note
