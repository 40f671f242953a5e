"""The card of a recognizer says what was measured, and its page needs nothing."""

import json

import numpy as np
import pytest

import typeone
from typeone import api
from typeone.evaluation.audit.kit import save_kit
from typeone.evaluation.audit.recognizers import measure_recognizer
from typeone.reporting.card.faces import FaceCardContents, make_face_card, most_convincing
from typeone.runtime.errors import InputError

from ..audits import linear, small_kit
from ..face_audits import Embeds, small_face_kit

SOURCE = {"typeone": "0", "torch": "2", "network_sha256": "a", "kit_sha256": None, "seed": 0}


@pytest.fixture(scope="module")
def kit():
    return small_face_kit()


@pytest.fixture(scope="module")
def findings(kit):
    found = measure_recognizer(Embeds(), kit, threshold=0.6, who="mine")
    walked = found.examples["ours"]  # an untrained judge sees one gender: two successes by hand
    walked["gender_changed"] = np.array([True, True, True, False, False, False])
    walked["kept"] = np.array([True, False, True, True, True, False])
    walked["judge_clear"] = np.array([False, True, True, True, True, True])
    walked["noisy"] = np.array([True, False, True, False, False, False])
    walked["blurred"] = np.array([False, False, True, True, False, False])
    walked["judge_label"] = 1 - walked["label"]
    return found


def card_of(findings, kit, **changes):
    note = kit.note | changes
    return make_face_card(findings, network="mine", note=note, source=SOURCE)


def test_the_measures_are_those_of_the_faces(findings, kit):
    card = card_of(findings, kit)
    ours, pgd = card.contents.attacks
    value = {name: measure.value for name, measure in ours.measures.items()}
    assert value["kept"] == pytest.approx(4 / 6)
    assert value["turned"] == pytest.approx(3 / 6)
    assert value["true"] == pytest.approx(2 / 6)
    assert value["clear"] == pytest.approx(1 / 6)
    assert value["clean"] == 0  # the clear one is noisy
    assert value["noisy"] == value["blurred"] == pytest.approx(2 / 6)
    rows = findings.examples["ours"]
    assert value["face"] == rows["shows_class"].mean()
    assert value["distance"] == pytest.approx(rows["distance"].mean(), rel=1e-5)
    rows = findings.examples["pgd"]
    assert pgd.measures["left"].value == (rows["distance"] > 0.6).mean()
    same = rows["shows_class"] & (rows["judge_label"] == rows["label"])
    assert pgd.measures["same"].value == ((rows["distance"] > 0.6) & same).mean()
    assert card.contents.headline == "ours"
    assert card.contents.accepted["different"].n == 40 * 39 // 2 - 20


def test_lost_faces_are_no_success_of_noise(findings, kit):
    rows = findings.examples["pgd"]
    lost = rows | {
        "kept": np.zeros(6, bool),
        "lost": np.ones(6, bool),
        "distance": np.full(6, np.nan),
    }
    changed = make_face_card(
        findings.__class__(**vars(findings) | {"examples": findings.examples | {"pgd": lost}}),
        **{"network": "mine", "note": kit.note, "source": SOURCE},
    )
    told = changed.contents.attacks[1].measures
    assert told["left"].value == 0
    assert "distance" not in told


def test_the_most_convincing_faces_are_clean_then_clear_first(findings):
    rows, genders = findings.examples["ours"], ("female", "male")
    found = most_convincing(rows)
    assert [e.clean for e in found] == [False, False]  # the clear one, which is noisy, and another
    for example, i in zip(found, (2, 0), strict=True):
        assert example.judges_before == genders[rows["judge_label_before"][i]]
        assert example.judges == genders[1 - rows["label"][i]]
        assert example.distance == rows["distance"][i]
    np.testing.assert_array_equal(found[0].before, rows["image"][2])
    # both clear, the second one clean: it comes first, whatever the judges' confidence
    both = {"judge_clear": np.ones(6, bool), "noisy": np.arange(6) == 0}
    sure = {"judge_confidence": np.linspace(1, 0.5, 6), "blurred": np.zeros(6, bool)}
    first, second = most_convincing(rows | both | sure)
    assert (first.clean, second.clean) == (True, False)
    np.testing.assert_array_equal(first.before, rows["image"][2])


def test_the_page_and_the_lines(findings, kit, tmp_path):
    card = card_of(findings, kit)
    card.save(tmp_path)
    page = (tmp_path / "card.html").read_text()
    assert "<h1>mine on synthetic faces</h1>" in page
    assert "drawn by a procedure" in page
    assert "of preset smoke" in page
    assert "<script" not in page
    assert "http" not in page.replace("http-equiv", "")
    assert page.count("<figure>") == 2
    assert page.count("not clean</figcaption>") == 2
    assert "a share of 0.00 [0.00, 0.39] of 6 faces" in " ".join(page.split())
    assert "Clean Type I success, ours</dt><dd><b>0.00</b> of 6" in page
    assert "drawn by a procedure" not in card_of(findings, kit, source="lfw").html
    again = FaceCardContents.model_validate_json((tmp_path / "card.json").read_text())
    assert again == card.contents
    lines = card.contents.lines()
    assert lines[1].split() == ["attack", "kept", "turned", "true", "clear", "clean"]
    assert lines[2].split() == ["ours", "0.67", "0.50", "0.33", "0.17", "0.00"]
    assert lines[3].startswith("pgd            Type II: another person ")


def test_the_schema_is_that_of_the_model(repository):
    stored = json.loads((repository / "docs/face-card.schema.json").read_text())
    assert stored == FaceCardContents.model_json_schema()


def test_from_python(kit, tmp_path):
    path = tmp_path / "kit.safetensors"
    save_kit(path, kit)
    card = typeone.audit(Embeds(), kit=path, threshold=0.6, count=2, progress=False)
    assert card.contents.network == "Embeds"
    assert card.contents.attacks[0].measures["kept"].n == 2
    with pytest.raises(
        InputError, match=r"`kit` is a kit for recognizers.*; needs a kit for class"
    ):
        typeone.audit(linear(), kit=kit, progress=False)
    with pytest.raises(
        InputError, match=r"`kit` is a kit for classifiers.*; needs a kit for recog"
    ):
        typeone.audit(Embeds(), kit=small_kit(), threshold=0.6, progress=False)
    with pytest.raises(InputError, match="an attack of your own is given, 'mine'; needs none"):
        api.audit(Embeds(), kit=kit, threshold=0.6, attacks={"mine": len}, progress=False)
