"""Strengthen a classifier: logit pairing, or retraining on Type I examples against it (IV-D)."""

from typeone.attacks.shards import merge_shards
from typeone.data.digits import read_digits
from typeone.defenses.classifiers import strengthen_classifier
from typeone.models.classifiers import load_classifier
from typeone.runtime.artifacts import read_model_metadata, save_model, write_rows
from typeone.runtime.computing import computing_job
from typeone.training.loop import Training

if "snakemake" in globals():
    with computing_job(snakemake, gpu=True) as run:
        network, name = dict(run.params.network), " ".join(run.wildcards)
        how = network.pop("training"), run.params.seed, run.device, run.checkpoint
        model, curve, note = strengthen_classifier(
            Training(name, *how),
            load_classifier(run.input.base, module=run.params.module),
            *(read_digits(run.input[k], run.device) for k in ("train", "validation", "test")),
            merge_shards(run.input.examples) if run.input.examples else None,
            architecture=read_model_metadata(run.input.base)["architecture"],
            module=run.params.module,
            **network,
        )
        save_model(run.output.model, model, metadata=note)
        write_rows(run.output.curve, curve)
