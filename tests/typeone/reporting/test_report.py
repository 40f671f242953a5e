"""What the report's page is made of: numbers as artifacts hold them, images in their places."""

import base64
import io
import json
import re

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from typeone.reporting.plotting import add_caption, save_figure, style
from typeone.reporting.report import detection, examples, filmstrips, page, sprites, tables
from typeone.reporting.report.ablations import ablations
from typeone.reporting.report.timings import attack_seconds, timings
from typeone.runtime import provenance
from typeone.runtime.artifacts import Records

HOSTILE = '</script><script>alert(1)</script><img src=x onerror="alert(2)">'


def decoded(uri):
    return np.array(Image.open(io.BytesIO(base64.b64decode(uri.split(",")[1]))))


def digit_images(count, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (count, 1, 28, 28), dtype=np.uint8)


# sprites


@pytest.mark.parametrize("count", [1, 2, 5, 9])
def test_every_image_stands_where_its_number_says(count):
    images = digit_images(count)
    made = sprites.sheet(images)
    pixels = decoded(made["uri"])
    assert pixels.shape == (28 * made["rows"], 28 * made["columns"])
    assert made["rows"] * made["columns"] >= count
    for i in range(count):
        row, column = divmod(i, made["columns"])
        tile = pixels[28 * row : 28 * row + 28, 28 * column : 28 * column + 28]
        assert np.array_equal(tile, images[i, 0])


def test_faces_keep_their_places_and_colours():
    images = np.zeros((5, 3, 64, 64), np.uint8)
    images[3, 0] = 200  # a red one
    made = sprites.sheet(images)
    pixels = decoded(made["uri"]).astype(int)
    row, column = divmod(3, made["columns"])
    red = pixels[64 * row + 16 : 64 * row + 48, 64 * column + 16 : 64 * column + 48]
    # WebP at quality 90 moves a flat colour by a few levels
    assert abs(red.mean(axis=(0, 1)) - (200, 0, 0)).max() < 8
    assert pixels[:48, :48].max() < 8


def test_the_same_images_are_kept_once():
    sheets = sprites.Sheets()
    first = sheets.add(digit_images(4))
    assert sheets.add(digit_images(4)) == first
    assert sheets.add(digit_images(4, seed=1))["name"] != first["name"]
    assert len(list(sheets)) == 2


# examples and filmstrips


@pytest.fixture
def attacked():
    images = digit_images(4)
    return Records(
        {
            "position": np.arange(4, dtype=np.int32),
            "index": np.array([10, 11, 12, 13], np.int32),
            "image": images,
            "label": np.array([7, 2, 2, 5]),
            "adversarial_image": 255 - images,
            "target_label": np.array([8, 3, 3, 6]),
            "f1_label_after": np.array([7, 2, 9, 5]),
            "f1_confidence_before": np.array([0.99, 0.98, 0.97, 0.96], np.float32),
            "f1_confidence_after": np.array([0.91, 0.82, 0.03, 0.74], np.float32),
            "judge_label": np.array([8, 2, 3, 6]),
            "judge_confidence": np.array([0.9, 0.8, 0.7, 0.6], np.float32),
            "judge_clear": np.array([True, True, True, False]),
            "distance_l2": np.array([1.0, 2.0, 3.0, 4.0], np.float32),
            "type1_success_oracle": np.array([True, False, False, True]),
            "type1_success_clear": np.array([True, False, False, False]),
            "type1_success_clean": np.array([False, False, False, False]),
        },
        {},
    )


def test_examples_are_the_first_and_rates_are_of_all(attacked):
    shown = examples.digits(attacked, sprites.Sheets(), count=3)
    assert shown["label"] == ["7", "2", "2"]
    assert shown["seen"] == ["8", "2", "3"]
    assert shown["kept"] == [True, True, False]
    assert shown["changed"] == [True, False, True]
    assert shown["confidence"] == [0.91, 0.82, 0.03]
    assert (shown["n"], shown["rates"]["both (true success)"]["value"]) == (4, 0.5)
    # Wilson's interval of 2 of 4, by hand: (0.5 + z²/8 ± z sqrt(1/16 + z²/64)) / (1 + z²/4)
    assert shown["rates"]["both (true success)"]["low"] == pytest.approx(0.150, abs=5e-4)
    json.dumps(shown, allow_nan=False)


def test_rates_of_a_type_2_attack_are_those_of_type_2(attacked):
    found = {"found_stored": np.array([False, False, True, False])}
    found["type2_success_oracle"] = np.array([False, False, False, False])
    rows = Records({**attacked.columns, **found}, {})
    rates = examples.digits(rows, sprites.Sheets(), count=1)["rates"]
    assert {text: rate["value"] for text, rate in rates.items()} == {
        "f1 changes its label": 0.25,
        "… and the oracle still sees the old class": 0,
    }


def test_a_face_succeeds_when_f1_keeps_the_person_and_the_judges_see_the_other_gender():
    images = np.zeros((3, 3, 64, 64), np.uint8)
    rows = Records(
        {
            "index": np.arange(3, dtype=np.int32),
            "image": images,
            "adversarial_image": images,
            "label": np.array([0, 0, 1]),
            "judge_label": np.array([1, 1, 2]),
            "judge_clear": np.array([True, True, True]),
            "gender_changed": np.array([True, True, True]),
            "shows_class": np.array([True, True, False]),
            "distance": np.array([1.0, 1.3, 0.5], np.float32),
            "distance_l2": np.array([5.0, 6.0, 7.0], np.float32),
        },
        {},
    )
    shown = examples.faces(rows, sprites.Sheets(), count=3, threshold=1.242)
    assert shown["f1"] == ["same person", "other person", "same person"]
    assert shown["seen"] == ["man", "man", "no face"]
    assert shown["changed"] == [True, True, False]
    assert shown["rates"]["both, and still a face"]["value"] == pytest.approx(1 / 3)


def test_a_filmstrip_goes_from_the_original_by_steps_to_the_stored_end(attacked):
    walk = digit_images(6, seed=2)
    trace = Records(
        {
            # two examples' ways, interleaved and not in order
            "position": np.array([3, 1, 1, 3, 1, 3], np.int32),
            "step": np.array([20, 0, 10, 0, 20, 10], np.int32),
            "image": walk,
            "f1_confidence": np.array([0.7, 0.9, 0.1, 0.8, 0.6, 0.2], np.float32),
        },
        {},
    )
    trace["image"][0] = attacked["adversarial_image"][3]  # this way ends at what is stored
    sheets = sprites.Sheets()
    by_two, by_five = filmstrips.filmstrips(attacked, trace, sheets, frames=3)
    assert by_two["title"] == "2 → 3, oracle 2"
    assert by_two["steps"] == [None, 0, 10, 20, None]
    assert by_two["values"] == [0.98, 0.9, 0.1, 0.6, 0.82]
    assert by_five["title"] == "5 → 6, oracle 6?"
    assert by_five["steps"] == [None, 0, 10, 20]
    assert by_five["values"] == [0.96, 0.8, 0.2, 0.7]
    uri = next(s["uri"] for s in sheets if s["name"] == by_two["sheet"]["name"])
    pixels, columns = decoded(uri), by_two["sheet"]["columns"]
    wanted = [attacked["image"][1], walk[1], walk[2], walk[4], attacked["adversarial_image"][1]]
    for i, image in enumerate(wanted):
        row, column = divmod(i, columns)
        tile = pixels[28 * row : 28 * row + 28, 28 * column : 28 * column + 28]
        assert np.array_equal(tile, image[0]), i


# detector, ablations, timings


def test_counts_at_every_threshold_are_those_of_the_scores():
    rng = np.random.default_rng(0)
    clean, found = rng.beta(1, 9, 500), rng.beta(3, 2, 80)
    frame = pd.DataFrame(
        {"attack": ["clean"] * 500 + ["fgsm"] * 80, "score": np.concatenate([clean, found])}
    )
    made = detection.detector(frame, named=[0.25])
    at = np.array(made["thresholds"])
    assert np.all(np.diff(at) > 0)
    assert 0.25 in at
    for name, scores in (("clean", clean), ("fgsm", found)):
        counted = [(scores >= t).sum() for t in at]
        assert made["images"][name] == {"n": len(scores), "rejected": counted}
    assert [made["images"]["fgsm"]["rejected"][i] for i in (0, -1)] == [80, 0]


def test_a_published_threshold_beyond_all_scores_rejects_nothing():
    frame = pd.DataFrame({"attack": ["clean", "pgd"], "score": [0.1, 0.2]})
    made = detection.detector(frame, named=[1.2])
    assert made["thresholds"][-1] == 1.2
    assert made["images"]["pgd"]["rejected"][-1] == 0


def test_ablations_count_a_variant_by_itself(attacked):
    columns = attacked.columns | {
        "variant": np.array(["whole", "whole", "no_jitter", "no_jitter"]),
        "steps": np.array([10, 20, 30, 50], np.int32),
    }
    whole, without = ablations(Records(columns, {}))
    assert (whole["variant"], whole["steps"]) == ("whole", 15.0)
    assert (without["variant"], without["steps"]) == ("no_jitter", 40.0)
    assert [r["value"] for r in whole["rates"].values()] == [1.0, 0.5, 0.5, 0.0]
    assert [r["value"] for r in without["rates"].values()] == [0.5, 0.5, 0.0, 0.0]


def test_timings_are_summed_by_rule_and_the_longest_comes_first(tmp_path):
    head = "s\th:m:s\tmax_rss\tmax_vms\tmax_uss\tmax_pss\tio_in\tio_out\tmean_load\tcpu_time\n"
    lines = {
        "a": "1.5\t0:00:01\t-\t-\t-\t-\t-\t-\t-\t-\n",
        "b": "2\t0:00:02\t9\t0\t0\t0\t0\t0\t0\t3\n",
    }
    for name, line in lines.items():
        (tmp_path / name).write_text(head + line)
    (tmp_path / "again").write_text(head + lines["b"] + lines["a"])  # run twice: the last counts
    made = timings({"short": [tmp_path / "again"], "long": [tmp_path / "a", tmp_path / "b"]})
    assert made == [
        {"rule": "long", "jobs": 2, "seconds": 3.5, "cpu": 3.0, "memory": 9.0},
        {"rule": "short", "jobs": 1, "seconds": 1.5, "cpu": 0.0, "memory": 0.0},
    ]


def test_seconds_of_an_attack_are_those_of_all_its_jobs_divided_by_its_images(tmp_path):
    def benchmark(name, *seconds):
        (tmp_path / name).write_text("s\n" + "".join(f"{second}\n" for second in seconds))
        return tmp_path / name

    shards = [benchmark("a", 5, 30), benchmark("b", 10), benchmark("c", 20)]  # "a" ran twice
    timed = [
        ("ours", "mlp", 40, shards),
        ("ead", "mlp", 10, [benchmark("d", 100)]),
        ("ours", "lenet", 20, [*shards, tmp_path / "not_run"]),
        ("ours", "cnn", 20, [benchmark("e", "-")]),
    ]
    assert attack_seconds(timed) == [
        {"attack": "ead", "target": "mlp", "images": 10, "seconds": 10.0},
        {"attack": "ours", "target": "mlp", "images": 40, "seconds": 1.5},
    ]


# tables


def verdict_frame():
    row = {
        **{"id": "a.b", "paper_item": "Table I", "description": "rate", "published": 0.5},
        **{"ours": 0.4, "ci_low": 0.3, "ci_high": 0.55, "n": 100, "seeds": 2, "seed_sd": 0.01},
        **{"unit": "fraction", "verdict": "reproduced", "note": "", "artifact": "x.parquet"},
    }
    beyond = {**row, "id": "beyond.mnist.x", "paper_item": "", "published": np.nan, "verdict": ""}
    blank = dict.fromkeys(("ours", "ci_low", "ci_high"), np.nan)
    missing = {**row, **blank, "id": "c", "n": 0, "verdict": "not run: needs CelebA"}
    return pd.DataFrame([beyond, row, missing])


def test_published_rows_come_first_and_are_filed_under_their_verdict():
    rows = tables.verdict_rows(verdict_frame())
    assert [row["kind"] for row in rows] == ["reproduced", "not run", "beyond the paper"]
    assert [row["group"] for row in rows] == ["Table I", "Table I", "beyond: mnist"]
    assert rows[0]["place"] == [0.3, 0.4, 0.55, 0.5]
    assert rows[0]["details"]["artifact"] == "x.parquet"
    assert (rows[1]["ours_text"], rows[1]["interval_text"], rows[1]["place"]) == ("", "", None)


def test_a_column_that_nobody_told_the_page_of_is_shown_too():
    frame = verdict_frame().assign(people="0.8 of 20 answers")
    assert tables.verdict_rows(frame)[0]["details"]["people"] == "0.8 of 20 answers"


def test_an_interval_stands_beside_its_value():
    frame = pd.DataFrame({"name": ["x"], "value": [0.12345], "low": [0.1], "high": [0.2], "n": [9]})
    heads, rows = tables.cells(frame)
    assert [head["text"] for head in heads] == ["name", "value", "n"]
    assert [head["right"] for head in heads] == [False, True, True]
    assert rows == [["x", "0.1235 [0.1, 0.2]", "9"]]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.02449, "0.02449"),
        (10000, "10000"),
        (6.5e-5, "6.5e-05"),
        (np.nan, ""),
        ("a", "a"),
        (1.0, "1"),
    ],
)
def test_a_number_is_said_with_four_digits(value, text):
    assert tables.number(value) == text


# the page


def small_page(text="plain"):
    frame = verdict_frame().assign(note=text, description=text)
    sheets = sprites.Sheets()
    strips = [
        {"title": text, "steps": [None], "values": [0.5], "sheet": sheets.add(digit_images(1))}
    ]
    return page.Page(
        run={"preset": text, "machine": "m", "commit": "c"},
        verdicts=tables.verdict_rows(frame),
        tables=[{"title": text, "caption": text, "heads": [], "rows": []}],
        figures=[],
        sheets=sheets,
        data={
            "filmstrips": [{"name": text, "measure": "m", "threshold": None, "strips": strips}],
            "examples": [],
            "detector": [],
            "ablations": {"told": text, "attacks": []},
            "timings": [],
        },
        links=[{"told": text, "name": text, "address": "../there.csv"}],
    )


def test_what_stands_in_an_artifact_stays_text():
    html = page.render(small_page(HOSTILE))
    assert "<img src=x" not in html
    assert "<script>alert(1)" not in html
    assert "&lt;/script&gt;" in html
    data = re.search(r'<script type="application/json" id="data">(.*?)</script>', html, re.S)[1]
    assert json.loads(data)["filmstrips"][0]["name"] == HOSTILE


def test_the_policy_names_each_script_and_no_other_source():
    html = page.render(small_page())
    policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]*)"', html)[1]
    policy = policy.replace("&#39;", "'")
    scripts = re.findall(r"<script>(.*?)</script>", html, re.S)
    assert len(scripts) == len(page.SCRIPTS) + 1
    assert policy.split("script-src ")[1].split() == [page.source(s) for s in scripts]
    assert "default-src 'none'" in policy
    assert "unsafe-eval" not in policy
    assert not re.search(r"https?:", policy)


def test_the_same_page_gives_the_same_text():
    assert page.render(small_page()) == page.render(small_page())


def test_no_number_that_json_lacks_gets_into_the_page():
    broken = small_page()
    broken.data["timings"].append({"rule": "x", "seconds": float("nan")})
    with pytest.raises(ValueError, match="not JSON compliant"):
        page.render(broken)


def test_a_figure_tells_its_caption_to_the_page(tmp_path):
    import matplotlib.pyplot as plt

    path = tmp_path / "figure1.png"
    with style():
        figure, axes = plt.subplots(figsize=(2, 1))
        axes.plot([0, 1])
        add_caption(figure, "Seeds [1, 2], 4 → 5, n = 7: " + "long enough to be wrapped, " * 5)
        save_figure(figure, [path, tmp_path / "figure1.pdf"], dpi=60)
    shown = page.figure(path, "Fig. 1")
    assert shown["caption"].startswith("Seeds [1, 2], 4 → 5, n = 7: long enough")
    assert "\n" not in shown["caption"]
    assert base64.b64decode(shown["uri"].split(",")[1]) == path.read_bytes()


# where it comes from


def test_a_processor_is_named_as_linux_names_it(tmp_path):
    table = tmp_path / "cpuinfo"
    table.write_text("processor\t: 0\nmodel name\t: Example CPU 3 @ 2 GHz\n")
    assert provenance.processor(table) == "Example CPU 3 @ 2 GHz"
    assert provenance.processor(tmp_path / "absent") != ""


def test_a_folder_that_is_no_repository_has_no_commit_though_one_lies_around_it(tmp_path):
    import subprocess

    def git(*arguments):
        identity = ["-c", "user.name=t", "-c", "user.email=t@example.org"]
        subprocess.run(["git", *identity, "-C", tmp_path, *arguments], check=True)

    git("init", "-q")
    git("commit", "-q", "--allow-empty", "-m", "first")
    git("tag", "v0")
    inside = tmp_path / "unpacked"
    inside.mkdir()
    assert provenance.commit(tmp_path) == "v0"
    assert provenance.commit(inside) == "unknown"
