"""Faces of a published generator, each a person of its own: the faces' part of the workflow ends.

They are few, so that no number means anything, and too few to fit Table II's thresholds on. Nobody
has two faces, so that nothing is said about two faces of one person.
"""

import pytest
import yaml

from typeone.data.faces import FaceTable
from typeone.runtime.artifacts import read_parquet

from .test_celeba import MEASURED, SETTINGS

COUNT = 70
LEARNS = {"steps": 1, "copies": 1, "training": {"batch_size": 4}}
CHANGES = {
    "faces": {
        **{"source": "generated", "recognizer": "small"},
        "generated": {"count": COUNT, "sure": 0.6},
    },
    "strengthened_recognizers": {
        f"by_{name}": {"small": LEARNS} for name in ("svae", "fgsm", "pgd", "noise")
    },
}


@pytest.fixture(scope="module")
def run(checkout):
    """The faces' part of the workflow on drawn photographs, with the small recognizer attacked."""
    workflow = checkout("generated", ["presets/smoke.yaml"])
    measured = [
        n.replace("facenet", "small")
        for n in MEASURED
        if not n.startswith(("detection", "published_pairs"))
    ]
    targets = [
        *(f"results/faces/{name}.parquet" for name in measured),
        "results/tables/table3.md",
        *(f"results/figures/figure{name}.png" for name in ("5b", "7b", "7b_ours")),
    ]
    result = workflow.run(*targets, config=yaml.safe_dump(SETTINGS | CHANGES), timeout=1200)
    assert result.returncode == 0, result.stdout[-3000:]
    return workflow.root


def ids(run, name):
    return set(read_parquet(run / f"results/faces/{name}.parquet")["id"])


def test_every_face_is_a_person_of_its_own_and_sure_of_its_gender(run):
    whole = FaceTable(run / "results/data/faces/generated.parquet")
    assert whole.metadata["drawn"] == COUNT == len(whole) + whole.metadata["unsure"]
    people = [
        identity
        for split in ("train", "judge", "validation", "test")
        for identity in FaceTable(run / f"results/data/faces/{split}.parquet").identities
    ]
    assert sorted(people) == sorted(whole.identities)
    assert len(set(people)) == len(people)
    assert set(whole.labels) == {0, 1}


def test_nothing_is_said_about_two_faces_of_one_person(run):
    found = ids(run, "recognizers/small/seed0/measurements")
    own = "beyond.generated.recognizer.small."
    assert f"{own}false_accept.paper" in found
    assert "beyond.generated.opposite_gender_pairs.paper" in found
    assert not any(
        name.startswith((f"{own}same", f"{own}true", f"{own}accuracy")) for name in found
    )
    table = ids(run, "strengthening/measurements")
    assert {f"beyond.generated.table3.{name}.pgd" for name in ("none", "svae", "pgd")} <= table
    assert not any(name.endswith(".pairs") for name in table)


def test_the_attack_is_measured(run):
    assert "beyond.generated.faces.success_rate" in ids(run, "attacks/measurements")
