"""The training loop of every network; an interrupted training loses at most half a minute.

Its sidecar (`typeone.runtime.checkpoints`) contains model, optimiser, random state and the position
in the epoch.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any, Generic, Literal, NamedTuple, TypeVar

import torch
from torch import Tensor, nn

from typeone.runtime.checkpoints import Checkpoint
from typeone.runtime.cuda_graphs import reads_cheaply, stream_of_graphs
from typeone.runtime.devices import seeded
from typeone.runtime.errors import InputError
from typeone.runtime.logs import Progress
from typeone.training.steps import Objective, Player, Steps

logger = logging.getLogger(__name__)

WATCH = 100  # steps on a GPU after which Python looks whether the losses are finite

Evaluation = Callable[[], Mapping[str, float]]
Curve = list[dict[str, float]]
Model = TypeVar("Model", bound=nn.Module)


class TrainingDivergedError(InputError):
    """The loss became NaN or infinite."""


@dataclass(frozen=True, kw_only=True)
class TrainingSettings:
    """Settings of a training by Adam.

    Attributes:
        epochs: passes over the data, at least 1.
        batch_size: examples in a step; the last incomplete batch of an epoch is left out.
        lr: learning rate of Adam; the peak for ``one_cycle``.
        beta1: Adam's first-moment decay.
        schedule: ``constant``, or ``one_cycle`` (linear rise in 20 % of the steps, cosine to 0).
        weight_decay: decoupled weight decay, as in AdamW.
    """

    epochs: int
    batch_size: int
    lr: float
    beta1: float = 0.9
    schedule: Literal["constant", "one_cycle"] = "constant"
    weight_decay: float = 0.0


def learning_rate(settings: TrainingSettings, done: float) -> float:
    """Learning rate after the fraction ``done``, in [0, 1], of all steps."""
    if settings.schedule == "constant":
        return settings.lr
    warm = 0.2
    if done < warm:
        return settings.lr * (0.04 + 0.96 * done / warm)
    return settings.lr * 0.5 * (1 + math.cos(math.pi * (done - warm) / (1 - warm)))


@lru_cache(maxsize=2)
def _order(count: int, seed: int, epoch: int, device: torch.device) -> Tensor:
    """Order of the examples in one epoch, a function of seed and epoch only."""
    draws = torch.Generator().manual_seed(seed * 100_003 + epoch)
    return torch.randperm(count, generator=draws).to(device)


def train(
    model: nn.Module,
    objective: Objective | Sequence[Player],
    *,
    name: str,
    count: int,
    settings: TrainingSettings,
    seed: int,
    generator: torch.Generator,
    checkpoint: Checkpoint | None = None,
    evaluate: Evaluation | None = None,
) -> Curve:
    """Minimise the mean of ``objective``'s ``loss`` over the trainable parameters of ``model``.

    Args:
        model: left in eval mode; parameters with ``requires_grad`` are trained.
        objective: see `Objective`; called in training mode. Or a list of players, updated one after
            the other at each step; ``model`` then contains the parameters of all.
        name: name of the network in progress lines and errors.
        count: number of examples.
        seed: seed of the order of examples in each epoch.
        generator: all other randomness of ``objective``; its state is part of the checkpoint.
        checkpoint: the sidecar to resume from and save to.
        evaluate: metrics of the model in eval mode, computed at the end of every epoch.

    Returns:
        The training curve: one row for each epoch with the means of ``objective``'s values over
        its calls, ``lr``, and the metrics of ``evaluate``.

    Raises:
        TrainingDivergedError: the loss or the weights are not finite; the last checkpoint is kept.
    """
    if callable(objective):
        players = [Player([p for p in model.parameters() if p.requires_grad], objective)]
    else:
        players = list(objective)
    adam = {"lr": settings.lr, "beta1": settings.beta1, "weight_decay": settings.weight_decay}
    steps = Steps(model, players, generator, name=name, **adam)
    batch = min(settings.batch_size, count)
    per_epoch = count // batch
    total = settings.epochs * per_epoch
    step, rows = 0, []
    if checkpoint and (found := checkpoint.load()):
        tensors, state = found
        steps.unpack(tensors, state["counts"])
        step, rows = state["step"], state["rows"]
        logger.info("%s: resumed at step %d of %d", name, step, total)
    say = Progress(f"training {name}", total, start=step)
    model.train()
    with stream_of_graphs(steps.device):
        while step < total:
            epoch, place = divmod(step, per_epoch)
            order = _order(count, seed, epoch, steps.device)
            lr = learning_rate(settings, step / total)
            steps.begin(order[place * batch : (place + 1) * batch], step / per_epoch, lr)
            for number, player in enumerate(players):
                if (step + 1) % player.every == 0:
                    steps.update(number)
            step += 1
            ended = step % per_epoch == 0
            saves = checkpoint is not None and step < total and (ended or checkpoint.due())
            if ended or saves or step % WATCH == 0 or reads_cheaply(steps.device):
                means = steps.means()
                for loss in (player.loss for player in players):
                    if not math.isfinite(value := means.get(loss, 0.0)):
                        raise TrainingDivergedError(
                            f"training {name}: the {loss} is {value} in epoch {epoch + 1}, step "
                            f"{step} of {total}; lower its learning rate (lr is {settings.lr})"
                            + _kept(checkpoint)
                        )
            if ended:
                row = {"epoch": epoch + 1, **means, "lr": lr}
                if evaluate:
                    model.eval()
                    row |= evaluate()
                    model.train()
                rows.append(row)
                steps.forget()
                logger.debug("%s: %s", name, row)
            if checkpoint and saves and steps.finite():  # keep the last good checkpoint
                checkpoint.save(steps.pack(), {"step": step, "rows": rows, "counts": steps.counts})
            last = rows[-1] if rows else {}
            shown = [k for k in last if "error" in k or any(k == player.loss for player in players)]
            say(step, ", ".join(f"{k} {last[k]:.4g}" for k in shown))
        if not steps.finite():
            raise TrainingDivergedError(
                f"training {name}: the weights are no longer finite after the last step; lower its "
                f"learning rate (lr is {settings.lr})"
            )
    model.eval()
    return rows


def _kept(checkpoint: Checkpoint | None) -> str:
    if checkpoint and checkpoint.path.exists():
        return f"; the last good checkpoint is kept in {checkpoint.path}"
    return ""


@dataclass(frozen=True)
class Training:
    """Arguments common to all trainings.

    Attributes:
        name: name of the network in progress lines and errors.
        settings: fields of `TrainingSettings`.
        seed: seed of the order of examples and, separately, of all other randomness.
        device: device of the training.
        checkpoint: the sidecar to resume from and save to.
    """

    name: str
    settings: Mapping[str, Any]
    seed: int
    device: torch.device
    checkpoint: Checkpoint | None = None

    @cached_property
    def generator(self) -> torch.Generator:
        """Generator of the objective's randomness; its state is part of the sidecar."""
        return seeded(self.seed, self.device)

    def fit(
        self,
        model: nn.Module,
        objective: Objective | Sequence[Player],
        *,
        count: int,
        evaluate: Evaluation | None = None,
    ) -> Curve:
        """Train ``model``, see `train`."""
        return train(
            model,
            objective,
            name=self.name,
            count=count,
            settings=TrainingSettings(**self.settings),
            seed=self.seed,
            generator=self.generator,
            checkpoint=self.checkpoint,
            evaluate=evaluate,
        )

    def trained(self, model: Model, curve: Curve, **note: Any) -> Trained[Model]:
        """Return the trained ``model`` with its curve and a ``note`` with seed and settings."""
        return Trained(model, curve, {"seed": self.seed, "training": self.settings, **note})


class Trained(NamedTuple, Generic[Model]):
    """A trained network, its training curve, and the metadata of its checkpoint (JSON)."""

    model: Model
    curve: Curve
    note: dict[str, Any]
