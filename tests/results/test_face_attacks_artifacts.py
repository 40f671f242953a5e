"""What the smoke run leaves of attacks on faces; Table II and success counted a second time."""

import csv
import json

import matplotlib.image
import numpy as np
import pyarrow.parquet as pq
import pytest
from scipy.ndimage import laplace, median_filter

SHARDS = (0,)
WALKS = (
    *("paper", "sm", "ours", "ours_latent", "ours_detail", "ours_attackers"),
    *("transition", "reconstruction"),
)
NOISE = ("fgsm", "pgd")
JUDGES = ("plain", "wide")
IMAGE, LATENT = "fixed_size_binary[12288]", "fixed_size_list<element: float>[16]"
FACES = {
    **{"position": "int32", "index": "int32", "identity": "int32", "label": "int64"},
    **{"image": IMAGE, "adversarial_image": IMAGE},
}
WALKED = {
    **FACES,
    **{"target_label": "int64", "latent_start": LATENT, "latent_end": LATENT},
    **{"steps": "int32", "converged": "bool"},
}


def walked(attack):
    """Attacks that follow f1 say where its gradient vanishes."""
    free = attack in ("transition", "reconstruction")
    return WALKED | ({} if free else {"gradient_vanishes": "bool"})


JUDGED = {
    **dict.fromkeys(("distance", "distance_l2", "distance_linf", "judge_confidence"), "float"),
    **dict.fromkeys(("f2_label_before", "f2_image_label"), "int64"),
    **dict.fromkeys(("judge_label_before", "judge_label"), "int64"),
    **{f"judge_{name}_label": "int64" for name in JUDGES},
    **dict.fromkeys(("shows_class", "judge_clear", "gender_changed"), "bool"),
    **{"noise": "float", "sharpness": "float", "noisy": "bool", "blurred": "bool"},
}
POINTS = {
    **{"position": "int32", "step": "int32", "image": IMAGE},
    **dict.fromkeys(("j1", "j2", "penalty", "k"), "float"),
}
MEASURED = {
    **{"id": "string", "seed": "int64"},
    **dict.fromkeys(("description", "unit", "note"), "string"),
    **dict.fromkeys(("value", "low", "high", "shared"), "double"),
    "n": "int64",
}
DETECTED = dict.fromkeys(("attack", "squeezer", "threshold"), "string") | {"zeta": "double"}
SIZES = ("3x3", "5x5")


@pytest.fixture(scope="module")
def results(smoke):
    return smoke.root / "results"


@pytest.fixture
def settings(smoke_settings):
    """Counts and steps by attack."""
    return smoke_settings["face_attacks"]["attacks"]


def path_of(results, attack, name="examples"):
    return results / "faces" / "attacks" / attack / "small" / "seed0" / f"{name}.parquet"


def read(path):
    """A table as NumPy arrays by column; images as uint8 rows."""
    table = pq.read_table(path)
    columns = {}
    for field in table.schema:
        column = table[field.name]
        if str(field.type) == IMAGE:
            flat = np.frombuffer(b"".join(column.to_pylist()), np.uint8)
            columns[field.name] = flat.reshape(len(column), -1)
        else:
            columns[field.name] = np.array(column.to_pylist())
    return columns


def rows_by_id(path):
    return {row["id"]: row for row in pq.read_table(path).to_pylist()}


EXPECTED = {
    **{(a, "examples"): walked(a) | JUDGED | {"f2_latent_label": "int64"} for a in WALKS},
    **{(a, "trace"): POINTS | {"distance": "float"} for a in WALKS},
    **{(a, f"shards/{s}"): walked(a) for a in WALKS for s in SHARDS},
    **{(a, f"shards/{s}.trace"): POINTS for a in WALKS for s in SHARDS},
    **{(a, "found"): FACES for a in NOISE},
    **{(a, "examples"): FACES | JUDGED for a in NOISE},
}


@pytest.mark.parametrize(("table", "columns"), EXPECTED.items(), ids="/".join)
def test_columns_and_types(results, table, columns):
    schema = pq.read_schema(path_of(results, *table))
    assert {field.name: str(field.type) for field in schema} == columns
    shapes = json.loads(schema.metadata[b"typeone"])["shapes"]
    assert shapes["image"] == [3, 64, 64]


@pytest.mark.parametrize("attack", [*WALKS, *NOISE])
def test_the_first_test_faces_are_attacked(results, settings, attack):
    rows, count = read(path_of(results, attack)), settings[attack]["count"]
    faces = read(results / "data" / "faces" / "test.parquet")
    assert rows["position"].tolist() == list(range(count))
    for name in ("index", "identity", "label", "image"):
        np.testing.assert_array_equal(rows[name], faces[name][:count], err_msg=name)
    if attack in WALKS:
        np.testing.assert_array_equal(rows["target_label"], 1 - rows["label"])
        left = rows["steps"] < settings[attack]["steps"]
        assert not (left & ~rows["converged"]).any()


@pytest.mark.parametrize("attack", [*WALKS, *NOISE])
def test_what_was_judged_follows_from_the_labels(results, attack):
    rows = read(path_of(results, attack))
    changed = rows["shows_class"] & (rows["judge_label"] != rows["label"])
    changed &= rows["judge_label_before"] == rows["label"]
    np.testing.assert_array_equal(rows["gender_changed"], changed)
    alike = rows["judge_plain_label"] == rows["judge_wide_label"]
    assert not (rows["judge_clear"] & ~(alike & rows["shows_class"])).any()
    assert ((rows["distance"] >= 0) & (rows["distance"] <= 2)).all()
    moved = rows["adversarial_image"].astype(float) - rows["image"]
    # levels of 255 in float32
    np.testing.assert_allclose(
        rows["distance_linf"], np.abs(moved).max(axis=1) / 255, rtol=0, atol=1e-6
    )


@pytest.fixture(scope="module")
def limits(results):
    return read(results / "faces/judges/limits.parquet")


def test_the_limits_are_the_quantiles_of_the_validation_faces(results, limits, smoke_settings):
    """By scipy's filters, on the brightness in float64."""
    quantile = smoke_settings["face_judges"]["quantile"]
    faces = read(results / "data/faces/validation.parquet")
    images, genders = faces["image"].reshape(-1, 3, 64, 64) / 255, faces["label"]
    scaled = images / images.max(axis=(1, 2, 3), keepdims=True)
    smooth = median_filter(scaled, size=(1, 1, 3, 3), mode="reflect")
    edges = np.array([laplace(image.mean(axis=0))[1:-1, 1:-1] for image in smooth])
    sharp = np.abs(edges).mean(axis=(1, 2))
    noise = np.abs(scaled - smooth).mean(axis=(1, 2, 3))
    assert list(limits["gender"]) == ["female", "male"]
    for gender in (0, 1):
        own = genders == gender
        wanted = [np.quantile(noise[own], quantile), np.quantile(sharp[own], 1 - quantile)]
        found = [limits[name][gender] for name in ("noise", "sharpness")]
        # means of 12,000 float32 numbers
        np.testing.assert_allclose(found, wanted, rtol=1e-5)


@pytest.mark.parametrize("attack", [*WALKS, *NOISE])
def test_noisy_and_blurred_faces_are_beyond_the_limits_of_the_gender_seen(results, limits, attack):
    rows = read(path_of(results, attack))
    most, least = (np.asarray(limits[k])[rows["judge_label"]] for k in ("noise", "sharpness"))
    # columns are float32, verdicts of float64: near a limit either may be
    near = (np.abs(rows["noise"] / most - 1) < 1e-6) | (
        np.abs(rows["sharpness"] / least - 1) < 1e-6
    )
    assert (rows["noisy"] == (rows["noise"] > most))[~near].all()
    assert (rows["blurred"] == (rows["sharpness"] < least))[~near].all()


@pytest.mark.parametrize("attack", NOISE)
def test_noise_stays_in_its_ball_as_stored(results, attack):
    rows = read(path_of(results, attack))
    moved = rows["adversarial_image"].astype(int) - rows["image"]
    assert np.abs(moved).max() == 20  # 20/255, of which rounding takes nothing


def test_the_control_is_not_attacked(results):
    rows = read(path_of(results, "reconstruction"))
    np.testing.assert_array_equal(rows["latent_start"], rows["latent_end"])
    assert not rows["steps"].any()


@pytest.mark.parametrize("attack", WALKS)
def test_a_trace_follows_the_first_woman_and_man_to_their_end(results, attack):
    rows, trace = read(path_of(results, attack)), read(path_of(results, attack, "trace"))
    first = [np.flatnonzero(rows["label"] == gender)[0] for gender in (0, 1)]  # of either gender
    assert sorted(set(trace["position"].tolist())) == sorted(first)
    for position in first:
        last = np.flatnonzero(trace["position"] == position)[-1]
        assert trace["step"][last] == rows["steps"][position]
        # the same image in a batch of another size, float32: few values are rounded otherwise
        apart = trace["image"][last].astype(int) - rows["adversarial_image"][position]
        assert np.abs(apart).max() <= 1
        assert (apart != 0).mean() < 1e-3
        assert trace["distance"][last] == pytest.approx(rows["distance"][position], abs=1e-4)


def test_success_is_that_of_the_stored_rows(results):
    path = results / "faces" / "attacks" / "measurements.parquet"
    assert {f.name: str(f.type) for f in pq.read_schema(path)} == MEASURED
    found = rows_by_id(path)
    thresholds = pq.read_table(results / "faces/recognizers/small/seed0/thresholds.parquet")
    for name, threshold in zip(*thresholds.to_pydict().values(), strict=True):
        suffix = "" if name == "paper" else f".{name}"
        for attack in WALKS:
            rows = read(path_of(results, attack))
            same = rows["distance"] <= threshold
            begin = f"beyond.synthetic.{attack}.small"
            success = np.mean(same & rows["gender_changed"])
            assert found[f"{begin}.true_success{suffix}"]["value"] == pytest.approx(success)
            assert found[f"{begin}.same_person.{name}"]["value"] == pytest.approx(np.mean(same))
    headline = found["beyond.synthetic.faces.success_rate"]
    assert headline["value"] == found["beyond.synthetic.paper.small.true_success"]["value"]
    assert "judged by networks" in headline["note"]
    assert all(identity.startswith("beyond.synthetic.") for identity in found)


def test_table2_counts_the_stored_scores(results):
    scores = read(results / "faces/detection/small/seed0/scores.parquet")
    path = results / "faces/detection/measurements.parquet"
    assert {f.name: str(f.type) for f in pq.read_schema(path)} == MEASURED | DETECTED
    found = rows_by_id(path)
    names = {"clean": "clean", "paper": "svae"}
    assert set(scores["attack"]) == {"clean", "validation", *WALKS, *NOISE}
    for attack in set(scores["attack"]) - {"validation"}:
        for size in SIZES:
            chosen = scores["squeezer"] == f"median_{size}"
            shown = scores["score"][chosen & (scores["attack"] == attack)]
            begin = f"beyond.synthetic.table2.{names.get(attack, attack)}.{size}"
            assert found[begin]["value"] == pytest.approx(np.mean(shown >= 1.2))
            assert found[begin]["n"] == len(shown)
            fitted = found[f"{begin}.fpr_0.05"]
            assert fitted["value"] == pytest.approx(np.mean(shown >= fitted["zeta"]))
            clean = scores["score"][chosen & (scores["attack"] == "validation")]
            assert np.mean(clean >= fitted["zeta"]) <= 0.05


def test_published_numbers_stand_in_table2(results, repository):
    with open(repository / "docs" / "published-values.csv", newline="") as file:
        published = {row["id"]: row["published"] for row in csv.DictReader(file)}
    with open(results / "tables" / "table2.csv", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["published"]]
    names = {"clean": "clean", "paper": "svae", "pgd": "pgd"}
    assert len(rows) == 6
    for row in rows:
        size = row["squeezer"].removeprefix("median_")
        told = published[f"table2.{names[row['attack']]}.{size}"]
        assert float(row["published"]) == float(told)
    for end in ("md", "tex"):
        text = (results / "tables" / f"table2.{end}").read_text()
        assert "synthetic faces, recognizer small, preset smoke, 1 seed" in text


@pytest.mark.parametrize("name", ["figure7b", "figure7b_ours"])
def test_a_figure_is_a_picture(results, name):
    picture = matplotlib.image.imread(results / "figures" / f"{name}.png")
    assert min(picture.shape[:2]) > 60
    assert picture.std() > 0.05
    assert (results / "figures" / f"{name}.pdf").read_bytes()[:5] == b"%PDF-"
