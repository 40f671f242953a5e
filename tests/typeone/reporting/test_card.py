"""A card says what was measured: its numbers are those of the images, its page needs nothing."""

import json
import re
from dataclasses import replace

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import nn

import typeone
from typeone import api
from typeone.evaluation.audit.kit import file_sha256, load_kit, save_kit
from typeone.evaluation.audit.measure import measure
from typeone.reporting.card.audits import digest_of
from typeone.reporting.card.card import make_card, most_convincing
from typeone.reporting.card.contents import CardContents
from typeone.runtime.errors import InputError

from ..audits import linear, small_kit

SOURCE = {"typeone": "0", "torch": "2", "network_sha256": "a", "kit_sha256": None, "seed": 0}


@pytest.fixture(scope="module")
def kit():
    return small_kit()


@pytest.fixture(scope="module")
def findings(kit):
    return measure(linear(), kit, who="mine")


@pytest.fixture(scope="module")
def card(kit, findings):
    return make_card(findings, network="mine", note=kit.note, source=SOURCE)


def result(card, name):
    (found,) = [attack for attack in card.contents.attacks if attack.name == name]
    return found


@pytest.mark.parametrize("name", ["ours", "paper", "nearest"])
def test_the_measures_of_type1_are_those_of_the_images(card, findings, name):
    rows, told = findings.examples[name], result(card, name).measures
    kept = rows["f1_label_after"] == rows["label"]
    true = kept & (rows["judge_label"] != rows["label"])
    clear = true & rows["judge_clear"]
    clean = clear & ~rows["odd"] & ~rows["noisy"]
    for measure_, flags in {"kept": kept, "true": true, "clear": clear, "clean": clean}.items():
        assert told[measure_].value == pytest.approx(flags.mean()), measure_
        assert told[measure_].n == 6
        assert told[measure_].low <= told[measure_].value <= told[measure_].high
    detected = rows["score"] >= findings.threshold
    assert told["detected"].value == pytest.approx(detected.mean())
    assert told["distance"].value == pytest.approx(rows["distance_l2"].mean(), rel=1e-6)


def test_the_measures_of_type2_are_those_of_the_images(card, findings):
    rows, told = findings.examples["fgsm"], result(card, "fgsm").measures
    changed = rows["f1_label_after"] != rows["label"]
    same = changed & (rows["judge_label"] == rows["label"])
    assert told["found"].value == pytest.approx(changed.mean())
    assert told["same"].value == pytest.approx(same.mean())
    if changed.any():
        detected = rows["score"][changed] >= findings.threshold
        assert told["detected"].value == pytest.approx(detected.mean())
        assert told["detected"].n == told["distance"].n == changed.sum()


def test_measures_of_no_image_are_left_out(kit, findings):
    rows = findings.examples["fgsm"] | {"found_stored": np.zeros(6, bool)}
    ours = findings.examples["ours"] | {"type1_success_clean": np.zeros(6, bool)}
    changed = replace(findings, examples=findings.examples | {"fgsm": rows, "ours": ours})
    card = make_card(changed, network="mine", note=kit.note, source=SOURCE)
    assert set(result(card, "fgsm").measures) == {"found", "same"}
    assert "detected_clean" not in result(card, "ours").measures
    assert CardContents.model_validate_json(card.json) == card.contents
    assert "nan" not in card.html


def test_the_share_detected_of_clean_successes(kit, findings):
    clean = np.array([1, 1, 0, 0, 1, 0], bool)
    scores = np.array([9, 0, 9, 9, 0, 0]) + 0.0
    ours = findings.examples["ours"] | {"type1_success_clean": clean, "score": scores}
    changed = replace(findings, examples=findings.examples | {"ours": ours})
    card = make_card(changed, network="mine", note=kit.note, source=SOURCE)
    told = result(card, "ours").measures
    assert (told["detected_clean"].value, told["detected_clean"].n) == (pytest.approx(1 / 3), 3)
    assert told["detected"].value == 0.5
    assert "Detected among the clean successes" in card.html


def test_a_kit_for_tests_says_so(kit, card):
    assert "of preset smoke, for tests" in card.html
    real = kit.note | {"preset": "quick"}
    contents = card.contents.model_copy(
        update={"source": card.contents.source.model_copy(update={"kit": real})}
    )
    assert "for tests" not in replace(card, contents=contents).html


def test_a_network_is_named_by_the_digest_of_its_weights(tmp_path):
    network = linear()
    save_file(network.state_dict(), tmp_path / "w.safetensors")
    assert digest_of(network, who="mine") == file_sha256(tmp_path / "w.safetensors")
    tied = nn.ModuleList([network[1], network[1]])
    assert len(digest_of(tied, who="mine")) == 64


def test_the_headline_is_the_first_walk_of_the_kit(card):
    """Not the best of several, whose interval would be too narrow."""
    assert card.contents.headline == "ours"
    assert sum(c.clean.n for c in card.contents.classes) == 6


def test_an_attack_without_gradients_has_no_numbers(kit, findings):
    rows = findings.examples["ours"] | {"gradient_vanishes": np.ones(6, bool)}
    blind = replace(findings, examples=findings.examples | {"ours": rows})
    card = make_card(blind, network="mine", note=kit.note, source=SOURCE)
    assert result(card, "ours").measures == {}
    assert card.contents.headline is None
    assert card.contents.classes == []
    assert "not measured: the gradient of the network vanishes" in card.html
    assert "The attack from x was not measured" in card.html


def test_json_holds_the_card_and_follows_its_schema(card, repository):
    assert CardContents.model_validate_json(card.json) == card.contents
    schema = json.loads((repository / "docs" / "card.schema.json").read_text())
    assert schema == CardContents.model_json_schema()


def test_the_page_fetches_nothing_and_runs_nothing(card):
    assert "<script" not in card.html
    assert "default-src 'none'" in card.html
    assert re.findall(r"(?:src|href)=|url\((?!data:)", card.html) == []
    assert "srcdoc=" in card._repr_html_()


def test_a_name_cannot_become_markup(kit, findings):
    card = make_card(findings, network="<b>x</b>&", note=kit.note, source=SOURCE)
    assert "<b>x</b>" not in card.html
    assert "&lt;b&gt;x&lt;/b&gt;&amp;" in card.html


def test_the_most_convincing_come_first():
    rows = {
        "type1_success_oracle": np.array([1, 1, 1, 0, 1], bool),
        "type1_success_clear": np.array([1, 0, 1, 0, 1], bool),
        "type1_success_clean": np.array([0, 0, 1, 0, 1], bool),
        "f1_confidence_after": np.array([0.9, 0.9, 0.6, 1.0, 0.8]),
        "judge_confidence": np.array([0.9, 0.9, 0.9, 1.0, 0.7]),
        "judge_label_before": np.arange(5),
        "f1_label_after": np.arange(5),
        "judge_label": np.arange(1, 6),
        "image": np.zeros((5, 1, 28, 28), np.uint8),
        "adversarial_image": np.zeros((5, 1, 28, 28), np.uint8),
    }
    assert [e.judges_before for e in most_convincing(rows)] == [4, 2, 0, 1]  # 3 is no success
    assert [e.judges_before for e in most_convincing(rows, 2)] == [4, 2]


@pytest.mark.parametrize(
    ("how", "told"),
    [
        ({"kit": None}, r"kit is None; needs str or PathLike or KitModule"),
        ({"count": 2.5}, r"`count` is 2\.5; needs a whole number of at least 1 or None"),
        ({"seed": -1}, r"`seed` is -1; needs a whole number in \[0, 4294967295\]"),
        ({"device": "gpu"}, r"`device` is 'gpu'; needs cpu or cuda"),
        ({"attacks": [len]}, r"attacks is a list; needs Mapping or None"),
        ({"name": 3}, r"name is 3; needs str or None"),
        ({"threshold": "1"}, r"`threshold` is '1'; needs a distance above 0"),
    ],
)
def test_a_mistake_in_the_call_is_one_line_before_any_attack(kit, how, told):
    with pytest.raises(InputError, match=told):
        typeone.audit(linear(), **{"kit": kit, "progress": False} | how)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_a_gpu_that_is_not_there_is_named(kit):
    with pytest.raises(InputError, match="`device` is 'cuda', but torch finds no GPU here; needs"):
        typeone.audit(linear(), kit=kit, device="cuda", progress=False)


def test_a_file_of_a_kit_gives_the_same_card_as_the_kit(kit, card, tmp_path, capsys):
    path = tmp_path / "kit.safetensors"
    save_kit(path, kit)
    found = typeone.audit(linear(), kit=path, name="mine")
    assert "clean test images: " in capsys.readouterr().out
    assert found.contents.source.kit_sha256 == file_sha256(path)
    with torch.inference_mode():
        again = api.audit(linear(), kit=path, name="mine", progress=False)
    assert again.contents.attacks[0].measures == found.contents.attacks[0].measures
    capsys.readouterr()
    same = api.audit(linear(), kit=load_kit(path), name="mine", progress=False)
    assert capsys.readouterr().out == ""
    for a, b, c in zip(*(x.contents.attacks for x in (found, same, card)), strict=True):
        assert a.measures == b.measures == c.measures
    found.save(tmp_path / "a" / "card")
    assert (tmp_path / "a" / "card" / "card.json").read_text() == found.json
    assert (tmp_path / "a" / "card" / "card.html").read_text() == found.html
