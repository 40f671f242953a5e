"""Put the networks, faces and settings that an audit of a recognizer needs into one file."""

import json

import numpy as np
import torch

from typeone.data.faces import FaceTable
from typeone.evaluation.audit.face_kit import make_face_kit
from typeone.evaluation.audit.kit import file_sha256, save_kit
from typeone.evaluation.clean_faces import load_clean_faces
from typeone.models.face_judges import load_face_judge
from typeone.models.svae import load_svae
from typeone.runtime.artifacts import read_model_metadata
from typeone.runtime.atomic_files import atomic_path
from typeone.runtime.computing import computing_job

if "snakemake" in globals():
    with computing_job(snakemake) as run:
        svae = load_svae(run.input.svae[0])
        faces = FaceTable(run.input.test, limit=run.params.faces)
        clean = load_clean_faces(run.input.limits)
        paths = {role: run.input[role] for role in run.params.members}
        kit = make_face_kit(
            {
                **run.params.note,
                "count": min(run.params.note["count"], len(faces)),
                "limits": {name: limit.tolist() for name, limit in clean._asdict().items()},
                "svae": {name: getattr(svae, name) for name in svae.sizes},
                **{
                    role: [
                        {"name": name, "architecture": read_model_metadata(path)["architecture"]}
                        for name, path in zip(names, paths[role], strict=True)
                    ]
                    for role, names in run.params.members.items()
                },
            },
            svae=svae,
            **{role: [load_face_judge(path) for path in paths[role]] for role in paths},
            images=torch.from_numpy(np.array(faces.images)),
            labels=torch.from_numpy(faces.labels),
            identities=torch.from_numpy(faces.identities),
        )
        save_kit(run.output.kit, kit)
        with atomic_path(run.output.note) as path:
            told = kit.note | {"sha256": file_sha256(run.output.kit)}
            path.write_text(json.dumps(told, indent=1) + "\n")
