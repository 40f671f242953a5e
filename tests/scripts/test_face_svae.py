"""The measurements of the face SVAE tell what its checkpoint says."""

import runpy
from pathlib import Path

import pytest
from torch import nn

from typeone.runtime.artifacts import read_parquet, save_model

SCRIPTS = Path(__file__).parents[2] / "scripts"


def of(script):
    return runpy.run_path(str(SCRIPTS / f"{script}.py"))


def test_measurements_are_what_the_checkpoints_say(tmp_path):
    paths = []
    for seed in (1, 2):
        paths.append(tmp_path / f"{seed}.safetensors")
        save_model(
            paths[-1],
            nn.Linear(1, 1),
            metadata={
                **{"seed": seed, "width": 0.25, "latent_dim": 64, "test_n": 200},
                **{"test_error": 0.06, "discriminator_balanced_accuracy": 0.75},
                **{"test_recon_loss": 90.0 + seed, "test_recon_loss_low": 80.0},
                "test_recon_loss_high": 100.0,
            },
        )
    out = tmp_path / "measurements.parquet"
    of("evaluate_face_svae")["evaluate_face_svae"](
        svae_paths=paths, measurements_path=out, accuracy_id="an.id", source="synthetic"
    )
    rows = read_parquet(out).frame()
    assert list(rows["seed"]) == [1, 1, 1, 2, 2, 2]
    accuracy, recon, discriminator = (rows.iloc[i] for i in range(3))
    assert (accuracy["id"], accuracy["n"]) == ("an.id", 200)
    assert accuracy["value"] == pytest.approx(0.94)
    # Wilson's interval of 188 of 200, by hand
    assert accuracy["low"] == pytest.approx(0.8981, abs=1e-4)
    assert accuracy["high"] == pytest.approx(0.9653, abs=1e-4)
    assert recon["id"] == "beyond.synthetic.faces.svae.recon_loss"
    assert [recon[k] for k in ("value", "low", "high", "n")] == [91, 80, 100, 200]
    assert (discriminator["value"], discriminator["n"]) == (0.75, 400)  # encoded and drawn
    assert all(text.startswith("synthetic faces, ") for text in rows["description"])
