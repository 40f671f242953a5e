"""Detection rates of squeezed faces at the published threshold and at a fitted one (Table II)."""

from typeone.evaluation.intervals import rate
from typeone.evaluation.measurements import measurement
from typeone.evaluation.roc import threshold_at
from typeone.runtime.artifacts import read_parquet, write_rows
from typeone.runtime.job import job
from typeone.runtime.logs import logger

FIT = "validation"


def evaluate_face_detection(
    *, seeds, scores_paths, measurements_path, ids, labels, source, zeta, false_positive_rate
):
    """Write one row an (images, squeezer, threshold, seed).

    ``ids``: for each of the images, in order, the beginning of its rows' ids; ``labels``: what they
    are called. A threshold is fitted on clean validation faces, whom no rate is of.
    """
    rows = []
    for seed, path in zip(seeds, scores_paths, strict=True):
        scores = read_parquet(path).frame()
        for squeezer, of_it in scores.groupby("squeezer", sort=False):
            size = squeezer.removeprefix("median_")
            shown = {name: frame["score"].to_numpy() for name, frame in of_it.groupby("attack")}
            fitted = threshold_at(shown[FIT], false_positive_rate)
            for name, begin in ids.items():
                for threshold, value in (("zeta", zeta), ("fitted", fitted)):
                    found = rate(shown[name] >= value)
                    suffix = "" if threshold == "zeta" else f".fpr_{false_positive_rate:g}"
                    logger.info(
                        "seed %d, %s, %s at %.3f: %.3f of %d",
                        *(seed, name, squeezer, value, found.value, found.n),
                    )
                    rows.append(
                        {
                            **measurement(
                                f"{begin}.{size}{suffix}",
                                found,
                                seed=seed,
                                description=f"{source} faces, detection rate, median {size}, "
                                + (
                                    f"zeta={zeta:g}"
                                    if threshold == "zeta"
                                    else f"{false_positive_rate:.0%} of clean validation faces"
                                )
                                + f": {labels[name]}",
                            ),
                            **{"attack": name, "squeezer": squeezer, "threshold": threshold},
                            "zeta": value,
                        }
                    )
    write_rows(measurements_path, rows)


if "snakemake" in globals():
    with job(snakemake) as run:
        evaluate_face_detection(
            seeds=run.params.seeds,
            scores_paths=run.input.scores,
            measurements_path=run.output.measurements,
            ids=run.params.ids,
            labels=run.params.labels,
            source=run.params.source,
            **run.params.settings,
        )
