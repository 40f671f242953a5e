"""Attacks on, and audits of, any `torch.nn.Module` from images to logits or embeddings.

`type1` changes what an image shows while f1 keeps its label (Algorithm 2). `type2` changes f1's
label while the image still shows the same. Both check f1 and the images first, evaluate the image
as stored, in 8 bits, and leave f1 and its gradients unchanged.

Images are ``(N, C, H, W)``, float32 in [0, 1]; f1's normalisation belongs inside f1.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any, Literal

import torch
from torch import Tensor, nn

from typeone.attacks import embedding, shards
from typeone.attacks import type2 as labelled
from typeone.attacks.attacked import Attacked, Type1Attacked
from typeone.attacks.criteria import Keep, identity_criterion, label_criterion, next_class
from typeone.attacks.embedding import EmbeddingAttackSettings
from typeone.attacks.svae_settings import SvaeAttackSettings
from typeone.attacks.type2 import Type2Settings
from typeone.data.images import from_uint8, to_uint8
from typeone.evaluation.audit.attacks import OwnAttack
from typeone.evaluation.audit.kit import KitModule
from typeone.models.density import DenseVAE
from typeone.models.input_checks import (
    check_images,
    check_kind,
    check_labels,
    check_right,
    check_threshold,
)
from typeone.models.network_checks import Adapted, check_outputs, check_state
from typeone.models.predictions import NO_LABEL, labels_of, predict
from typeone.models.svae import SupervisedVAE
from typeone.reporting.card.audits import audit_with
from typeone.reporting.card.card import Card
from typeone.reporting.card.faces import FaceCard
from typeone.runtime.errors import InputError
from typeone.runtime.ranges import COUNT, SEED, require
from typeone.training.losses import embedding_distance


def type1(
    f1: nn.Module,
    svae: SupervisedVAE,
    images: Tensor,
    labels: Tensor,
    settings: SvaeAttackSettings,
    *,
    threshold: float | None = None,
    attackers: Sequence[nn.Module] = (),
    density: DenseVAE | None = None,
    squeezers: Sequence[Callable[[Tensor], Tensor]] = (),
    chunk: int = 64,
) -> Type1Attacked:
    """Change ``images`` into the next class while f1 keeps its label, or sees the same person.

    Args:
        f1: images → logits over the SVAE's classes; with ``threshold``, images → embeddings.
        svae: trained on such images, `load_svae`.
        images: those that f1 gets right.
        labels: true classes, int64 ``(N,)``.
        settings: of Algorithm 2.
        threshold: the largest distance of embeddings at which f1 takes two images for one person.
        attackers: classifiers of images, for settings with an ``image_weight``; in eval mode.
        density: a density model, `load_density`, for settings with a ``density_weight``.
        squeezers: of `differentiable_squeezers`, for an attack on f1 with this detector; for
            logits.
        chunk: examples attacked at a time, which bounds the memory.

    Randomness: none.

    Raises:
        InputError: an argument cannot be used, or f1 gets an image wrong.
    """
    check_kind("f1", f1, nn.Module)
    check_kind("svae", svae, SupervisedVAE)
    check_kind("settings", settings, SvaeAttackSettings)
    check_kind("density", density, DenseVAE, type(None))
    check_kind("labels", labels, Tensor)
    require("chunk", chunk, COUNT)
    for i, network in enumerate(attackers):
        check_kind(f"attackers[{i}]", network, nn.Module)
    networks = {"f1": f1, "svae": svae}
    networks |= {f"attackers[{i}]": network for i, network in enumerate(attackers)}
    networks |= {
        f"squeezers[{i}]": squeezer
        for i, squeezer in enumerate(squeezers)
        if isinstance(squeezer, nn.Module)
    }
    who = {role: _named(network, role) for role, network in networks.items()}
    with _under_attack(networks, images) as taken:
        images, labels, f1 = _usable(images), _usable(labels), taken["f1"]
        with torch.no_grad():
            origin = images.new_zeros((1, svae.latent_dim))
            drawn, classes = svae.decode(origin), svae.classify(origin).shape[1]
        if drawn.shape[1:] != images.shape[1:]:
            raise InputError(
                f"images are {tuple(images.shape)}, but the SVAE generates "
                f"{tuple(drawn.shape[1:])}; needs images like those that it was trained on"
            )
        check_labels(labels, images, classes)
        if threshold is None:
            check_outputs(f1, images, who=who["f1"], classes=classes)
        else:
            check_threshold(threshold)
            check_outputs(f1, images, who=who["f1"], gives="embeddings")
        asked = [role for role in taken if role.startswith("attackers")]
        for role in asked if settings.image_weight > 0 else ():
            check_outputs(taken[role], images, who=who[role], classes=classes)
        before = predict(f1, images)
        keep: Callable[[Tensor, Tensor], Keep]
        if threshold is None:
            check_right(before, labels)
            keep = label_criterion(f1, squeezers)
        else:
            keep = identity_criterion(f1, threshold)
        rows, _ = shards.attack_shard(
            svae,
            images,
            labels,
            settings,
            keep=keep,
            classes=classes,
            attackers=[taken[role] for role in asked],
            density=density,
            chunk=chunk,
        )
        stored = from_uint8(rows["adversarial_image"], images.device)
        outputs = predict(f1, stored)
        targets = next_class(labels, classes)
        ends = torch.from_numpy(rows["latent_end"]).to(images)
        kept, changed = _kept_and_changed(outputs, before, labels, threshold)
        return Type1Attacked(
            images=stored,
            kept=kept,
            changed=changed,
            outputs=outputs,
            gradient_vanishes=torch.from_numpy(rows["gradient_vanishes"]).to(images.device),
            targets=targets,
            turned=predict(svae.classify, ends).argmax(dim=1) == targets,
            steps=torch.from_numpy(rows["steps"]),
            converged=torch.from_numpy(rows["converged"]),
        )


def type2(
    f1: nn.Module,
    images: Tensor,
    labels: Tensor | None,
    settings: Type2Settings | EmbeddingAttackSettings,
    *,
    seed: int,
    threshold: float | None = None,
) -> Attacked:
    """Make f1 leave its label, or see another person, within small noise.

    Args:
        f1: images → logits under `Type2Settings`, → embeddings under `EmbeddingAttackSettings`.
        images: those that f1 gets right.
        labels: true classes, int64 ``(N,)``; None for embeddings.
        seed: of the random starts.
        threshold: as for `type1`; for embeddings.

    Raises:
        InputError: f1, images, labels or settings cannot be used, or f1 gets an image wrong.
    """
    check_kind("f1", f1, nn.Module)
    check_kind("settings", settings, Type2Settings, EmbeddingAttackSettings)
    check_kind("labels", labels, Tensor, type(None))
    require("seed", seed, SEED)
    of_embeddings = isinstance(settings, EmbeddingAttackSettings)
    if of_embeddings != (threshold is not None) or of_embeddings != (labels is None):
        raise InputError(
            f"settings are {type(settings).__name__}, labels are "
            f"{'None' if labels is None else 'given'}, threshold is {threshold}; needs "
            "Type2Settings with labels, or EmbeddingAttackSettings with a threshold"
        )
    who = _named(f1)
    with _under_attack({"f1": f1}, images) as taken:
        images, f1 = _usable(images), taken["f1"]
        gives: Literal["logits", "embeddings"] = "embeddings" if of_embeddings else "logits"
        check_outputs(f1, images, who=who, gives=gives)
        before = predict(f1, images)
        if isinstance(settings, EmbeddingAttackSettings):
            check_threshold(threshold)
            generator = torch.Generator().manual_seed(seed)
            moved = embedding.attack(f1, images, settings, generator=generator)
            found, blind = moved.images, moved.vanishing
        else:
            assert labels is not None  # checked above
            labels = _usable(labels)
            check_labels(labels, images, before.shape[1])
            check_right(before, labels)
            result = labelled.attack(f1, images, labels, settings, seed=seed)
            found, blind = result.images, result.vanishing
        stored = to_uint8(found).float() / 255
        outputs = predict(f1, stored)
        kept, changed = _kept_and_changed(outputs, before, labels, threshold)
        return Attacked(stored, kept, changed, outputs, blind)


def audit(
    model: nn.Module,
    *,
    kit: KitModule | str | os.PathLike[str],
    threshold: float | None = None,
    name: str | None = None,
    count: int | None = None,
    attacks: Mapping[str, Callable[..., Any]] | None = None,
    seed: int = 0,
    device: torch.device | str = "cpu",
    progress: bool = True,
) -> Card | FaceCard:
    """Attack a network with every attack of a kit, and return its card.

    Args:
        model: images ``(N, 1, 28, 28)`` in [0, 1] → logits ``(N, 10)``; or, with ``threshold``,
            faces ``(N, 3, 64, 64)`` → embeddings ``(N, D)``. A copy is attacked.
        kit: a kit, or the path of its file; for a ``threshold`` (see `type1`) one for recognizers.
        name: name on the card; the type of ``model`` by default.
        count: number of attacked images, the first that the model gets right; default: the kit's.
        attacks: your own attacks by name, see `typeone.attacks.user_attacks`.
        seed: of random starts.
        device: where the audit runs.
        progress: whether a line is printed after each attack.

    Raises:
        InputError: the model, the kit or an attack cannot be used.
    """
    check_kind("attacks", attacks, Mapping, type(None))
    check_kind("name", name, str, type(None))
    own = {key: OwnAttack.of(function) for key, function in (attacks or {}).items()}
    kind = type(model).__name__
    return audit_with(
        model,
        kit,
        name=name or kind,
        who=f"model is a {kind}",
        threshold=threshold,
        count=count,
        own=own,
        seed=seed,
        device=device,
        say=print if progress else lambda line: None,
    )


def _kept_and_changed(
    outputs: Tensor, before: Tensor, labels: Tensor | None, threshold: float | None
) -> tuple[Tensor, Tensor]:
    """Compare outputs on attacked images with those ``before``, or with labels, bool ``(N,)`` each.

    An output that is not finite is neither kept nor changed.
    """
    if threshold is not None:
        distance = embedding_distance(outputs, before)
        return distance <= threshold, distance.isfinite() & (distance > threshold)
    assert labels is not None
    said = labels_of(outputs)
    return said == labels, (said != labels) & (said != NO_LABEL)


def _named(network: nn.Module, role: str = "f1") -> str:
    return f"{role} is a {type(network).__name__}"


def _usable(tensor: Tensor) -> Tensor:
    """Return a tensor that supports gradients, even if it was made under inference mode."""
    return tensor.clone() if tensor.is_inference() else tensor


@contextmanager
def _under_attack(
    networks: Mapping[str, nn.Module], images: Tensor
) -> Iterator[dict[str, nn.Module]]:
    """Check modules and images, then run the block with gradients and with f1 frozen.

    ``networks``: by role, with f1 among them. Yields f1 and the attackers as attacks use them, and
    restores the state of all networks afterwards.
    """
    check_images(images)
    for role, network in networks.items():
        check_state(network, images.device, who=_named(network, role))
    f1 = networks["f1"]
    asked = [(p, p.requires_grad) for p in f1.parameters()]
    with ExitStack() as stack:
        stack.enter_context(torch.inference_mode(False))
        stack.enter_context(torch.enable_grad())
        stack.callback(_ask, asked)
        _ask([(p, False) for p, _ in asked])
        yield {
            role: Adapted(network, images)
            for role, network in networks.items()
            if role.startswith(("f1", "attackers"))
        }


def _ask(asked: Sequence[tuple[nn.Parameter, bool]]) -> None:
    for parameter, wanted in asked:  # a scripted module has no requires_grad_
        parameter.requires_grad_(wanted)
