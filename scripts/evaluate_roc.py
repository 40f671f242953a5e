"""ROC of f1 for one class against the rest, and where each type of attack moves it (Fig. 1)."""

import numpy as np
import pandas as pd

from typeone.data.digits import DIGIT_SHAPE, read_digits
from typeone.data.images import from_uint8
from typeone.evaluation.intervals import rate
from typeone.evaluation.measurements import measurement
from typeone.evaluation.one_vs_rest import class_margin, sides
from typeone.evaluation.roc import auc_interval, roc_corners
from typeone.models.classifiers import load_classifier
from typeone.models.predictions import predict
from typeone.runtime.artifacts import read_parquet, write_rows
from typeone.runtime.computing import computing_job
from typeone.runtime.logs import logger


def curve(negative, positive, **key):
    """Rows of one ROC; none where a side is empty."""
    if not len(negative) or not len(positive):
        return pd.DataFrame()
    fpr, tpr = roc_corners(negative, positive)
    return pd.DataFrame({**key, "fpr": fpr, "tpr": tpr})


def evaluate_seed(f1, images, labels, attacked, *, kinds, positive):
    """Figures (id, rate, description, note) and curves of one f1.

    ``attacked``: judged examples by attack; of these the images of class ``positive`` count.
    ``kinds``: type1 or type2 by attack.
    """
    digit = f"a {positive}"

    def score(batch):
        return class_margin(predict(f1, batch), positive).numpy()

    clean = score(images)
    is_positive = (labels == positive).numpy()
    positives, negatives = clean[is_positive], clean[~is_positive]
    found = [
        (
            "clean.tpr",
            rate(positives > 0),
            f"f1 says {digit}, of the test digits that are {digit}",
            "",
        ),
        ("clean.fpr", rate(negatives > 0), f"f1 says {digit}, of the other test digits", ""),
        (
            "clean.auc",
            auc_interval(negatives, positives),
            f"ROC area of f1, {digit} against the other digits",
            "",
        ),
    ]
    curves = [curve(negatives, positives, attack="clean", counted="oracle")]
    for name, table in attacked.items():
        chosen = np.asarray(table["label"]) == positive
        scores = score(from_uint8(table["adversarial_image"][chosen]))
        side = sides(table["oracle_label"][chosen], table["oracle_clear"][chosen], positive)
        of = f"images of attack {name} on {digit}"
        unclear = "what is unclear to the oracle is left out"
        if kinds[name] == "type2":
            found += [
                (f"{name}.still", rate(side.positive), f"oracle sees {digit} clearly, of {of}", ""),
                (
                    f"{name}.tpr",
                    rate(scores[side.positive] > 0),
                    f"f1 says {digit}, of {of} that the oracle sees as {digit}",
                    unclear,
                ),
                (
                    f"{name}.tpr_with_unclear",
                    rate(scores[side.positive_at_best] > 0),
                    f"f1 says {digit}, of {of} that the oracle's best guess calls {digit}",
                    "",
                ),
                (
                    f"{name}.tpr_by_label",
                    rate(scores > 0),
                    f"f1 says {digit}, of all {of}",
                    f"each counted as {digit}, whatever the oracle sees",
                ),
                (
                    f"{name}.auc",
                    auc_interval(negatives, scores[side.positive]),
                    f"ROC area of f1, {of} for positives",
                    unclear,
                ),
                (
                    f"{name}.auc_by_label",
                    auc_interval(negatives, scores),
                    f"ROC area of f1, all {of} for positives",
                    f"each counted as {digit}, whatever the oracle sees",
                ),
            ]
            curves += [
                curve(negatives, scores[side.positive], attack=name, counted="oracle"),
                curve(negatives, scores, attack=name, counted="label"),
            ]
        else:
            found += [
                (
                    f"{name}.gone",
                    rate(side.negative),
                    f"oracle clearly sees something else, of {of}",
                    "",
                ),
                (
                    f"{name}.fpr",
                    rate(scores[side.negative] > 0),
                    f"f1 says {digit}, of {of} in which the oracle sees something else",
                    unclear,
                ),
                (
                    f"{name}.fpr_with_unclear",
                    rate(scores[side.negative_at_best] > 0),
                    f"f1 says {digit}, of {of} that the oracle's best guess calls something else",
                    "",
                ),
                (
                    f"{name}.auc",
                    auc_interval(scores[side.negative], positives),
                    f"ROC area of f1, {of} for negatives",
                    unclear,
                ),
            ]
            curves.append(
                curve(scores[side.negative], positives, attack=name, counted="oracle"),
            )
    return found, curves


def evaluate_roc(*, test_path, model_paths, runs, curves_path, measurements_path, kinds, positive):
    """Write every ROC and what was measured.

    ``model_paths``: f1 by seed. ``runs``: judged examples, ``{(attack, seed): path}``.
    """
    images, labels = read_digits(test_path)
    rows, curves = [], []
    for seed, path in model_paths.items():
        attacked = {
            name: read_parquet(runs[name, seed], shapes={"adversarial_image": DIGIT_SHAPE})
            for name in kinds
        }
        found, drawn = evaluate_seed(
            load_classifier(path), images, labels, attacked, kinds=kinds, positive=positive
        )
        curves += [frame.assign(seed=seed) for frame in drawn if len(frame)]
        for name, value, text, note in found:
            identity = f"beyond.fig1.{name}"
            if not value.n:
                logger.warning("seed %d, %s: no such image, the row is left out", seed, identity)
                continue
            logger.info("seed %d, %s: %.4f of %d", seed, identity, value.value, value.n)
            rows.append(measurement(identity, value, seed=seed, description=text, note=note))
    for path, frame in ((curves_path, pd.concat(curves)), (measurements_path, pd.DataFrame(rows))):
        write_rows(path, frame)


if "snakemake" in globals():
    with computing_job(snakemake) as run:
        evaluate_roc(
            test_path=run.input.test,
            model_paths=dict(zip(run.params.seeds, run.input.models, strict=True)),
            runs=dict(zip(map(tuple, run.params.runs), run.input.examples, strict=True)),
            curves_path=run.output.curves,
            measurements_path=run.output.measurements,
            kinds=run.params.kinds,
            positive=run.params.positive,
        )
