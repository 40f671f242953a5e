"""How often attacks on a recognizer succeed, and the counterpart of the published 69.8 % (IV-B)."""

from typeone.annotations import FACES, majority, read_annotations
from typeone.artifacts import read_parquet, write_rows
from typeone.face_success import success_by_people, type1_rates, type2_rates
from typeone.logs import job_log, logger
from typeone.measurements import measurement
from typeone.metrics import mean_interval

MAIN = "paper"  # the threshold that success is published at


def seen_by_people(annotation_paths, tables):
    """The label that most people give each image, by run and position."""
    images = {
        f"{attack}/{recognizer}/seed{seed}/{position}": ((attack, recognizer, seed), position)
        for (attack, recognizer, seed), rows in tables.items()
        for position in rows["position"].tolist()
    }
    people = majority(read_annotations(annotation_paths, images, FACES))
    seen = {run: {} for run in tables}
    for image, label in zip(people["image"], people["label"], strict=True):
        run, position = images[image]
        seen[run][position] = label
    return seen


def success_rate(rows, found, seen, threshold):
    """The published figure's counterpart, (Rate, note): by people where they have labelled."""
    if seen:
        people = success_by_people(rows, seen, threshold)
        return people, f"by people, on the {people.n} faces that they labelled"
    return (
        found["true_success"][0],
        "judged by networks that no attack has seen, where the paper asked 30 people; "
        f"clear to all of them: {found['clear_success'][0].value:.3f}; distance at most 1.1145 "
        f"(Sandberg squares it): {found['true_success.squared'][0].value:.3f}, at 1 % false "
        f"accepts: {found['true_success.far'][0].value:.3f}",
    )


def evaluate_faces(
    *,
    runs,
    example_paths,
    threshold_paths,
    annotation_paths,
    measurements_path,
    source,
    published,
):
    """Write one row a (run, what is measured).

    ``runs``: (attack, recognizer, seed), each with a table of judged examples and the thresholds of
    its recognizer. ``source``: what the faces are. ``published``: id of the success rate, which is
    that of the attack ``paper``.
    """
    tables = {tuple(run): read_parquet(p) for run, p in zip(runs, example_paths, strict=True)}
    people = seen_by_people(annotation_paths, tables)
    collected = []

    def add(identity, value, seed, description, **rest):
        logger.info("%s, seed %d: %.3f of %d", identity, seed, value.value, value.n)
        collected.append(measurement(identity, value, seed=seed, description=description, **rest))

    for (run, rows), path in zip(tables.items(), threshold_paths, strict=True):
        attack, recognizer, seed = run
        named = read_parquet(path)
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
            value, note = success_rate(rows, found, people[run], thresholds[MAIN])
            add(published, value, seed, f"{source} faces, Type I success", note=note)
        for name, (value, text) in found.items():
            add(f"{prefix}.{name}", value, seed, f"{what_is}: {text}")
        mean = mean_interval(rows["distance"].astype(float))
        text = "mean distance of the embeddings, original to attacked"
        add(f"{prefix}.distance", mean, seed, f"{what_is}: {text}", unit="L2")
    write_rows(measurements_path, collected)


if "snakemake" in globals():
    with job_log(snakemake.log[0], snakemake.rule, snakemake.params):
        evaluate_faces(
            runs=snakemake.params.runs,
            example_paths=snakemake.input.examples,
            threshold_paths=snakemake.input.thresholds,
            annotation_paths=snakemake.input.annotations,
            measurements_path=snakemake.output.measurements,
            source=snakemake.params.source,
            published=snakemake.params.published,
        )
