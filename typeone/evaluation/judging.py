"""Add to attacked images what f1, f2 and independent judges see in them, and whether they succeed.

All judge the image that is stored, as uint8. Digits are judged by the oracle, faces by a panel of
judges of gender (Eq. 1 and 2, IV-B).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor, nn

from typeone.data.images import binarise, from_uint8
from typeone.evaluation.face_success import gender_changed
from typeone.evaluation.oracle import Ensemble
from typeone.evaluation.panels import PanelVerdict, panel_verdict
from typeone.evaluation.success import type1_success, type1_targeted_success, type2_success
from typeone.models.predictions import predict
from typeone.models.svae import SupervisedVAE
from typeone.training.losses import embedding_distance

Rows = dict[str, np.ndarray]


def image_distances(before: Tensor, after: Tensor) -> Rows:
    """Columns distance_l2 and distance_linf of images ``(N, C, H, W)``, ``(N,)`` each."""
    moved = (after - before).flatten(1)
    return {
        "distance_l2": moved.norm(dim=1).cpu().numpy(),
        "distance_linf": moved.abs().amax(dim=1).cpu().numpy(),
    }


def f2_labels(svae: SupervisedVAE, latent: Tensor) -> np.ndarray:
    """f2's labels of latents ``(N, D)``, ``(N,)``."""
    return svae.classify(latent).argmax(dim=1).cpu().numpy()


def confidence_at(probabilities: Tensor, labels: np.ndarray) -> np.ndarray:
    """The probabilities ``(N, classes)`` of ``labels`` ``(N,)``, ``(N,)``."""
    device = probabilities.device
    chosen = torch.from_numpy(np.array(labels)).to(device)
    return probabilities[torch.arange(len(labels), device=device), chosen].cpu().numpy()


@torch.no_grad()
def judge_digits(
    rows: Rows,
    *,
    f1: Callable[[Tensor], Tensor],
    svae: SupervisedVAE,
    oracle: Ensemble,
    members: Sequence[str],
    clear_confidence: float,
    device: torch.device | str,
) -> Rows:
    """``rows`` with the views of all networks, ``(N,)`` each.

    Args:
        rows: label, image and adversarial_image (uint8); latent_end, target_label and found of
            those attacks that have them.
        members: names of the oracle's members.
        clear_confidence: in [0, 1], from which the oracle counts as sure.
    """
    rows = dict(rows)
    label = rows["label"]
    before, after = (from_uint8(rows[k], device) for k in ("image", "adversarial_image"))
    for when, images in (("before", before), ("after", after)):
        probabilities = predict(f1, images).softmax(dim=1)
        rows[f"f1_label_{when}"] = probabilities.argmax(dim=1).cpu().numpy()
        rows[f"f1_confidence_{when}"] = confidence_at(probabilities, label)
    if "latent_end" in rows:
        rows["f2_latent_label"] = f2_labels(svae, torch.from_numpy(rows["latent_end"]).to(device))
    encoded = predict(lambda x: svae.encode(binarise(x))[0], after)
    rows["f2_image_label"] = f2_labels(svae, encoded)
    rows["oracle_label_before"] = predict(oracle, before).argmax(dim=1).cpu().numpy()
    seen = oracle.verdict(after, clear_confidence=clear_confidence)
    for member, labels in zip(members, seen.member_labels, strict=True):
        rows[f"oracle_{member}_label"] = labels.cpu().numpy()
    rows["oracle_label"] = seen.label.cpu().numpy()
    rows["oracle_confidence"] = seen.confidence.cpu().numpy()
    rows["oracle_clear"] = seen.clear.cpu().numpy()
    rows |= image_distances(before, after)
    f1_after, judged, clear = (rows[k] for k in ("f1_label_after", "oracle_label", "oracle_clear"))
    rows["type1_success_f2"] = type1_success(label, f1_after, rows["f2_image_label"])
    rows["type1_success_oracle"] = type1_success(label, f1_after, judged)
    rows["type1_success_clear"] = rows["type1_success_oracle"] & clear
    if "target_label" in rows:
        target = rows["target_label"]
        rows["type1_targeted_oracle"] = type1_targeted_success(label, f1_after, judged, target)
    if "found" in rows:
        rows["found_stored"] = f1_after != label
        rows["type2_success_oracle"] = type2_success(label, f1_after, judged)
    return rows


@torch.no_grad()
def digit_trace(
    trace: Rows, labels: np.ndarray, f1: Callable[[Tensor], Tensor], device: torch.device | str
) -> Rows:
    """``trace`` with the label of each traced image, and f1's softmax at it.

    Args:
        trace: position, a row of ``labels``, and image (uint8).
        labels: of all examples, ``(N,)``.
    """
    label = np.array(labels[trace["position"]])
    probabilities = predict(f1, from_uint8(trace["image"], device)).softmax(dim=1)
    return {**trace, "label": label, "f1_confidence": confidence_at(probabilities, label)}


@torch.no_grad()
def judge_faces(
    rows: Rows,
    *,
    recognizer: nn.Module,
    svae: SupervisedVAE,
    judges: Sequence[nn.Module],
    members: Sequence[str],
    clear_confidence: float,
    chunk: int,
    device: torch.device | str,
) -> Rows:
    """``rows`` with the views of all networks, ``(N,)`` each.

    Gender has changed where the judges see a face of the other one, and saw the labelled one in the
    original. The same person depends on a threshold, so that rows hold f1's distance alone.

    Args:
        rows: label, image and adversarial_image (uint8); latent_end of those attacks that have it.
        members: names of the ``judges``.
        clear_confidence: in [0, 1], from which the judges count as sure.
        chunk: images in one call of a network.
    """
    rows = dict(rows)
    before, after = (from_uint8(rows[k], device) for k in ("image", "adversarial_image"))

    def encoded(images: Tensor) -> Tensor:
        return predict(lambda x: svae.encode(x)[0], images, batch=chunk)

    def panel(images: Tensor) -> PanelVerdict:
        return panel_verdict(judges, images, clear_confidence=clear_confidence, batch=chunk)

    embeddings = (predict(recognizer, images, batch=chunk) for images in (before, after))
    rows["distance"] = embedding_distance(*embeddings).cpu().numpy()
    rows["f2_label_before"] = f2_labels(svae, encoded(before))
    if "latent_end" in rows:
        rows["f2_latent_label"] = f2_labels(svae, torch.from_numpy(rows["latent_end"]).to(device))
    rows["f2_image_label"] = f2_labels(svae, encoded(after))
    rows["judge_label_before"] = panel(before).label.cpu().numpy()
    verdict = panel(after)
    for name, labels in zip(members, verdict.member_labels, strict=True):
        rows[f"judge_{name}_label"] = labels.cpu().numpy()
    rows["judge_label"] = verdict.label.cpu().numpy()
    rows["still_a_face"] = verdict.still_a_face.cpu().numpy()
    rows["judge_clear"] = verdict.clear.cpu().numpy()
    rows["gender_changed"] = gender_changed(rows)
    return rows | image_distances(before, after)


@torch.no_grad()
def face_trace(
    trace: Rows,
    images: np.ndarray,
    recognizer: nn.Module,
    *,
    chunk: int,
    device: torch.device | str,
) -> Rows:
    """``trace`` with f1's distance of each traced image from its original.

    Args:
        trace: position, a row of ``images``, and image (uint8).
        images: originals of all examples, uint8 ``(N, 3, 64, 64)``.
        chunk: images in one call of the network.
    """
    own = from_uint8(images, device)[torch.from_numpy(np.array(trace["position"])).long()]
    walked = from_uint8(trace["image"], device)
    embeddings = (predict(recognizer, part, batch=chunk) for part in (own, walked))
    return {**trace, "distance": embedding_distance(*embeddings).cpu().numpy()}
