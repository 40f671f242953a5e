"""Up to which distance are two faces one person, and how often is that right? (IV-B)"""

from functools import partial

import numpy as np

from typeone.data.faces import FaceTable
from typeone.evaluation.intervals import mean_interval, rate
from typeone.evaluation.measurements import measurement
from typeone.evaluation.verification import draw_pairs, far_threshold, has_same_pairs
from typeone.models.recognizers import THRESHOLDS, embed, load_recognizer
from typeone.runtime.artifacts import write_parquet, write_rows
from typeone.runtime.computing import computing_job
from typeone.runtime.devices import seeded
from typeone.runtime.logs import logger

TOLD = {"paper": "1.242", "squared": "1.242 on the squared distance"}


def distances_of(recognizer, table, kinds, checkpoint, *, pairs, seed, device):
    """Distances of drawn pairs of a table by their kind, see `draw_pairs`."""
    look = partial(table.faces, device=device)
    found = embed(recognizer, len(table), look, checkpoint=checkpoint)
    drawn = {
        kind: draw_pairs(
            table.identities, table.labels, kind=kind, count=pairs, generator=seeded(seed)
        )
        for kind in kinds
    }
    return {kind: pairs.distances(found) for kind, pairs in drawn.items()}


def evaluate_recognizer(
    *,
    recognizer_path,
    validation_path,
    test_path,
    thresholds_path,
    measurements_path,
    faces,
    pairs,
    false_accepts,
    pair_seed,
    source,
    name,
    seed,
    device,
    checkpoint,
):
    """Write the thresholds, `far` from validation pairs, and what test pairs say of each.

    ``faces``: of either table that pairs are drawn from, at most; ``pairs``: of each kind. Where
    nobody has two faces, what needs two of one person is left out.
    """
    recognizer = load_recognizer(recognizer_path, device)
    draw = partial(distances_of, recognizer, pairs=pairs, seed=pair_seed, device=device)
    validation, test = (FaceTable(path, limit=faces) for path in (validation_path, test_path))
    different = draw(validation, ["different"], checkpoint.part("validation"))["different"]
    thresholds = THRESHOLDS | {"far": far_threshold(different, false_accepts)}
    told = TOLD | {"far": f"{100 * false_accepts:g} % false accepts on validation pairs"}
    write_parquet(
        thresholds_path,
        {"name": list(thresholds), "distance": np.array(list(thresholds.values()))},
    )
    several = has_same_pairs(test.identities)
    if not several:
        logger.info("nobody has two test faces: what same people look like is not measured")
    kinds = [*(["same"] if several else []), "different", "opposite"]
    tested = draw(test, kinds, checkpoint.part("test"))
    own, beyond = f"beyond.{source}.recognizer.{name}", f"beyond.{source}"
    which = f"{source} faces, {name} recognizer"
    rows = [
        measurement(
            f"{own}.{kind}_distance",
            mean_interval(found),
            seed=seed,
            description=f"{which}: distance of test pairs, {kind} people",
            unit="L2",
        )
        for kind, found in tested.items()
    ]
    for threshold, distance in thresholds.items():
        accepted = {kind: found <= distance for kind, found in tested.items()}
        judged = {
            f"{own}.false_accept": (accepted["different"], "different people accepted"),
            f"{beyond}.opposite_gender_pairs": (
                accepted["opposite"],
                "plain pairs of a man and a woman accepted",
            ),
        }
        if several:
            same, different = accepted["same"], ~accepted["different"]
            least = min(len(same), len(different))
            right = np.concatenate([same[:least], different[:least]])
            judged[f"{own}.accuracy"] = right, "verification accuracy"
            judged[f"{own}.true_accept"] = same, "same people accepted"
        rows += [
            measurement(
                f"{identity}.{threshold}",
                rate(hits),
                seed=seed,
                description=f"{which}: {what}",
                note=f"test pairs, distance at most {distance:.3f} ({told[threshold]})",
            )
            for identity, (hits, what) in judged.items()
        ]
    for row in rows:
        logger.info("%s, seed %d: %.3f of %d", row["id"], row["seed"], row["value"], row["n"])
    write_rows(measurements_path, rows)


if "snakemake" in globals():
    with computing_job(snakemake, gpu=True) as run:
        evaluate_recognizer(
            recognizer_path=run.input.recognizer,
            validation_path=run.input.validation,
            test_path=run.input.test,
            thresholds_path=run.output.thresholds,
            measurements_path=run.output.measurements,
            **run.params.settings,
            source=run.params.source,
            name=run.wildcards.recognizer,
            seed=int(run.wildcards.seed),
            device=run.device,
            checkpoint=run.checkpoint,
        )
