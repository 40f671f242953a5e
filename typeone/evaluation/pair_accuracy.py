"""Measure the accuracy of recognizers on pairs of images, as in the columns of Table III.

All columns use one rule. The recognizer sees two images and answers "one person" if the distance of
their embeddings is at most the threshold. A Type I example and its original are two persons, a Type
II example and its original are one. All examples count, whether or not they fooled a recognizer.
The accuracy of the recognizer without strengthening is a row of its own, which the paper omits.

ASSUME: IV-D does not define the accuracy of a recognizer on an example. A Type I example is another
person only by construction. ``svae_seen`` contains only the examples in which the judges see the
other gender.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from typeone.attacks.shards import Rows
from typeone.data.faces import FaceTable
from typeone.data.images import from_uint8
from typeone.evaluation.intervals import Rate, rate
from typeone.evaluation.verification import Pairs, draw_pairs
from typeone.models.recognizers import Recognizer, embed
from typeone.runtime.checkpoints import Checkpoint
from typeone.training.losses import embedding_distance

KEYS = ["network", "what", "when", "threshold", "seed"]


def balanced_pairs(
    faces: FaceTable, rows: np.ndarray, count: int, generator: torch.Generator
) -> tuple[Pairs, np.ndarray]:
    """Draw at most ``count`` same-person pairs and equally many different-person pairs.

    The pairs are among the faces ``rows`` of a table. Returns the pairs, as rows of the table, and
    whether each shows one person, bool ``(N,)``.

    Raises:
        InputError: there is no pair of one of the kinds.
    """
    people, labels = faces.identities[rows], faces.labels[rows]
    same = draw_pairs(people, labels, kind="same", count=count, generator=generator)
    different = draw_pairs(people, labels, kind="different", count=count, generator=generator)
    number = min(len(same.first), len(different.first))
    first, second = (
        rows[np.concatenate([one[:number], other[:number]])]
        for one, other in zip(same, different, strict=True)
    )
    return Pairs(first, second), np.arange(2 * number) < number


def pair_answers(embeddings: Tensor, pairs: Pairs, same: np.ndarray) -> pd.DataFrame:
    """Return rows (what, number, same, distance) of pairs of a table with ``embeddings``."""
    columns = {"what": "pairs", "number": np.arange(len(same)), "same": same}
    return pd.DataFrame(columns | {"distance": pairs.distances(embeddings)})


def example_answers(
    recognizer: Recognizer,
    originals: Tensor,
    examples: Rows,
    what: str,
    *,
    chunk: int,
    checkpoint: Checkpoint | None = None,
) -> pd.DataFrame:
    """Return rows (what, number, same, distance) of attacked images paired with their originals.

    Args:
        originals: embeddings ``(rows, D)`` of the attacked table, from its first face on.
        examples: position in the table and adversarial_image (uint8); gender_changed if judges saw
            them.
        what: ``svae`` for Type I, any other value for Type II.
        chunk: images embedded at a time.
        checkpoint: the sidecar to resume from and save to.
    """
    images, position = examples["adversarial_image"], examples["position"]
    found = embed(
        *(recognizer, len(images), lambda part: from_uint8(images[part])),
        batch=chunk,
        checkpoint=checkpoint,
    )
    distance = embedding_distance(originals[torch.from_numpy(position).long()], found).numpy()
    columns = {"what": what, "number": position, "same": what != "svae", "distance": distance}
    rows = pd.DataFrame(columns)
    if what != "svae" or "gender_changed" not in examples:
        return rows
    seen = rows[examples["gender_changed"]].assign(what="svae_seen")
    return pd.concat([rows, seen], ignore_index=True)


def accuracies(
    answers: pd.DataFrame, thresholds: pd.DataFrame
) -> Iterator[tuple[dict[str, str | int | float], Rate]]:
    """Yield the share of right answers by `KEYS`, and the limit that decides the answers.

    Args:
        answers: columns network, seed, what, when, same, distance.
        thresholds: columns network, seed, threshold (its name) and limit (the distance).
    """
    rows = answers.merge(thresholds, on=["network", "seed"], how="left")
    rows["right"] = (rows["distance"] <= rows["limit"]) == rows["same"]
    for key, group in rows.groupby(KEYS, sort=False):
        known = dict(zip(KEYS, key, strict=True)) | {"limit": float(group["limit"].iloc[0])}
        yield known, rate(group["right"].to_numpy())
