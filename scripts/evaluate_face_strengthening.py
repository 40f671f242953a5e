"""Evaluate strengthened recognizers on pairs of faces, old and fresh examples (Table III)."""

from itertools import islice, product

from typeone.attacks.shards import merge_shards
from typeone.data.faces import FaceTable
from typeone.evaluation import strengthened_recognizers as strengthened
from typeone.models.recognizers import load_recognizer
from typeone.runtime.artifacts import write_rows
from typeone.runtime.computing import computing_job


def evaluate_face_strengthening(
    *, validation, test, models, tests, files, paths, settings, lfw, checkpoint, **how
):
    """Write every answer, and one row per (network, threshold, what, when, seed).

    Args:
        validation, test: paths of tables of faces; examples are of the latter.
        models: paths by (network, seed), the network without strengthening first.
        tests: (network, what, old or fresh, seed, number of files).
        files: an iterator of the paths of their examples.
        settings: count, half_seed, faces, pairs, false_accepts; chunk of faces embedded at a time.
        lfw: source, path and count of pairs of LFW, or None.
        how: networks, variant, source and published of `measurements`.
    """
    shown, count, pairs, half = (settings[k] for k in ("faces", "count", "pairs", "half_seed"))
    accepts = {"false_accepts": settings["false_accepts"]}
    faces, validation = FaceTable(test), FaceTable(validation, limit=shown)
    trials = strengthened.draw_trials(faces, validation, shown=shown, count=pairs, half_seed=half)
    tables = (merge_shards(list(islice(files, number))) for *_, number in tests)
    tested = trials.tested(count)
    examples = strengthened.unlearnt_examples([test[:4] for test in tests], tables, tested)
    answers, thresholds = strengthened.all_answers(
        ((key, load_recognizer(path)) for key, path in models.items()),
        *(trials, examples),
        validation=strengthened.Images(len(validation), validation.faces),
        test=strengthened.Images(min(max(shown, count), len(faces)), faces.faces),
        lfw=strengthened.lfw_trial(**lfw) if lfw else None,
        **accepts | {"chunk": settings["chunk"], "checkpoint": checkpoint},
    )
    write_rows(paths["answers"], answers)
    rows = strengthened.measurements(answers, thresholds, **accepts, **how)
    write_rows(paths["measurements"], list(rows))


if "snakemake" in globals():
    with computing_job(snakemake) as run:
        keys = product(run.params.networks, run.params.seeds)
        evaluate_face_strengthening(
            **{k: run.input[k] for k in ("validation", "test")},
            models=dict(zip(keys, run.input.models, strict=True)),
            tests=run.params.tests,
            files=iter(run.input.examples),
            paths=dict(run.output),
            settings=run.params.settings | {"chunk": run.params.chunk},
            checkpoint=run.checkpoint,
            **{k: run.params[k] for k in ("networks", "lfw", "variant", "source", "published")},
        )
