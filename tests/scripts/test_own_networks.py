"""From a reader's network without a gradient to the verdict table, through the jobs that attack."""

import importlib.util
import logging
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from typeone.attacks.type2 import Type2Settings, attack
from typeone.data.digits import read_digits, read_examples
from typeone.data.images import to_uint8
from typeone.models.classifiers import build_classifier, load_classifier
from typeone.models.density import DenseVAE
from typeone.models.svae import DigitSVAE
from typeone.reporting.beyond import type2_rows
from typeone.runtime.artifacts import read_parquet, save_model, write_parquet
from typeone.runtime.errors import InputError

SCRIPTS = Path(__file__).parents[2] / "scripts"
NET = """
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.head = nn.Linear(784, 10)

    def forward(self, images):
        return self.head({seen}.flatten(1))
"""


def function_of(name):
    spec = importlib.util.spec_from_file_location(name, SCRIPTS / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(("seen", "blind"), [("images", 0), ("(images * 255).round().div(255)", 6)])
def test_a_network_that_rounds_is_not_called_robust(tmp_path, monkeypatch, caplog, seen, blind):
    monkeypatch.chdir(tmp_path)
    torch.manual_seed(0)
    images = np.random.default_rng(0).integers(0, 256, (6, 1, 28, 28), dtype=np.uint8)
    examples = {"index": np.arange(6, dtype=np.int32), "image": images}
    Path("net.py").write_text(NET.format(seen=seen))
    head = torch.nn.Linear(784, 10)
    save_file(torch.nn.ModuleDict({"head": head}).state_dict(), "w.safetensors")
    right = head(torch.from_numpy(images).flatten(1) / 255).argmax(dim=1).numpy()
    how = {
        **dict.fromkeys(("validation_path", "test_path"), "digits.parquet"),
        **{"model_path": "mine.safetensors", "name": "mine", "module": "net.py:Net"},
        **{"weights": "w.safetensors", "dataset": "mnist", "device": "cpu"},
    }
    write_parquet("digits.parquet", examples | {"label": (right + 1) % 10})
    wrong = "whose network gets 100% of the test images of mnist wrong; needs at most 50%"
    with pytest.raises(InputError, match=wrong):
        function_of("prepare_classifier").prepare_classifier(**how)
    write_parquet("digits.parquet", examples | {"label": right})
    function_of("prepare_classifier").prepare_classifier(**how)
    f1 = load_classifier("mine.safetensors", module="net.py:Net")
    labels = f1(read_digits("digits.parquet")[0]).argmax(dim=1).numpy()
    write_parquet("right.parquet", examples | {"label": labels})
    with caplog.at_level(logging.WARNING, "typeone"):
        index, images, labels = read_examples("right.parquet", 6)
        result = attack(f1, images, labels, Type2Settings(method="fgsm", epsilon=0.3), seed=0)
    found = {
        "position": np.arange(6, dtype=np.int32),
        **{"index": index, "label": labels.numpy(), "image": to_uint8(images).numpy()},
        "adversarial_image": to_uint8(result.images).numpy(),
        **{"found": result.found.numpy(), "gradient_vanishes": result.vanishing.numpy()},
    }
    write_parquet("found.parquet", found)
    told = [line for line in caplog.messages if "the gradient vanishes at 6 of 6 images" in line]
    assert len(told) == (blind > 0)
    svae = DigitSVAE()
    save_model("svae.safetensors", svae, metadata=svae.description)
    limits = {"negative_elbo": [1e9] * 10, "noise": [1.0] * 10}
    note = {"architecture": "dense-vae-28x28", "latent_dim": 3, "limits": limits}
    save_model("density.safetensors", DenseVAE(latent_dim=3), metadata=note)
    judge = {"architecture": "judge_plain"}
    save_model("judge.safetensors", build_classifier("judge_plain"), metadata=judge)
    paths = {"shards": ["found.parquet"], "model": "mine.safetensors", "svae": "svae.safetensors"}
    function_of("judge").judge_attack(
        paths=paths
        | {
            **{"judges": ["judge.safetensors"], "clean": ["density.safetensors"]},
            "examples": "examples.parquet",
        },
        **{"members": ["plain"], "module": "net.py:Net", "faces": False},
        **{"clear_confidence": 0.8, "batch": 100, "device": "cpu"},
    )
    rows = type2_rows("fgsm", "mine", read_parquet("examples.parquet").frame().assign(seed=0))
    if blind:
        assert {row["note"] for row in rows} == {
            "not measured: the gradient vanishes at 6 of 6 images"
        }
        assert all(np.isnan(row["ours"]) for row in rows)
    else:
        assert {row["note"] for row in rows} == {""}
        assert {row["id"].split(".")[-1]: row["ours"] for row in rows}["found"] == 1
