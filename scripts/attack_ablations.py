"""Variants of one attack, each with a change of its settings, on one shard of the examples."""

from dataclasses import replace
from functools import partial

import numpy as np
import torch

from typeone.artifacts import read_parquet, write_parquet
from typeone.attacks.shards import attack_shard
from typeone.attacks.svae import SvaeAttackSettings
from typeone.criteria import KeepLabel
from typeone.devices import compute_device
from typeone.images import DIGIT_SHAPE, binarise, from_uint8
from typeone.logs import job_log, logger
from typeone.models.classifiers import load_classifier
from typeone.models.svae import load_svae


def attack_ablations(
    *,
    examples_path,
    model_path,
    svae_path,
    attacker_paths,
    shard_path,
    settings,
    original,
    changes,
    count,
    batching,
    shard,
    device,
):
    """Write one row a (variant, example): ``changes`` of ``settings`` by the variant's name."""
    examples = read_parquet(examples_path, shapes={"image": DIGIT_SHAPE})
    images = from_uint8(examples["image"][:count], device)
    if original == "binarised":
        images = binarise(images)
    labels = torch.from_numpy(np.array(examples["label"][:count])).to(device)
    svae, classifier = load_svae(svae_path, device), load_classifier(model_path, device)
    attackers = [load_classifier(path, device) for path in attacker_paths]
    parts = []
    for name, change in changes.items():
        logger.info("variant %s", name)
        rows, _ = attack_shard(
            svae,
            images,
            labels,
            replace(settings, **change),
            keep=partial(KeepLabel, classifier),
            attackers=attackers,
            **batching,
            shard=shard,
        )
        parts.append(rows | {"variant": np.array([name] * len(rows["position"]))})
    rows = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    write_parquet(shard_path, rows | {"index": examples["index"][rows["position"]]})


if "snakemake" in globals():
    with job_log(snakemake.log[0], snakemake.rule):
        attack_ablations(
            examples_path=snakemake.input.examples,
            model_path=snakemake.input.model,
            svae_path=snakemake.input.svae,
            attacker_paths=snakemake.input.attackers,
            shard_path=snakemake.output.examples,
            settings=SvaeAttackSettings(**snakemake.params.settings),
            original=snakemake.params.original,
            changes=snakemake.params.changes,
            count=snakemake.params.examples,
            batching=snakemake.params.batching,
            shard=int(snakemake.wildcards.shard),
            device=compute_device(snakemake.threads, gpu=snakemake.resources.get("gpu", 0)),
        )
