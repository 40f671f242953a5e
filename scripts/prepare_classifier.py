"""Check and test a user-defined classifier, and store it like a trained one."""

from typeone.data.digits import read_digits
from typeone.models.network_checks import TOO_MANY_WRONG, check_outputs
from typeone.models.user_networks import build_own, load_weights
from typeone.runtime.artifacts import save_model
from typeone.runtime.computing import computing_job
from typeone.runtime.errors import InputError
from typeone.runtime.logs import logger
from typeone.training.error_rates import error_rate, errors_on


def prepare_classifier(
    *, validation_path, test_path, model_path, name, module, weights, dataset, device
):
    """Write the network and its error rates; it has no seed. Errors name its settings."""
    images, labels = read_digits(test_path, device)
    key = f"classifiers.{name}"
    network = build_own(module, key=f"{key}.module")
    load_weights(network, weights, key=f"{key}.weights")
    network.to(device)
    check_outputs(network, images, who=f"`{key}.module` is {module!r}", classes=10)
    validation = read_digits(validation_path, device)
    metrics = {
        "validation_error": error_rate(network, *validation),
        **errors_on(network, images, labels),
    }
    if (error := metrics["test_error"]) > TOO_MANY_WRONG:
        raise InputError(
            f"`{key}.weights` is {weights!r}, whose network gets {error:.0%} of the test images of "
            f"{dataset} wrong; needs at most {TOO_MANY_WRONG:.0%}: weights that were trained on "
            f"this data set (`{key}.dataset`)"
        )
    logger.info("%s: test error %.2f %%", name, 100 * metrics["test_error"])
    known = {"architecture": module, "weights": weights, "seed": None, "training": None}
    save_model(model_path, network, metadata=known | metrics)


if "snakemake" in globals():
    with computing_job(snakemake) as run:
        prepare_classifier(
            validation_path=run.input.validation,
            test_path=run.input.test,
            model_path=run.output.model,
            name=run.wildcards.target,
            module=run.params.module,
            weights=run.params.weights,
            dataset=run.wildcards.dataset,
            device=run.device,
        )
