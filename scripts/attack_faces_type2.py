"""FGSM or PGD on the embeddings of faces (IV-C, IV-D)."""

import numpy as np

from typeone.attacks.embedding import EmbeddingAttackSettings, attack
from typeone.data.faces import first_faces
from typeone.data.images import to_uint8
from typeone.models.recognizers import load_recognizer
from typeone.runtime.artifacts import write_parquet
from typeone.runtime.checkpoints import Checkpoint
from typeone.runtime.devices import compute_device, seeded
from typeone.runtime.job import job_log
from typeone.runtime.stamps import digest


def attack_faces_type2(
    *, faces_path, recognizer_path, found_path, settings, count, chunk, seed, device, checkpoint
):
    """Write an image near each of the first ``count`` faces; ``seed``: of the random starts."""
    faces = first_faces(faces_path, count)
    attacked = attack(
        load_recognizer(recognizer_path, device),
        faces.faces(slice(None), device),
        settings,
        generator=seeded(seed),
        chunk=chunk,
        checkpoint=checkpoint,
    )
    write_parquet(
        found_path,
        {
            "position": np.arange(len(faces), dtype=np.int32),
            "index": faces.index,
            "identity": faces.identities,
            "label": faces.labels,
            "image": np.array(faces.images),
            "adversarial_image": to_uint8(attacked).cpu().numpy(),
        },
    )
    checkpoint.finish()


if "snakemake" in globals():
    with job_log(snakemake.log[0], snakemake.rule, snakemake.params):
        device = compute_device(snakemake.threads, gpu=snakemake.resources.get("gpu", 0))
        settled = digest(list(snakemake.params), device.type, files=list(snakemake.input))
        attack_faces_type2(
            faces_path=snakemake.input.faces,
            recognizer_path=snakemake.input.recognizer,
            found_path=snakemake.output.examples,
            settings=EmbeddingAttackSettings(**snakemake.params.settings),
            **snakemake.params.how,
            seed=int(snakemake.wildcards.seed),
            device=device,
            checkpoint=Checkpoint(snakemake.params.resume, settled),
        )
