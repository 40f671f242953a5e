"""Attack one shard of the examples with variants of one attack, each with changed settings."""

from dataclasses import replace

import numpy as np

from typeone.attacks.criteria import label_criterion, runner_up
from typeone.attacks.shards import attack_shard
from typeone.attacks.svae_settings import SvaeAttackSettings
from typeone.data.digits import read_examples
from typeone.detectors.squeezers import differentiable_squeezers
from typeone.models.classifiers import load_classifier
from typeone.models.density import load_density
from typeone.models.svae import load_svae
from typeone.runtime.artifacts import write_parquet
from typeone.runtime.computing import computing_job
from typeone.runtime.logs import logger

if "snakemake" in globals():
    with computing_job(snakemake, gpu=True) as run:
        params, device = run.params, run.device
        index, images, labels = read_examples(
            run.input.examples, params.examples, device, original=params.how["original"]
        )
        svae = load_svae(run.input.svae, device)
        f1 = load_classifier(run.input.model, device, module=params.module)
        views = differentiable_squeezers(**params.squeezers) if params.squeezers else []
        attackers = [load_classifier(path, device) for path in run.input.attackers]
        density = load_density(*run.input.density, device) if run.input.density else None
        aims = runner_up(f1, images, labels) if params.how["aim"] == "runner_up" else None
        parts = []
        for name, change in params.changes.items():
            logger.info("variant %s", name)
            rows, _ = attack_shard(
                svae,
                images,
                labels,
                replace(SvaeAttackSettings(**params.settings), **change),
                keep=label_criterion(f1, views),
                target_labels=aims,
                attackers=attackers,
                density=density,
                **params.batching,
                shard=int(run.wildcards.shard),
                checkpoint=run.checkpoint.part(name),
            )
            parts.append(rows | {"variant": np.array([name] * len(rows["position"]))})
        rows = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
        write_parquet(run.output.examples, rows | {"index": index[rows["position"]]})
