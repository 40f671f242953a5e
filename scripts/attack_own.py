"""Run a user's own attack on one shard of the examples."""

from typeone.attacks.user_attacks import attack_shard
from typeone.data.digits import read_examples
from typeone.models.classifiers import load_classifier
from typeone.models.svae import load_svae
from typeone.runtime.artifacts import write_parquet
from typeone.runtime.computing import computing_job

if "snakemake" in globals():
    with computing_job(snakemake, gpu=True) as run:
        params, how = run.params, dict(run.params.how)
        index, *examples = read_examples(run.input.examples, how.pop("count"), run.device)
        rows = attack_shard(
            load_svae(run.input.svae, run.device),
            load_classifier(run.input.model, run.device, module=params.module),
            *examples,
            module=how["module"],
            arguments=how["arguments"],
            key=f"attacks.{run.wildcards.attack}.module",
            seed=how["seed"] + int(run.wildcards.seed),
            **params.batching,
            shard=int(run.wildcards.shard),
            checkpoint=run.checkpoint,
        )
        write_parquet(run.output.examples, rows | {"index": index[rows["position"]]})
