"""Does the quick schedule of Algorithm 2 end in the distribution of the full one?

Reads the judged examples of both (see presets/schedule.yaml for how to make them), pairs them by
position and prints one table. Discordant pairs: examples on which one schedule succeeds and the
other does not, with McNemar's exact p; confidences: Kolmogorov-Smirnov's p.
"""

import argparse

import numpy as np
from scipy import stats

from typeone.evaluation.intervals import rate
from typeone.runtime.artifacts import read_parquet

MEASURES = {
    "f1 keeps y": lambda t: t["f1_label_after"] == t["label"],
    "f2(z) sees y'": lambda t: t["f2_latent_label"] == t["target_label"],
    "f2(x') leaves y": lambda t: t["f2_image_label"] != t["label"],
    "true success": lambda t: t["type1_success_oracle"],
    "targeted success": lambda t: t["type1_targeted_oracle"],
}


def compare(full, quick):
    """Rows (measure, full, quick, discordant pairs, p) over the examples that both attacked."""
    n = len(full)
    assert np.array_equal(full["index"], quick["index"][:n]), "other examples: not comparable"
    rows = []
    for name, of in MEASURES.items():
        a, b = of(full), of(quick)[:n]
        only_full, only_quick = int(np.sum(a & ~b)), int(np.sum(~a & b))
        discordant = only_full + only_quick
        p = stats.binomtest(only_full, discordant).pvalue if discordant else 1.0
        shown = [f"{r.value:.3f} [{r.low:.3f}, {r.high:.3f}]" for r in (rate(a), rate(b))]
        rows.append((name, *shown, f"{only_full} / {only_quick}", p))
    a, b = full["f1_confidence_after"], quick["f1_confidence_after"][:n]
    shown = [f"mean {v.mean():.3f}, median {np.median(v):.3f}" for v in (a, b)]
    rows.append(("f1's confidence in y", *shown, "", stats.ks_2samp(a, b).pvalue))
    shift = [
        np.linalg.norm(t["latent_end"][:n] - t["latent_start"][:n], axis=1) for t in (full, quick)
    ]
    shown = [f"mean {v.mean():.2f}, sd {v.std():.2f}" for v in shift]
    rows.append(("distance walked in z", *shown, "", stats.ks_2samp(*shift).pvalue))
    return rows


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--attacks", default="results/mnist/attacks", help="folder of attacks")
    parser.add_argument("--variants", nargs="+", default=["paper", "sm"])
    options = parser.parse_args()
    print("| variant | measure | full | quick | only full / only quick | p |")
    print("|---|---|---|---|---|---|")
    for variant in options.variants:
        full, quick = (
            read_parquet(f"{options.attacks}/{name}/mlp/seed1/examples.parquet")
            for name in (f"{variant}_full", variant)
        )
        for *cells, p in compare(full, quick):
            print(f"| {variant} | {' | '.join(cells)} | {p:.2f} |")
