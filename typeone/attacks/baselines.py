"""Baselines of Type I attacks, to compare Algorithm 2 with.

The task is to make x an image of another class while f1 still predicts y. ``nearest`` takes a real
image of the target class; ``interpolation`` moves on a straight line from z to the mean latent of
that class as far as f1 predicts y; ``random_latent`` draws latents until f1 predicts y;
``diffusion`` redraws x by a diffusion model (`typeone.attacks.diffusion`). The others know a real
image of the target class (`typeone.attacks.real_targets`, `.invariance`). The paper has no
baselines.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from typeone.attacks import type2
from typeone.attacks.criteria import next_class
from typeone.attacks.diffusion import guided_diffusion
from typeone.attacks.gradients import label_margin, vanishing_of_loss
from typeone.attacks.invariance import invariance_l0, invariance_linf
from typeone.attacks.real_targets import (
    level_set_traversal,
    nearest_images,
    of_class,
    random_images,
)
from typeone.attacks.shards import Rows, example_rows
from typeone.models.diffusion import Denoiser
from typeone.models.predictions import labels_of, predict
from typeone.models.svae import SupervisedVAE
from typeone.runtime.checkpoints import Checkpoint
from typeone.runtime.devices import seeded
from typeone.runtime.errors import InputError

Classifier = Callable[[Tensor], Tensor]


def class_means(latent: Tensor, labels: Tensor, classes: int = 10) -> Tensor:
    """Average the latents of each class, ``(N, D)`` and ``(N,)`` → ``(classes, D)``.

    Raises:
        InputError: no latent of a class.
    """
    return torch.stack([latent[of_class(labels, label)].mean(dim=0) for label in range(classes)])


@torch.no_grad()
def interpolate(
    svae: SupervisedVAE,
    classifier: Classifier,
    latent: Tensor,
    labels: Tensor,
    goal: Tensor,
    *,
    steps: int,
) -> Tensor:
    """Find the furthest of ``steps`` points from ``latent`` to ``goal`` that keeps the label.

    ``latent``, ``goal`` and the result are ``(N, D)``. A point keeps the label if the classifier
    predicts ``labels`` ``(N,)`` on its decoded image. An example without such a point gets its
    start.
    """
    furthest = latent.clone()
    rest = torch.arange(len(latent), device=latent.device)
    for step in range(steps, 0, -1):  # backwards from the goal: most examples stop early
        point = torch.lerp(latent[rest], goal[rest], step / steps)
        kept = labels_of(predict(classifier, predict(svae.decode, point))) == labels[rest]
        furthest[rest[kept]] = point[kept]
        rest = rest[~kept]
        if not len(rest):
            break
    return furthest


@torch.no_grad()
def random_latents(
    svae: SupervisedVAE,
    classifier: Classifier,
    labels: Tensor,
    generator: torch.Generator,
    *,
    draws: int,
) -> Tensor:
    """Draw a different z ~ N(0, I) with the required label for each example, ``(N, D)``.

    ``draws`` latents are drawn, classified after decoding and assigned in the order of drawing.
    If a label has too few draws, each remaining example gets the first draw with another label, so
    that it counts as a failure instead of missing.

    Raises:
        InputError: a label has too few draws, and all draws have that label.
    """
    drawn = torch.randn(draws, svae.latent_dim, generator=generator, device=labels.device)
    said = labels_of(predict(classifier, predict(svae.decode, drawn)))
    chosen = drawn.new_empty((len(labels), svae.latent_dim))
    for label in labels.unique():
        asking = (labels == label).nonzero().flatten()
        answers = (said == label).nonzero().flatten()[: len(asking)]
        chosen[asking[: len(answers)]] = drawn[answers]
        if len(answers) < len(asking):
            others = (said != label).nonzero().flatten()
            if not len(others):
                raise InputError(
                    f"`draws` is {draws}, all of class {int(label)}, of which {len(asking)} are "
                    "needed; draw more"
                )
            chosen[asking[len(answers) :]] = drawn[others[0]]
    return chosen


METHODS = (
    *("nearest", "interpolation", "random_latent"),
    *("real_target", "level_set", "invariance_linf", "invariance_l0"),
    "diffusion",
)
"""The baselines, each a method of `Baselines`."""


class ChangedImages(NamedTuple):
    """Result of a baseline on N images.

    Attributes:
        images: ``(N, C, H, W)`` in [0, 1].
        latent: latents of decoded images, ``(N, D)``; None for other images.
        vanishing: whether f1's gradient vanishes where the attack starts, ``(N,)``; None for
            methods that do not use it.
    """

    images: Tensor
    latent: Tensor | None = None
    vanishing: Tensor | None = None


class Baselines:
    """The baselines of one classifier.

    Args:
        svae: encodes x, and decodes latents.
        classifier: f1.
        images, labels: x ``(N, 1, H, W)`` in [0, 1] and y, int64 ``(N,)``; the target is the next
            class.
        train: training images and labels, the source of other classes.
        seed: added to the seeds of random draws.
        denoiser: the diffusion model, for ``diffusion``.
        checkpoint: the sidecar of finished chunks.
    """

    def __init__(
        self,
        svae: SupervisedVAE,
        classifier: nn.Module,
        images: Tensor,
        labels: Tensor,
        train: tuple[Tensor, Tensor],
        *,
        seed: int,
        denoiser: Denoiser | None = None,
        checkpoint: Checkpoint | None = None,
    ) -> None:
        self.denoiser = denoiser
        self.svae, self.classifier = svae, classifier
        self.images, self.labels, self.targets = images, labels, next_class(labels)
        self.train, self.seed, self.checkpoint = train, seed, checkpoint

    def encode(self, images: Tensor) -> Tensor:
        """Return the latents mu(x) of ``images``, ``(N, D)``."""
        return predict(lambda part: self.svae.encode(self.svae.read(part))[0], images)

    def decoded(self, latent: Tensor) -> ChangedImages:
        """Return the images of latents ``(N, D)``."""
        return ChangedImages(predict(self.svae.decode, latent), latent)

    def nearest(self) -> ChangedImages:
        """The nearest training image of the target class, unchanged."""
        return ChangedImages(nearest_images(self.images, self.targets, *self.train))

    def interpolation(self, *, steps: int) -> ChangedImages:
        """The line to the mean latent of the target class, see `interpolate`."""
        goal = class_means(self.encode(self.train[0]), self.train[1])[self.targets]
        start = self.encode(self.images)
        return self.decoded(
            interpolate(self.svae, self.classifier, start, self.labels, goal, steps=steps)
        )

    def random_latent(self, *, draws: int, seed: int) -> ChangedImages:
        """Random latents with the required label, see `random_latents`."""
        generator = seeded(seed + self.seed, self.images.device)
        return self.decoded(
            random_latents(self.svae, self.classifier, self.labels, generator, draws=draws)
        )

    def real_target(self, *, start: str, noise: Mapping[str, Any], seed: int) -> ChangedImages:
        """Noise on a real image of the target class, by a Type II attack."""
        if start == "nearest":
            real = self.nearest().images
        else:
            generator = seeded(seed + self.seed, self.images.device)
            real = random_images(self.targets, *self.train, generator)
        found = type2.attack(
            self.classifier,
            real,
            self.labels,
            type2.Type2Settings(**noise),
            targeted=True,
            seed=seed + self.seed,
            checkpoint=self.checkpoint,
        )
        return ChangedImages(found.images, vanishing=found.vanishing)

    def level_set(self, **settings: Any) -> ChangedImages:
        """The walk to the nearest training image of the target class, see `level_set_traversal`."""
        real = self.nearest().images
        # not the cross-entropy, whose gradient is 0 where f1 is certain: there the walk is straight
        blind = vanishing_of_loss(self.classifier, self.images, self.labels, label_margin)
        moved = level_set_traversal(self.classifier, self.images, self.labels, real, **settings)
        return ChangedImages(moved, vanishing=blind)

    def invariance_linf(self, **settings: Any) -> ChangedImages:
        """The step to a training image within a ball, see `invariance_linf`."""
        return ChangedImages(invariance_linf(self.images, self.targets, *self.train, **settings))

    def invariance_l0(self, *, seed: int, **settings: Any) -> ChangedImages:
        """Few pixels of a training image, chosen by f2, see `invariance_l0`."""
        changed = invariance_l0(
            self.images,
            self.targets,
            *self.train,
            lambda images: self.svae.classify(self.encode(images)),
            seeded(seed + self.seed, self.images.device),
            **settings,
        )
        return ChangedImages(changed)

    def diffusion(self, *, seed: int, **settings: Any) -> ChangedImages:
        """Images redrawn as the target class, see `guided_diffusion`."""
        if self.denoiser is None:
            raise InputError(
                "`method` is 'diffusion', which needs a diffusion model; pass `denoiser`"
            )
        drawn = guided_diffusion(
            self.denoiser,
            self.classifier,
            *(self.images, self.labels, self.targets),
            seeded(seed + self.seed, self.images.device),
            **settings,
        )
        if settings["scale"] == 0:
            return ChangedImages(drawn)
        vanishing = vanishing_of_loss(self.classifier, self.images, self.labels, label_margin)
        return ChangedImages(drawn, vanishing=vanishing)

    def rows(self, *, method: str, **settings: Any) -> Rows:
        """Return the rows of one baseline of `METHODS`, with its ``settings``.

        Raises:
            InputError: the method is unknown, or there is no training image of a target class.
        """
        if method not in METHODS:
            raise InputError(f"`method` is {method!r}; needs one of {', '.join(METHODS)}")
        changed: ChangedImages = getattr(self, method)(**settings)
        latent = self.encode(changed.images) if changed.latent is None else changed.latent
        columns = {"latent_start": self.encode(self.images), "latent_end": latent}
        if changed.vanishing is not None:
            columns["gradient_vanishes"] = changed.vanishing
        return example_rows(
            torch.arange(len(self.images)),
            self.images,
            self.labels,
            changed.images,
            classes=10,
            **columns,
        )
