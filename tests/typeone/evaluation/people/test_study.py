"""The sheet shows a fair draw and tells nothing of it; what people say is counted as meant."""

import base64
import io
import json
import re
from collections import Counter

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from typeone.evaluation.intervals import rate_of
from typeone.evaluation.people.agreement import (
    annotator_figures,
    fleiss_kappa,
    kappa_interval,
    label_counts,
)
from typeone.evaluation.people.annotations import picture_digest
from typeone.evaluation.people.sample import Run, draw_items, draw_pairs
from typeone.evaluation.people.success import (
    FAILURE,
    LEFT_OUT,
    digit_measures,
    face_measures,
    people_rates,
)
from typeone.reporting.study.page import Sheet, render_sheet
from typeone.runtime.artifacts import Records

SHARES = {"count": 5, "clean": 4, "reconstruction": 3}
NAMES = [str(digit) for digit in range(10)]


def table(n, shape=(1, 28, 28), seed=0):
    """``n`` examples that all differ, two faces a person."""
    rng = np.random.default_rng(seed)
    images = rng.integers(0, 256, (2, n, *shape), dtype=np.uint8)
    position = np.arange(n)
    columns = {"position": position, "index": 100 + position, "label": position % 10}
    columns |= {"image": images[0], "adversarial_image": images[1], "identity": position // 2}
    return Records(columns, {})


@pytest.fixture
def digits():
    """Two attacks on two targets, and the control, of the same twenty digits, two seeds."""
    runs = [Run(a, t, s) for a in ("paper", "ours") for t in ("mlp", "cnn") for s in (1, 2)]
    attacks = {}
    for i, run in enumerate(runs):
        attacks.setdefault(f"{run.attack}/{run.target}", {})[run] = table(20, seed=i)
    controls = {Run("reconstruction", "mlp", s): table(20, seed=20 + s) for s in (1, 2)}
    return attacks, controls


@pytest.fixture
def faces():
    runs = [Run("paper", "small", 1), Run("reconstruction", "small", 1)]
    paper, control = (table(12, (3, 64, 64), seed=i) for i in range(2))
    return {"paper/small": {runs[0]: paper}}, {runs[1]: control}


def drawn(digits, seed=7, **shares):
    rng = np.random.default_rng(seed)
    return draw_items("digit", *digits, NAMES, **(SHARES | shares), rng=rng)


# --------------------------------------------------------------------------------------- draw


def test_every_condition_has_its_share(digits):
    items = drawn(digits)
    expected = dict.fromkeys(digits[0], 5) | {"reconstruction": 3, "clean": 4}
    assert Counter(item.condition for item in items) == expected
    assert len({item.image for item in items}) == len(items)


def test_an_item_shows_the_image_that_its_name_stands_for(digits):
    attacks, controls = digits
    tables = {run: rows for group in (*attacks.values(), controls) for run, rows in group.items()}
    for item in drawn(digits):
        attack, target, seed, position = item.image.split("/")
        run = Run(attack, target, int(seed.removeprefix("seed")))
        rows = tables[run._replace(attack="reconstruction") if attack == "clean" else run]
        column = "image" if attack == "clean" else "adversarial_image"
        (picture,) = item.pictures
        np.testing.assert_array_equal(picture, rows[column][int(position)])
        assert item.digest == picture_digest(picture)
        label = str(rows["label"][int(position)])
        assert item.truth == (label if item.condition == "clean" else "")


def test_a_digit_comes_again_only_when_all_have_been_shown(digits):
    # 27 items of 20 digits: each once, and 7 of them a second time
    positions = Counter(item.image.split("/")[-1] for item in drawn(digits))
    assert sorted(positions.values()) == [1] * 13 + [2] * 7


def test_the_draw_favours_no_image(digits):
    """Over many seeds, each of 20 digits is drawn as often: 2000 x 5 / 20 = 500."""
    one = {"paper/mlp": digits[0]["paper/mlp"]}
    found = Counter(
        item.image.split("/")[-1]
        for seed in range(2000)
        for item in drawn((one, digits[1]), seed, clean=0, reconstruction=0)
    )
    # four standard deviations of a binomial of 2000 and 1/4
    assert max(abs(n - 500) for n in found.values()) < 4 * np.sqrt(2000 * 0.25 * 0.75)


def test_of_fewer_examples_all_are_shown(digits):
    assert Counter(i.condition for i in drawn(digits, count=99))["paper/mlp"] == 40


def test_the_same_seed_draws_the_same(digits):
    assert [i.image for i in drawn(digits)] == [i.image for i in drawn(digits)]
    assert [i.image for i in drawn(digits)] != [i.image for i in drawn(digits, seed=8)]


def test_pairs_are_of_one_person_or_of_two(faces):
    attacks, controls = faces
    items = draw_pairs(*faces, count=3, clean=2, reconstruction=1, rng=np.random.default_rng(0))
    expected = {"paper/small": 3, "reconstruction": 1, "same": 2, "different": 2}
    assert Counter(item.condition for item in items) == expected
    (paper,), (control,) = (group.values() for group in (attacks["paper/small"], controls))

    def who(picture):
        return next(
            int(control["identity"][i])
            for i in range(12)
            if np.array_equal(picture, control["image"][i])
        )

    for item in items:
        left, right = item.pictures
        position = int(item.image.split("/")[-1])
        if item.condition == "paper/small":
            np.testing.assert_array_equal(left, paper["image"][position])
            np.testing.assert_array_equal(right, paper["adversarial_image"][position])
        elif item.truth:
            assert not np.array_equal(left, right)
            assert (who(left) == who(right)) == (item.truth == "same")


def test_people_with_one_face_make_no_pair_of_one_person(faces):
    _, controls = faces
    ((run, rows),) = controls.items()
    alone = Records(rows.columns | {"identity": np.arange(12)}, {})
    items = draw_pairs(
        {}, {run: alone}, count=0, clean=2, reconstruction=0, rng=np.random.default_rng(0)
    )
    assert Counter(item.condition for item in items) == {"different": 2}


# --------------------------------------------------------------------------------------- page


@pytest.fixture
def sheet(digits, faces):
    rng = np.random.default_rng(1)
    items = [
        *drawn(digits),
        *draw_items("face", *faces, ["female", "male"] * 5, **SHARES, rng=rng),
        *draw_pairs(*faces, **SHARES, rng=rng),
    ]
    return Sheet(items, {"digit": 4, "face": 100, "person": 0}, seed=3)


def told_by(page):
    inside = re.search(r'<script id="told" type="application/json">(.*?)</script>', page, re.S)
    return json.loads(inside[1])


def test_the_page_holds_every_picture_as_it_is(sheet):
    told = {item["id"]: item for item in told_by(render_sheet(sheet))["items"]}
    assert len(told) == len(sheet.items)
    for item in sheet.items:
        shown = told[item.number(3)]
        assert shown["question"] == item.question
        for address, picture in zip(shown["pictures"], item.pictures, strict=True):
            png = base64.b64decode(address.removeprefix("data:image/png;base64,"))
            pixels = np.asarray(Image.open(io.BytesIO(png)))
            np.testing.assert_array_equal(
                pixels.reshape(picture.transpose(1, 2, 0).shape), picture.transpose(1, 2, 0)
            )


def test_nothing_in_the_source_tells_the_condition(sheet):
    page = render_sheet(sheet)
    source = re.sub(r"data:image/png;base64,[A-Za-z0-9+/=]+", "", page)
    words = {word for item in sheet.items for word in re.split(r"\W", item.image)}
    words |= {"clean", "attack", "attacked", "adversarial", "original", "reconstruction", "svae"}
    words |= {"truth", "condition", "control"}
    words = {word for word in words if not word.isdigit()}
    assert {"paper", "ours", "mlp", "cnn", "small", "seed1"} <= words
    found = {word for word in words if re.search(rf"\b{word}", source, re.IGNORECASE)}
    # people answer "different" and "same" about any pair
    assert found <= {"same", "different"}
    items = told_by(page)["items"]
    assert {frozenset(item) for item in items} == {
        frozenset(["id", "question", "digest", "pictures"])
    }
    for pictures in (item["pictures"] for item in items):
        for address in pictures:  # no text, no time stamp beside the pixels
            assert Image.open(io.BytesIO(base64.b64decode(address.split(",")[1]))).info == {}


def test_the_order_in_the_source_is_that_of_the_numbers_whatever_order_was_drawn(sheet):
    page = render_sheet(sheet)
    numbers = [item["id"] for item in told_by(page)["items"]]
    assert numbers == sorted(numbers)
    assert all(re.fullmatch("[0-9a-f]{10}", number) for number in numbers)
    assert render_sheet(Sheet(sheet.items[::-1], sheet.repeats, 3)) == page


def test_numbers_change_with_the_seed_and_not_with_the_other_items(sheet):
    first = sheet.items[0]
    assert first.number(3) != first.number(4)
    fewer = Sheet(sheet.items[:5], sheet.repeats, 3)
    assert {i["id"] for i in told_by(render_sheet(fewer))["items"]} == {
        item.number(3) for item in sheet.items[:5]
    }
    assert fewer.digest != sheet.digest


def test_at_most_a_third_comes_back(sheet):
    # 12 faces and 0 of the pairs: 4 of 100 wanted, as many digits as wanted
    assert told_by(render_sheet(sheet))["repeats"] == {"digit": 4, "face": 4, "person": 0}


def test_a_question_without_items_is_not_asked(digits):
    page = render_sheet(Sheet(drawn(digits), {"digit": 1, "face": 1, "person": 1}, seed=3))
    assert told_by(page)["repeats"] == {"digit": 1}


def test_the_page_asks_nobody_for_anything(sheet):
    page = render_sheet(sheet)
    assert "default-src 'none'" in page
    assert re.findall(r"https?://", page) == []
    assert re.findall(r"(?:src|href)=[\"'](?!data:)", page) == []


# ---------------------------------------------------------------------------------- agreement

# Fleiss (1971) by way of the usual textbook example: 10 subjects, 14 raters, 5 labels
TEXTBOOK = np.array(
    [
        *([0, 0, 0, 0, 14], [0, 2, 6, 4, 2], [0, 0, 3, 5, 6], [0, 3, 9, 2, 0], [2, 2, 8, 1, 1]),
        *([7, 7, 0, 0, 0], [3, 2, 6, 3, 0], [2, 5, 3, 2, 2], [6, 5, 2, 1, 0], [0, 2, 2, 3, 7]),
    ]
)


def answers(*rows):
    """Rows of (image, label, annotator), maybe question and showing."""
    full = [(*row, *("digit", 1)[len(row) - 3 :]) for row in rows]
    return pd.DataFrame(full, columns=["image", "label", "annotator", "question", "showing"])


def test_kappa_of_the_textbook():
    assert fleiss_kappa(TEXTBOOK) == pytest.approx(0.210, abs=5e-4)  # printed with three digits


def test_kappa_by_hand_where_images_have_different_numbers_of_people():
    # agreement 1 and 1/3; shares 3/5 and 2/5, by chance 13/25
    counts = np.array([[2, 0], [1, 2]])
    assert fleiss_kappa(counts) == pytest.approx((2 / 3 - 13 / 25) / (12 / 25))


@pytest.mark.parametrize(("counts", "kappa"), [([[3, 0], [0, 3]], 1.0), ([[1, 1], [1, 1]], -1.0)])
def test_kappa_at_its_ends(counts, kappa):
    assert fleiss_kappa(np.array(counts)) == pytest.approx(kappa)


@pytest.mark.parametrize("counts", [np.array([[3, 0], [3, 0]]), np.zeros((0, 2), int)])
def test_kappa_says_nothing_where_all_give_one_label(counts):
    assert np.isnan(fleiss_kappa(counts))


def test_images_of_one_person_count_for_no_agreement():
    found = label_counts(answers(("a", "3", "x"), ("a", "5", "y"), ("b", "3", "x")))
    assert found.tolist() == [[1, 1]]


def test_the_interval_of_kappa_holds_it_and_shrinks_with_more_images():
    rng = np.random.default_rng(0)

    def people(n):
        return answers(
            *(
                (f"{image}", str(image % 10 if rng.random() < 0.8 else rng.integers(10)), person)
                for image in range(n)
                for person in "abcd"
            )
        )

    few, many = (
        kappa_interval(people(n), draws=300, rng=np.random.default_rng(1)) for n in (20, 320)
    )
    assert (few.n, many.n) == (20, 320)
    for found in (few, many):
        assert found.low < found.value < found.high
    # a quarter of the width for 16 times the images
    assert 2 < (few.high - few.low) / (many.high - many.low) < 8


def test_figures_of_a_person_by_hand():
    rows = answers(
        *[(f"{i}", "3", "ann") for i in range(6)],
        *[(f"{i}", "3" if i else "5", "bob") for i in range(6)],
        *[(f"{i}", "3" if i < 4 else "7", "eve") for i in range(6)],
        *[("0", "3", "ann", "digit", 2), ("0", "3", "bob", "digit", 2)],
    )
    truths = pd.Series({("digit", "0"): "3", ("digit", "1"): "3", ("face", "2"): "male"})
    limits = {"accuracy": 0.8, "consistency": 0.7}
    found = annotator_figures(rows, truths, limits=limits).set_index("annotator")
    # ann against bob and eve: they tie on 0, 4 and 5
    assert found["answers"].tolist() == [7, 7, 6]
    assert found.loc["ann", ["agreement", "agreement_n"]].tolist() == [1.0, 3]
    assert found.loc["bob", ["agreement", "agreement_n"]].tolist() == [3 / 4, 4]
    assert found.loc["bob", ["consistency", "consistency_n"]].tolist() == [0.0, 1]
    assert found.loc["bob", ["accuracy", "accuracy_n"]].tolist() == [0.5, 2]
    assert found["careless"].tolist() == ["", "", ""]  # two clean images tell nothing


def test_who_reads_clean_images_wrong_or_contradicts_himself_is_reported():
    rows = answers(
        *[(f"{i}", str(i % 10 if person == "ann" else 0), person, "digit", showing)
          for i in range(20) for person in ("ann", "bob") for showing in (1, 2)],
        *[(f"{i}", str(i % 2), "eve", "digit", 1) for i in range(20)],
        *[(f"{i}", "5", "eve", "digit", 2) for i in range(20)],
    )  # fmt: skip
    truths = pd.Series({("digit", f"{i}"): str(i % 10) for i in range(20)})
    limits = {"accuracy": 0.8, "consistency": 0.7}
    found = annotator_figures(rows, truths, limits=limits).set_index("annotator")["careless"]
    assert found.to_dict() == {
        "ann": "",
        "bob": "clean images wrong",
        "eve": "clean images wrong; repeats differ",
    }


# ------------------------------------------------------------------------------------ success

# four images: f1 keeps its 3, people see 4 (target), 5 (another), 3 (the label); f1 lost the last
ROWS = pd.DataFrame(
    {
        "image": list("abcd"),
        "label": [3, 3, 3, 3],
        "target_label": [4, 4, 4, 4],
        "f1_label_after": [3, 3, 3, 9],
    }
)
SEEN = [("a", "4"), ("b", "5"), ("c", "3"), ("d", "4")]


def rates(rows, wanted, draws=200, seed=0):
    return people_rates(rows, wanted, draws=draws, rng=np.random.default_rng(seed))


def test_success_by_hand_of_unanimous_people():
    rows = answers(*((image, label, person) for image, label in SEEN for person in "xyz"))
    found = rates(rows, digit_measures(ROWS))
    assert {k: v[FAILURE].value for k, v in found.items()} == {
        "true_success": 2 / 4,
        "targeted_success": 1 / 4,
    }
    assert {v[FAILURE].n for v in found.values()} == {4}


def test_what_is_unclear_is_a_failure_or_left_out():
    tied = [("b", "5", "x"), ("b", "6", "y")]  # two people, two other digits: most see nothing
    rows = answers(("a", "4", "x"), ("a", "4", "y"), *tied, ("c", "unclear", "x"), ("d", "4", "x"))
    found = rates(rows, digit_measures(ROWS))["true_success"]
    assert (found[FAILURE].value, found[FAILURE].n) == (1 / 4, 4)
    assert (found[LEFT_OUT].value, found[LEFT_OUT].n) == (1 / 2, 2)


def test_faces_must_be_of_the_other_gender_and_the_same_person_to_f1():
    rows = pd.DataFrame({"image": list("abc"), "target_label": [1, 1, 0], "distance": [1, 1.3, 1]})
    measures = face_measures(rows, ["female", "male"], 1.242)
    seen = answers(("a", "male", "x"), ("b", "male", "x"), ("c", "no face", "x"))
    found = {k: v[FAILURE].value for k, v in rates(seen, measures).items()}
    assert found == {"true_success": 1 / 3, "gender_changed": 2 / 3, "still_a_face": 2 / 3}


def test_the_interval_is_never_narrower_than_that_of_the_images():
    rows = answers(*((f"{i}", "4", person) for i in range(12) for person in "xyz"))
    wanted = {"seen": {f"{i}": ("4",) for i in range(12)}}
    found = rates(rows, wanted)["seen"][FAILURE]
    assert (found.value, found.high) == (1, 1)
    assert found.low == rate_of(12, 12).low


def test_people_who_differ_widen_the_interval_and_more_of_one_mind_do_not():
    """Each of two people sees success everywhere or nowhere: with one of them, all or nothing."""
    wanted = {"seen": {f"{i}": ("4",) for i in range(200)}}
    two = answers(
        *((f"{i}", label, p) for i in range(200) for p, label in (("x", "4"), ("y", "5")))
    )
    found = rates(two, wanted, draws=500)["seen"][FAILURE]
    assert (found.low, found.high) == (0, 1)
    agreed = answers(
        *((f"{i}", "4" if i < 100 else "5", person) for i in range(200) for person in "vwxyz")
    )
    found = rates(agreed, wanted, draws=500)["seen"][FAILURE]
    assert 0.42 < found.low < 0.5 < found.high < 0.58  # 1.96 x sqrt(0.25 / 200) = 0.07


def test_the_same_seed_gives_the_same_interval():
    rows = answers(*((f"{i}", str(4 + i * j % 3), f"p{j}") for i in range(30) for j in range(4)))
    wanted = {"seen": {f"{i}": ("4",) for i in range(30)}}
    assert rates(rows, wanted) == rates(rows, wanted)
    assert rates(rows, wanted)["seen"] != rates(rows, wanted, seed=1)["seen"]
