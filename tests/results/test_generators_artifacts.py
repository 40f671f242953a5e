"""What lies in results/ of the generators of faces: schemas, ranges, numbers derived again."""

import math

import matplotlib.image
import numpy as np
import pyarrow.parquet as pq
import pytest
from safetensors.numpy import load_file

from typeone.runtime.artifacts import read_model_metadata

FLOAT32 = 1e-5  # norms of float32 vectors, summed in another order


@pytest.fixture(scope="module")
def results(smoke):
    return smoke.root / "results"


def columns(path, dtypes):
    """A table as NumPy columns, vectors stacked; its types must be those of ``dtypes``."""
    table = pq.read_table(path)
    assert {f.name: str(f.type) for f in table.schema} == dtypes
    return {n: np.array(table[n].to_pylist()) for n in table.column_names if "image" not in n}


def vector(length):
    return f"fixed_size_list<element: float>[{length}]"


def test_the_small_generator_is_its_average(results):
    path = results / "faces/generators/small/seed0/model.safetensors"
    note = read_model_metadata(path)
    assert note["architecture"] == "style-64x64"
    assert not [name for name in load_file(path) if name.startswith(("critic", "gan"))]
    curve = pq.read_table(path.with_name("curve.parquet")).to_pandas()
    assert curve["epoch"].tolist() == list(range(1, note["training"]["epochs"] + 1))
    assert np.isfinite(curve["generator_loss"]).all()


def test_the_attack_on_the_small_generator(results):
    image = "fixed_size_binary[12288]"
    rows = columns(
        results / "faces/latent/small/seed0/examples.parquet",
        {
            **{"position": "int32", "image": image, "adversarial_image": image},
            **{"latent_start": vector(8), "latent_end": vector(8)},
            **dict.fromkeys(("distance", "stranger_distance"), "float"),
            **{"latent_distance": "float", "hinge": "float", "steps": "int32"},
            "converged": "bool",
        },
    )
    assert rows["position"].tolist() == list(range(8))
    moved = rows["latent_end"] - rows["latent_start"]
    np.testing.assert_allclose(rows["latent_distance"], np.linalg.norm(moved, axis=1), rtol=FLOAT32)
    hinge = np.maximum(0.35**2 - moved**2, 0).mean(axis=1)
    np.testing.assert_allclose(rows["hinge"], hinge, atol=FLOAT32)
    for name in ("distance", "stranger_distance"):
        assert ((rows[name] >= 0) & (rows[name] <= 2)).all()


def test_the_row_of_figure_9(results):
    folder = results / "faces/stylegan/row1"
    image = "fixed_size_binary[3145728]"
    row = columns(
        folder / "example.parquet",
        {
            **{"row": "int32", "image": image, "adversarial_image": image},
            **{"latent_start": vector(512), "latent_end": vector(512)},
            **dict.fromkeys(("distance", "latent_distance", "hinge"), "float"),
            **{"steps": "int32", "converged": "bool"},
        },
    )
    assert 0 < row["distance"][0] < 2
    moved = row["latent_end"] - row["latent_start"]
    assert row["latent_distance"][0] == pytest.approx(np.linalg.norm(moved), rel=FLOAT32)
    frames = columns(
        folder / "frames.parquet",
        {"row": "int32", "step": "int32", "image": "fixed_size_binary[12288]", "distance": "float"},
    )
    assert frames["step"].tolist() == [0, 1, 2]
    # of the image before it was rounded to uint8
    assert frames["distance"][-1] == pytest.approx(row["distance"][0], abs=0.05)


def test_rows_that_were_not_attacked_say_so(results):
    found = pq.read_table(results / "faces/stylegan/measurements.parquet").to_pandas()
    found = found.set_index("id")
    assert found.loc["fig9.distance.1", "n"] == 1
    for row in range(2, 7):
        assert found.loc[f"fig9.distance.{row}", "n"] == 0
        assert found.loc[f"fig9.distance.{row}", "note"] == "smoke attacks 1 of 6 rows"
        assert math.isnan(found.loc[f"fig9.distance.{row}", "value"])
    assert found.loc["beyond.fig9.strangers.same", "n"] == 1


def test_success_on_the_small_generator_is_counted_from_its_rows(results):
    found = pq.read_table(results / "faces/latent/measurements.parquet").to_pandas()
    found = found.set_index("id")["value"]
    rows = pq.read_table(results / "faces/latent/small/seed0/examples.parquet").to_pandas()
    far = rows["hinge"] <= 0
    prefix = "beyond.synthetic.latent_small"
    assert found[f"{prefix}.far"] == far.mean()
    assert found[f"{prefix}.kept.paper"] == (far & (rows["distance"] <= 1.242)).mean()
    assert found[f"{prefix}.strangers.paper"] == (rows["stranger_distance"] <= 1.242).mean()


@pytest.mark.parametrize("name", ["figure9", "figure9_small"])
def test_figures_are_images_with_something_on_them(results, name):
    assert matplotlib.image.imread(results / "figures" / f"{name}.png").std() > 0.05
    assert (results / "figures" / f"{name}.pdf").read_bytes().startswith(b"%PDF")
