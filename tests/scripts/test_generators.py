"""The scripts around generators of faces find their files and count what is stored."""

import math
import runpy
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn

from typeone.runtime.artifacts import Records, read_parquet, write_parquet
from typeone.runtime.errors import InputError

SCRIPTS = Path(__file__).parents[2] / "scripts"
NAMES = [f"{n}Network.{end}" for n in ("Mapping", "Synthesis") for end in ("xml", "bin")]


def of(script):
    return runpy.run_path(str(SCRIPTS / f"{script}.py"))


# ---------------------------------------------------------------------------- where files lie


def test_a_folder_serves_in_place_of_the_wheel(tmp_path):
    for name in NAMES:
        (tmp_path / name).write_text(name)
    found = of("prepare_mobilestylegan")["ir_files"](tmp_path)
    assert found == {name: name.encode() for name in NAMES}


def test_a_folder_that_lacks_a_file_is_told_in_one_line(tmp_path):
    for name in NAMES[:3]:
        (tmp_path / name).write_text(name)
    with pytest.raises(
        InputError, match=r"SynthesisNetwork.bin cannot be read .*`stylegan.path` n"
    ):
        of("prepare_mobilestylegan")["ir_files"](tmp_path)


def test_another_wheel_names_the_alternatives(tmp_path):
    (tmp_path / "random_face.whl").write_bytes(b"no wheel")
    with pytest.raises(InputError, match=r"another file; .*with `stylegan.source: none`") as caught:
        of("prepare_mobilestylegan")["ir_files"](tmp_path / "random_face.whl")
    assert "\n" not in str(caught.value)


# ------------------------------------------------------------------------------ what is counted


class Painter(nn.Module):
    """G paints the first coordinate of z as brightness; other coordinates do nothing."""

    latent_dim = 2

    def forward(self, latent):
        return latent[:, 0].sigmoid().view(-1, 1, 1, 1).expand(-1, 3, 64, 64)


def brightness(images):
    """A recognizer on a line: distances are those of brightness."""
    return images[:, 0, :1, 0]


def test_strangers_are_all_pairs_of_stored_faces():
    generator = torch.Generator().manual_seed(1)
    latent = torch.randn(3, 2, generator=torch.Generator().manual_seed(1))
    apart, latent_apart = of("evaluate_stylegan")["strangers"](
        Painter(), brightness, generator, count=3, device="cpu"
    )
    light = (latent[:, 0].sigmoid().numpy() * 255).round() / 255
    pairs = [(0, 1), (0, 2), (1, 2)]
    assert apart == pytest.approx([abs(light[i] - light[j]) for i, j in pairs], abs=1e-6)
    wanted = [np.linalg.norm(latent[i] - latent[j]) for i, j in pairs]
    assert latent_apart == pytest.approx(wanted, abs=1e-6)


def test_rows_that_ran_and_rows_that_did_not(tmp_path, monkeypatch):
    script = of("evaluate_stylegan")
    evaluate = script["evaluate_stylegan"]
    fixed = evaluate.__globals__
    monkeypatch.setitem(fixed, "load_face_generator", lambda *_: Painter())
    monkeypatch.setitem(fixed, "load_recognizer", lambda *_: brightness)
    paths = [tmp_path / f"row{row}.parquet" for row in (1, 2)]
    for row, path in enumerate(paths, 1):
        write_parquet(
            path, {"row": [row], "distance": [0.1 * row], "latent_distance": [8.0], "hinge": [0.0]}
        )
    evaluate(
        example_paths=paths,
        generator_path="",
        recognizer_path="",
        measurements_path=tmp_path / "found.parquet",
        published_rows=4,
        name="a painter",
        threshold=2.0,
        strangers_count=3,
        seed=1,
        preset="quick",
        device="cpu",
    )
    found = read_parquet(tmp_path / "found.parquet").frame().set_index("id")
    assert found["value"]["fig9.distance.1"] == pytest.approx(0.1)
    assert found["note"]["fig9.distance.2"] == "a painter for StyleGAN, 2 of 4 rows run"
    assert found["note"]["fig9.distance.3"] == "quick attacks 2 of 4 rows"
    assert math.isnan(found["value"]["fig9.distance.4"])
    assert found["n"]["fig9.distance.4"] == 0
    # brightness never differs by more than 1
    assert found["value"]["beyond.fig9.strangers.same"] == 1
    assert found["n"]["beyond.fig9.strangers.same"] == 3


class Judge(nn.Module):
    """Dark faces are female, light ones male, black is no face."""

    def forward(self, images):
        light = images[:, 0, 0, 0]
        sure = torch.stack([0.5 - light, light - 0.5, 10 * (0.1 - light)], dim=1)
        return 100 * sure


def test_success_is_far_away_the_same_person_and_another_gender():
    def image(*levels):
        return np.broadcast_to(np.uint8(levels)[:, None, None, None], (len(levels), 3, 64, 64))

    table = Records(
        {
            "image": image(80, 80, 80, 80, 80),
            "adversarial_image": image(200, 200, 200, 90, 0),
            "distance": np.array([0.5, 0.5, 1.5, 0.5, 0.5]),
            "stranger_distance": np.array([0.4, 1.3, 1.3, 1.3, 1.3]),
            "latent_distance": np.array([3.0, 3.0, 3.0, 3.0, 3.0]),
            "hinge": np.array([0.0, 0.1, 0.0, 0.0, 0.0]),
        },
        {},
    )
    named = {"prefix": "p", "faces": "painted faces", "recognizer": "small", "seed": 1}
    rows = of("evaluate_style_generator")["rows_of"](
        table, {"paper": 1.242}, [Judge()], clear_confidence=0.8, **named
    )
    found = pd.DataFrame(rows).set_index("id")["value"]
    assert found["p.far"] == 0.8
    assert found["p.faces"] == 0.8
    assert found["p.changed"] == pytest.approx(0.6)
    assert found["p.kept.paper"] == pytest.approx(0.6)  # the first, the fourth, the fifth
    assert found["p.true_success.paper"] == 0.2  # the first
    assert found["p.strangers.paper"] == 0.2
