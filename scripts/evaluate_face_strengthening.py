"""What strengthened recognizers withstand: pairs of faces, old examples and fresh ones (Table III).

Old examples were made against the recognizer that was strengthened, fresh ones against the one that
they are shown to. No example and no pair is of a person that was learnt.

Two thresholds: the paper's, and for each network the one fitted to few false accepts on validation
faces. A network that moves all faces apart, or together, would look strong at the first alone.
"""

from itertools import islice, product

import numpy as np
import pandas as pd

from typeone.attacks.shards import merge_shards
from typeone.data.faces import FaceTable
from typeone.data.lfw import SMALL, lfw_folder, read_faces, read_lfw
from typeone.defenses.recognizers import learnt_people
from typeone.evaluation.intervals import pool_seeds
from typeone.evaluation.measurements import measurement
from typeone.evaluation.pair_accuracy import (
    accuracies,
    balanced_pairs,
    example_answers,
    pair_answers,
)
from typeone.evaluation.verification import Pairs, draw_pairs, far_threshold, has_same_pairs
from typeone.models.recognizers import THRESHOLDS, embed, load_recognizer
from typeone.runtime.artifacts import write_rows
from typeone.runtime.computing import computing_job
from typeone.runtime.devices import seeded
from typeone.runtime.logs import logger

TEXTS = {
    "pairs": "pairs of test faces",
    "lfw": "pairs of LFW",
    "svae": "Type I examples",
    "svae_seen": "Type I examples in which the judges see the other gender",
    "fgsm": "FGSM examples",
    "pgd": "PGD examples",
}
WHEN = {"": "", "old": " made against the plain one", "fresh": " made against itself"}
MAIN = "paper"  # the threshold of the published rates
PRINTED = set(product(("svae", "fgsm", "pgd"), ("lfw", "svae", "fgsm", "pgd")))  # Table III


def lfw_pairs(source, path, count):
    """Files of LFW, ``count`` of its pairs evenly from all folds, and which are of one person."""
    lfw = read_lfw(lfw_folder(source, path))
    chosen = slice(None, None, max(1, len(lfw.same) // count))
    ends = np.stack([lfw.first[chosen], lfw.second[chosen]])
    used, place = np.unique(ends, return_inverse=True)
    return [lfw.files[i] for i in used], Pairs(*place.reshape(ends.shape)), lfw.same[chosen]


def evaluate_face_strengthening(
    *,
    validation_path,
    test_path,
    networks,
    seeds,
    model_paths,
    tests,
    example_paths,
    measurements_path,
    answers_path,
    settings,
    lfw,
    variant,
    source,
    published,
    chunk,
    checkpoint,
):
    """Write every answer, and one row a (network, threshold, what, when, seed).

    Args:
        networks: name → how ids call it, the plain one first; each has a path for every seed in
            ``model_paths``.
        tests: (network, what, old or fresh, seed, number of files); the files follow each other
            in ``example_paths``.
        settings: count and half_seed of the attacked faces; faces, pairs and false_accepts of the
            verification.
        lfw: source, path and count of pairs of LFW, or None.
        variant: of Type I examples; all but ``paper`` take the row and column svae from the
            published cells.
        source: what the faces are.
        published: what the ids of the paper's own cells start with.
        chunk: faces embedded at a time.
    """
    shown, count = settings["faces"], settings["count"]
    faces, validation = FaceTable(test_path), FaceTable(validation_path, limit=shown)
    learnt = learnt_people(faces.identities, seeded(settings["half_seed"]))
    unlearnt = np.flatnonzero(~learnt[:shown])
    told_apart = has_same_pairs(faces.identities[unlearnt])
    if told_apart:
        pairs, same = balanced_pairs(faces, unlearnt, settings["pairs"], seeded(0))
    apart = draw_pairs(
        validation.identities,
        validation.labels,
        kind="different",
        count=settings["pairs"],
        generator=seeded(0),
    )
    files, others, one = lfw_pairs(**lfw) if lfw else ([], None, None)
    paths, examples = iter(example_paths), {}
    for network, what, when, seed, number in tests:
        rows = merge_shards(list(islice(paths, number)))
        tested = ~learnt[rows["position"]] & (rows["position"] < count)
        rows = {name: values[tested] for name, values in rows.items()}
        examples.setdefault((network, seed), []).append((what, when, rows))
    answers, thresholds = [], []
    for key, path in zip(product(networks, seeds), model_paths, strict=True):
        recognizer = load_recognizer(path)
        known = dict(zip(("network", "seed"), key, strict=True))
        sidecar = checkpoint.part(".".join(map(str, key)))

        def look(name, count, images, recognizer=recognizer, sidecar=sidecar):
            return embed(recognizer, count, images, batch=chunk, checkpoint=sidecar.part(name))

        strangers = apart.distances(look("validation", len(validation), validation.faces))
        far = far_threshold(strangers, settings["false_accepts"])
        for name, limit in {MAIN: THRESHOLDS[MAIN], "far": far}.items():
            thresholds.append(known | {"threshold": name, "limit": limit})
        originals = look("test", min(max(shown, count), len(faces)), faces.faces)
        if told_apart:
            answers.append(pair_answers(originals, pairs, same).assign(**known, when=""))
        if lfw:
            found = look("lfw", len(files), lambda part: read_faces(files[part], SMALL))
            shown_pairs = pair_answers(found, others, one)
            answers.append(shown_pairs.assign(**known, what="lfw", when=""))
        for what, when, rows in examples[key]:
            found = example_answers(
                *(recognizer, originals, rows, what),
                chunk=chunk,
                checkpoint=sidecar.part(f"{what}.{when}"),
            )
            answers.append(found.assign(**known, when=when))
    answers = pd.concat(answers, ignore_index=True)
    write_rows(answers_path, answers)
    found = list(accuracies(answers, pd.DataFrame(thresholds)))

    def pooled(**wanted):
        """One figure of all seeds, as text."""
        values = [value for row, value in found if wanted.items() <= row.items()]
        return f"{pool_seeds(values).value:.3f}" if values else "not measured"

    def note(row):
        """What the verdict table says beside a cell of the paper."""
        cell = {k: row[k] for k in ("network", "what", "when")}
        plain = pooled(**cell | {"network": next(iter(networks))}, threshold=MAIN)
        fitted = f"at {settings['false_accepts']:.0%} false accepts"
        told = f"the plain one: {plain}; {fitted}: {pooled(**cell, threshold='far')}"
        if row["when"] == "old":
            told += f"; attacked afresh: {pooled(**cell | {'when': 'fresh'}, threshold=MAIN)}"
        return told

    rows = []
    for row, value in found:
        network, what, when = (row[k] for k in ("network", "what", "when"))
        main = row["threshold"] == MAIN
        cell = f"{networks[network]}.{'fresh.' if when == 'fresh' else ''}{what}"
        told = (networks[network], what)
        printed = told in PRINTED and main and when != "fresh"
        printed = printed and (variant == "paper" or "svae" not in told)
        prefix = published if printed else f"beyond.{source}.table3"
        at = f"{row['limit']:.3f}" if main else f"its {settings['false_accepts']:.0%} false accepts"
        logger.info("%s at %s, seed %d: %.3f of %d", cell, at, row["seed"], value.value, value.n)
        text = f"{source} faces, strengthened by {networks[network]}: accuracy on {TEXTS[what]}"
        text += f" (variant {variant})" if what.startswith("svae") else ""
        found_row = measurement(
            f"{prefix}.{cell}" + ("" if main else ".far"),
            value,
            seed=row["seed"],
            description=f"{text}{WHEN[when]}, at {at}",
            note=note(row) if main else "",
        )
        rows.append(found_row | {k: row[k] for k in ("network", "what", "when", "threshold")})
        rows[-1]["limit"] = row["limit"]
    write_rows(measurements_path, rows)


if "snakemake" in globals():
    with computing_job(snakemake) as run:
        evaluate_face_strengthening(
            validation_path=run.input.validation,
            test_path=run.input.test,
            networks=run.params.networks,
            seeds=run.params.seeds,
            model_paths=run.input.models,
            tests=run.params.tests,
            example_paths=run.input.examples,
            measurements_path=run.output.measurements,
            answers_path=run.output.answers,
            settings=run.params.settings,
            lfw=run.params.lfw,
            variant=run.params.variant,
            source=run.params.source,
            published=run.params.published,
            chunk=run.params.chunk,
            checkpoint=run.checkpoint,
        )
