"""Algorithm 2 on one shard of the examples, or the image transition when f1 is left out (III)."""

import numpy as np
import torch

from typeone.artifacts import read_parquet, write_parquet
from typeone.attacks.svae import SvaeAttackSettings, attack
from typeone.criteria import KeepLabel, next_class
from typeone.devices import compute_device
from typeone.images import DIGIT_SHAPE, binarise, from_uint8, to_uint8
from typeone.logs import Progress, job_log
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
    chunk,
    shard,
    shards,
    trace_every,
    device,
):
    """Attack every ``shards``-th chunk of the first ``count`` examples; write ends and traces.

    Chunks are cut before shards, so what becomes of an example depends on no number of shards.
    """
    examples = read_parquet(examples_path, shapes={"image": DIGIT_SHAPE})
    images = from_uint8(examples["image"][:count], device)
    if original == "binarised":
        images = binarise(images)
    labels = torch.from_numpy(np.array(examples["label"][:count])).to(device)
    followed = {
        int(np.flatnonzero(examples["label"] == label)[0]) for label in set(labels.tolist())
    }

    svae, classifier = load_svae(svae_path, device), load_classifier(model_path, device)
    attackers = [load_classifier(path, device) for path in attacker_paths]

    parts, points = [], []
    starts = list(range(0, len(images), chunk))[shard::shards]
    say = Progress(f"attacking, shard {shard + 1} of {shards}", len(starts))
    for done, start in enumerate(starts, 1):
        rows = torch.arange(start, min(start + chunk, len(images)))
        with torch.no_grad():
            latent, _ = svae.encode(binarise(images[rows]))
        result = attack(
            svae,
            latent,
            next_class(labels[rows]),
            settings,
            keep=KeepLabel(classifier, labels[rows]) if keep else None,
            attackers=attackers,
            follow=[i for i, row in enumerate(rows.tolist()) if row in followed],
            follow_every=trace_every,
        )
        parts.append(
            {
                "position": rows.numpy().astype(np.int32),
                "index": examples["index"][rows.numpy()],
                "label": labels[rows].cpu().numpy(),
                "target_label": next_class(labels[rows]).cpu().numpy(),
                "image": to_uint8(images[rows]).cpu().numpy(),
                "adversarial_image": to_uint8(result.images).cpu().numpy(),
                "latent_start": result.latent_start.cpu().numpy(),
                "latent_end": result.latent_end.cpu().numpy(),
                "steps": result.steps.cpu().numpy().astype(np.int32),
                "converged": result.converged.cpu().numpy(),
            }
        )
        points += [(int(rows[point.example]), point) for point in result.trace]
        say(done)

    write_parquet(shard_path, {k: np.concatenate([p[k] for p in parts]) for k in parts[0]})
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
            shard=int(snakemake.wildcards.shard),
            **snakemake.params.batching,
            trace_every=snakemake.params.trace_every,
            device=compute_device(snakemake.threads, gpu=snakemake.resources.get("gpu", 0)),
        )
