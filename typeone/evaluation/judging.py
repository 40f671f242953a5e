"""Add the views of f1, f2 and independent judges to attacked images, and success.

All networks see the stored uint8 image. A classifier f1 gives a label. A recognizer f1 gives a
distance between the embeddings of an image and its attacked version (Eq. 1 and 2, IV-B).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import torch
from torch import Tensor

from typeone.data.images import from_uint8
from typeone.evaluation.clean_faces import CleanFaces
from typeone.evaluation.clean_images import CleanImages
from typeone.evaluation.face_success import gender_changed
from typeone.evaluation.panels import Panel
from typeone.evaluation.success import (
    label_changed,
    type1_success,
    type1_targeted_success,
    type2_success,
)
from typeone.models.predictions import labels_of, predict
from typeone.models.svae import SupervisedVAE
from typeone.training.losses import embedding_distance

Rows = dict[str, np.ndarray]
F1 = Callable[[Tensor], Tensor]


def image_distances(before: Tensor, after: Tensor) -> Rows:
    """Return columns distance_l2 and distance_linf of images ``(N, C, H, W)``, ``(N,)`` each."""
    moved = (after - before).flatten(1)
    return {
        "distance_l2": moved.norm(dim=1).cpu().numpy(),
        "distance_linf": moved.abs().amax(dim=1).cpu().numpy(),
    }


def f2_labels(svae: SupervisedVAE, latent: Tensor) -> np.ndarray:
    """Return f2's labels ``(N,)`` of latents ``(N, D)``."""
    return svae.classify(latent).argmax(dim=1).cpu().numpy()


def confidence_at(probabilities: Tensor, labels: np.ndarray) -> np.ndarray:
    """Select the probabilities ``(N,)`` of ``labels`` ``(N,)`` from ``(N, classes)``."""
    device = probabilities.device
    chosen = torch.from_numpy(np.array(labels)).to(device)
    return probabilities[torch.arange(len(labels), device=device), chosen].cpu().numpy()


class Classifier:
    """Views of an f1 that returns logits ``(N, classes)``.

    Where these are not finite, f1 has no label: it is -1, and no attack has succeeded there.
    """

    def __init__(self, f1: F1, *, batch: int = 1000) -> None:
        self.f1, self.batch = f1, batch

    def views(self, before: Tensor, after: Tensor, label: np.ndarray) -> Rows:
        """Return f1's label of both images, and its softmax at ``label``, ``(N,)`` each."""
        rows = {}
        for when, images in (("before", before), ("after", after)):
            outputs = predict(self.f1, images, batch=self.batch)
            rows[f"f1_label_{when}"] = labels_of(outputs).cpu().numpy()
            rows[f"f1_confidence_{when}"] = confidence_at(outputs.softmax(dim=1), label)
        return rows

    def success(self, rows: Rows) -> Rows:
        """Return columns of success, bool ``(N,)`` each: by f2, by the judges, by clear judges.

        Rows with odd and noisy add clean success, rows with a target_label targeted success, rows
        with found Type II success.
        """
        label, f1_after, judged = (rows[k] for k in ("label", "f1_label_after", "judge_label"))
        true = type1_success(label, f1_after, judged)
        found = {
            "type1_success_f2": type1_success(label, f1_after, rows["f2_image_label"]),
            "type1_success_oracle": true,
            "type1_success_clear": true & rows["judge_clear"],
        }
        if "odd" in rows:
            unlike = rows["odd"] | rows["noisy"]
            found["type1_success_clean"] = found["type1_success_clear"] & ~unlike
        if "target_label" in rows:
            aimed = type1_targeted_success(label, f1_after, judged, rows["target_label"])
            found["type1_targeted_oracle"] = aimed
        if "found" in rows:
            found["found_stored"] = label_changed(label, f1_after)
            found["type2_success_oracle"] = type2_success(label, f1_after, judged)
        return found

    def on_the_way(self, images: Tensor, origin: Tensor, label: np.ndarray) -> Rows:
        """Return f1's softmax at the label of each traced image."""
        probabilities = predict(self.f1, images, batch=self.batch).softmax(dim=1)
        return {"label": label, "f1_confidence": confidence_at(probabilities, label)}


class Recognizer:
    """Views of an f1 that returns embeddings ``(N, D)`` of faces.

    Whether two faces are the same person depends on a threshold, so rows contain the distance only.
    """

    def __init__(self, f1: F1, *, batch: int) -> None:
        self.f1, self.batch = f1, batch

    def apart(self, images: Tensor, others: Tensor) -> np.ndarray:
        """Return the distance between the embeddings of paired images, ``(N,)``."""
        embeddings = (predict(self.f1, part, batch=self.batch) for part in (images, others))
        return embedding_distance(*embeddings).cpu().numpy()

    def views(self, before: Tensor, after: Tensor, label: np.ndarray) -> Rows:
        """Return the distance between the embeddings of both images, ``(N,)``."""
        return {"distance": self.apart(before, after)}

    def success(self, rows: Rows) -> Rows:
        """Return where the judges see the other gender, see `gender_changed`."""
        return {"gender_changed": gender_changed(rows)}

    def on_the_way(self, images: Tensor, origin: Tensor, label: np.ndarray) -> Rows:
        """Return the distance of each traced image from its original, ``(N,)``."""
        return {"distance": self.apart(origin, images)}


@torch.no_grad()
def judge(
    rows: Mapping[str, np.ndarray],
    *,
    f1: Classifier | Recognizer,
    svae: SupervisedVAE,
    panel: Panel,
    members: Sequence[str],
    clear_confidence: float,
    clean: CleanImages | CleanFaces | None,
    device: torch.device | str,
) -> Rows:
    """Return ``rows`` with the views of all networks and the success of the attack, ``(N,)`` each.

    Args:
        rows: label, image and adversarial_image (uint8); latent_end, target_label and found if the
            attack has them.
        members: names of the judges of the ``panel``.
        clear_confidence: confidence in [0, 1] from which judges count as sure.
        clean: limits of clean images; None adds no column on whether the image resembles these.
    """
    rows = dict(rows)
    before, after = (from_uint8(rows[k], device) for k in ("image", "adversarial_image"))
    rows |= f1.views(before, after, rows["label"])
    if "latent_end" in rows:
        rows["f2_latent_label"] = f2_labels(svae, torch.from_numpy(rows["latent_end"]).to(device))
    for name, images in (("f2_label_before", before), ("f2_image_label", after)):
        encoded = predict(lambda x: svae.encode(svae.read(x))[0], images, batch=f1.batch)
        rows[name] = f2_labels(svae, encoded)
    first, seen = (panel.verdict(x, clear_confidence=clear_confidence) for x in (before, after))
    rows["judge_label_before"] = first.label.cpu().numpy()
    for member, labels in zip(members, seen.member_labels, strict=True):
        rows[f"judge_{member}_label"] = labels.cpu().numpy()
    rows["judge_label"] = seen.label.cpu().numpy()
    rows["judge_confidence"] = seen.confidence.cpu().numpy()
    rows["judge_clear"] = seen.clear.cpu().numpy()
    rows["shows_class"] = seen.shows_class.cpu().numpy()
    if clean is not None:
        rows |= clean.columns(after, seen.label)
    return rows | image_distances(before, after) | f1.success(rows)


@torch.no_grad()
def judge_trace(
    trace: Mapping[str, np.ndarray],
    examples: Mapping[str, np.ndarray],
    f1: Classifier | Recognizer,
    device: torch.device | str,
) -> Rows:
    """Return ``trace`` with f1's view of each traced image.

    Args:
        trace: position (a row of ``examples``) and image (uint8).
        examples: label, and the image (uint8) that the attack started from.
    """
    position = np.array(trace["position"])
    origin = from_uint8(examples["image"], device)[torch.from_numpy(position).long()]
    walked = from_uint8(trace["image"], device)
    return {**trace, **f1.on_the_way(walked, origin, np.array(examples["label"])[position])}
