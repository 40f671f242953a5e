"""Attack the workflow's small recognizer of faces; run in the repository after ./reproduce."""

from dataclasses import fields
from pathlib import Path

import torch
import yaml

from typeone.api import type1
from typeone.attacks.svae_settings import SvaeAttackSettings
from typeone.data.faces import first_faces
from typeone.models.recognizers import load_recognizer
from typeone.models.svae import load_svae

recognizer = load_recognizer("results/faces/recognizers/small/seed1/model.safetensors")
faces = first_faces("results/data/faces/test.parquet", 8)
images = faces.faces(slice(None))  # (N, 3, 64, 64) in [0, 1]
genders = torch.tensor(faces.labels.tolist())
variant = yaml.safe_load(Path("results/config.yaml").read_text())["face_attacks"]["attacks"]["ours"]
known = {field.name for field in fields(SvaeAttackSettings)}
result = type1(
    recognizer,
    load_svae("results/faces/svae/seed1/stage2.safetensors"),
    images,
    genders,
    SvaeAttackSettings(**{key: value for key, value in variant.items() if key in known}),
    threshold=1.0,
    chunk=8,
)
print(
    f"the same person in {result.kept.sum()} of {len(genders)}, f2 sees the other gender in "
    f"{result.turned.sum()}"
)
