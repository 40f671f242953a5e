"""Run the toy example of II-A: train f1, move samples along the unnecessary and missing features.

The classifiers have three and four parameters and take about a second to train. Their weights are
rows of a table and there are no checkpoints.
"""

import pandas as pd

from typeone.evaluation.cube import evaluate_cube
from typeone.runtime.artifacts import write_rows
from typeone.runtime.computing import computing_job
from typeone.runtime.logs import logger


def evaluate_toy(*, seeds, paths, **settings):
    """Write the sample, the planes, every move and the measurements; seeds are independent."""
    worlds = [evaluate_cube(seed, **settings) for seed in seeds]
    frames = {key: pd.concat([world[key] for world in worlds]) for key in worlds[0]}
    for row in frames["measurements"].itertuples():
        logger.info("seed %d, %s: %.4f", row.seed, row.id, row.value)
    for key, frame in frames.items():
        write_rows(paths[key], frame)


if "snakemake" in globals():
    with computing_job(snakemake) as run:
        evaluate_toy(
            seeds=run.params.seeds,
            paths=dict(run.output),
            **run.params.settings,
        )
