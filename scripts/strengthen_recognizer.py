"""Strengthen a recognizer: logit pairing, or retraining on Type I examples against it (IV-D)."""

from typeone.attacks.shards import merge_shards
from typeone.data.faces import FaceTable
from typeone.defenses.strengthened_recognizers import strengthen_recognizer
from typeone.models.recognizers import load_recognizer, save_recognizer
from typeone.runtime.artifacts import read_model_metadata, write_rows
from typeone.runtime.computing import computing_job
from typeone.training.loop import Training

if "snakemake" in globals():
    with computing_job(snakemake, gpu=True) as run:
        network, how = dict(run.params.network), dict(run.params.network["how"])
        training = how.pop("training"), int(run.wildcards.seed), run.device, run.checkpoint
        attacked = None
        if network["method"] == "retraining":
            attacked = merge_shards(run.input.examples)["adversarial_image"]
        model, curve, note = strengthen_recognizer(
            Training(" ".join(run.wildcards), *training),
            load_recognizer(run.input.base, run.device),
            *(FaceTable(run.input[k]) for k in ("train", "test")),
            attacked,
            **network | {"how": how},
        )
        note = read_model_metadata(run.input.base) | note
        save_recognizer(run.output.model, model, metadata=note)
        write_rows(run.output.curve, curve)
