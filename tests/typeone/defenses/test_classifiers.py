"""Who learns what, and what counts in the test of a strengthened classifier."""

import shutil

import numpy as np
import pytest
import torch

from typeone.attacks.shards import merge_shards
from typeone.data.digits import read_digits
from typeone.defenses import classifiers as strengthened
from typeone.models import classifiers
from typeone.runtime.artifacts import read_model_metadata, save_model, write_parquet
from typeone.runtime.checkpoints import Checkpoint
from typeone.runtime.errors import InputError
from typeone.training.loop import Training

from ..first_pixel import FirstPixel, digits, write_digits, write_network

TRAINING = {"epochs": 2, "batch_size": 16, "lr": 1e-6}
PAIRS = {"epsilon": 0.1, "steps": 1, "step_size": 0.1, "epsilon_warmup": 0.0}


@pytest.fixture(autouse=True)
def first_pixel(monkeypatch):
    monkeypatch.setitem(classifiers.ARCHITECTURES, "first_pixel", FirstPixel)


def write_attacked(folder, labels, seen):
    """Test digits 20 to 31 of ``labels``, attacked, in two shards; `FirstPixel` sees ``seen``."""
    columns = {
        "position": np.arange(12, dtype=np.int32),
        "index": np.arange(20, 32, dtype=np.int32),
        "label": np.array(labels[20:32]),
        "target_label": (np.array(labels[20:32]) + 1) % 10,
        "adversarial_image": digits(seen, rest=9),
    }
    for shard in (0, 1):
        mine = (columns["position"] // 4) % 2 == shard
        write_parquet(folder / f"{shard}.parquet", {k: v[mine] for k, v in columns.items()})


@pytest.fixture
def paths(tmp_path):
    """40 digits in every split, a base that sees them all, and 12 examples that it was shown."""
    labels = [i % 10 for i in range(40)]
    made = {
        split: write_digits(tmp_path / f"{split}.parquet", labels)
        for split in ("train", "validation", "test")
    }
    # four examples do not fool the base: it sees 5 in them
    write_attacked(tmp_path, labels, [*labels[20:28], 5, 5, 5, 5])
    return {
        **made,
        "base": write_network(tmp_path / "base.safetensors"),
        "module": None,
        "examples": [str(tmp_path / f"{shard}.parquet") for shard in (0, 1)],
        "model": tmp_path / "model.safetensors",
    }


def strengthen(paths, *, method="logit_pairing", settings=PAIRS, start="base"):
    """The strengthened network, its curve and its note; its file is written."""
    fresh = paths["model"].parent / "resume"
    shutil.rmtree(fresh, ignore_errors=True)  # of a call before
    found = strengthened.strengthen_classifier(
        Training("a net", TRAINING, 0, torch.device("cpu"), Checkpoint(fresh, "d")),
        classifiers.load_classifier(paths["base"], module=paths["module"]),
        *(read_digits(paths[split]) for split in ("train", "validation", "test")),
        merge_shards(paths["examples"]) if method == "retraining" else None,
        architecture=read_model_metadata(paths["base"])["architecture"],
        module=paths["module"],
        **{"method": method, "start": start, "settings": settings},
    )
    save_model(paths["model"], found.model, metadata=found.note)
    return found


RETRAINING = {"method": "retraining", "settings": {"attack": "any", "copies": 2, "seed": 7}}


def test_retraining_leaves_the_digits_that_it_learnt_out_of_its_test(paths):
    metadata = strengthen(paths, **RETRAINING).note
    learnt = metadata["trained_test_digits"]
    # half of the eight that fooled the base, of none of the others
    assert len(learnt) == 4
    assert set(learnt) < set(range(20, 28))
    assert metadata["test_n"] == 36
    assert metadata["settings"] == RETRAINING["settings"]


def test_retraining_learns_its_half_only(paths, monkeypatch):
    """Every image that goes among the digits is of a learnt example, under its target."""
    seen = {}
    whole = strengthened.with_attacked

    def spy(images, labels, attacked, targets, *, copies):
        seen.update(attacked=attacked, targets=targets, digits=len(images), copies=copies)
        return whole(images, labels, attacked, targets, copies=copies)

    monkeypatch.setattr(strengthened, "with_attacked", spy)
    learnt = strengthen(paths, **RETRAINING).note["trained_test_digits"]
    wanted = {(i % 10, (i + 1) % 10) for i in learnt}
    pixels = (seen["attacked"][:, 0, 0, 0] * 255 / 20).round().int().tolist()
    assert set(zip(pixels, seen["targets"].tolist(), strict=True)) == wanted
    assert (seen["digits"], seen["copies"]) == (40, 2)


def test_no_number_of_shards_decides_the_half(paths):
    learnt = strengthen(paths, **RETRAINING).note["trained_test_digits"]
    paths["examples"].reverse()
    assert strengthen(paths, **RETRAINING).note["trained_test_digits"] == learnt


def test_pairing_learns_from_no_test_digit(paths):
    found = strengthen(paths)
    assert found.note["trained_test_digits"] == []
    assert found.note["test_n"] == 40
    names = {"clean_loss", "adversarial_loss", "pairing_loss", "validation_error"}
    assert all(names <= row.keys() for row in found.curve)


def test_the_same_seed_gives_the_same_bytes(paths):
    strengthen(paths)
    first = paths["model"].read_bytes()
    strengthen(paths)
    assert paths["model"].read_bytes() == first


def test_from_scratch_is_not_from_the_base(paths):
    """The base knows all digits; new weights know none, and two short epochs teach neither."""
    assert strengthen(paths).note["test_error"] == 0
    assert strengthen(paths, start="scratch").note["test_error"] > 0.2


def test_a_network_of_the_readers_own_is_strengthened_like_ours(paths, tmp_path):
    """From its base, or from the weights that its own function starts with."""
    (tmp_path / "own.py").write_text(
        "from torch import nn\n\n\ndef build():\n"
        "    return nn.Sequential(nn.Flatten(), nn.Linear(784, 10))\n"
    )
    module = f"{tmp_path}/own.py:build"
    base = tmp_path / "own.safetensors"
    save_model(base, FirstPixel(), metadata={"architecture": module})
    own = paths | {"module": module, "base": str(base)}
    metadata = strengthen(own).note
    assert (metadata["architecture"], metadata["test_error"]) == (module, 0)
    assert strengthen(own, start="scratch").note["test_error"] > 0.2


def test_too_few_examples_that_fooled_the_base_are_named(paths):
    labels = [i % 10 for i in range(40)]
    write_attacked(paths["model"].parent, labels, [(i + 5) % 10 for i in labels[20:32]])
    with pytest.raises(InputError, match=r"^retraining has 0 examples that fooled"):
        strengthen(paths, **RETRAINING)
