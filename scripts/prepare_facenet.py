"""Check the published weights of FaceNet, as attacked in IV-B, and write them as a checkpoint."""

from typeone.models.readers.facenet import read_facenet
from typeone.models.recognizers import Recognizer, save_recognizer
from typeone.runtime.computing import computing_job
from typeone.runtime.logs import logger


def prepare_facenet(*, model_path, path, sha256, preprocessing):
    """Write the recognizer; ``path``: of a file with its weights, None to get them with pip."""
    network, source = read_facenet(path=path, sha256=sha256)
    recognizer = Recognizer("inception_resnet_v1", preprocessing=preprocessing)
    recognizer.network.load_state_dict(network.state_dict())
    save_recognizer(model_path, recognizer.eval(), metadata={"source": source})
    logger.info("FaceNet from %s", source)


if "snakemake" in globals():
    with computing_job(snakemake) as run:
        settings = run.params.settings
        prepare_facenet(
            model_path=run.output.model,
            path=settings["path"] if settings["source"] == "path" else None,
            sha256=settings["sha256"],
            preprocessing=settings["preprocessing"],
        )
