"""What does a recognizer withstand? Accuracy on pairs of images, in the columns of Table III.

One rule for every column: two images are shown, and the answer «one person» (the distance of their
embeddings is at most the threshold) is right or wrong. A Type I example and its original are two
persons, a Type II example and its original one. All examples count, whether or not they fooled
anybody: what the recognizer that nothing strengthened gets right is a row of its own, which the
paper leaves out.

ASSUME: IV-D does not say what the accuracy of a recognizer on an example is. That a Type I example
is another person is true by its making alone; ``svae_seen`` takes those in which the judges see the
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
    """At most ``count`` pairs of one person and as many of two, of the faces ``rows`` of a table.

    Returns the pairs, as rows of the table, and which of them are one person, bool.

    Raises:
        InputError: there is no pair of either kind.
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
    """Rows (what, number, same, distance) of pairs of a table with ``embeddings``."""
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
    """Rows (what, number, same, distance) of attacked images beside the faces they were made of.

    Args:
        originals: embeddings of the table that was attacked, from its first face on.
        examples: position in it and adversarial_image, uint8; gender_changed if judges were asked.
        what: ``svae`` for Type I, any other for Type II.
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
    """Share of right answers by `KEYS`, and the limit that each was counted with.

    Args:
        answers: columns network, seed, what, when, same, distance.
        thresholds: columns network, seed, threshold (its name) and limit.
    """
    rows = answers.merge(thresholds, on=["network", "seed"], how="left")
    rows["right"] = (rows["distance"] <= rows["limit"]) == rows["same"]
    for key, group in rows.groupby(KEYS, sort=False):
        known = dict(zip(KEYS, key, strict=True)) | {"limit": float(group["limit"].iloc[0])}
        yield known, rate(group["right"].to_numpy())
