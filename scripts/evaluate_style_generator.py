"""How Eq. 13 went on the small generator of faces, with strangers beside it (III-D, IV-E)."""

import numpy as np
import pandas as pd

from typeone.artifacts import read_parquet, write_parquet
from typeone.logs import job_log, logger
from typeone.measurements import measurement
from typeone.metrics import mean_interval, rate
from typeone.models.recognizers import read_thresholds


def rows_of(table, thresholds, *, prefix, faces, recognizer, seed):
    """Rows on one seed, of what `attack_style_generator` stored of it."""
    named = f"{faces}, Eq. 13 on the small generator, f1 {recognizer}"
    far = table["hinge"] <= 0
    found = {
        "far": (rate(far), "z' as far as it should be"),
    }
    for name, limit in thresholds.items():
        kept = table["distance"] <= limit
        near = table["stranger_distance"] <= limit
        told = f"the same person to f1 ({name}, {limit:.3f})"
        found[f"kept.{name}"] = (rate(kept & far), f"far away, and {told}")
        found[f"strangers.{name}"] = (rate(near), f"faces of two latents at random: {told}")
    rates = [
        measurement(f"{prefix}.{what}", value, seed=seed, description=f"{named}: {text}")
        for what, (value, text) in found.items()
    ]
    lengths = {
        "distance": ("distance", "distance of the embeddings of both ends"),
        "strangers.distance": ("stranger_distance", "the same of two latents at random"),
        "latent_distance": ("latent_distance", "||z' - z||"),
    }
    return rates + [
        measurement(
            f"{prefix}.{what}",
            mean_interval(table[column]),
            seed=seed,
            description=f"{named}: {text}",
            unit="L2",
        )
        for what, (column, text) in lengths.items()
    ]


def evaluate_style_generator(
    *, example_paths, threshold_paths, measurements_path, prefix, faces, recognizer
):
    """Write the measurements; paths: by seed. ``prefix``: of their ids."""
    found = []
    for seed, path in example_paths.items():
        found += rows_of(
            read_parquet(path),
            read_thresholds(threshold_paths[seed]),
            **{"prefix": prefix, "faces": faces, "recognizer": recognizer, "seed": seed},
        )
    for row in found:
        logger.info("%s, seed %d: %.3f", row["id"], row["seed"], row["value"])
    frame = pd.DataFrame(found)
    write_parquet(measurements_path, {name: np.array(frame[name]) for name in frame})


if "snakemake" in globals():
    with job_log(snakemake.log[0], snakemake.rule):
        seeds = snakemake.params.seeds
        evaluate_style_generator(
            example_paths=dict(zip(seeds, snakemake.input.examples, strict=True)),
            threshold_paths=dict(zip(seeds, snakemake.input.thresholds, strict=True)),
            measurements_path=snakemake.output.measurements,
            **snakemake.params.named,
        )
