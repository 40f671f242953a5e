"""Rows of the verdict table without a verdict: values measured beyond the published numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from typeone.evaluation.intervals import Rate, pool_seeds, rate, rate_of
from typeone.reporting.verdicts import (
    by_seed,
    errors_by_seed,
    mean_by_seed,
    measured,
    rates_by_seed,
)

BLIND = 0.1
"""Share of images without a gradient of f1 above which an attack counts as not measured."""


UNLIKE_DATA = {
    "odd": "less probable to the density model than nearly all clean images of its class",
    "noisy": "noisier than nearly all clean images of its class",
}
"""Columns of judged examples, and their descriptions."""


def unless_blind(rows: list[dict[str, Any]], examples: pd.DataFrame) -> list[dict[str, Any]]:
    """Return ``rows`` on ``examples``, with a note if f1's gradient vanishes at some of them.

    Up to the share `BLIND` of images the numbers stay, because a dead ReLU has no gradient either.
    Above it they are no evidence about f1 and are replaced by NaN.
    """
    blind = int(examples["gradient_vanishes"].sum()) if "gradient_vanishes" in examples else 0
    if not blind:
        return rows
    why = f"the gradient vanishes at {blind} of {len(examples)} images"
    if blind <= BLIND * len(examples):
        return [row | {"note": why} for row in rows]
    nothing = Rate(float("nan"), float("nan"), float("nan"), 0)
    told = {"verdict": f"not run: {why}", "note": f"not measured: {why}"}
    kept = ("description", "unit", "seeds")
    return [measured(row["id"], nothing, **{k: row[k] for k in kept}, **told) for row in rows]


def classifier_rows(
    checkpoints: Mapping[str, Sequence[Mapping[str, Any]]],
) -> list[dict[str, Any]]:
    """Return rows on test errors of classifiers that the paper does not report, pooled over seeds.

    ``checkpoints``: metadata by name. Weights given by a user have no seed: they are one network,
    however often it is stored.
    """
    rows = []
    for name, stored in checkpoints.items():
        of_it = list({c["seed"]: c for c in stored}.values())
        rows.append(
            measured(
                f"beyond.mnist.{name}.test_error",
                errors_by_seed(of_it),
                description=f"test error of {name}",
                seeds=len(of_it),
            )
        )
    return rows


def oracle_rows(evaluation: pd.DataFrame) -> list[dict[str, Any]]:
    """Return rows on test errors of the judges and their ensemble, which decide true success."""
    return [
        measured(
            f"beyond.mnist.oracle.{row.judge}.{row.input}.test_error",
            rate_of(row.test_error * row.n, row.n),
            description=f"test error of the oracle's {row.judge} on {row.input} digits",
            seeds=1,
        )
        for row in evaluation.itertuples()
    ]


def discriminator_row(checkpoints: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return a row on f_dis: encoded against drawn latents of test digits, pooled over seeds."""
    # each test digit counts twice: once encoded, once drawn
    judged = [(c["discriminator_balanced_accuracy"], 2 * c["test_n"]) for c in checkpoints]
    return measured(
        "beyond.mnist.svae.discriminator_balanced_accuracy",
        pool_seeds([rate_of(accuracy * n, n) for accuracy, n in judged]),
        description="balanced accuracy of f_dis, encoded against drawn latents of test digits",
        seeds=len(checkpoints),
    )


def type1_rows(variant: str, target: str, examples: pd.DataFrame) -> list[dict[str, Any]]:
    """Return rows on a Type I variant beyond the paper: success by f2 and by the oracle."""
    seeds, prefix = examples["seed"].nunique(), f"beyond.mnist.{variant}.{target}"
    kept = examples["f1_label_after"] == examples["label"]
    f2_latent = examples["f2_latent_label"] != examples["label"]
    views = {
        "f1_kept": (kept, "f1 keeps the label"),
        "f2_latent_success": (kept & f2_latent, "Type I success, f2 judging the latent"),
        "f2_success": (examples["type1_success_f2"], "Type I success, f2 judging the image"),
        "true_success": (examples["type1_success_oracle"], "Type I success, oracle judging"),
        "clear_success": (
            examples["type1_success_clear"],
            "Type I success, oracle judging, unclear images counted as failures",
        ),
        "clean_success": (
            examples["type1_success_clean"],
            "Type I success, oracle judging, unclear, odd and noisy images counted as failures",
        ),
        "targeted_success": (
            examples["type1_targeted_oracle"],
            "Type I success, oracle seeing the target",
        ),
        **{f"{name}_share": (examples[name], text) for name, text in UNLIKE_DATA.items()},
    }
    rows = [
        measured(f"{prefix}.{name}", by_seed(examples, flags), description=text, seeds=seeds)
        for name, (flags, text) in views.items()
    ]
    confidence = mean_by_seed(examples, "f1_confidence_after")
    text = "f1's mean confidence in the original label at the end"
    rows.append(
        measured(
            f"{prefix}.confidence", confidence, description=text, unit="probability", seeds=seeds
        )
    )
    if "converged" in examples:
        left = by_seed(examples, examples["converged"])
        text = "share of the examples that converged before their last step"
        rows.append(measured(f"{prefix}.converged", left, description=text, seeds=seeds))
    if "steps" in examples:
        steps = mean_by_seed(examples, "steps", bounded=False)
        text = "mean updates of z until an example left"
        rows.append(measured(f"{prefix}.steps", steps, description=text, unit="steps", seeds=seeds))
    return unless_blind(rows, examples)


def transition_rows(name: str, target: str, examples: pd.DataFrame) -> list[dict[str, Any]]:
    """Return rows on the oracle's labels of images attacked without f1."""
    seen = by_seed(examples, examples["judge_label"] == examples["target_label"])
    kept = by_seed(examples, examples["judge_label"] == examples["label"])
    seeds, prefix = examples["seed"].nunique(), f"beyond.mnist.{name}.{target}"
    return [
        measured(
            f"{prefix}.oracle_target", seen, description="oracle sees the target class", seeds=seeds
        ),
        measured(f"{prefix}.oracle_label", kept, description="oracle sees i", seeds=seeds),
        *(
            measured(
                f"{prefix}.{name}_share",
                by_seed(examples, examples[name]),
                description=text,
                seeds=seeds,
            )
            for name, text in UNLIKE_DATA.items()
        ),
    ]


def type2_rows(name: str, target: str, examples: pd.DataFrame) -> list[dict[str, Any]]:
    """Return rows on a Type II attack: success before and after its images are stored as uint8."""
    seeds, prefix = examples["seed"].nunique(), f"beyond.mnist.{name}.{target}"
    views = {
        "found": ("found", "Type II example found"),
        "found_stored": ("found_stored", "still fooling f1 as uint8"),
        "true_success": ("type2_success_oracle", "as uint8, and the oracle still sees the label"),
    }
    rows = [
        measured(f"{prefix}.{k}", by_seed(examples, examples[c]), description=text, seeds=seeds)
        for k, (c, text) in views.items()
    ]
    return unless_blind(rows, examples)


def detection_rows(
    rates: pd.DataFrame, known: set[str], *, ours: Mapping[str, str]
) -> list[dict[str, Any]]:
    """Return rows on joint detection rates, L2, that the paper lacks: controls, fitted thresholds.

    ``known``: the published ids. ``ours`` as in `table1`.
    """
    theirs = {name: published for published, name in ours.items()}
    rows = []
    for (attack, threshold, nominal), group in rates[rates["metric"] == "l2"].groupby(
        ["attack", "threshold", "nominal"], sort=False
    ):
        point = f"{nominal:.4f}" if threshold == "zeta" else f"fpr{nominal:g}"
        if f"table1.{theirs.get(attack, attack)}.{point}" in known:
            continue
        fitted = f"threshold fitted to {nominal:.0%} clean"
        how = f"zeta {nominal}" if threshold == "zeta" else fitted
        rows.append(
            measured(
                f"beyond.table1.{attack}.{point}",
                rates_by_seed(group),
                description=f"detection rate, {attack}, joint squeezer, L2, {how}",
                seeds=group["seed"].nunique(),
            )
        )
    return rows


def fitted_detection_rows(rates: pd.DataFrame) -> list[dict[str, Any]]:
    """Return rows on joint detection rates, L2, at fitted thresholds, of targets not in Table I."""
    rates = rates[(rates["metric"] == "l2") & (rates["threshold"] == "false_positive_rate")]
    return [
        measured(
            f"beyond.detection.{target}.{attack}.fpr{nominal:g}",
            rates_by_seed(group),
            description=f"detection rate on {target}, {attack}, joint squeezer, L2, threshold "
            f"fitted to {nominal:.0%} clean",
            seeds=group["seed"].nunique(),
        )
        for (target, attack, nominal), group in rates.groupby(
            ["target", "attack", "nominal"], sort=False
        )
    ]


def realism_rows(realism: pd.DataFrame) -> list[dict[str, Any]]:
    """Return rows on the distance of each attack's images from real data, pooled over seeds."""
    texts = {
        "kernel_distance": ("kernel distance to real digits in a judge's features", "squared MMD"),
        "discriminator": ("mean f_dis(z) at the end", "probability"),
    }
    rows = []
    for (attack, target, measure), group in realism.groupby(
        ["attack", "target", "measure"], sort=False
    ):
        text, unit = texts[measure]
        values = [Rate(r.value, r.low, r.high, r.n) for r in group.itertuples()]
        rows.append(
            measured(
                ".".join(part for part in ("beyond.mnist", attack, target, measure) if part),
                pool_seeds(values, bounded=measure != "kernel_distance"),
                description=text,
                unit=unit,
                seeds=len(group),
            )
        )
    return rows


def ablation_rows(name: str, examples: pd.DataFrame) -> list[dict[str, Any]]:
    """Return rows on true, clear and clean success of each variant of attack ``name``, one seed."""
    views = {
        "true_success": ("type1_success_oracle", "Type I success, oracle judging"),
        "clear_success": ("type1_success_clear", "the same, unclear images counted as failures"),
        "clean_success": (
            "type1_success_clean",
            "the same, unclear, odd and noisy images counted as failures",
        ),
    }
    rows = []
    for variant, group in examples.groupby("variant", sort=False):
        of_it = [
            measured(
                f"beyond.ablation.{name}.{variant}.{view}",
                rate(group[column].to_numpy()),
                description=f"{text}, {name} with {variant.replace('_', ' ')}",
                seeds=1,
            )
            for view, (column, text) in views.items()
        ]
        rows += unless_blind(of_it, group)
    return rows


def calibration_rows(calibration: pd.DataFrame) -> list[dict[str, Any]]:
    """Return rows on the oracle's agreement with people; without answers, one row with a reason."""
    if calibration.empty:
        nobody = Rate(float("nan"), float("nan"), float("nan"), 0)
        return [
            measured(
                "beyond.oracle.people.agreement",
                nobody,
                description="agreement of the oracle with people on attacked images",
                verdict="not run: no annotations given (config key `annotations`)",
            )
        ]
    return [
        measured(
            f"beyond.oracle.people.{row.measure}",
            Rate(row.value, row.ci_low, row.ci_high, row.n),
            description=row.description,
            verdict="" if row.n else "not run: no annotated images of this kind",
        )
        for row in calibration.itertuples()
    ]
