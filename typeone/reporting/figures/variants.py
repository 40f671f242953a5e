"""Attacked images of the paper's variant, of ours and of rivals side by side."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure

from typeone.reporting.plotting import filmstrips
from typeone.runtime.artifacts import Records


def variants(
    paper: Records,
    ours: Mapping[str, Records],
    rivals: Mapping[str, Records],
    *,
    shown: str,
    preset: str,
) -> Figure:
    """Draw the first example of each class: the original, the ends of all attacks, ours elsewhere.

    Args:
        ours: by target.
        rivals: by head of their column, on the same originals as ``paper``.
        shown: the classifier attacked by ``paper`` and the rivals. Other targets have other
            examples, so each of their columns has its own original and end.
    """
    same, others = ours[shown], {k: v for k, v in ours.items() if k != shown}
    headers = ["x", f"paper\n{shown}", f"ours\n{shown}"]
    headers += [name.replace(" ", "\n") for name in rivals]
    headers += [header for target in others for header in ("x", f"ours\n{target}")]
    rows: list[list[tuple[np.ndarray, str]]] = []
    labels = []
    for label in sorted(set(same["label"])):
        first = int(np.flatnonzero(same["label"] == label)[0])
        row = [(same["image"][first], ""), _end(paper, first), _end(same, first)]
        row += [_end(rival, first) for rival in rivals.values()]
        for examples in others.values():
            mine = np.flatnonzero(examples["label"] == label)[:1]
            blank = np.zeros_like(examples["image"][0])
            row += [(examples["image"][i], "") for i in mine] or [(blank, "none")]
            row += [_end(examples, i) for i in mine] or [(blank, "")]
        if not rows:
            row = [(image, f"{h}\n{title}") for h, (image, title) in zip(headers, row, strict=True)]
        rows.append(row)
        labels.append(f"{label} → {same['target_label'][first]}")
    caption = (
        "x: the original. Above each end what the oracle sees (? where its judges differ or doubt) "
        "and f1's confidence in the old label (or that f1 left it). The first example of each "
        f"class that the network gets right, first seed, preset {preset}."
    )
    return filmstrips(rows, labels=labels, caption=caption)


def _end(examples: Records, i: int) -> tuple[np.ndarray, str]:
    """Return an attacked image and its title: the oracle's label, ? if unclear, f1's confidence.

    An attack on fewer examples has none of number ``i``.
    """
    if i >= len(examples):
        return np.zeros_like(examples["image"][0]), "none"
    doubt = "" if examples["judge_clear"][i] else "?"
    kept = examples["f1_label_after"][i] == examples["label"][i]
    confidence = f"{examples['f1_confidence_after'][i]:.2f}" if kept else "left"
    return examples["adversarial_image"][i], f"{examples['judge_label'][i]}{doubt}  {confidence}"
