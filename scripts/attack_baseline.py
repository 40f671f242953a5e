"""Change images without an optimiser: the baselines of Algorithm 2."""

from typeone.attacks.baselines import baseline_rows
from typeone.data.digits import read_digits, read_examples
from typeone.models.classifiers import load_classifier
from typeone.models.svae import load_svae
from typeone.runtime.artifacts import write_parquet
from typeone.runtime.computing import computing_job

if "snakemake" in globals():
    with computing_job(snakemake) as run:
        index, *examples = read_examples(run.input.examples, **run.params.how, device=run.device)
        rows = baseline_rows(
            load_svae(run.input.svae, run.device),
            load_classifier(run.input.model, run.device, module=run.params.module),
            *examples,
            read_digits(run.input.train, run.device),
            run.params.settings,
            seed=int(run.wildcards.seed),
        )
        write_parquet(run.output.examples, rows | {"index": index})
