"""Merge the shards of an attack and ask f1, f2 and the oracle about every stored image."""

import numpy as np

from typeone.attacks.shards import merge_shards
from typeone.evaluation.judging import digit_trace, judge_digits
from typeone.evaluation.oracle import Ensemble
from typeone.models.classifiers import load_classifier
from typeone.models.svae import load_svae
from typeone.runtime.artifacts import write_parquet
from typeone.runtime.computing import computing_job
from typeone.runtime.logs import logger


def judge_attack(
    *,
    shard_paths,
    trace_paths,
    model_path,
    module,
    svae_path,
    oracle_paths,
    examples_path,
    trace_path,
    device,
    **clear,
):
    """Write one row an example with every view of it, and the merged trace if there is one."""
    f1, members = load_classifier(model_path, device, module=module), list(oracle_paths)
    oracle = Ensemble([load_classifier(path, device) for path in oracle_paths.values()])
    judges = {"f1": f1, "svae": load_svae(svae_path, device), "oracle": oracle, "members": members}
    rows = judge_digits(merge_shards(shard_paths), **judges, **clear, device=device)
    write_parquet(examples_path, rows, metadata={"oracle": members, **clear})
    logger.info(
        "f1 keeps the label: %.1f %%, the oracle leaves it: %.1f %%, both: %.1f %%, clear: %.1f %%",
        100 * np.mean(rows["f1_label_after"] == rows["label"]),
        100 * np.mean(rows["oracle_label"] != rows["label"]),
        100 * np.mean(rows["type1_success_oracle"]),
        100 * np.mean(rows["type1_success_clear"]),
    )
    if trace_path:
        trace = digit_trace(merge_shards(trace_paths), rows["label"], f1, device)
        write_parquet(trace_path, trace)


if "snakemake" in globals():
    with computing_job(snakemake) as run:
        judge_attack(
            shard_paths=run.input.shards,
            trace_paths=run.input.get("traces", []),
            model_path=run.input.model,
            module=run.params.module,
            svae_path=run.input.svae,
            oracle_paths=dict(zip(run.params.members, run.input.oracle, strict=True)),
            examples_path=run.output.examples,
            trace_path=run.output.get("trace"),
            clear_confidence=run.params.clear_confidence,
            device=run.device,
        )
