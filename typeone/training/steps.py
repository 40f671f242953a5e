"""The steps of a training: objectives, optimisers and the sums of what they record.

On a GPU a step is recorded as CUDA graphs after a few plain ones (`typeone.runtime.cuda_graphs`):
Python alone would start its hundreds of small kernels several times slower than the GPU runs them.
An objective that cannot be recorded, for instance one that reads faces from a file in each step,
runs kernel by kernel, with a warning.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from typeone.runtime.cuda_graphs import GraphedStep, graphs_on, reads_cheaply

Objective = Callable[[Tensor, float | Tensor], Mapping[str, Tensor]]
"""(row numbers of a batch ``(M,)``, epochs so far) → values for each example by name; ``loss`` is
minimised, the others are only recorded. On a GPU the epochs are a tensor, see `warm_up_share`."""


class Player(NamedTuple):
    """One side of an adversarial training, with its own parameters and optimiser.

    Attributes:
        parameters: parameters to update.
        objective: its objective; no two players record a value of the same name.
        loss: name of the value to minimise.
        every: steps between updates; the update is at the last of them.
        moved: called after each update.
    """

    parameters: Sequence[nn.Parameter]
    objective: Objective
    loss: str = "loss"
    every: int = 1
    moved: Callable[[], None] | None = None


def warm_up_share(epochs: float | Tensor, warmup: float) -> float | Tensor:
    """Share of a warm-up of ``warmup`` epochs that is over, in [0, 1]; 1 without a warm-up."""
    if not warmup:
        return 1.0
    done = epochs / warmup
    return done.clamp(max=1.0) if isinstance(done, Tensor) else min(1.0, done)


class Steps:
    """Updates of ``players`` by AdamW, with the sums of the values that their objectives return.

    Args:
        model: contains the parameters and buffers that steps change.
        generator: the source of the objectives' randomness; on the device of the training.
        name: of the network, for the log.
        lr, beta1, weight_decay: see `typeone.training.loop.TrainingSettings`.

    Attributes:
        sums: for each name, the sum of the batch means, float64 ``()``.
        counts: for each name, the number of these means.
    """

    def __init__(
        self,
        model: nn.Module,
        players: Sequence[Player],
        generator: torch.Generator,
        *,
        name: str,
        lr: float,
        beta1: float,
        weight_decay: float,
    ) -> None:
        self.model, self.players, self.generator = model, players, generator
        self.device = generator.device
        on_gpu = not reads_cheaply(self.device)
        # a recorded step reads numbers that change from tensors
        self._lr = torch.tensor(lr, dtype=torch.float32, device=self.device) if on_gpu else lr
        self._epochs = torch.zeros((), dtype=torch.float64, device=self.device) if on_gpu else 0.0
        self._rows: Tensor | None = None
        how: dict[str, Any] = {"betas": (beta1, 0.999), "weight_decay": weight_decay}
        how |= {"fused": True, "capturable": True} if on_gpu else {}
        self.optimizers = [
            torch.optim.AdamW(player.parameters, lr=self._lr, **how) for player in players
        ]
        self.sums: dict[str, Tensor] = {}
        self.counts: dict[str, int] = {}
        self._names: dict[int, list[str]] = {}
        draws = [generator]
        self._graphs = GraphedStep(
            self._state, graphs_on(self.device, draws), name=f"training {name}", generators=draws
        )

    def begin(self, rows: Tensor, epochs: float, lr: float) -> None:
        """Set batch ``rows`` ``(M,)``, epochs so far and learning rate of the next step."""
        if isinstance(self._epochs, Tensor) and isinstance(self._lr, Tensor):
            if self._rows is None:
                self._rows = torch.empty_like(rows, device=self.device)
            self._rows.copy_(rows)
            self._epochs.fill_(epochs)
            self._lr.fill_(lr)
        else:
            self._rows, self._epochs, self._lr = rows, epochs, lr
        for optimizer in self.optimizers:
            for group in optimizer.param_groups:
                group["lr"] = self._lr

    def update(self, number: int) -> None:
        """Update the player of this ``number``."""
        player, optimizer = self.players[number], self.optimizers[number]

        def compute() -> tuple[Tensor, ...]:
            assert self._rows is not None, "begin was not called"
            values = player.objective(self._rows, self._epochs)
            means = {key: value.mean() for key, value in values.items()}
            self._names[number] = list(means)
            optimizer.zero_grad(set_to_none=True)
            means[player.loss].backward(inputs=player.parameters)
            return tuple(mean.detach() for mean in means.values())

        def change(means: tuple[Tensor, ...]) -> None:
            optimizer.step()
            if player.moved:
                player.moved()
            for key, mean in zip(self._names[number], means, strict=True):
                if key not in self.sums:
                    self.sums[key] = torch.zeros((), dtype=torch.float64, device=self.device)
                self.sums[key] += mean

        self._graphs.update(self._graphs.evaluate(number, compute, change), change)
        for key in self._names[number]:
            self.counts[key] = self.counts.get(key, 0) + 1

    def means(self) -> dict[str, float]:
        """Return the means of what was recorded since `forget`."""
        return {k: total.item() / n for k, total in self.sums.items() if (n := self.counts.get(k))}

    def forget(self) -> None:
        """Begin new sums."""
        for total in self.sums.values():
            total.zero_()
        self.counts = dict.fromkeys(self.counts, 0)

    def finite(self) -> bool:
        """Return whether all trained parameters are finite."""
        return all(
            bool(torch.isfinite(parameter).all())
            for player in self.players
            for parameter in player.parameters
        )

    def pack(self) -> dict[str, Tensor]:
        """Return model, optimisers, sums and random state as tensors by name."""
        tensors = {f"model.{k}": v for k, v in self.model.state_dict().items()}
        tensors |= {f"sums.{k}": v for k, v in self.sums.items()}
        for number, optimizer in enumerate(self.optimizers):
            for i, slots in optimizer.state_dict()["state"].items():
                for key, value in slots.items():
                    tensors[f"optimizer.{number}.{i}.{key}"] = torch.as_tensor(value)
        return tensors | {"generator": self.generator.get_state()}

    def unpack(self, tensors: Mapping[str, Tensor], counts: Mapping[str, int]) -> None:
        """Restore the tensors of `pack`, and ``counts``, before the first step."""
        self.model.load_state_dict({k[6:]: v for k, v in tensors.items() if k.startswith("model.")})
        self.counts = dict(counts)  # in the order of the training curve
        self.sums = {k: tensors[f"sums.{k}"].to(self.device) for k in counts}
        states: list[dict[int, dict[str, Tensor]]] = [{} for _ in self.optimizers]
        for key, value in tensors.items():
            if key.startswith("optimizer."):
                _, number, i, name = key.split(".", 3)
                states[int(number)].setdefault(int(i), {})[name] = value
        for optimizer, slots in zip(self.optimizers, states, strict=True):
            optimizer.load_state_dict({**optimizer.state_dict(), "state": slots})
            for parameter, moments in optimizer.state.items():  # fused Adam needs equal strides
                moments |= {
                    key: torch.empty_like(parameter).copy_(value)
                    for key, value in moments.items()
                    if value.shape == parameter.shape and value.ndim
                }
        self.generator.set_state(tensors["generator"])

    def _state(self) -> list[Tensor]:
        slots = [
            slot
            for optimizer in self.optimizers
            for of_parameter in optimizer.state.values()
            for slot in of_parameter.values()
        ]
        return [*self.model.state_dict().values(), *slots, *self.sums.values()]
