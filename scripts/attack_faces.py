"""Algorithm 2 on one shard of the faces, against a recognizer or without it (III-B, IV-B)."""

import numpy as np
import torch

from typeone.attacks.criteria import identity_criterion
from typeone.attacks.shards import attack_shard, trace_columns
from typeone.attacks.svae import SvaeAttackSettings
from typeone.data.faces import FACE_SHAPE, FEMALE, MALE, first_faces
from typeone.models.recognizers import load_recognizer
from typeone.models.svae import load_svae
from typeone.runtime.artifacts import write_parquet
from typeone.runtime.computing import computing_job


def attack_faces(
    *,
    faces_path,
    recognizer_path,
    svae_path,
    shard_path,
    trace_path,
    settings,
    count,
    keep,
    statistics,
    threshold,
    followed,
    batching,
    shard,
    trace_every,
    device,
    checkpoint,
):
    """Attack one shard of the first ``count`` faces; write ends and traces.

    ``followed``: how many women and how many men are traced, the first of each.
    """
    faces = first_faces(faces_path, count)
    genders = (np.flatnonzero(faces.labels == gender) for gender in (FEMALE, MALE))
    rows, points = attack_shard(
        load_svae(svae_path, device, statistics=statistics),
        faces.faces(slice(None), device),
        torch.from_numpy(faces.labels).to(device),
        settings,
        keep=identity_criterion(load_recognizer(recognizer_path, device), threshold)
        if keep
        else None,
        classes=2,
        **batching,
        shard=shard,
        follow=np.concatenate([some[:followed] for some in genders]).tolist(),
        follow_every=trace_every,
        checkpoint=checkpoint,
    )
    known = {"index": faces.index, "identity": faces.identities}
    rows |= {name: values[rows["position"]] for name, values in known.items()}
    write_parquet(shard_path, rows)
    write_parquet(trace_path, trace_columns(points, FACE_SHAPE))


if "snakemake" in globals():
    with computing_job(snakemake, gpu=True) as run:
        attack_faces(
            faces_path=run.input.faces,
            recognizer_path=run.input.recognizer,
            svae_path=run.input.svae,
            shard_path=run.output.examples,
            trace_path=run.output.trace,
            settings=SvaeAttackSettings(**run.params.settings),
            **run.params.how,
            shard=int(run.wildcards.shard),
            batching=run.params.batching,
            trace_every=run.params.trace_every,
            device=run.device,
            checkpoint=run.checkpoint,
        )
