"""Fit distance thresholds of a recognizer and measure its verification rates (IV-B)."""

from functools import partial

import numpy as np

from typeone.data.faces import FaceTable
from typeone.evaluation.recognizers import pair_distances, verification_measurements
from typeone.evaluation.verification import far_threshold, has_same_pairs
from typeone.models.recognizers import THRESHOLDS, load_recognizer
from typeone.runtime.artifacts import write_parquet, write_rows
from typeone.runtime.computing import computing_job
from typeone.runtime.logs import logger


def evaluate_recognizer(*, paths, faces, pairs, false_accepts, pair_seed, device, checkpoint, **of):
    """Write the thresholds, `far` from validation pairs, and the rates of test pairs at each.

    ``faces``: maximum number of faces of each table; ``pairs``: number of pairs of each kind. If
    nobody has two faces, measures of same-person pairs are left out. ``of``: source, name, seed.
    """
    recognizer = load_recognizer(paths["recognizer"], device)
    how = {"pairs": pairs, "seed": pair_seed, "device": device}
    draw = partial(pair_distances, recognizer, **how)
    validation, test = (FaceTable(paths[k], limit=faces) for k in ("validation", "test"))
    different = draw(validation, ["different"], checkpoint.part("validation"))["different"]
    thresholds = THRESHOLDS | {"far": far_threshold(different, false_accepts)}
    limits = {"name": list(thresholds), "distance": np.array(list(thresholds.values()))}
    write_parquet(paths["thresholds"], limits)
    several = has_same_pairs(test.identities)
    if not several:
        logger.info("no person has two test faces: pairs of one person are not evaluated")
    kinds = [*(["same"] if several else []), "different", "opposite"]
    tested = draw(test, kinds, checkpoint.part("test"))
    far = f"{100 * false_accepts:g} % false accepts on validation pairs"
    rows = list(verification_measurements(tested, thresholds, far=far, **of))
    for row in rows:
        logger.info("%s, seed %d: %.3f of %d", row["id"], row["seed"], row["value"], row["n"])
    write_rows(paths["measurements"], rows)


if "snakemake" in globals():
    with computing_job(snakemake, gpu=True) as run:
        evaluate_recognizer(
            paths={**dict(run.input.items()), **dict(run.output.items())},
            **run.params.settings,
            source=run.params.source,
            name=run.wildcards.target,
            seed=int(run.wildcards.seed),
            device=run.device,
            checkpoint=run.checkpoint,
        )
