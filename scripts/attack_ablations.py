"""Variants of one attack, each with a change of its settings, on one shard of the examples."""

from dataclasses import replace

import numpy as np

from typeone.attacks.criteria import label_criterion
from typeone.attacks.shards import attack_shard
from typeone.attacks.svae import SvaeAttackSettings
from typeone.data.digits import read_examples
from typeone.detectors.squeezers import differentiable_squeezers
from typeone.models.classifiers import load_classifier
from typeone.models.svae import load_svae
from typeone.runtime.artifacts import write_parquet
from typeone.runtime.computing import computing_job
from typeone.runtime.logs import logger


def attack_ablations(
    *,
    examples_path,
    model_path,
    module,
    svae_path,
    attacker_paths,
    shard_path,
    settings,
    original,
    changes,
    squeezers,
    count,
    batching,
    shard,
    device,
    checkpoint,
):
    """Write one row a (variant, example): ``changes`` of ``settings`` by the variant's name.

    ``squeezers``: arguments of `differentiable_squeezers` if the attack knows the detector.
    """
    index, images, labels = read_examples(examples_path, count, device, original=original)
    svae = load_svae(svae_path, device)
    classifier = load_classifier(model_path, device, module=module)
    views = differentiable_squeezers(**squeezers) if squeezers else []
    attackers = [load_classifier(path, device) for path in attacker_paths]
    parts = []
    for name, change in changes.items():
        logger.info("variant %s", name)
        rows, _ = attack_shard(
            svae,
            images,
            labels,
            replace(settings, **change),
            keep=label_criterion(classifier, views),
            attackers=attackers,
            **batching,
            shard=shard,
            checkpoint=checkpoint.part(name),
        )
        parts.append(rows | {"variant": np.array([name] * len(rows["position"]))})
    rows = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    write_parquet(shard_path, rows | {"index": index[rows["position"]]})


if "snakemake" in globals():
    with computing_job(snakemake, gpu=True) as run:
        attack_ablations(
            examples_path=run.input.examples,
            model_path=run.input.model,
            module=run.params.module,
            svae_path=run.input.svae,
            attacker_paths=run.input.attackers,
            shard_path=run.output.examples,
            settings=SvaeAttackSettings(**run.params.settings),
            original=run.params.original,
            changes=run.params.changes,
            squeezers=run.params.squeezers,
            count=run.params.examples,
            batching=run.params.batching,
            shard=int(run.wildcards.shard),
            device=run.device,
            checkpoint=run.checkpoint,
        )
