"""Gradient descent on many independent examples at once, each as if it were alone.

What Algorithm 2 (III-C) and Eq. 13 (III-D) share: Adam with moments of its own for each example,
and a batch that examples leave when they have converged.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple, Protocol

import torch
from torch import Tensor


class Adam:
    """Adam (Kingma & Ba) with the moments of each row apart, so that rows can leave.

    Epsilon is added before the bias correction, as TensorFlow did for the paper.
    """

    def __init__(self, like: Tensor, lr: float, beta2: float) -> None:
        self.lr, self.beta2, self.t = lr, beta2, 0
        self.first, self.second = torch.zeros_like(like), torch.zeros_like(like)

    def step(self, value: Tensor, gradient: Tensor) -> Tensor:
        self.t += 1
        self.first.lerp_(gradient, 0.1)
        self.second.mul_(self.beta2).addcmul_(gradient, gradient, value=1 - self.beta2)
        scale = self.lr * (1 - self.beta2**self.t) ** 0.5 / (1 - 0.9**self.t)
        return value - scale * self.first / (self.second.sqrt() + 1e-8)

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

    def step(self, objective: Tensor) -> None:
        """One update by the gradient of ``objective`` ``(M,)``."""
        gradients = torch.autograd.grad(objective.sum(), list(self.moving.values()))
        for name, gradient in zip(self.moving, gradients, strict=True):
            self.moving[name] = self.adam[name].step(self.moving[name].detach(), gradient)

    def keep(self, stay: Tensor) -> None:
        """Drop the examples that ``stay`` ``(M,)`` leaves out."""
        self.rows, self.held = self.rows[stay], self.held[stay]
        for name in self.moving:
            self.moving[name] = self.moving[name][stay]
            self.adam[name].keep(stay)


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
) -> Iterator[Moment]:
    """Walk down ``evaluate``'s objective; yields each moment, then drops those who leave.

    Args:
        evaluate: from the step to ``objective`` and ``success``, both ``(M,)``, where the walk
            stands.
        steps: the most updates.
        patience: steps an example must hold success before it leaves; None runs all steps.
        check_every: steps between looks at convergence.
    """
    for step in range(steps + 1):
        terms = evaluate(step)
        leaving = torch.full_like(terms.success, step == steps)
        settled = torch.zeros_like(terms.success)
        if patience is not None and step % check_every == 0:
            walk.held = torch.where(terms.success, walk.held + check_every, 0)
            settled = walk.held >= patience + check_every
            leaving |= settled
        ends = step == steps or bool(leaving.any())
        yield Moment(step, terms, leaving, settled, ends)
        if ends and bool(leaving.all()):
            return
        walk.step(terms.objective)
        if ends:
            walk.keep(~leaving)
