"""What the smoke run leaves of the SVAE of faces; its figures derived a second time.

The encoder and f2 are computed from the stored tensors alone, layer by layer.
"""

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch
import torch.nn.functional as F
from safetensors.torch import load_file

from typeone.runtime.artifacts import read_model_metadata

STAGES = ("stage1", "stage2")
CURVE = {"epoch": "int64", "loss": "double", "lr": "double"}
CURVES = {
    "stage1": CURVE | dict.fromkeys(("kl", "recon_loss", "f2_loss", "validation_error"), "double"),
    "stage2": CURVE | {"train_error": "double"},
}
MEASUREMENTS = {
    "beyond.synthetic.faces.gender.test_accuracy",
    "beyond.synthetic.faces.svae.recon_loss",
    "beyond.synthetic.faces.svae.discriminator",
}


@pytest.fixture(scope="module")
def results(smoke):
    return smoke.root / "results"


@pytest.fixture
def settings(smoke_settings):
    """Those of the SVAE of faces."""
    return smoke_settings["face_svae"]


def path_of(results, name):
    return results / "faces" / "svae" / "seed0" / name


@pytest.mark.parametrize("stage", STAGES)
def test_a_checkpoint_says_how_it_was_made(results, settings, stage):
    known = read_model_metadata(path_of(results, f"{stage}.safetensors"))
    assert known["architecture"] == "svae-64x64"
    assert known["seed"] == 0
    for key in ("latent_dim", "width"):
        assert known[key] == settings[key]
    for key in ("recon_weight", "f2_weight", "kl_warmup", "l2", "training"):
        assert known[key] == settings["stage1"][key]
    if stage == "stage2":
        assert known["stage2"] == settings["stage2"]["training"]
        assert 0 <= known["discriminator_balanced_accuracy"] <= 1


def test_tensors_are_finite_and_stage_two_changes_the_discriminator_alone(results):
    first, second = (load_file(path_of(results, f"{stage}.safetensors")) for stage in STAGES)
    assert first.keys() == second.keys()
    assert all(tensor.isfinite().all() for tensor in second.values())
    changed = {name for name in first if not torch.equal(first[name], second[name])}
    assert changed == {name for name in first if name.startswith("discriminator.")}


@pytest.mark.parametrize("stage", STAGES)
def test_a_curve_has_a_row_an_epoch(results, settings, stage):
    curve = pq.read_table(path_of(results, f"{stage}_curve.parquet"))
    assert {field.name: str(field.type) for field in curve.schema} == CURVES[stage]
    epochs = settings[stage]["training"]["epochs"]
    assert curve["epoch"].to_pylist() == list(range(1, epochs + 1))
    if stage == "stage1":
        rows = curve.to_pandas()
        weights = settings["stage1"]
        parts = (
            rows["kl"]
            + weights["recon_weight"] * rows["recon_loss"]
            + weights["f2_weight"] * rows["f2_loss"]
        )
        penalty = (rows["loss"] - parts).to_numpy()  # of the weights: there, and small
        assert (penalty > 0).all()
        assert (penalty < 1).all()


def encoded(tensors, images):
    """mu, by the layers of the authors' encoder."""
    x = images
    for i in range(6):
        name = f"encoder.{i}"
        stride, normalised = 1 + i % 2, i % 2 == 1
        x = F.conv2d(x, tensors[f"{name}.0.weight"], tensors.get(f"{name}.0.bias"), stride, 2)
        if normalised:
            mean, var, scale, shift = (
                tensors[f"{name}.1.{k}"][:, None, None]
                for k in ("running_mean", "running_var", "weight", "bias")
            )
            x = (x - mean) / (var + 1e-5).sqrt() * scale + shift
        x = F.elu(x)
    x = x.permute(0, 2, 3, 1).flatten(1)  # height, width, channel
    x = torch.tanh(F.linear(x, tensors["encoder.7.weight"], tensors["encoder.7.bias"]))
    x = F.linear(x, tensors["encoder.9.weight"], tensors["encoder.9.bias"])
    return x[:, : x.shape[1] // 2]


def test_the_accuracy_of_f2_is_that_of_its_tensors_on_the_test_faces(results):
    table = pq.read_table(results / "data" / "faces" / "test.parquet")
    images = np.frombuffer(b"".join(table["image"].to_pylist()), np.uint8)
    images = torch.from_numpy(images.reshape(-1, 3, 64, 64) / 255)
    path = path_of(results, "stage1.safetensors")
    tensors = {name: tensor.double() for name, tensor in load_file(path).items()}
    x = encoded(tensors, images)
    for i in (0, 2, 4, 6):
        x = F.linear(x, tensors[f"classifier.{i}.weight"], tensors[f"classifier.{i}.bias"])
        x = F.elu(x) if i < 6 else x
    wrong = (x[:, 0] > 0).long().numpy() != table["label"].to_numpy()
    known = read_model_metadata(path)
    assert known["test_n"] == len(images)
    # float32 there, float64 here: a face on the very boundary may fall to either side
    assert abs(known["test_error"] - wrong.mean()) <= 1.5 * (x.abs() < 1e-4).double().mean()


def test_measurements_are_those_of_the_checkpoint(results):
    rows = pq.read_table(results / "faces" / "svae" / "measurements.parquet").to_pandas()
    rows = rows.set_index("id")
    assert set(rows.index) == MEASUREMENTS
    known = read_model_metadata(path_of(results, "stage2.safetensors"))
    assert rows["value"].to_dict() == pytest.approx(
        dict(
            zip(
                sorted(MEASUREMENTS),
                (
                    1 - known["test_error"],
                    known["discriminator_balanced_accuracy"],
                    known["test_recon_loss"],
                ),
                strict=True,
            )
        ),
        abs=1 / known["test_n"],  # a rate is a count again
    )
    assert (rows["low"] <= rows["value"]).all()
    assert (rows["value"] <= rows["high"]).all()
    assert rows["description"].str.startswith("synthetic faces").all()
