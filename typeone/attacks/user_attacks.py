"""A user's own attack: a function in a Python file, checked before and while it runs.

The function is called as ``attack(model, inputs, labels, targets, generator=g, **arguments)``, the
order of arguments of adversarial-library and AttackBench:

- ``model``: f1 in eval mode with frozen parameters, images → logits ``(N, classes)``;
- ``inputs``: ``(N, C, H, W)``, float32 in [0, 1]; a copy, which may be changed;
- ``labels``, ``targets``: y and the class that the image should show, int64 ``(N,)``;
- ``generator``: a `torch.Generator` on the device of ``inputs``, the only source of randomness;
- ``arguments``: those of the configuration.

It returns images like ``inputs``, on which f1 should still predict ``labels``.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from typeone.attacks.criteria import next_class
from typeone.attacks.shards import Rows, batches_of_shard, example_rows
from typeone.models.predictions import predict
from typeone.models.svae import SupervisedVAE
from typeone.runtime.checkpoints import Checkpoint, each
from typeone.runtime.devices import seeded
from typeone.runtime.errors import InputError
from typeone.runtime.logs import Progress
from typeone.runtime.user_code import failure, user_function

SIGNATURE = "attack(model, inputs, labels, targets, *, generator, **arguments) that returns images"


SAME = 1e-4
"""Largest difference of two calls with one generator; sums on a GPU can round differently."""


def _state(model: nn.Module) -> list[tuple[str, bool, int]]:
    """Return name, mode and number of hooks of each module, and the names of the tensors."""
    modules = [
        (name, module.training, len(module._forward_hooks) + len(module._forward_pre_hooks))
        for name, module in model.named_modules()
    ]
    return [*modules, *((name, False, 0) for name in model.state_dict())]


class UserAttack:
    """One user's attack on f1.

    Args:
        function: the attack.
        classifier: f1.
        arguments: keyword arguments of the attack.
        module: ``path/to/file.py:function``, for errors.
        key: name of the setting in errors.
        seed: each batch gets a generator of its own from it.
    """

    def __init__(
        self,
        function: Callable[..., Any],
        classifier: nn.Module,
        arguments: Mapping[str, Any],
        *,
        module: str,
        key: str,
        seed: int,
    ) -> None:
        self.function, self.classifier, self.arguments = function, classifier, dict(arguments)
        self.module, self.key, self.seed = module, key, seed

    def __call__(self, images: Tensor, labels: Tensor, *, first: int) -> Tensor:
        """Attack one batch and check the result; ``first``: position of its first example.

        Raises:
            InputError: the attack fails, returns anything but images like its inputs, or changes
                f1.
        """
        generator = seeded(self.seed * 1_000_003 + first, images.device)
        torch.manual_seed(self.seed * 1_000_003 + first)  # for code that ignores the generator
        model = copy.deepcopy(self.classifier)  # nothing that is done to it can change a number
        inputs = (model, images.clone(), labels.clone(), next_class(labels))
        try:
            with torch.enable_grad():
                changed = self.function(*inputs, generator=generator, **self.arguments)
        except (Exception, SystemExit) as error:  # user code can raise anything
            raise failure(error, self.module, key=self.key) from error
        changed = self._checked(changed, images)
        if _state(model) != _state(self.classifier) or any(
            not torch.equal(value, model.state_dict()[name])
            for name, value in self.classifier.state_dict().items()
        ):
            raise InputError(
                f"`{self.key}` is {self.module!r}, which changes the network that it attacks; "
                "needs to leave its weights, its eval mode and its hooks as they are"
            )
        return changed

    def _checked(self, found: object, images: Tensor) -> Tensor:
        who = f"`{self.key}` is {self.module!r}, which"
        if not isinstance(found, Tensor):
            raise InputError(f"{who} returns {type(found).__name__}; needs {SIGNATURE}")
        if found.shape != images.shape or not found.is_floating_point():
            raise InputError(
                f"{who} returns {found.dtype} of shape {tuple(found.shape)}; needs images like its "
                f"inputs, {images.dtype} of shape {tuple(images.shape)}"
            )
        found = found.detach().to(images)
        if not found.isfinite().all():
            raise InputError(f"{who} returns NaN or infinite pixels; needs images in [0, 1]")
        low, high = found.min().item(), found.max().item()
        if low < 0 or high > 1:
            raise InputError(
                f"{who} returns pixels from {low:.9g} to {high:.9g}; needs [0, 1]: clamp them"
            )
        return found

    def check_repeats(self, images: Tensor, labels: Tensor) -> None:
        """Refuse an attack that gives other images on a second call with the same generator."""
        first, again = (self(images, labels, first=0) for _ in range(2))
        if (first - again).abs().max() > SAME:
            raise InputError(
                f"`{self.key}` is {self.module!r}, which returns other images when it is called "
                "again; needs all randomness from `generator`, so that a run can be repeated"
            )


def attack_shard(
    svae: SupervisedVAE,
    classifier: nn.Module,
    images: Tensor,
    labels: Tensor,
    *,
    module: str,
    arguments: Mapping[str, Any],
    key: str,
    seed: int,
    chunk: int,
    shard: int = 0,
    shards: int = 1,
    checkpoint: Checkpoint | None = None,
) -> Rows:
    """Attack every ``shards``-th batch with a user's attack; return its rows.

    Args:
        svae: encodes images, for f2's view of them.
        images, labels: all examples, ``(N, C, H, W)`` in [0, 1] and ``(N,)``; the target is the
            next class.
        module: ``path/to/file.py:function``.
        arguments: keyword arguments of the function.
        key: name of the setting, for errors.
        seed: of all randomness.
        chunk: examples in a batch.
        checkpoint: the sidecar of finished batches.

    Raises:
        InputError: the shard has no batch, or the attack cannot be used.
    """
    batches = batches_of_shard(len(images), chunk=chunk, shard=shard, shards=shards)
    with user_function(module, key=key, needs=SIGNATURE, seed=seed) as function:
        attack = UserAttack(function, classifier, arguments, module=module, key=key, seed=seed)
        return attack_batches(svae, attack, images, labels, batches, checkpoint=checkpoint)


def attack_batches(
    svae: SupervisedVAE,
    attack: UserAttack,
    images: Tensor,
    labels: Tensor,
    batches: Sequence[Tensor],
    *,
    checkpoint: Checkpoint | None = None,
) -> Rows:
    """Attack the examples at the positions in ``batches``; return their rows.

    Arguments and errors are those of `attack_shard`.
    """
    say = Progress("attacking", len(batches))
    few = batches[0][:2]
    attack.check_repeats(images[few], labels[few])

    def attacked(positions: Tensor) -> dict[str, Tensor]:
        first = int(positions[0])
        return {"images": attack(images[positions], labels[positions], first=first)}

    parts = []
    for done, part in enumerate(each(checkpoint, batches, attacked), 1):
        parts.append(part["images"].to(images.device))
        say(done)

    def encode(batch: Tensor) -> Tensor:
        return predict(lambda some: svae.encode(svae.read(some))[0], batch)

    positions, found = torch.cat(list(batches)), torch.cat(parts)
    mine = images[positions]
    latent = {"latent_start": encode(mine), "latent_end": encode(found)}
    return example_rows(positions, mine, labels[positions], found, classes=10, **latent)
