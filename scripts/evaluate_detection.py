"""Detection rates at the published thresholds and at thresholds fitted on clean digits (IV-C)."""

import numpy as np
import pandas as pd

from typeone.evaluation.intervals import rate
from typeone.evaluation.roc import roc_auc, roc_curve, threshold_at
from typeone.runtime.artifacts import read_parquet, write_rows
from typeone.runtime.job import job


def evaluate_run(clean, attacks, *, zetas, false_positive_rates, seed):
    """Rates and curves for one classifier and seed.

    ``clean`` and each of ``attacks`` (by name): a pivoted frame, a row an image (index of the test
    digit), a column a (squeezer, metric), and ``f1_right``.

    At the published thresholds, "clean" are all test digits, as Table I has it, and "original"
    those that the attacks started from. These f1 gets right, so thresholds are fitted on clean
    digits that it gets right too and that no attack started from: on one random half of them;
    "clean" at fitted thresholds, and the negatives of the ROC, are the other half.
    """
    started = sorted(set().union(*(frame.index for frame in attacks.values())))
    apart = clean.index[clean["f1_right"] & ~clean.index.isin(started)]
    order = np.random.default_rng(seed).permutation(len(apart))
    fit, test = (clean.loc[apart[half]] for half in np.array_split(order, 2))
    original = clean.loc[started]
    rates, curves = [], []
    for key in clean.columns.drop("f1_right"):
        squeezer, metric = key
        thresholds = [("zeta", zeta, zeta, clean) for zeta in zetas]
        thresholds += [
            ("false_positive_rate", wanted, threshold_at(fit[key].to_numpy(), wanted), test)
            for wanted in false_positive_rates
        ]
        for kind, nominal, zeta, negatives in thresholds:
            for name, frame in {"clean": negatives, "original": original, **attacks}.items():
                found = rate(frame[key].to_numpy() >= zeta)
                rates.append(
                    {
                        **{"attack": name, "squeezer": squeezer, "metric": metric},
                        **{"threshold": kind, "nominal": nominal, "zeta": zeta},
                        **{"rate": found.value, "low": found.low, "high": found.high, "n": found.n},
                    }
                )
        for name, frame in attacks.items():
            negative, positive = test[key].to_numpy(), frame[key].to_numpy()
            fpr, tpr = roc_curve(negative, positive)
            curve = {"fpr": fpr, "tpr": tpr, "auc": roc_auc(negative, positive)}
            what = {"attack": name, "squeezer": squeezer, "metric": metric}
            curves.append(pd.DataFrame(curve).assign(**what)[[*what, *curve]])
    return pd.DataFrame(rates), pd.concat(curves, ignore_index=True)


def pivot(frame):
    """Scores of one attack as one row an image and one column a (squeezer, metric), and
    ``f1_right``."""
    scores = frame.pivot(index="index", columns=["squeezer", "metric"], values="score")
    scores.columns = scores.columns.to_flat_index()
    return scores.assign(f1_right=frame.groupby("index")["f1_right"].first())


def evaluate_detection(*, runs, rates_path, roc_path, zetas, false_positive_rates, seed):
    """Write rates and ROC curves of every run: ``{(target, seed): path of its scores}``."""
    rates, curves = [], []
    for (target, run), path in runs.items():
        scores = read_parquet(path).frame()
        frames = {name: pivot(frame) for name, frame in scores.groupby("attack", sort=False)}
        clean = frames.pop("clean")
        found = evaluate_run(
            clean, frames, zetas=zetas, false_positive_rates=false_positive_rates, seed=seed
        )
        for collected, frame in zip((rates, curves), found, strict=True):
            collected.append(frame.assign(target=target, seed=run))
    for path, collected in ((rates_path, rates), (roc_path, curves)):
        frame = pd.concat(collected)
        write_rows(path, frame)


if "snakemake" in globals():
    with job(snakemake) as run:
        runs = map(tuple, run.params.runs)
        evaluate_detection(
            runs=dict(zip(runs, run.input.scores, strict=True)),
            rates_path=run.output.rates,
            roc_path=run.output.roc,
            **run.params.settings,
        )
