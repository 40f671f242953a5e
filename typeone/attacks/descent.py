"""Gradient descent on a batch of independent examples.

Algorithm 2 (III-C) and Eq. 13 (III-D) share it. Each example has its own Adam moments and leaves
the batch when it has converged, so that its result does not depend on the batch. A long descent
saves checkpoints and resumes from the last one.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Hashable, Iterator, Mapping
from functools import partial
from typing import Generic, NamedTuple, Protocol, TypeVar

import torch
from torch import Tensor

from typeone.runtime.checkpoints import Checkpoint, Resumable, restored
from typeone.runtime.cuda_graphs import GraphedStep, graphs_on

logger = logging.getLogger(__name__)


class Adam:
    """Adam (Kingma & Ba) with separate moments for each row, so that rows can be dropped.

    Epsilon is added before the bias correction, as in TensorFlow, which the authors used.
    """

    def __init__(self, like: Tensor, lr: float, beta2: float) -> None:
        self.lr, self.beta2, self.t = lr, beta2, 0
        self.first, self.second = torch.zeros_like(like), torch.zeros_like(like)
        self.scale = like.new_zeros(())  # a tensor: a CUDA graph reads its value at each step

    def advance(self) -> None:
        """Begin the next step: update its bias correction."""
        self.t += 1
        self.scale.fill_(self.lr * (1 - self.beta2**self.t) ** 0.5 / (1 - 0.9**self.t))

    def step(self, value: Tensor, gradient: Tensor) -> Tensor:
        """Return the updated ``value``; update the moments in place."""
        self.first.lerp_(gradient, 0.1)
        self.second.mul_(self.beta2).addcmul_(gradient, gradient, value=1 - self.beta2)
        return value - self.scale * self.first / (self.second.sqrt() + 1e-8)

    def keep(self, rows: Tensor) -> None:
        self.first, self.second = self.first[rows], self.second[rows]


class Walk:
    """State of the M of N examples that are still in the batch: variables, moments and counters.

    Args:
        moving: variables to optimise, by name, ``(N, ...)`` each.
        rates: Adam's learning rate of each variable.
        beta2: Adam's second-moment decay.

    Attributes:
        rows: example numbers in the batch, ``(M,)``.
        moving: the variables, ``(M, ...)`` each.
        held: consecutive steps of success, ``(M,)``.
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
        """Begin the next step: update the terms that depend on the step number only."""
        for adam in self.adam.values():
            adam.advance()

    def step(self, objective: Tensor) -> None:
        """Update in place by the gradient of ``objective`` ``(M,)``; call `advance` first."""
        gradients = torch.autograd.grad(objective.sum(), list(self.moving.values()))
        for name, gradient in zip(list(self.moving), gradients, strict=True):
            # A new tensor on the same memory: autograd keeps the stream of a leaf's first step,
            # and a capture on another stream would fail.
            value = self.moving[name].detach()
            self.moving[name] = value.copy_(self.adam[name].step(value, gradient))

    def state(self) -> list[Tensor]:
        """Return the tensors that a step changes; their memory stays the same until `keep`."""
        moments = [m for adam in self.adam.values() for m in (adam.first, adam.second)]
        return [*self.moving.values(), *moments]

    def keep(self, stay: Tensor) -> None:
        """Keep only the examples where ``stay``, bool ``(M,)``, is true."""
        self.rows, self.held = self.rows[stay], self.held[stay]
        for name in self.moving:
            self.moving[name] = self.moving[name].detach()[stay]
            self.adam[name].keep(stay)

    def pack(self) -> dict[str, Tensor]:
        """Return the state as tensors by name."""
        tensors = {"rows": self.rows, "held": self.held}
        for name, adam in self.adam.items():
            tensors |= {f"moving.{name}": self.moving[name], f"adam.{name}.t": torch.tensor(adam.t)}
            tensors |= {f"adam.{name}.first": adam.first, f"adam.{name}.second": adam.second}
        return tensors

    def unpack(self, tensors: Mapping[str, Tensor]) -> None:
        """Restore the state returned by `pack`; the walk still has all of its N examples."""
        self.rows, self.held = (restored(tensors[k], self.rows) for k in ("rows", "held"))
        for name, adam in self.adam.items():
            self.moving[name] = restored(tensors[f"moving.{name}"], self.moving[name])
            adam.t = int(tensors[f"adam.{name}.t"])
            adam.first = restored(tensors[f"adam.{name}.first"], adam.first)
            adam.second = restored(tensors[f"adam.{name}.second"], adam.second)


class Ends:
    """State of each of N examples when it left ``walk``.

    Attributes:
        latent: ``(N, D)``; the start for examples still in the walk.
        steps: updates made, ``(N,)``.
        converged: whether the example held success for ``patience`` steps, ``(N,)``.
    """

    def __init__(self, walk: Walk) -> None:
        self.walk = walk
        self._images: Tensor | None = None
        self.latent = walk.moving["latent"].clone()
        self.steps = torch.zeros_like(walk.rows)
        self.converged = torch.zeros_like(walk.rows, dtype=torch.bool)

    @property
    def images(self) -> Tensor:
        """Images decoded at the end, ``(N, C, H, W)``; complete when all examples have left."""
        assert self._images is not None, "no example has left the walk"
        return self._images

    def note(self, moment: Moment[Terms], images: Tensor) -> None:
        """Record the examples that leave at ``moment``, with their ``images``."""
        walk = self.walk
        if self._images is None:
            self._images = images.new_zeros((len(self.latent), *images.shape[1:]))
        gone = walk.rows[moment.leaving]
        self._images[gone] = images
        self.latent[gone] = walk.moving["latent"].detach()[moment.leaving]
        self.steps[gone] = moment.step
        self.converged[walk.rows[moment.settled]] = True

    def pack(self) -> dict[str, Tensor]:
        """Return the records as tensors by name."""
        tensors = {"latent": self.latent, "steps": self.steps, "converged": self.converged}
        return tensors if self._images is None else tensors | {"images": self._images}

    def unpack(self, tensors: Mapping[str, Tensor]) -> None:
        """Restore the records returned by `pack`."""
        device = self.latent.device
        self._images = tensors["images"].to(device) if "images" in tensors else None
        self.latent, self.steps, self.converged = (
            tensors[name].to(device) for name in ("latent", "steps", "converged")
        )


class Terms(Protocol):
    """Result of an evaluation: objective and success, ``(M,)``; attacks may add further terms."""

    @property
    def objective(self) -> Tensor: ...

    @property
    def success(self) -> Tensor: ...


TermsT = TypeVar("TermsT", bound=Terms, covariant=True)


class Moment(NamedTuple, Generic[TermsT]):
    """One step of `descend`, before its update.

    Attributes:
        step: updates made so far.
        terms: the result of ``evaluate``.
        leaving: whether the example leaves the batch, bool ``(M,)``.
        settled: whether it leaves because it has converged, bool ``(M,)``.
        ends: whether any example leaves.
    """

    step: int
    terms: TermsT
    leaving: Tensor
    settled: Tensor
    ends: bool


def descend(
    walk: Walk,
    evaluate: Callable[[int], TermsT],
    *,
    steps: int,
    patience: int | None,
    check_every: int,
    checkpoint: Checkpoint | None = None,
    carried: Mapping[str, Resumable] | None = None,
    kernels: Callable[[int], Hashable] | None = None,
) -> Iterator[Moment[TermsT]]:
    """Minimise the objective of ``evaluate``; yield each moment, then drop the examples that leave.

    If ``checkpoint`` holds an interrupted walk, resume it. If it holds a finished walk, restore
    ``carried`` and yield nothing.

    Args:
        evaluate: from the step to ``objective`` and ``success``, both ``(M,)``, at the current
            state of the walk.
        steps: the maximum number of updates.
        patience: steps an example must hold success before it leaves; None runs all steps.
        check_every: steps between convergence checks.
        checkpoint: the sidecar to resume from and save to.
        carried: other state that changes during the walk, by name, saved with it: for example the
            caller's records of the moments.
        kernels: from the step to a key of the kernels that ``evaluate`` runs at it, so that a GPU
            can replay them (`typeone.runtime.cuda_graphs`); None if ``evaluate`` has side effects.
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
        terms = graphed.evaluate(key, partial(evaluate, step), update)
        leaving = settled = nobody
        ends = step == steps
        if patience is not None and step % check_every == 0:
            # the only read of a value that waits for the GPU
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
