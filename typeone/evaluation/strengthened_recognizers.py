"""Measure strengthened recognizers on pairs and on old and fresh examples (Table III).

Old examples were made against the recognizer before strengthening, fresh ones against the
recognizer under test. No example and no pair is of a person that strengthening has used.

There are two thresholds: the paper's, and for each network one fitted to few false accepts on
validation faces. A network that moves all faces apart, or together, would look robust at the first
one alone.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from torch import Tensor

from typeone.attacks.shards import Rows
from typeone.data.faces import FaceTable
from typeone.data.lfw import LFW, SMALL, image_side, lfw_folder, read_faces, read_lfw
from typeone.defenses.recognizers import learnt_people
from typeone.evaluation.intervals import Rate, pool_seeds
from typeone.evaluation.measurements import measurement
from typeone.evaluation.pair_accuracy import (
    accuracies,
    balanced_pairs,
    example_answers,
    pair_answers,
)
from typeone.evaluation.verification import Pairs, draw_pairs, far_threshold, has_same_pairs
from typeone.models.recognizers import THRESHOLDS, Recognizer, embed
from typeone.runtime.checkpoints import Checkpoint
from typeone.runtime.devices import seeded
from typeone.runtime.logs import logger

TEXTS = {
    "pairs": "pairs of test faces",
    "lfw": "pairs of LFW",
    "svae": "Type I examples",
    "svae_seen": "Type I examples in which the judges see the other gender",
    "fgsm": "FGSM examples",
    "pgd": "PGD examples",
}
WHEN = {"": "", "old": " made against the plain one", "fresh": " made against itself"}
MAIN = "paper"
"""Name of the threshold of the published rates."""

PRINTED = set(product(("svae", "fgsm", "pgd"), ("lfw", "svae", "fgsm", "pgd")))
"""Cells (strengthened by, tested on) that Table III contains."""


@dataclass(frozen=True)
class Images:
    """``count`` images; ``read`` returns a slice of them, ``(N, 3, 64, 64)`` in [0, 1]."""

    count: int
    read: Callable[[slice], Tensor]


class KnownPairs(NamedTuple):
    """Pairs of images, and whether each shows one person, bool ``(N,)``."""

    pairs: Pairs
    same: np.ndarray


class Trials(NamedTuple):
    """Test data of every recognizer.

    Attributes:
        learnt: faces of the attacked table whose people strengthening may use, bool ``(rows,)``.
        strangers: pairs of validation faces of two people.
        pairs: pairs of the attacked table; None if nobody has two faces.
    """

    learnt: np.ndarray
    strangers: Pairs
    pairs: KnownPairs | None

    def tested(self, count: int) -> np.ndarray:
        """Return which of the first ``count`` faces strengthening never uses, bool ``(rows,)``."""
        return ~self.learnt & (np.arange(len(self.learnt)) < count)


def draw_trials(
    faces: FaceTable, validation: FaceTable, *, shown: int, count: int, half_seed: int
) -> Trials:
    """Draw at most ``count`` pairs of each kind.

    Args:
        faces: the attacked table; pairs are of its first ``shown`` faces.
        half_seed: seed of the draw of people that strengthening may use.
    """
    learnt = learnt_people(faces.identities, seeded(half_seed))
    unlearnt = np.flatnonzero(~learnt[:shown])
    pairs = None
    if has_same_pairs(faces.identities[unlearnt]):
        pairs = KnownPairs(*balanced_pairs(faces, unlearnt, count, seeded(0)))
    strangers = draw_pairs(
        validation.identities, validation.labels, kind="different", count=count, generator=seeded(0)
    )
    return Trials(learnt, strangers, pairs)


def spread_pairs(lfw: LFW, count: int) -> tuple[list[Path], KnownPairs]:
    """Select about ``count`` pairs of LFW, evenly from all folds, and the files they compare."""
    chosen = slice(None, None, max(1, len(lfw.same) // count))
    ends = np.stack([lfw.first[chosen], lfw.second[chosen]])
    used, place = np.unique(ends, return_inverse=True)
    pairs = Pairs(*place.reshape(ends.shape))
    return [lfw.files[i] for i in used], KnownPairs(pairs, lfw.same[chosen])


def lfw_trial(
    source: str, path: str | os.PathLike[str] | None, count: int
) -> tuple[Images, KnownPairs]:
    """Return the images of LFW, see `lfw_folder`, and ``count`` of its pairs."""
    files, pairs = spread_pairs(read_lfw(lfw_folder(source, path)), count)
    image_side(files)  # an image of another size would be cropped wrongly
    return Images(len(files), lambda part: read_faces(files[part], SMALL)), pairs


Examples = Mapping[tuple[str, int], Sequence[tuple[str, str, Rows]]]
"""By (network, seed): a key of `TEXTS`, a key of `WHEN`, and rows of `example_answers`."""


def unlearnt_examples(
    tests: Iterable[tuple[str, str, str, int]], tables: Iterable[Rows], tested: np.ndarray
) -> Examples:
    """Select the examples of the faces ``tested``, bool ``(rows,)`` of the attacked table.

    ``tests``: (network, what, when, seed) of each of ``tables``.
    """
    examples: dict[tuple[str, int], list[tuple[str, str, Rows]]] = {}
    for (network, what, when, seed), table in zip(tests, tables, strict=True):
        chosen = tested[table["position"]]
        rows = {name: values[chosen] for name, values in table.items()}
        examples.setdefault((network, seed), []).append((what, when, rows))
    return examples


def all_answers(
    recognizers: Iterable[tuple[tuple[str, int], Recognizer]],
    trials: Trials,
    examples: Examples,
    *,
    checkpoint: Checkpoint,
    **how: Any,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return answers and thresholds of ``recognizers``, each by `recognizer_answers`.

    ``recognizers``: ((network, seed), recognizer) each.
    """
    tables = [
        recognizer_answers(
            recognizer,
            trials,
            **{"network": network, "seed": seed, "examples": examples[network, seed], **how},
            checkpoint=checkpoint.part(f"{network}.{seed}"),
        )
        for (network, seed), recognizer in recognizers
    ]
    answers, thresholds = zip(*tables, strict=True)
    return pd.concat(answers, ignore_index=True), pd.concat(thresholds, ignore_index=True)


def recognizer_answers(
    recognizer: Recognizer,
    trials: Trials,
    *,
    network: str,
    seed: int,
    validation: Images,
    test: Images,
    lfw: tuple[Images, KnownPairs] | None,
    examples: Sequence[tuple[str, str, Rows]],
    false_accepts: float,
    chunk: int,
    checkpoint: Checkpoint,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return answers and thresholds of one recognizer, see `accuracies`.

    Args:
        network, seed: values of these columns.
        validation, test: faces that the pairs of ``trials`` refer to; ``test`` contains the
            attacked ones.
        examples: of this recognizer, see `Examples`.
        false_accepts: share of strangers that the fitted threshold accepts.
        chunk: images embedded at a time.
        checkpoint: the sidecar to resume from and save to, with a part for each set of images.
    """
    known = {"network": network, "seed": seed}

    def look(name: str, images: Images) -> Tensor:
        part = checkpoint.part(name)
        return embed(recognizer, images.count, images.read, batch=chunk, checkpoint=part)

    strangers = trials.strangers.distances(look("validation", validation))
    limits = {MAIN: THRESHOLDS[MAIN], "far": far_threshold(strangers, false_accepts)}
    thresholds = [known | {"threshold": name, "limit": limit} for name, limit in limits.items()]
    originals = look("test", test)
    answers = []
    if trials.pairs:
        answers.append(pair_answers(originals, *trials.pairs).assign(**known, when=""))
    if lfw:
        images, pairs = lfw
        rows = pair_answers(look("lfw", images), *pairs)
        answers.append(rows.assign(**known, what="lfw", when=""))
    for what, when, attacked in examples:
        rows = example_answers(
            *(recognizer, originals, attacked, what),
            chunk=chunk,
            checkpoint=checkpoint.part(f"{what}.{when}"),
        )
        answers.append(rows.assign(**known, when=when))
    return pd.concat(answers, ignore_index=True), pd.DataFrame(thresholds)


def cell_note(
    accuracies: list[tuple[dict[str, Any], Rate]],
    row: Mapping[str, Any],
    *,
    plain: str,
    false_accepts: float,
) -> str:
    """Return the note of a cell in the verdict table, all seeds pooled.

    ``row``: network, what and when of the cell. ``plain``: the network without strengthening.
    """

    def pooled(**wanted: str) -> str:
        values = [value for key, value in accuracies if wanted.items() <= key.items()]
        return f"{pool_seeds(values).value:.3f}" if values else "not measured"

    cell = {k: row[k] for k in ("network", "what", "when")}
    unstrengthened = pooled(**cell | {"network": plain}, threshold=MAIN)
    fitted = f"at {false_accepts:.0%} false accepts: {pooled(**cell, threshold='far')}"
    note = f"the plain one: {unstrengthened}; {fitted}"
    if row["when"] == "old":
        note += f"; attacked afresh: {pooled(**cell | {'when': 'fresh'}, threshold=MAIN)}"
    return note


def measurements(
    answers: pd.DataFrame,
    thresholds: pd.DataFrame,
    *,
    networks: Mapping[str, str],
    variant: str,
    source: str,
    published: str,
    false_accepts: float,
) -> Iterator[dict[str, Any]]:
    """Yield one row per (network, threshold, what, when, seed), with these and limit as columns.

    Args:
        answers, thresholds: see `accuracies`.
        networks: name → name in ids, the network without strengthening first.
        variant: of Type I examples; with any but ``paper``, the row and column svae are not
            compared with published cells.
        source: source of the faces.
        published: prefix of the ids of the paper's own cells.
        false_accepts: share that the fitted thresholds accept.
    """
    found = list(accuracies(answers, thresholds))
    plain = next(iter(networks))
    for row, value in found:
        network, what, when = (str(row[k]) for k in ("network", "what", "when"))
        main = row["threshold"] == MAIN
        shown = (networks[network], what)
        printed = shown in PRINTED and main and when != "fresh"
        printed = printed and (variant == "paper" or "svae" not in shown)
        prefix = published if printed else f"beyond.{source}.table3"
        cell = f"{networks[network]}.{'fresh.' if when == 'fresh' else ''}{what}"
        at = f"{row['limit']:.3f}" if main else f"its {false_accepts:.0%} false accepts"
        logger.info("%s at %s, seed %d: %.3f of %d", cell, at, row["seed"], value.value, value.n)
        text = f"{source} faces, strengthened by {networks[network]}: accuracy on {TEXTS[what]}"
        text += f" (variant {variant})" if what.startswith("svae") else ""
        note = cell_note(found, row, plain=plain, false_accepts=false_accepts) if main else ""
        measured = measurement(
            f"{prefix}.{cell}" + ("" if main else ".far"),
            value,
            seed=int(row["seed"]),
            description=f"{text}{WHEN[when]}, at {at}",
            note=note,
        )
        yield measured | {k: row[k] for k in ("network", "what", "when", "threshold", "limit")}
