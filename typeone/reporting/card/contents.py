"""What the card of a classifier says, as models of its JSON file.

`docs/card.schema.json` is made from them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from typeone.evaluation.audit.measure import Findings
from typeone.evaluation.intervals import mean_interval, rate
from typeone.reporting.card.parts import (
    FORMAT,
    Contents,
    Measure,
    Part,
    Result,
    Source,
    described,
    headline_of,
    is_blind,
    measure_of,
)
from typeone.reporting.tables.attacks import attack_shares


class AttackResult(Result):
    """One attack on the network."""

    name: str = described("Name in the kit, or of your own attack.")
    label: str = described("Its description.")
    kind: str = described("svae, baseline or own (Type I), type2.")
    measures: dict[str, Measure] = described(
        "Type I, of all attacked images: kept, true, targeted, clear, clean, odd, noisy, distance, "
        "detected, and detected_clean of the clean successes. Type II: found and same of all, "
        "detected and distance of those found. A measure of no image is left out. Empty if the "
        "network's gradient vanishes at more than a tenth of the images, because the attack was "
        "not measured then."
    )


class ClassResult(Part):
    """The images of one class under the headline attack."""

    label: int = described("Class of the original images.")
    clean: Measure = described("Share that ends as a clean success.")


class Detector(Part):
    """Feature squeezing, joint, Euclidean distance."""

    bits: int = described("Bit depth of the first squeezer.")
    median: int = described("Window of the median squeezer, pixels.")
    threshold: float = described("Fitted on clean validation images that the network gets right.")
    wanted: float = described("Share of these images that the threshold may reject.")
    rejected: Measure = described("Share of clean test images, not attacked, that it rejects.")


class CardContents(Contents):
    """A card."""

    shown = ("kept", "true", "clear", "clean", "detected")
    changed = ("found", "label changed", "same class")

    dataset: str = described("Data set of the kit.")
    clean_error: Measure = described("Share of clean test images that the network gets wrong.")
    attacks: list[AttackResult]
    classes: list[ClassResult] = described("Under the headline attack; empty if there is none.")
    detector: Detector


def measures(rows: Mapping[str, np.ndarray], threshold: float) -> dict[str, Measure]:
    """Return the measures of one attack; empty if it was not measured."""
    if is_blind(rows):
        return {}
    if "found" in rows:  # Type II
        found = {
            "found": rate(rows["found_stored"]),
            "same": rate(rows["type2_success_oracle"]),
        }
        if (changed := rows["found_stored"]).any():  # elsewhere the image is the original
            found["distance"] = mean_interval(rows["distance_l2"][changed])
            found["detected"] = rate(rows["score"][changed] >= threshold)
    else:
        flat = {name: column for name, column in rows.items() if column.ndim == 1}
        found = attack_shares(pd.DataFrame(flat).assign(seed=0))
        found["detected"] = rate(rows["score"] >= threshold)
        if (clean := rows["type1_success_clean"]).any():
            found["detected_clean"] = rate(rows["score"][clean] >= threshold)
    return {name: measure_of(value) for name, value in found.items()}


def card_contents(
    findings: Findings,
    *,
    network: str,
    note: Mapping[str, Any],
    source: Mapping[str, Any],
) -> CardContents:
    """Return what the card of ``findings`` says.

    Args:
        network: name of the network.
        note: that of the kit.
        source: of `Source`, but ``kit``.
    """
    labels = {attack["name"]: attack["label"] for attack in note["attacks"]}
    results = [
        AttackResult(
            name=name,
            label=labels.get(name, "your attack"),
            kind=findings.kinds[name],
            seconds=round(findings.seconds[name], 1),
            measures=measures(rows, findings.threshold),
        )
        for name, rows in findings.examples.items()
    ]
    best = headline_of(results)
    classes = []
    if best:
        rows = findings.examples[best]
        classes = [
            ClassResult(
                label=int(label),
                clean=measure_of(rate(rows["type1_success_clean"][rows["label"] == label])),
            )
            for label in np.unique(rows["label"])
        ]
    detector = note["detector"]
    return CardContents(
        format=FORMAT,
        network=network,
        dataset=note["dataset"],
        clean_error=measure_of(findings.error),
        headline=best,
        attacks=results,
        classes=classes,
        detector=Detector(
            bits=detector["bits"],
            median=detector["median"],
            threshold=findings.threshold,
            wanted=detector["false_positive_rate"],
            rejected=measure_of(findings.rejected),
        ),
        warnings=findings.warnings,
        source=Source(**source, kit=dict(note)),
    )
