"""Measure the authors' attacked pairs of faces: distances, genders, detection, sharpness.

Their pixels are the same for everybody, so a number of ours that differs from theirs is due to the
recognizer, its preprocessing or the measure, not to the attack.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from scipy import stats
from torch import Tensor, nn

from typeone.data.published_pairs import ASKED, PUBLISHED, PublishedPairs
from typeone.detectors.squeezers import median_smooth
from typeone.evaluation.clean_faces import UNLIKE, fit_clean_faces
from typeone.evaluation.image_quality import quality
from typeone.evaluation.intervals import Rate, mean_interval, rate
from typeone.evaluation.measurements import measurement
from typeone.evaluation.panels import Verdict
from typeone.models.recognizers import THRESHOLDS, embed
from typeone.runtime.checkpoints import Checkpoint
from typeone.runtime.logs import Progress
from typeone.training.losses import embedding_distance

PUBLISHED_MEAN = "faces.published_pairs.mean_distance"
OURS = "beyond.published_pairs"
PARTS = {"clean": "original", "svae": "attacked"}
"""Halves of a pair by their names in the ids of Table II."""

Row = dict[str, Any]


class Embeddings(NamedTuple):
    """Distances of embeddings of the pairs, by one recognizer.

    Attributes:
        distance: of the original and the attacked face, ``(N,)``.
        scores: distance of a face and its median, ``(N,)``, by half (see `PARTS`) and squeezer.
    """

    distance: np.ndarray
    scores: dict[str, dict[str, np.ndarray]]

    @classmethod
    def of(
        cls,
        recognizer: nn.Module,
        halves: Sequence[Tensor],
        *,
        medians: Sequence[int],
        checkpoint: Checkpoint,
        name: str,
    ) -> Embeddings:
        """Embed both halves ``(N, 3, H, W)`` in [0, 1], plain and smoothed by each median."""

        def embedded(part: str, half: Tensor, size: int) -> Tensor:
            return embed(
                recognizer,
                len(half),
                lambda rows: median_smooth(half[rows], size) if size > 1 else half[rows],
                say=Progress(f"published pairs, {name}, {part} faces, median {size}", len(half)),
                checkpoint=checkpoint.part(f"{part}.{size}"),
            )

        plain, scores = {}, {}
        for (part, title), half in zip(PARTS.items(), halves, strict=True):
            plain[part] = embedded(title, half, 1)
            scores[part] = {
                f"median_{size}x{size}": embedding_distance(
                    plain[part], embedded(title, half, size)
                ).numpy()
                for size in medians
            }
        return cls(embedding_distance(plain["clean"], plain["svae"]).numpy(), scores)


def pair_table(pairs: PublishedPairs, found: Mapping[str, Embeddings]) -> dict[str, np.ndarray]:
    """Return columns with one row per pair: names, distances and scores by preprocessing."""
    columns = {"number": pairs.number, "label": pairs.label, "distance_named": pairs.distance}
    for name, each in found.items():
        columns[f"distance_{name}"] = each.distance
        for part, by_squeezer in each.scores.items():
            for squeezer, score in by_squeezer.items():
                columns[f"{squeezer}_{PARTS[part]}_{name}"] = score
    return columns


def pair_measurements(
    pairs: PublishedPairs,
    halves: Sequence[Tensor],
    found: Mapping[str, Embeddings],
    seen: Mapping[str, tuple[Verdict, Verdict]],
    *,
    attacked: str,
    zeta: float,
    quantile: float,
) -> list[Row]:
    """Return all rows on the pairs, with the columns of Table II.

    Args:
        halves: the originals and the attacked faces, ``(N, 3, H, W)`` in [0, 1].
        found: by preprocessing.
        seen: by panel, the deciding one last; empty without a judge.
        attacked: the preprocessing of the recognizer that this run attacks.
        zeta: published threshold of the detector.
        quantile: share of the originals within each limit of clean faces.
    """
    distances = {name: each.distance for name, each in found.items()}
    rows = list(distance_rows(pairs, distances, attacked))
    originals, others = halves
    rows += likeness_rows(originals, others, pairs.label, quantile)
    if seen:
        same = distances[attacked] <= THRESHOLDS["paper"]
        rows += gender_rows(pairs, seen, same, main=list(seen)[-1])
    none = {"attack": "", "squeezer": "", "threshold": "", "zeta": math.nan}
    rows = [row | none for row in rows]
    for name, each in found.items():
        rows += detection_rows(each.scores, zeta=zeta, name=name, attacked=attacked)
    return rows


def correlation(x: np.ndarray, y: np.ndarray) -> Rate:
    """Return Pearson's correlation of ``(N,)`` numbers with its 95 % interval (Fisher's z).

    NaN where fewer than four numbers, or equal ones, have none.
    """
    if len(x) < 4 or np.ptp(x) == 0 or np.ptp(y) == 0:
        return Rate(math.nan, math.nan, math.nan, len(x))
    found = stats.pearsonr(x, y)
    interval = found.confidence_interval(0.95)
    return Rate(float(found.statistic), float(interval.low), float(interval.high), len(x))


def distance_rows(
    pairs: PublishedPairs, distances: Mapping[str, np.ndarray], attacked: str
) -> Iterator[Row]:
    """Yield rows on the distances between the halves of the pairs.

    Args:
        distances: by our FaceNet, ``(N,)`` by preprocessing.
        attacked: the preprocessing of the recognizer that this run attacks; of all pairs its mean
            has the published id.
    """
    n = len(pairs.number)
    whose = f"the authors' {n} attacked pairs"
    yield measurement(
        f"{OURS}.named_distance",
        mean_interval(pairs.distance),
        seed=0,
        description=f"{whose}: distance in the file names, by their FaceNet",
        unit="L2",
        note=f"{n} of the {PUBLISHED} published pairs; they attacked {ASKED} images",
    )
    for name, found in distances.items():
        own, subject = f"{OURS}.{name}", f"{whose}, our FaceNet, {name}"
        yield measurement(
            PUBLISHED_MEAN if name == attacked and n == PUBLISHED else f"{own}.mean_distance",
            mean_interval(found),
            seed=0,
            description=f"{subject}: distance of original and attacked face",
            unit="L2",
            note=f"on their pixels, preprocessing {name}; their code loads another FaceNet than "
            "the text names",
        )
        for threshold, limit in THRESHOLDS.items():
            yield measurement(
                f"{own}.same_person.{threshold}",
                rate(found <= limit),
                seed=0,
                description=f"{subject}: same person (distance at most {limit:.3f})",
            )
        yield measurement(
            f"{own}.correlation",
            correlation(found, pairs.distance),
            seed=0,
            description=f"{subject}: correlation of our distances with those in the file names",
            unit="r",
        )


def gender_rows(
    pairs: PublishedPairs,
    seen: Mapping[str, tuple[Verdict, Verdict]],
    same_person: np.ndarray,
    main: str,
) -> Iterator[Row]:
    """Yield rows on the genders that judges see.

    Args:
        seen: by panel, its verdicts on the originals and on the attacked faces.
        same_person: whether our recognizer sees one person, bool ``(N,)``.
        main: name of the panel that decides the success of the attack.
    """
    for name, (before, after) in seen.items():
        read = before.label.cpu().numpy() == pairs.label
        turned = after.label.cpu().numpy() == 1 - pairs.label
        face = after.shows_class.cpu().numpy()
        subject = f"the authors' {len(read)} pairs, judge {name}"
        for what, hits, text in (
            ("original_gender", read, "gender of the original as in the file name"),
            ("attacked_gender", turned & face, "the other gender in the attacked face"),
            ("gender_changed", read & turned & face, "both"),
        ):
            yield measurement(
                f"{OURS}.judge.{name}.{what}",
                rate(hits),
                seed=0,
                description=f"{subject}: {text}",
            )
        if name == main:
            yield measurement(
                f"{OURS}.success_rate",
                rate(read & turned & face & same_person),
                seed=0,
                description=f"{subject}: gender changed, and the same person to our FaceNet",
                note="people confirmed 0.698 of the authors' 1,000 (IV-B)",
            )


def detection_rows(
    scores: Mapping[str, Mapping[str, np.ndarray]],
    *,
    zeta: float,
    name: str,
    attacked: str,
) -> Iterator[Row]:
    """Yield one row per (half, squeezer) with the columns of `evaluation.detection`'s Table II.

    Args:
        scores: distances ``(N,)`` of embeddings by half (see `PARTS`) and squeezer.
        zeta: published threshold.
        name: preprocessing of the recognizer.
        attacked: that of the recognizer that this run attacks; others have no cell in the table.
    """
    for part, by_squeezer in scores.items():
        for squeezer, found in by_squeezer.items():
            size = squeezer.removeprefix("median_")
            row = measurement(
                f"{OURS}.{name}.table2.{part}.{size}",
                rate(found >= zeta),
                seed=0,
                description=f"the authors' {len(found)} pairs, our FaceNet, {name}: detection "
                f"rate, median {size}, zeta={zeta:g}: {PARTS[part]} faces",
            )
            named = f"authors_{part}" if name == attacked else f"{name}_{part}"
            yield row | {
                **{"attack": named, "squeezer": squeezer, "threshold": "zeta", "zeta": zeta},
            }


def likeness_rows(
    originals: Tensor, attacked: Tensor, labels: np.ndarray, quantile: float
) -> Iterator[Row]:
    """Yield rows on the sharpness of the attacked faces, and on how many are noisy or blurred.

    ``labels``: genders of the originals, of which the share ``quantile`` is within each limit; the
    limits of the other gender decide. Without an original of each gender there is no limit.
    """
    clean, found = quality(originals), quality(attacked)
    ratio = (found.sharpness / clean.sharpness).cpu().numpy()
    yield measurement(
        f"{OURS}.sharpness",
        mean_interval(ratio),
        seed=0,
        description=f"the authors' {len(ratio)} pairs: sharpness of the attacked face, divided by "
        "that of the original",
        unit="ratio",
    )
    if len(set(labels.tolist())) < 2:
        return
    genders = torch.from_numpy(labels).long().to(originals.device)
    limits = fit_clean_faces(clean, genders, quantile=quantile)
    columns = limits.columns(attacked, 1 - genders)
    for name, text in UNLIKE.items():
        yield measurement(
            f"{OURS}.{name}",
            rate(columns[name]),
            seed=0,
            description=f"the authors' {len(ratio)} pairs: attacked faces {text} (the originals)",
        )
