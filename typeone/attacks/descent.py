"""Gradient descent on many independent examples at once, each as if it were alone.

What Algorithm 2 (III-C) and Eq. 13 (III-D) share: Adam with moments of its own for each example,
and a batch that examples leave when they have converged. A walk of minutes is kept on its way, and
goes on from there after a kill.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Hashable, Iterator, Mapping
from typing import NamedTuple, Protocol

import torch
from torch import Tensor

from typeone.runtime.checkpoints import Checkpoint, Resumable, restored
from typeone.runtime.cuda_graphs import GraphedStep, graphs_on

logger = logging.getLogger(__name__)


class Adam:
    """Adam (Kingma & Ba) with the moments of each row apart, so that rows can leave.

    Epsilon is added before the bias correction, as TensorFlow did for the paper.
    """

    def __init__(self, like: Tensor, lr: float, beta2: float) -> None:
        self.lr, self.beta2, self.t = lr, beta2, 0
        self.first, self.second = torch.zeros_like(like), torch.zeros_like(like)
        self.scale = like.new_zeros(())  # a tensor, for a CUDA graph reads it anew at each step

    def advance(self) -> None:
        """Begin the next step: its bias correction."""
        self.t += 1
        self.scale.fill_(self.lr * (1 - self.beta2**self.t) ** 0.5 / (1 - 0.9**self.t))

    def step(self, value: Tensor, gradient: Tensor) -> Tensor:
        """What ``value`` becomes; the moments change in place."""
        self.first.lerp_(gradient, 0.1)
        self.second.mul_(self.beta2).addcmul_(gradient, gradient, value=1 - self.beta2)
        return value - self.scale * self.first / (self.second.sqrt() + 1e-8)

    def keep(self, rows: Tensor) -> None:
        self.first, self.second = self.first[rows], self.second[rows]


class Walk:
    """The examples still in the batch, M of N: where they are, and what each carries along.

    Args:
        moving: what is walked, by name, ``(N, ...)`` each.
        rates: Adam's learning rate on each.
        beta2: Adam's second decay.

    Attributes:
        rows: their numbers in the batch, ``(M,)``.
        moving: as given, ``(M, ...)`` each.
        held: steps of success in a row, ``(M,)``.
    """

    def __init__(
        self, moving: Mapping[str, Tensor], rates: Mapping[str, float], beta2: float
    ) -> None:
        self.moving = dict(moving)
        self.adam = {name: Adam(value, rates[name], beta2) for name, value in moving.items()}
        first = next(iter(self.moving.values()))
        self.rows = torch.arange(len(first), device=first.device)
        self.held = torch.zeros_like(self.rows)

    def advance(self) -> None:
        """Begin the next step: what depends on its number alone."""
        for adam in self.adam.values():
            adam.advance()

    def step(self, objective: Tensor) -> None:
        """One update in place by the gradient of ``objective`` ``(M,)``; `advance` came before."""
        gradients = torch.autograd.grad(objective.sum(), list(self.moving.values()))
        for name, gradient in zip(list(self.moving), gradients, strict=True):
            # Another tensor on the same memory: autograd keeps the stream of a leaf's first step,
            # and a capture on another stream would end with an error.
            value = self.moving[name].detach()
            self.moving[name] = value.copy_(self.adam[name].step(value, gradient))

    def state(self) -> list[Tensor]:
        """What a step changes; the same memory until `keep`."""
        moments = [m for adam in self.adam.values() for m in (adam.first, adam.second)]
        return [*self.moving.values(), *moments]

    def keep(self, stay: Tensor) -> None:
        """Drop the examples that ``stay`` ``(M,)`` leaves out."""
        self.rows, self.held = self.rows[stay], self.held[stay]
        for name in self.moving:
            self.moving[name] = self.moving[name].detach()[stay]
            self.adam[name].keep(stay)

    def pack(self) -> dict[str, Tensor]:
        """Where the walk stands."""
        tensors = {"rows": self.rows, "held": self.held}
        for name, adam in self.adam.items():
            tensors |= {f"moving.{name}": self.moving[name], f"adam.{name}.t": torch.tensor(adam.t)}
            tensors |= {f"adam.{name}.first": adam.first, f"adam.{name}.second": adam.second}
        return tensors

    def unpack(self, tensors: Mapping[str, Tensor]) -> None:
        """Go back to where `pack` was asked; the walk is as long as it began."""
        self.rows, self.held = (restored(tensors[k], self.rows) for k in ("rows", "held"))
        for name, adam in self.adam.items():
            self.moving[name] = restored(tensors[f"moving.{name}"], self.moving[name])
            adam.t = int(tensors[f"adam.{name}.t"])
            adam.first = restored(tensors[f"adam.{name}.first"], adam.first)
            adam.second = restored(tensors[f"adam.{name}.second"], adam.second)


class Ends:
    """Where each of N examples stood when it left the walk.

    Attributes:
        images: as drawn at the end, ``(N, C, H, W)``; None until one has left.
        latent: ``(N, D)``; the start of those still walking.
        steps: updates made, ``(N,)``.
        converged: whether the example held success for ``patience`` steps, ``(N,)``.
    """

    def __init__(self, walk: Walk) -> None:
        self.images: Tensor | None = None
        self.latent = walk.moving["latent"].clone()
        self.steps = torch.zeros_like(walk.rows)
        self.converged = torch.zeros_like(walk.rows, dtype=torch.bool)

    def note(self, moment: Moment, walk: Walk, images: Tensor) -> None:
        """Write down those who leave at ``moment`` with their ``images``."""
        if self.images is None:
            self.images = images.new_zeros((len(self.latent), *images.shape[1:]))
        gone = walk.rows[moment.leaving]
        self.images[gone] = images
        self.latent[gone] = walk.moving["latent"].detach()[moment.leaving]
        self.steps[gone] = moment.step
        self.converged[walk.rows[moment.settled]] = True

    def pack(self) -> dict[str, Tensor]:
        """All that was written down."""
        tensors = {"latent": self.latent, "steps": self.steps, "converged": self.converged}
        return tensors if self.images is None else tensors | {"images": self.images}

    def unpack(self, tensors: Mapping[str, Tensor]) -> None:
        """Take what `pack` gave."""
        device = self.latent.device
        self.images = tensors["images"].to(device) if "images" in tensors else None
        self.latent, self.steps, self.converged = (
            tensors[name].to(device) for name in ("latent", "steps", "converged")
        )


class Terms(Protocol):
    """What a look at the walk gives; an attack may add terms of its own."""

    objective: Tensor
    success: Tensor


class Moment(NamedTuple):
    """One step of `descend`, before its update.

    Attributes:
        step: updates made so far.
        terms: what ``evaluate`` gave.
        leaving: examples that go no further, ``(M,)``.
        settled: those of them that have converged, ``(M,)``.
        ends: whether any leaves.
    """

    step: int
    terms: Terms
    leaving: Tensor
    settled: Tensor
    ends: bool


def descend(
    walk: Walk,
    evaluate: Callable[[int], Terms],
    *,
    steps: int,
    patience: int | None,
    check_every: int,
    checkpoint: Checkpoint | None = None,
    carried: Mapping[str, Resumable] | None = None,
    kernels: Callable[[int], Hashable] | None = None,
) -> Iterator[Moment]:
    """Walk down ``evaluate``'s objective; yields each moment, then drops those who leave.

    With a sidecar that a kill left behind it goes on from there; of a walk that had ended it yields
    nothing, ``carried`` holds all.

    Args:
        evaluate: from the step to ``objective`` and ``success``, both ``(M,)``, where the walk
            stands.
        steps: the most updates.
        patience: steps an example must hold success before it leaves; None runs all steps.
        check_every: steps between looks at convergence.
        checkpoint: the sidecar to resume from and save to.
        carried: what the caller makes of the moments, and all else that changes on the way.
        kernels: from the step to a key of the kernels that ``evaluate`` runs then, so that a GPU
            can replay them (`typeone.runtime.cuda_graphs`); None where ``evaluate`` does more than
            compute.
    """
    carried = dict(carried or {})
    first = 0
    if checkpoint and (found := checkpoint.load()):
        tensors, state = found
        _unpack(carried if state["ended"] else {"walk": walk, **carried}, tensors)
        first = state["step"]
        logger.info("%s: resumed at step %d of %d", checkpoint.path.stem, first, steps)
        if state["ended"]:
            return
    new_graph = graphs_on(walk.rows.device) if kernels else None
    graphed = GraphedStep(walk.state, new_graph, name="the attack")

    def update(terms: Terms) -> None:
        walk.step(terms.objective)

    nobody = torch.zeros_like(walk.rows, dtype=torch.bool)
    for step in range(first, steps + 1):
        key = kernels(step) if kernels else None
        terms = graphed.evaluate(key, lambda step=step: evaluate(step), update)
        leaving = settled = nobody
        ends = step == steps
        if patience is not None and step % check_every == 0:
            # the only look at a value that a GPU is waited for
            walk.held = torch.where(terms.success, walk.held + check_every, 0)
            leaving = settled = walk.held >= patience + check_every
            ends = ends or bool(leaving.any())
        if step == steps:
            leaving = torch.ones_like(nobody)
        yield Moment(step, terms, leaving, settled, ends)
        if ends and bool(leaving.all()):
            graphed.clear()
            if checkpoint:
                checkpoint.save(_packed(carried), {"step": step, "ended": True})
            return
        walk.advance()
        graphed.update(terms, update)
        if ends:
            walk.keep(~leaving)
            graphed.clear()
            nobody = torch.zeros_like(walk.rows, dtype=torch.bool)
        if checkpoint and checkpoint.due():
            tensors = _packed({"walk": walk, **carried})
            checkpoint.save(tensors, {"step": step + 1, "ended": False})


def _packed(parts: Mapping[str, Resumable]) -> dict[str, Tensor]:
    return {f"{name}.{k}": v for name, part in parts.items() for k, v in part.pack().items()}


def _unpack(parts: Mapping[str, Resumable], tensors: Mapping[str, Tensor]) -> None:
    for name, part in parts.items():
        start = f"{name}."
        part.unpack({k.removeprefix(start): v for k, v in tensors.items() if k.startswith(start)})
