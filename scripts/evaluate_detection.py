"""Detection rates at the published thresholds and at thresholds fitted on clean digits (IV-C)."""

import numpy as np
import pandas as pd

from typeone.artifacts import read_parquet, write_parquet
from typeone.logs import job_log
from typeone.metrics import rate, roc_auc, roc_curve, threshold_at


def evaluate_run(clean, attacks, *, zetas, false_positive_rates, seed):
    """Rates and curves for one classifier and seed.

    ``clean`` and each of ``attacks`` (by name): a pivoted frame, a row an image (index of the test
    digit), a column a (squeezer, metric). Thresholds are fitted on one random half of the clean
    digits that no attack started from; "clean" rates at them come from the other half, "clean"
    rates at the published zetas from the digits that the attacks started from.
    """
    started = next(iter(attacks.values())).index
    apart = clean.index.difference(started)
    order = np.random.default_rng(seed).permutation(len(apart))
    fit, test = (clean.loc[apart[half]] for half in np.array_split(order, 2))
    rates, curves = [], []
    for squeezer, metric in clean.columns:
        key = (squeezer, metric)
        thresholds = [("zeta", zeta, zeta) for zeta in zetas]
        thresholds += [
            ("false_positive_rate", wanted, threshold_at(fit[key].to_numpy(), wanted))
            for wanted in false_positive_rates
        ]
        for kind, nominal, zeta in thresholds:
            clean_scores = clean.loc[started, key] if kind == "zeta" else test[key]
            for name, scores in {
                "clean": clean_scores,
                **{a: f[key] for a, f in attacks.items()},
            }.items():
                found = rate(scores.to_numpy() >= zeta)
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
            curves += [
                {
                    **{"attack": name, "squeezer": squeezer, "metric": metric},
                    **{"fpr": x, "tpr": y, "auc": roc_auc(negative, positive)},
                }
                for x, y in zip(fpr, tpr, strict=True)
            ]
    return pd.DataFrame(rates), pd.DataFrame(curves)


def pivot(path):
    """A score table as one row an image and one column a (squeezer, metric)."""
    frame = read_parquet(path).frame()
    return frame.pivot(index="index", columns=["squeezer", "metric"], values="score")


def evaluate_detection(*, runs, rates_path, roc_path, zetas, false_positive_rates, seed):
    """Write rates and ROC curves of every run: ``{(target, seed): {attack or clean: path}}``."""
    rates, curves = [], []
    for (target, run), paths in runs.items():
        frames = {name: pivot(path) for name, path in paths.items()}
        clean = frames.pop("clean")
        found = evaluate_run(
            clean, frames, zetas=zetas, false_positive_rates=false_positive_rates, seed=seed
        )
        for collected, frame in zip((rates, curves), found, strict=True):
            collected.append(frame.assign(target=target, seed=run))
    for path, collected in ((rates_path, rates), (roc_path, curves)):
        frame = pd.concat(collected)
        write_parquet(path, {name: frame[name].to_numpy() for name in frame})


if "snakemake" in globals():
    with job_log(snakemake.log[0], snakemake.rule):
        runs = {}
        for (target, seed, name), path in zip(
            snakemake.params.runs, snakemake.input.scores, strict=True
        ):
            runs.setdefault((target, seed), {})[name] = path
        evaluate_detection(
            runs=runs,
            rates_path=snakemake.output.rates,
            roc_path=snakemake.output.roc,
            **snakemake.params.settings,
        )
