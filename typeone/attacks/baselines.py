"""Baselines of Type I attacks: change the class of an image without an optimiser.

The task is to make x an image of another class while f1 still predicts y. Three baselines:
``nearest`` takes a real image of the target class; ``interpolation`` moves on a straight line from
z to the mean latent of that class as far as f1 predicts y; ``random_latent`` draws latents until f1
predicts y. The paper has no such baselines.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor

from typeone.attacks.criteria import next_class
from typeone.attacks.shards import Rows, example_rows
from typeone.models.predictions import predict
from typeone.models.svae import SupervisedVAE
from typeone.runtime.devices import seeded
from typeone.runtime.errors import InputError

Classifier = Callable[[Tensor], Tensor]


@torch.no_grad()
def nearest_images(
    images: Tensor, target_labels: Tensor, candidates: Tensor, candidate_labels: Tensor
) -> Tensor:
    """Find the candidate of the target class nearest to each image (Euclidean), ``(N, C, H, W)``.

    Raises:
        InputError: no candidate of a target class.
    """
    nearest = torch.empty_like(images)
    for label in target_labels.unique():
        of_it = target_labels == label
        choice = candidates[_present(candidate_labels, int(label))]
        distance = torch.cdist(images[of_it].flatten(1), choice.flatten(1))
        nearest[of_it] = choice[distance.argmin(dim=1)]
    return nearest


def class_means(latent: Tensor, labels: Tensor, classes: int = 10) -> Tensor:
    """Average the latents of each class, ``(N, D)`` and ``(N,)`` → ``(classes, D)``.

    Raises:
        InputError: no latent of a class.
    """
    return torch.stack([latent[_present(labels, label)].mean(dim=0) for label in range(classes)])


def _present(labels: Tensor, label: int) -> Tensor:
    """Mask of ``labels`` that equal ``label``, bool ``(N,)``; raises `InputError` if none does."""
    found = labels == label
    if not found.any():
        raise InputError(
            f"no example of class {label} among {len(labels)}; needs at least one of each class: "
            "use more training digits"
        )
    return found


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
        kept = predict(classifier, predict(svae.decode, point)).argmax(dim=1) == labels[rest]
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
    said = predict(classifier, predict(svae.decode, drawn)).argmax(dim=1)
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


def baseline_rows(
    svae: SupervisedVAE,
    classifier: Classifier,
    images: Tensor,
    labels: Tensor,
    train: tuple[Tensor, Tensor],
    settings: Mapping[str, Any],
    *,
    seed: int,
) -> Rows:
    """Apply the baseline of ``settings`` to each of ``images`` ``(N, 1, H, W)`` in [0, 1].

    Args:
        train: training images and labels, the source of other classes.
        settings: ``method`` (nearest, interpolation or random_latent) and its settings.
        seed: added to the seed of ``settings`` for random draws.
    """

    def encode(batch: Tensor) -> Tensor:
        return predict(lambda part: svae.encode(svae.read(part))[0], batch)

    targets, start = next_class(labels), encode(images)
    if settings["method"] == "nearest":
        attacked = nearest_images(images, targets, *train)
        end = encode(attacked)
    else:
        if settings["method"] == "interpolation":
            goal = class_means(encode(train[0]), train[1])[targets]
            end = interpolate(svae, classifier, start, labels, goal, steps=settings["steps"])
        else:
            generator = seeded(settings["seed"] + seed, images.device)
            end = random_latents(svae, classifier, labels, generator, draws=settings["draws"])
        attacked = predict(svae.decode, end)
    positions = torch.arange(len(images))
    return example_rows(positions, images, labels, attacked, latent_start=start, latent_end=end)
