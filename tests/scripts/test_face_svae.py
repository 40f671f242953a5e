"""The scripts of the face SVAE tell what its checkpoint says, and draw the faces they should."""

import runpy
from pathlib import Path

import numpy as np
import pytest
from torch import nn

from typeone.runtime.artifacts import read_parquet, save_model, write_parquet

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


def test_figure_5b_shows_so_many_faces_of_each_gender(tmp_path, monkeypatch):
    """A face is as bright as its position; its walk darkens it step by step."""
    n, steps = 5, 4
    labels = np.array([0, 0, 0, 1, 1])
    image = np.arange(n)[:, None, None, None] * np.ones((1, 3, 64, 64), int)
    examples, trace = tmp_path / "examples.parquet", tmp_path / "trace.parquet"
    write_parquet(
        examples, {"label": labels, "target_label": 1 - labels, "image": image.astype(np.uint8)}
    )
    position, step = (a.ravel() for a in np.meshgrid([0, 1, 2, 4], range(steps), indexing="ij"))
    walked = 100 + 10 * step[:, None, None, None] * np.ones((1, 3, 64, 64), int)
    write_parquet(
        trace,
        {
            **{"position": position.astype(np.int32), "step": step.astype(np.int32)},
            "image": walked.astype(np.uint8),
        },
    )
    script, drawn = of("plot_figure5b"), {}
    plot = script["plot_figure5b"]

    def filmstrips(rows, *, labels, caption):
        drawn.update(rows=rows, labels=labels)
        return script["filmstrips"](rows, labels=labels, caption=caption)

    monkeypatch.setitem(plot.__globals__, "filmstrips", filmstrips)
    figure = tmp_path / "figure.png"
    plot(
        examples_path=examples, trace_path=trace, figure_paths=[figure], faces=2, columns=3,
        dpi=50, caption="Five faces.",
    )  # fmt: skip
    assert figure.stat().st_size > 0
    assert drawn["labels"] == ["female →\nmale"] * 2 + ["male →\nfemale"]  # 3 was not followed
    assert [row[0][0][0, 0, 0] for row in drawn["rows"]] == [0, 1, 4]  # the originals
    for row in drawn["rows"]:
        assert [title for _, title in row] == ["original", "0", "3"]  # start and end of the walk
        assert row[-1][0][0, 0, 0] == 130
