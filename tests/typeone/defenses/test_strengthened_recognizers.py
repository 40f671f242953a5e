"""A strengthened recognizer learns the people of its half, and is loaded like any other."""

import shutil

import numpy as np
import pytest
import torch

from typeone.attacks.shards import merge_shards
from typeone.data.faces import FaceTable
from typeone.defenses.recognizers import learnt_people
from typeone.defenses.strengthened_recognizers import strengthen_recognizer
from typeone.models.recognizers import load_recognizer, save_recognizer
from typeone.runtime.artifacts import read_model_metadata
from typeone.runtime.checkpoints import Checkpoint
from typeone.training.loop import Training

from ..small_faces import COUNT, SEED, write_data, write_examples

TRAINING = {"epochs": 1, "batch_size": 8, "lr": 0.01}
HOW = {"faces": 20, "copies": 2, "scale": 8.0, "steps": 2}
PAIRS = {"pairs": {"epsilon": 0.1, "steps": 1, "step_size": 0.1, "start": 0.1}}


@pytest.fixture
def data(tmp_path):
    return write_data(tmp_path)


def strengthen(data, tmp_path, method, *, seed=0):
    """Path of the strengthened recognizer, and its curve; only retraining gets examples."""
    shutil.rmtree(tmp_path / "resume", ignore_errors=True)  # of a call before
    resume = Checkpoint(tmp_path / "resume", "d", interval=0)
    examples = write_examples(tmp_path / "examples.parquet", data, 3)
    model, curve, note = strengthen_recognizer(
        Training(method, TRAINING, seed, torch.device("cpu"), resume),
        load_recognizer(data["base"]),
        FaceTable(data["train"]),
        FaceTable(data["test"]),
        merge_shards([examples])["adversarial_image"] if method == "retraining" else None,
        **{"method": method, "count": COUNT, "half_seed": SEED, "how": HOW},
        settings=PAIRS if method == "logit_pairing" else {},
    )
    path = tmp_path / f"{method}.safetensors"
    save_recognizer(path, model, metadata=read_model_metadata(data["base"]) | note)
    return path, curve


@pytest.mark.parametrize("method", ["logit_pairing", "retraining"])
def test_a_strengthened_recognizer_is_loaded_as_its_base(data, tmp_path, method):
    path, curve = strengthen(data, tmp_path, method)
    found, base = load_recognizer(path), load_recognizer(data["base"])
    assert found.preprocessing == base.preprocessing
    assert not torch.equal(found.network[0][0].weight, base.network[0][0].weight)
    note = read_model_metadata(path)
    assert note["method"] == method
    assert note["people"] == 3
    identities = FaceTable(data["test"]).identities
    learnt = learnt_people(identities, torch.Generator().manual_seed(SEED))
    assert note["learnt_test_faces"] == np.flatnonzero(learnt[:COUNT]).tolist()
    assert len(curve) == 1


def test_the_same_seed_gives_the_same_recognizer(data, tmp_path):
    first = strengthen(data, tmp_path, "logit_pairing")[0].read_bytes()
    assert strengthen(data, tmp_path, "logit_pairing")[0].read_bytes() == first
    assert strengthen(data, tmp_path, "logit_pairing", seed=1)[0].read_bytes() != first
