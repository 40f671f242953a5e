"""Strengthen a classifier: logit pairing, or retraining on Type I examples against it (IV-D)."""

import numpy as np
import torch

from typeone.artifacts import digest, read_model_metadata, read_parquet, save_model, write_parquet
from typeone.defenses.logit_pairing import LogitPairingSettings, logit_pairing
from typeone.defenses.retraining import learnt_half, with_attacked
from typeone.devices import compute_device, seeded
from typeone.images import DIGIT_SHAPE, binarise, from_uint8, read_digits
from typeone.logs import job_log, logger
from typeone.models.classifiers import error_rate, load_classifier, reset_parameters
from typeone.objectives import classification
from typeone.training import Checkpoint, TrainingSettings, train


def learnt_examples(path, *, seed):
    """The half of the examples at ``path`` that is learnt: digit number, attacked image, target."""
    rows = read_parquet(
        path,
        columns=["index", "label", "target_label", "f1_label_after", "adversarial_image"],
        shapes={"adversarial_image": DIGIT_SHAPE},
    )
    fooled = np.flatnonzero(rows["f1_label_after"] == rows["label"])
    learnt = fooled[learnt_half(len(fooled), seeded(seed))]
    return [rows[k][learnt] for k in ("index", "adversarial_image", "target_label")]


def strengthen_classifier(
    *,
    train_path,
    validation_path,
    test_path,
    base_path,
    examples_path,
    model_path,
    curve_path,
    name,
    method,
    start,
    training,
    settings,
    seed,
    checkpoint,
    device,
):
    """Write the strengthened network, its error rates and its training curve.

    ``start``: from the trained ``base`` or from ``scratch``. ``examples_path``: of judged examples
    against the base, for ``retraining``.

    ASSUME: the paper speaks of strengthening the attacked network, so that the default goes on from
    its weights.
    """
    images, labels = read_digits(train_path, device)
    validation = read_digits(validation_path, device)
    test_images, test_labels = read_digits(test_path, device)
    tested = np.ones(len(test_labels), dtype=bool)
    generator = seeded(seed, device)
    model = load_classifier(base_path, device).requires_grad_(True)
    if start == "scratch":
        reset_parameters(model.cpu(), seeded(seed))
        model.to(device)
    if method == "logit_pairing":
        objective = logit_pairing(
            model, images, labels, LogitPairingSettings(**settings), generator
        )
    else:
        numbers, attacked, targets = learnt_examples(examples_path, seed=settings["seed"])
        tested[numbers] = False
        images, labels = with_attacked(
            images,
            labels,
            from_uint8(attacked, device),
            torch.from_numpy(targets).to(device),
            copies=settings["copies"],
        )
        objective = classification(model, images, labels)
    curve = train(
        model,
        objective,
        name=name,
        count=len(images),
        settings=TrainingSettings(**training),
        seed=seed,
        generator=generator,
        checkpoint=checkpoint,
        evaluate=lambda: {"validation_error": error_rate(model, *validation)},
    )
    test_images, test_labels = test_images[tested], test_labels[tested]
    metrics = {
        "validation_error": curve[-1]["validation_error"],
        "test_error": error_rate(model, test_images, test_labels),
        "test_error_binarised": error_rate(model, binarise(test_images), test_labels),
        "test_n": len(test_images),
    }
    logger.info("%s: test error %.2f %%", name, 100 * metrics["test_error"])
    save_model(
        model_path,
        model,
        metadata={
            "architecture": read_model_metadata(base_path)["architecture"],
            **{"seed": seed, "training": training},
            **{"method": method, "start": start, "settings": settings},
            "trained_test_digits": np.flatnonzero(~tested).tolist(),
            **metrics,
        },
    )
    write_parquet(curve_path, {key: [row[key] for row in curve] for key in curve[0]})
    checkpoint.discard()


if "snakemake" in globals():
    with job_log(snakemake.log[0], snakemake.rule):
        device = compute_device(snakemake.threads, gpu=snakemake.resources.get("gpu", 0))
        examples = snakemake.input.examples[0] if snakemake.input.examples else None
        used = [snakemake.input.train, snakemake.input.base, *snakemake.input.examples]
        settled = digest(list(snakemake.params), device.type, files=used)
        strengthen_classifier(
            checkpoint=Checkpoint(snakemake.params.resume, settled),
            train_path=snakemake.input.train,
            validation_path=snakemake.input.validation,
            test_path=snakemake.input.test,
            base_path=snakemake.input.base,
            examples_path=examples,
            model_path=snakemake.output.model,
            curve_path=snakemake.output.curve,
            name=" ".join(snakemake.wildcards),
            **snakemake.params.network,
            seed=snakemake.params.seed,
            device=device,
        )
