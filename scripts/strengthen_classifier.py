"""Strengthen a classifier: logit pairing, or retraining on Type I examples against it (IV-D)."""

import numpy as np
import torch

from typeone.data.digits import DIGIT_SHAPE, read_digits
from typeone.data.images import from_uint8
from typeone.defenses.logit_pairing import LogitPairingSettings, logit_pairing
from typeone.defenses.retraining import learnt_half, with_attacked
from typeone.evaluation.error_rates import error_rate, errors_on
from typeone.models.classifiers import load_classifier, reset_parameters
from typeone.models.predictions import predict
from typeone.models.user_networks import build_own
from typeone.runtime.artifacts import read_model_metadata, read_parquet, save_model, write_rows
from typeone.runtime.computing import computing_job
from typeone.runtime.devices import seeded
from typeone.runtime.logs import logger
from typeone.training.loop import TrainingSettings, train
from typeone.training.objectives.classification import classification


def learnt_examples(paths, base, *, seed):
    """Digit number, attacked image and target of the half that is learnt, of those that fool base.

    ``paths``: shards of an attack on it. In order of position, so that their number is no matter.
    """
    names = ["position", "index", "label", "target_label", "adversarial_image"]
    shapes = {"adversarial_image": DIGIT_SHAPE}
    tables = [read_parquet(path, columns=names, shapes=shapes) for path in paths]
    rows = {name: np.concatenate([table[name] for table in tables]) for name in names}
    rows = {name: values[np.argsort(rows["position"])] for name, values in rows.items()}
    guesses = predict(base, from_uint8(rows["adversarial_image"])).argmax(dim=1).numpy()
    fooled = np.flatnonzero(guesses == rows["label"])
    learnt = fooled[learnt_half(len(fooled), seeded(seed))]
    return [rows[name][learnt] for name in ("index", "adversarial_image", "target_label")]


def strengthen_classifier(
    *,
    train_path,
    validation_path,
    test_path,
    base_path,
    module,
    example_paths,
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

    ``start``: from the trained ``base`` or from ``scratch``. ``example_paths``: shards of an
    attack on the base, for ``retraining``.

    ASSUME: the paper speaks of strengthening the attacked network, so that the default goes on from
    its weights.
    """
    images, labels = read_digits(train_path, device)
    validation = read_digits(validation_path, device)
    test_images, test_labels = read_digits(test_path, device)
    tested = np.ones(len(test_labels), dtype=bool)
    generator = seeded(seed, device)
    model = load_classifier(base_path, device, module=module).requires_grad_(True)
    if start == "scratch" and module is None:
        reset_parameters(model.cpu(), seeded(seed))
        model.to(device)
    elif start == "scratch":
        model = build_own(module, seed=seed).to(device)
    if method == "logit_pairing":
        objective = logit_pairing(
            model, images, labels, LogitPairingSettings(**settings), generator
        )
    else:
        numbers, attacked, targets = learnt_examples(
            example_paths, load_classifier(base_path, module=module), seed=settings["seed"]
        )
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
        **errors_on(model, test_images, test_labels),
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
    write_rows(curve_path, curve)


if "snakemake" in globals():
    with computing_job(snakemake, gpu=True) as run:
        strengthen_classifier(
            checkpoint=run.checkpoint,
            train_path=run.input.train,
            validation_path=run.input.validation,
            test_path=run.input.test,
            base_path=run.input.base,
            module=run.params.module,
            example_paths=run.input.examples,
            model_path=run.output.model,
            curve_path=run.output.curve,
            name=" ".join(run.wildcards),
            **run.params.network,
            seed=run.params.seed,
            device=run.device,
        )
