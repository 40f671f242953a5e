"""Run Algorithm 2 on one shard of the faces, with or without a recognizer as f1 (III-B, IV-B)."""

import numpy as np
import torch

from typeone.attacks.criteria import identity_criterion
from typeone.attacks.shards import attack_shard, trace_columns
from typeone.attacks.svae_settings import SvaeAttackSettings
from typeone.data.faces import first_faces
from typeone.data.shapes import FACE_SHAPE, FEMALE, MALE
from typeone.models.face_judges import load_face_judge
from typeone.models.recognizers import load_recognizer
from typeone.models.svae import load_svae
from typeone.runtime.artifacts import write_parquet
from typeone.runtime.computing import computing_job

if "snakemake" in globals():
    with computing_job(snakemake, gpu=True) as run:
        how, device = run.params.how, run.device
        faces = first_faces(run.input.faces, how["count"])
        genders = (np.flatnonzero(faces.labels == gender) for gender in (FEMALE, MALE))
        keep = None
        if how["keep"]:
            f1 = load_recognizer(run.input.recognizer, device)
            keep = identity_criterion(f1, how["threshold"])
        rows, points = attack_shard(
            load_svae(run.input.svae, device, statistics=how["statistics"]),
            faces.faces(slice(None), device),
            torch.from_numpy(faces.labels).to(device),
            SvaeAttackSettings(**run.params.settings),
            keep=keep,
            classes=2,
            attackers=[load_face_judge(path, device) for path in run.input.attackers],
            **run.params.batching,
            shard=int(run.wildcards.shard),
            follow=np.concatenate([some[: how["followed"]] for some in genders]).tolist(),
            follow_every=run.params.trace_every,
            checkpoint=run.checkpoint,
        )
        known = {"index": faces.index, "identity": faces.identities}
        rows |= {name: values[rows["position"]] for name, values in known.items()}
        write_parquet(run.output.examples, rows)
        write_parquet(run.output.trace, trace_columns(points, FACE_SHAPE))
