"""What any Type I attack must be compared with: changing an image without an optimiser.

Three answers to «make x another class while f1 says y»: take a real image of the target class; go
straight from z to the mean latent of that class, as far as f1 allows; draw latents until f1 says y.
The paper has none of them.
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
    """Of each target class the candidate nearest to the image (Euclidean), ``(N, C, H, W)``.

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
    """Mean latent of each class, ``(N, D)`` and ``(N,)`` → ``(classes, D)``.

    Raises:
        InputError: no latent of a class.
    """
    return torch.stack([latent[_present(labels, label)].mean(dim=0) for label in range(classes)])


def _present(labels: Tensor, label: int) -> Tensor:
    """Where ``labels`` are ``label``, of which there must be one."""
    found = labels == label
    if not found.any():
        raise InputError(
            f"no example of class {label} among {len(labels)}; a baseline needs one of each class, "
            "take more training digits"
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
    """The furthest of ``steps`` points on the line from ``latent`` to ``goal``, each ``(N, D)``, at
    which the classifier still says ``labels`` ``(N,)``; where it says so nowhere, the start."""
    furthest = latent.clone()
    rest = torch.arange(len(latent), device=latent.device)
    for step in range(steps, 0, -1):  # from the goal on: most need not go all the way back
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
    """For each label another z ~ N(0, I) that the classifier gives that label, ``(N, D)``.

    Of ``draws`` latents in the order of drawing; an example that they are too few for gets the
    first draw that the classifier calls something else: a failure, not a gap.

    Raises:
        InputError: too few draws of a label, and all of them have it.
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
    """An image made of each of ``images`` ``(N, 1, H, W)`` by the method of ``settings``.

    ``train``: images and labels that other classes are taken from. ``seed``: added to that of
    random draws.
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
