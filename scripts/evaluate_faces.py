"""How often attacks on a recognizer succeed, and the counterpart of the published 69.8 % (IV-B)."""

from typeone.evaluation.face_success import type1_rates, type2_rates
from typeone.evaluation.intervals import mean_interval
from typeone.evaluation.measurements import measurement
from typeone.runtime.artifacts import read_parquet, write_rows
from typeone.runtime.job import job
from typeone.runtime.logs import logger

MAIN = "paper"  # the threshold that success is published at


def success_rate(found, thresholds, plain):
    """The published figure's counterpart by the judges, (Rate, note).

    ``plain``: share of plain pairs of a man and a woman that pass at the published threshold.
    """
    baseline = f"; plain pairs of a man and a woman that f1 takes for one: {plain:.3f}"

    def at(name):
        return f"{found[f'true_success.{name}'][0].value:.3f} at {thresholds[name]:.3f}"

    return (
        found["true_success"][0],
        "judged by networks that no attack has seen, where the paper asked 30 people; clear to all "
        f"of them: {found['clear_success'][0].value:.3f}; {at('squared')} (Sandberg squares the "
        f"distance), {at('far')} (fitted to validation pairs)" + baseline,
    )


def evaluate_faces(
    *,
    runs,
    example_paths,
    threshold_paths,
    pair_paths,
    measurements_path,
    source,
    published,
):
    """Write one row a (run, what is measured).

    ``runs``: (attack, recognizer, seed), each with a table of judged examples, the thresholds of
    its recognizer and what it says of plain pairs (`evaluate_recognizer`). ``source``: what the
    faces are. ``published``: id of the success rate, which is that of the attack ``paper``.
    """
    tables = {tuple(run): read_parquet(p) for run, p in zip(runs, example_paths, strict=True)}
    collected = []

    def add(identity, value, seed, description, **rest):
        logger.info("%s, seed %d: %.3f of %d", identity, seed, value.value, value.n)
        collected.append(measurement(identity, value, seed=seed, description=description, **rest))

    paths = zip(threshold_paths, pair_paths, strict=True)
    for (run, rows), (threshold_path, pair_path) in zip(tables.items(), paths, strict=True):
        attack, recognizer, seed = run
        named = read_parquet(threshold_path)
        thresholds = dict(zip(named["name"], named["distance"].tolist(), strict=True))
        prefix, what_is = (
            f"beyond.{source}.{attack}.{recognizer}",
            f"{source} faces, {attack} on {recognizer}",
        )
        if "target_label" in rows.columns:
            found = type1_rates(rows, thresholds, MAIN)
        else:
            found = type2_rates(rows, thresholds)
        if attack == "paper":
            plain = read_parquet(pair_path).frame().set_index("id")["value"]
            plain = plain[f"beyond.{source}.opposite_gender_pairs.{MAIN}"]
            value, note = success_rate(found, thresholds, plain)
            add(published, value, seed, f"{source} faces, Type I success", note=note)
        for name, (value, text) in found.items():
            add(f"{prefix}.{name}", value, seed, f"{what_is}: {text}")
        mean = mean_interval(rows["distance"].astype(float))
        text = "mean distance of the embeddings, original to attacked"
        add(f"{prefix}.distance", mean, seed, f"{what_is}: {text}", unit="L2")
    write_rows(measurements_path, collected)


if "snakemake" in globals():
    with job(snakemake) as run:
        evaluate_faces(
            runs=run.params.runs,
            example_paths=run.input.examples,
            threshold_paths=run.input.thresholds,
            pair_paths=run.input.pairs,
            measurements_path=run.output.measurements,
            source=run.params.source,
            published=run.params.published,
        )
