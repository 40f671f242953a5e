"""Recognizers are measured on the pairs that there are, and LFW at the sizes that it has."""

import runpy
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch
from PIL import Image
from snakemake.iocontainers import InputFiles, Params

from typeone.data.faces import FaceWriter
from typeone.models.recognizers import Recognizer, save_recognizer
from typeone.runtime.checkpoints import Checkpoint

from ..typeone.small_faces import write_faces

SCRIPTS = Path(__file__).parents[2] / "scripts"
RNG = np.random.default_rng(0)


def run(script, **arguments):
    return runpy.run_path(str(SCRIPTS / f"{script}.py"))[script](**arguments)


@pytest.fixture
def recognizer(tmp_path):
    """A recognizer that was never trained: it tells different colours apart, no more."""
    torch.manual_seed(0)
    made = Recognizer("face_cnn", preprocessing="fixed", settings={"channels": 4, "dim": 16})
    save_recognizer(tmp_path / "model.safetensors", made.eval(), metadata={})
    return tmp_path / "model.safetensors"


def coloured(side, person):
    """A plain image in one of 27 colours that lie far apart, with some noise."""
    colour = np.array([person % 3, person // 3 % 3, person // 9 % 3]) * 120
    return (colour + RNG.integers(0, 6, (side, side, 3))).astype(np.uint8)


def rows_of(path):
    return {row["id"]: row for row in pq.read_table(path).to_pylist()}


def test_pairs_of_faces_make_thresholds_and_rates(tmp_path, recognizer):
    for name in ("validation", "test"):
        people = np.arange(30) // 3
        pixels = np.stack([coloured(64, p) for p in people]).transpose(0, 3, 1, 2)
        with FaceWriter(tmp_path / f"{name}.parquet") as table:
            table.write(np.arange(30), pixels, people % 2, people)
    run(
        "evaluate_recognizer",
        paths={
            "recognizer": recognizer,
            **{k: tmp_path / f"{k}.parquet" for k in ("validation", "test")},
            **{k: tmp_path / f"{k}.parquet" for k in ("thresholds", "measurements")},
        },
        **{"faces": None, "pairs": 20, "false_accepts": 0.05, "pair_seed": 0},
        **{"source": "drawn", "name": "small", "seed": 3, "device": "cpu"},
        checkpoint=Checkpoint(tmp_path / "resume", "d", interval=0),
    )
    found = rows_of(tmp_path / "measurements.parquet")
    # one colour is one person, and nothing else is: the threshold that the data give is all right
    assert found["beyond.drawn.recognizer.small.true_accept.far"]["value"] == 1
    assert found["beyond.drawn.recognizer.small.false_accept.far"]["value"] <= 0.2
    assert found["beyond.drawn.recognizer.small.accuracy.far"]["n"] == 40
    same, other = (f"beyond.drawn.recognizer.small.{k}_distance" for k in ("same", "different"))
    assert found[same]["value"] < found[other]["value"]
    assert {row["seed"] for row in found.values()} == {3}


@pytest.fixture
def thresholds_of(tmp_path, recognizer):
    """From the seeds of validation and of test faces to the thresholds that the script writes."""

    def evaluate(**seeds):
        folder = tmp_path / "-".join(map(str, seeds.values()))
        folder.mkdir()
        paths = {k: write_faces(folder / f"{k}.parquet", 40, 8, seed) for k, seed in seeds.items()}
        paths |= {k: folder / f"{k}.parquet" for k in ("thresholds", "measurements")}
        run(
            "evaluate_recognizer",
            paths={"recognizer": recognizer, **paths},
            **{"faces": None, "pairs": 20, "false_accepts": 0.2, "pair_seed": 0},
            **{"source": "drawn", "name": "small", "seed": 3, "device": "cpu"},
            checkpoint=Checkpoint(folder / "resume", "d", interval=0),
        )
        return pq.read_table(paths["thresholds"]).to_pydict()

    return evaluate


def test_a_threshold_knows_validation_pairs_and_no_test_pair(thresholds_of):
    before = thresholds_of(validation=1, test=2)
    assert thresholds_of(validation=1, test=3) == before
    assert thresholds_of(validation=4, test=2) != before


def test_scores_say_whose_faces_they_are_of(tmp_path, recognizer):
    """In their tables, validation faces are numbered from 100, test faces from 0."""
    paths = {}
    for name, first in (("test", 0), ("validation", 100)):
        pixels = RNG.integers(0, 256, (6, 3, 64, 64)).astype(np.uint8)
        paths[f"{name}_path"] = tmp_path / f"{name}.parquet"
        with FaceWriter(paths[f"{name}_path"]) as table:
            table.write(first + np.arange(6), pixels, np.arange(6) % 2, np.arange(6))
    settings = {"medians": [3], "count": 4, "chunk": 2}
    given = InputFiles(
        fromdict={name: str(paths[f"{name}_path"]) for name in ("test", "validation")}
        | {"recognizer": str(recognizer)}
    )
    given.attacked = []  # Snakemake lists the files of all inputs in one row
    task = SimpleNamespace(
        log=[str(tmp_path / "log")],
        rule="score_face_detection",
        threads=1,
        input=given,
        output=SimpleNamespace(scores=str(tmp_path / "scores.parquet")),
        params=Params(
            fromdict={"attacks": [], "settings": settings, "resume": str(tmp_path / "resume")}
        ),
        wildcards=SimpleNamespace(),
    )
    script = Path(__file__).parents[2] / "scripts" / "score_face_detection.py"
    runpy.run_path(str(script), {"snakemake": task})
    rows = pq.read_table(tmp_path / "scores.parquet").to_pandas()
    found = rows.groupby("attack")["index"].apply(list).to_dict()
    assert found == {"clean": [0, 1, 2, 3], "validation": [100, 101, 102, 103]}


@pytest.fixture
def lfw(tmp_path):
    """A function that makes LFW with images of a side: three people, two folds."""

    def make(side):
        folder = tmp_path / "lfw"
        for person in range(3):
            for number in (1, 2):
                file = folder / "lfw" / f"P{person}" / f"P{person}_000{number}.jpg"
                file.parent.mkdir(parents=True, exist_ok=True)
                Image.fromarray(coloured(side, person)).save(file)
        pairs = ["2\t1", "P0\t1\t2", "P0\t1\tP1\t1", "P1\t1\t2", "P1\t2\tP2\t1"]
        (folder / "pairs.txt").write_text("\n".join(pairs))
        return folder

    return make


@pytest.mark.parametrize(("side", "sides"), [(64, (64,)), (250, (160, 64))])
@pytest.mark.parametrize("flip", [False, True])
def test_lfw_is_measured_at_the_sizes_that_it_has(tmp_path, recognizer, lfw, side, sides, flip):
    run(
        "evaluate_lfw",
        recognizer_path=recognizer,
        paths={k: tmp_path / f"{k}.parquet" for k in ("pairs", "measurements")},
        **{"source": "folder", "path": str(lfw(side)), "flip": flip},
        **{"false_accepts": 0.01, "device": "cpu"},
        checkpoint=Checkpoint(tmp_path / "resume", "d", interval=0),
    )
    found = rows_of(tmp_path / "measurements.parquet")
    ways = [f"{s}px.{p}" for s in sides for p in ("fixed", "whiten")]
    accuracies = {f"beyond.lfw.{way}.accuracy" for way in ways[1:]}
    each = {
        f"beyond.lfw.{way}.{kind}.{threshold}"
        for way in ways
        for kind in ("accuracy", "true_accept", "false_accept")
        for threshold in ("paper", "squared", "far")
    }
    assert set(found) == {"faces.recognizer.lfw_accuracy"} | accuracies | each
    published = found["faces.recognizer.lfw_accuracy"]
    assert f"{sides[0]} px, preprocessing fixed" in published["note"]
    assert published["n"] == 4
    table = pq.read_table(tmp_path / "pairs.parquet").to_pydict()
    assert table["first"] == ["P0_0001", "P0_0001", "P1_0001", "P1_0002"]
    assert table["same"] == [True, False, True, False]
    for way in ways:
        distances = table["distance_" + way.replace("px.", "_")]
        accepted = np.array(distances) <= 1.242
        right = accepted == np.array(table["same"])
        assert found[f"beyond.lfw.{way}.accuracy.paper"]["value"] == right.mean()
