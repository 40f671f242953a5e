"""What strengthened recognizers withstand: pairs of faces, old and fresh examples (Table III)."""

from itertools import islice, product

import numpy as np

from typeone.attacks.shards import merge_shards
from typeone.data.faces import FaceTable
from typeone.data.lfw import SMALL, image_side, lfw_folder, read_faces, read_lfw
from typeone.evaluation import strengthened_recognizers as strengthened
from typeone.models.recognizers import load_recognizer
from typeone.runtime.artifacts import write_rows
from typeone.runtime.computing import computing_job

SETTINGS = ("faces", "count", "pairs", "half_seed", "false_accepts", "chunk")


def lfw_trial(source, path, count):
    """Images of LFW, and ``count`` of its pairs."""
    files, pairs = strengthened.spread_pairs(read_lfw(lfw_folder(source, path)), count)
    image_side(files)  # one of another size would be cut wrongly
    images = strengthened.Images(len(files), lambda part: read_faces(files[part], SMALL))
    return images, pairs


def evaluate_face_strengthening(
    *, validation, test, models, tests, example_paths, paths, settings, lfw, checkpoint, **how
):
    """Write every answer, and one row a (network, threshold, what, when, seed).

    Args:
        validation, test: paths of tables of faces; examples are of the latter.
        models: paths by (network, seed), the plain network first.
        tests: (network, what, old or fresh, seed, number of files); the files follow each other
            in ``example_paths``.
        settings: count and half_seed of the attacked faces; faces, pairs and false_accepts of the
            verification; chunk of faces embedded at a time.
        lfw: source, path and count of pairs of LFW, or None.
        how: networks, variant, source and published of `measurements`.
    """
    shown, count, pairs, half, accepts, chunk = (settings[k] for k in SETTINGS)
    faces, validation = FaceTable(test), FaceTable(validation, limit=shown)
    trials = strengthened.draw_trials(faces, validation, shown=shown, count=pairs, half_seed=half)
    files = iter(example_paths)
    tables = (merge_shards(list(islice(files, number))) for *_, number in tests)
    tested = ~trials.learnt & (np.arange(len(faces)) < count)
    examples = strengthened.unlearnt_examples([test[:4] for test in tests], tables, tested)
    answers, thresholds = strengthened.all_answers(
        ((key, load_recognizer(path)) for key, path in models.items()),
        *(trials, examples),
        validation=strengthened.Images(len(validation), validation.faces),
        test=strengthened.Images(min(max(shown, count), len(faces)), faces.faces),
        lfw=lfw_trial(**lfw) if lfw else None,
        **{"false_accepts": accepts, "chunk": chunk, "checkpoint": checkpoint},
    )
    write_rows(paths["answers"], answers)
    rows = strengthened.measurements(answers, thresholds, false_accepts=accepts, **how)
    write_rows(paths["measurements"], list(rows))


if "snakemake" in globals():
    with computing_job(snakemake) as run:
        keys = product(run.params.networks, run.params.seeds)
        evaluate_face_strengthening(
            validation=run.input.validation,
            test=run.input.test,
            models=dict(zip(keys, run.input.models, strict=True)),
            tests=run.params.tests,
            example_paths=run.input.examples,
            paths=dict(run.output),
            settings=run.params.settings | {"chunk": run.params.chunk},
            checkpoint=run.checkpoint,
            **{k: run.params[k] for k in ("networks", "lfw", "variant", "source", "published")},
        )
