"""Algorithm 2 on one shard of the examples, or the image transition when f1 is left out (III)."""

from functools import partial

import numpy as np
import torch

from typeone.artifacts import read_parquet, write_parquet
from typeone.attacks.shards import attack_shard
from typeone.attacks.svae import SvaeAttackSettings
from typeone.criteria import KeepLabel, KeepSqueezed
from typeone.detectors.squeezers import differentiable_squeezers
from typeone.devices import compute_device
from typeone.images import DIGIT_SHAPE, binarise, from_uint8
from typeone.logs import job_log
from typeone.models.classifiers import load_classifier
from typeone.models.svae import load_svae


def attack_svae(
    *,
    examples_path,
    model_path,
    svae_path,
    attacker_paths,
    shard_path,
    trace_path,
    settings,
    count,
    keep,
    original,
    squeezers,
    batching,
    shard,
    trace_every,
    device,
):
    """Attack one shard of the first ``count`` examples; write ends and traces.

    ``squeezers``: arguments of `differentiable_squeezers` if the attack knows the detector.
    """
    examples = read_parquet(examples_path, shapes={"image": DIGIT_SHAPE})
    images = from_uint8(examples["image"][:count], device)
    if original == "binarised":
        images = binarise(images)
    labels = torch.from_numpy(np.array(examples["label"][:count])).to(device)
    followed = {
        int(np.flatnonzero(examples["label"] == label)[0]) for label in set(labels.tolist())
    }
    criterion = partial(KeepLabel, load_classifier(model_path, device))
    if squeezers:
        views = differentiable_squeezers(**squeezers)
        criterion = partial(KeepSqueezed, load_classifier(model_path, device), squeezers=views)
    rows, points = attack_shard(
        load_svae(svae_path, device),
        images,
        labels,
        settings,
        keep=criterion if keep else None,
        attackers=[load_classifier(path, device) for path in attacker_paths],
        **batching,
        shard=shard,
        follow=followed,
        follow_every=trace_every,
    )
    write_parquet(shard_path, rows | {"index": examples["index"][rows["position"]]})
    images_seen = [point.image.numpy() for _, point in points]
    write_parquet(
        trace_path,
        {
            "position": np.array([position for position, _ in points], dtype=np.int32),
            **{
                name: np.array([getattr(point, name) for _, point in points], dtype=kind)
                for name, kind in [
                    ("step", np.int32),
                    *[(n, np.float32) for n in ("j1", "j2", "penalty", "k")],
                ]
            },
            "image": np.array(images_seen, dtype=np.uint8).reshape(-1, *DIGIT_SHAPE),
        },
    )


if "snakemake" in globals():
    with job_log(snakemake.log[0], snakemake.rule):
        attack_svae(
            examples_path=snakemake.input.examples,
            model_path=snakemake.input.model,
            svae_path=snakemake.input.svae,
            attacker_paths=snakemake.input.attackers,
            shard_path=snakemake.output.examples,
            trace_path=snakemake.output.trace,
            settings=SvaeAttackSettings(**snakemake.params.settings),
            **snakemake.params.how,
            squeezers=snakemake.params.squeezers,
            shard=int(snakemake.wildcards.shard),
            batching=snakemake.params.batching,
            trace_every=snakemake.params.trace_every,
            device=compute_device(snakemake.threads, gpu=snakemake.resources.get("gpu", 0)),
        )
