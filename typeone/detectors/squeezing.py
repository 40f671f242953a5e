"""Feature squeezing (Xu, Evans and Qi, 2018), the detector of Section IV-C.

The detector compares the softmax of an image and of its squeezed versions; a large distance marks
the input as adversarial. For a recognizer it compares embeddings (Table II). Joint detection takes
the largest distance over the squeezers. Xu et al. measure L1, the paper the Euclidean distance.
ASSUME: either, so both are computed. With L2, an example at the boundary between two classes that
share all of the softmax moves by at most sqrt(1/2) if squeezing returns it to one of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch import Tensor, nn

from typeone.data.images import from_uint8
from typeone.detectors.squeezers import median_smooth, squeeze
from typeone.models.predictions import predict
from typeone.runtime.checkpoints import Checkpoint, each
from typeone.training.losses import embedding_distance

METRICS = {"l1": 1, "l2": 2}


def scores(
    classifier: nn.Module, images: Tensor, *, bits: int, median: int
) -> dict[tuple[str, str], np.ndarray]:
    """Compute the distances ``(N,)`` between softmax outputs by (squeezer, metric).

    Images are ``(N, C, H, W)`` in [0, 1]. Squeezer ``joint`` is the maximum over the squeezers. A
    higher score is more suspicious; L1 is in [0, 2], L2 in [0, sqrt(2)].
    """

    def softmax(batch: Tensor) -> Tensor:
        return predict(classifier, batch).softmax(dim=1)

    base = softmax(images)
    moved = {k: softmax(v) - base for k, v in squeeze(images, bits=bits, median=median).items()}
    result: dict[tuple[str, str], np.ndarray] = {}
    for metric, order in METRICS.items():
        distances = {
            k: torch.linalg.vector_norm(v, ord=order, dim=1).cpu().numpy() for k, v in moved.items()
        }
        distances["joint"] = np.max(list(distances.values()), axis=0)
        result |= {(squeezer, metric): d for squeezer, d in distances.items()}
    return result


@torch.no_grad()
def embedding_scores(
    recognizer: nn.Module, images: Tensor, *, medians: Sequence[int], batch: int = 100
) -> dict[str, np.ndarray]:
    """Compute the distance between embeddings of an image and of its median, by squeezer.

    Distances are ``(N,)`` in [0, 2]. Colour channels are smoothed separately. ASSUME: the paper
    does not name the distance; Euclidean, like that between faces.
    """
    base = predict(recognizer, images, batch=batch)
    return {
        f"median_{size}x{size}": embedding_distance(
            base, predict(recognizer, median_smooth(images, size), batch=batch)
        )
        .cpu()
        .numpy()
        for size in medians
    }


def embedding_score_rows(
    recognizer: nn.Module,
    shown: Mapping[str, tuple[np.ndarray, np.ndarray]],
    *,
    medians: Sequence[int],
    batch: int,
    device: torch.device,
    checkpoint: Checkpoint,
) -> dict[str, np.ndarray]:
    """Compute the `embedding_scores` of all images, one row for each (attack, image, squeezer).

    ``shown``: index ``(N,)`` and images uint8 ``(N, C, H, W)`` by attack.
    """

    def scored(name: str) -> dict[str, Tensor]:
        images = from_uint8(shown[name][1], device)
        found = embedding_scores(recognizer, images, medians=medians, batch=batch)
        return {squeezer: torch.from_numpy(score) for squeezer, score in found.items()}

    parts = []
    for name, found in zip(shown, each(checkpoint, shown, scored), strict=True):
        index = shown[name][0]
        parts.append(
            {
                "attack": np.repeat([name], len(index) * len(found)),
                "index": np.tile(index, len(found)),
                "squeezer": np.repeat(list(found), len(index)),
                "score": np.concatenate([score.numpy() for score in found.values()]),
            }
        )
    return {k: np.concatenate([part[k] for part in parts]) for k in parts[0]}
