"""Tables of noise that count as faces, a tiny recognizer, and examples against it."""

import numpy as np
import torch

from typeone.data.faces import FaceTable, FaceWriter
from typeone.models.recognizers import Recognizer, save_recognizer
from typeone.runtime.artifacts import write_parquet

COUNT, SEED = 24, 5


def write_faces(path, count, people, seed):
    draw = np.random.default_rng(seed)
    images = draw.integers(0, 256, (count, 3, 64, 64), np.uint8)
    identities = draw.permutation(np.arange(count) % people)
    with FaceWriter(path) as file:
        file.metadata["source"] = "noise"
        file.write(np.arange(count), images, identities % 2, identities)
    return str(path)


def write_recognizer(path, seed=0):
    model = Recognizer("face_cnn", preprocessing="fixed", settings={"channels": 2, "dim": 8})
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for p in model.parameters():
            p.normal_(0, 0.2, generator=generator)
    save_recognizer(path, model.eval(), metadata={"people": 3})
    return str(path)


def write_data(folder):
    """Paths of tables of faces, and of a recognizer."""
    splits = {"train": (30, 6, 0), "validation": (40, 8, 1), "test": (40, 8, 2)}
    paths = {k: write_faces(folder / f"{k}.parquet", *v) for k, v in splits.items()}
    return paths | {"base": write_recognizer(folder / "base.safetensors")}


def write_examples(path, data, seed, *, judged=False):
    """Examples of the first faces; some are the face itself, some another image."""
    faces = FaceTable(data["test"], limit=COUNT)
    images = np.array(faces.images)
    other = np.random.default_rng(seed).integers(0, 256, images.shape, np.uint8)
    changed = np.arange(COUNT) % 3 == 0
    rows = {
        "position": np.arange(COUNT, dtype=np.int32),
        "image": images,
        "adversarial_image": np.where(changed[:, None, None, None], other, images),
    }
    write_parquet(path, rows | ({"gender_changed": changed} if judged else {}))
    return str(path)
