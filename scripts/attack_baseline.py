"""Run one of the baselines of Algorithm 2."""

from typeone.attacks.baselines import Baselines
from typeone.data.digits import read_digits, read_examples
from typeone.models.classifiers import load_classifier
from typeone.models.diffusion import load_denoiser
from typeone.models.svae import load_svae
from typeone.runtime.artifacts import write_parquet
from typeone.runtime.computing import computing_job

if "snakemake" in globals():
    with computing_job(snakemake, gpu=True) as run:
        index, *examples = read_examples(run.input.examples, **run.params.how, device=run.device)
        baselines = Baselines(
            load_svae(run.input.svae, run.device),
            load_classifier(run.input.model, run.device, module=run.params.module),
            *examples,
            read_digits(run.input.train, run.device),
            seed=int(run.wildcards.seed),
            denoiser=load_denoiser(*run.input.diffusion, run.device)
            if run.input.diffusion
            else None,
            checkpoint=run.checkpoint,
        )
        write_parquet(run.output.examples, baselines.rows(**run.params.settings) | {"index": index})
