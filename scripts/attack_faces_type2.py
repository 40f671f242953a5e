"""FGSM or PGD on the embeddings of faces (IV-C, IV-D)."""

import numpy as np

from typeone.attacks.embedding import EmbeddingAttackSettings, attack
from typeone.attacks.gradients import vanishing_of_embeddings
from typeone.data.faces import first_faces
from typeone.data.images import to_uint8
from typeone.models.recognizers import load_recognizer
from typeone.runtime.artifacts import write_parquet
from typeone.runtime.computing import computing_job
from typeone.runtime.devices import seeded


def attack_faces_type2(
    *, faces_path, recognizer_path, found_path, settings, count, chunk, seed, device, checkpoint
):
    """Write an image near each of the first ``count`` faces; ``seed``: of the random starts."""
    faces = first_faces(faces_path, count)
    recognizer = load_recognizer(recognizer_path, device)
    images = faces.faces(slice(None), device)
    vanishing_of_embeddings(recognizer, images, chunk=chunk)
    attacked = attack(
        recognizer,
        images,
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


if "snakemake" in globals():
    with computing_job(snakemake, gpu=True) as run:
        attack_faces_type2(
            faces_path=run.input.faces,
            recognizer_path=run.input.recognizer,
            found_path=run.output.examples,
            settings=EmbeddingAttackSettings(**run.params.settings),
            **run.params.how,
            seed=int(run.wildcards.seed),
            device=run.device,
            checkpoint=run.checkpoint,
        )
