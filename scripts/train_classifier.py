"""Train one classifier of digits: an attacked f1 (IV-A, IV-D) or a judge of the oracle ensemble."""

from functools import partial

from typeone.data.augmentation import augment
from typeone.data.digits import read_digits
from typeone.evaluation.error_rates import error_rate, errors_on
from typeone.models.classifiers import build_classifier, reset_parameters
from typeone.models.user_networks import build_own, check_outputs
from typeone.runtime.artifacts import save_model, write_rows
from typeone.runtime.computing import computing_job
from typeone.runtime.devices import seeded
from typeone.runtime.logs import logger
from typeone.training.loop import TrainingSettings, train
from typeone.training.objectives.classification import classification


def train_classifier(
    *,
    train_path,
    validation_path,
    test_path,
    model_path,
    curve_path,
    name,
    architecture=None,
    module=None,
    key=None,
    training,
    augmentation,
    seed,
    checkpoint,
    device,
):
    """Write the trained network, its error rates and its training curve.

    ``architecture``: one of ours, or ``module`` builds a network of the reader's own, which starts
    as it was built; errors then name the setting ``key``. ``augmentation``: arguments of `augment`,
    or None to train on the digits as they are.
    """
    images, labels = read_digits(train_path, device)
    validation = read_digits(validation_path, device)
    generator = seeded(seed, device)
    if module is None:
        model = build_classifier(architecture)
        reset_parameters(model, seeded(seed))
        model.to(device)
    else:
        model = build_own(module, seed=seed, key=key).to(device)
        check_outputs(model, images, who=f"`{key}` is {module!r}", classes=10)
    vary = partial(augment, generator=generator, **augmentation) if augmentation else None
    curve = train(
        model,
        classification(model, images, labels, vary=vary),
        name=name,
        count=len(images),
        settings=TrainingSettings(**training),
        seed=seed,
        generator=generator,
        checkpoint=checkpoint,
        evaluate=lambda: {"validation_error": error_rate(model, *validation)},
    )
    test_images, test_labels = read_digits(test_path, device)
    metrics = {
        "validation_error": curve[-1]["validation_error"],
        **errors_on(model, test_images, test_labels),
    }
    logger.info("%s: test error %.2f %%", name, 100 * metrics["test_error"])
    save_model(
        model_path,
        model,
        metadata={
            "architecture": module or architecture,
            "seed": seed,
            "training": training,
            **metrics,
        },
    )
    write_rows(curve_path, curve)


if "snakemake" in globals():
    with computing_job(snakemake, gpu=True) as run:
        train_classifier(
            checkpoint=run.checkpoint,
            train_path=run.input.train,
            validation_path=run.input.validation,
            test_path=run.input.test,
            model_path=run.output.model,
            curve_path=run.output.curve,
            name=" ".join(run.wildcards),
            **run.params.settings,
            key=f"classifiers.{run.wildcards.get('target')}.module",
            augmentation=run.params.augmentation,
            seed=run.params.seed,
            device=run.device,
        )
