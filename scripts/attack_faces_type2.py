"""Run FGSM or PGD on the embeddings of faces (IV-C, IV-D)."""

import numpy as np

from typeone.attacks.embedding import EmbeddingAttackSettings, attack
from typeone.data.faces import first_faces
from typeone.data.images import to_uint8
from typeone.models.recognizers import load_recognizer
from typeone.runtime.artifacts import write_parquet
from typeone.runtime.computing import computing_job
from typeone.runtime.devices import seeded

if "snakemake" in globals():
    with computing_job(snakemake, gpu=True) as run:
        faces = first_faces(run.input.faces, run.params.how["count"])
        f1, images = (
            load_recognizer(run.input.recognizer, run.device),
            faces.faces(slice(None), run.device),
        )
        attacked = attack(
            f1,
            images,
            EmbeddingAttackSettings(**run.params.settings),
            generator=seeded(int(run.wildcards.seed)),  # of the random starts
            chunk=run.params.how["chunk"],
            checkpoint=run.checkpoint,
        )
        rows = {
            "position": np.arange(len(faces), dtype=np.int32),
            "index": faces.index,
            "identity": faces.identities,
            "label": faces.labels,
            "image": np.array(faces.images),
            "adversarial_image": to_uint8(attacked.images).cpu().numpy(),
        }
        write_parquet(run.output.examples, rows)
