"""People fill in the sheet in a real browser, and what they save comes back as figures."""

import re
import runpy
import shutil
from collections import Counter
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.wait import WebDriverWait

from typeone.runtime.artifacts import read_parquet, write_parquet
from typeone.runtime.errors import InputError

from ..browser import chromium, show

SCRIPTS = Path(__file__).parents[2] / "scripts"
SETTINGS = {
    "seed": 5,
    "digits": {"count": 3, "clean": 6, "reconstruction": 2, "repeats": 3},
    "faces": {"count": 3, "clean": 2, "reconstruction": 1, "repeats": 2},
    "pairs": {"count": 2, "clean": 1, "reconstruction": 1, "repeats": 1},
    "draws": 100,
    "careless": {"accuracy": 0.8, "consistency": 0.7},
}
DIGIT_RUNS = [("paper", "mlp", 0), ("ours", "cnn", 0), ("reconstruction", "mlp", 0)]
FACE_RUNS = [("paper", "small", 0), ("reconstruction", "small", 0)]


def run(script, **arguments):
    runpy.run_path(str(SCRIPTS / f"{script}.py"))[script](**arguments)


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """A sheet of twelve digits and ten faces under made-up attacks, and its key."""
    root = tmp_path_factory.mktemp("study")
    rng = np.random.default_rng(0)
    position = np.arange(12)

    def examples(runs, shape, **columns):
        paths = []
        for run_ in runs:
            images = rng.integers(0, 256, (2, 12, *shape), dtype=np.uint8)
            paths.append(str(root / ("-".join(map(str, run_)) + ".parquet")))
            shown = {"image": images[0], "adversarial_image": images[1]}
            own = {"position": position, "index": position, **shown, **columns}
            write_parquet(paths[-1], own)
        return paths

    label = position % 10
    digits = examples(
        DIGIT_RUNS,
        (1, 28, 28),
        **{"label": label, "target_label": (label + 1) % 10, "f1_label_after": label},
    )
    gender = position % 2
    faces = examples(
        FACE_RUNS,
        (3, 64, 64),
        **{"label": gender, "target_label": 1 - gender, "identity": position // 3},
        distance=np.where(position < 6, 1.0, 1.5),
    )
    runs = {"digits": (DIGIT_RUNS, digits), "faces": (FACE_RUNS, faces)}
    page, key = root / "index.html", root / "key.parquet"
    run("render_study", **runs, page_path=page, key_path=key, settings=SETTINGS)
    rows = read_parquet(key).frame().set_index("number")
    return SimpleNamespace(root=root, page=page, key=rows, key_path=key, runs=runs)


def test_the_key_names_every_item_once(study):
    assert Counter(study.key["condition"]) == {
        **{"paper/mlp": 3, "ours/cnn": 3, "reconstruction": 2 + 1 + 1, "clean": 6 + 2},
        **{"paper/small": 3 + 2, "same": 1, "different": 1},
    }
    assert study.key.index.is_unique
    source = study.page.read_text()
    assert all(number in source for number in study.key.index)


# ------------------------------------------------------------------------------ the browser


@pytest.fixture
def driver(tmp_path):
    with chromium(folder=tmp_path) as found:
        yield found


class Sheet:
    """The page as a person uses it."""

    def __init__(self, driver, page, key):
        self.driver, self.key = driver, key
        driver.get(page.as_uri())
        script = "return JSON.parse(document.getElementById('told').textContent)"
        told = driver.execute_script(script)
        self.numbers = {tuple(item["pictures"]): item["id"] for item in told["items"]}
        self.length = len(told["items"]) + sum(told["repeats"].values())

    def find(self, name):
        return self.driver.find_element(By.ID, name)

    def enter(self, name):
        self.find("name").clear()
        self.find("name").send_keys(name + Keys.ENTER)

    def press(self, *keys):
        ActionChains(self.driver).send_keys(*keys).perform()

    def shown(self):
        """Number of the item that is asked about; None when none is."""
        if not self.find("ask").is_displayed():
            return None
        images = "return [...document.querySelectorAll('#pictures img')].map((i) => i.src)"
        return self.numbers[tuple(self.driver.execute_script(images))]

    def answer(self, say):
        """Answer to the end by the keys that ``say`` gives; the numbers in their order."""
        seen = []
        while (number := self.shown()) is not None:
            seen.append(number)
            self.press(say(self.key.loc[number]))
        return seen

    def save(self, folder, name):
        self.find("save").click()
        path = folder / f"answers-{name}.csv"
        WebDriverWait(self.driver, 10).until(lambda _: path.exists() and path.stat().st_size)
        return path


def careful(item):
    """The key of a person who reads clean images right, and attacked ones as their target."""
    if item.question == "digit":
        position = int(item.image.split("/")[-1])
        return str((position + (item.truth == "" and item.condition != "reconstruction")) % 10)
    if item.question == "face":
        return {"female": "f", "male": "m"}.get(item.truth, "n")
    return {"same": "s", "different": "d"}.get(item.truth, "u")


def test_three_people_fill_in_the_sheet_and_their_success_is_counted(study, driver, tmp_path):
    sheet = Sheet(driver, study.page, study.key)
    orders, files = {}, []
    for name in ("ann", "bob", "Zoë 2"):
        driver.get(study.page.as_uri())
        sheet.enter(name)
        say = careful if name != "bob" else lambda item: "u"
        orders[name] = sheet.answer(say)
        assert sheet.find("ended").text == "Thank you, that was all."
        files.append(sheet.save(tmp_path, name.replace(" ", "_")))
        assert sheet.find("text").get_property("value") == files[-1].read_text()
    assert [line for line in driver.get_log("browser") if line["level"] == "SEVERE"] == []
    # everything once, some a second time, in an order of one's own; questions in turn
    for order in orders.values():
        assert set(order) == set(study.key.index)
        assert len(order) == sheet.length == len(study.key) + 3 + 2 + 1
        questions = study.key.loc[order, "question"].tolist()
        assert questions == sorted(questions, key=["digit", "face", "person"].index)
    assert len(set(map(tuple, orders.values()))) == 3

    known = runpy.run_path(str(SCRIPTS / "prepare_annotations.py"))["known_pictures"](
        key_paths=[study.key_path], **study.runs
    )
    answers = tmp_path / "answers.parquet"
    run("prepare_annotations", annotation_paths=files, known=known, answers_path=answers)
    found = read_parquet(answers).frame()
    assert found["checked"].all()
    assert found["annotator"].value_counts().to_dict() == dict.fromkeys(orders, sheet.length)
    assert (found["showing"] == 2).sum() == 3 * (3 + 2 + 1)

    people, measured, annotators = evaluated(study, answers, tmp_path)
    # two of three see every attacked digit as its target
    for attack, target in (("paper", "mlp"), ("ours", "cnn")):
        for measure in ("true_success", "targeted_success"):
            row = people.loc[f"beyond.mnist.{attack}.{target}.{measure}"]
            assert row[["value", "n", "annotators"]].tolist() == [1.0, 3, 3]
            assert 0 <= row["low"] < row["high"] == 1.0
    assert people.loc["beyond.synthetic.paper.small.still_a_face", "value"] == 0
    assert people.loc["published", "value"] == 0
    assert measured.loc["beyond.people.accuracy", "n"] == 3 * (6 + 2 + 2)
    assert measured.loc["beyond.people.consistency", "value"] == 1
    assert annotators.set_index("annotator")["careless"].to_dict() == {
        **{"ann": "", "Zoë 2": ""},
        "bob": "clean images wrong",
    }


def evaluated(study, answers, folder):
    """(people's figures with unclear as failure, rows of the verdict table, people)."""
    names = ("people.parquet", "measurements.parquet", "t.csv", "t.md", "t.tex")
    paths = {Path(name).stem if "parquet" in name else name[2:]: folder / name for name in names}
    run(
        "evaluate_study",
        answers_path=answers,
        key_paths=[study.key_path],
        **study.runs,
        sources={"digit": "mnist", "face": "synthetic", "person": "synthetic"},
        published="published",
        settings=SETTINGS,
        paths=paths,
    )
    people = read_parquet(paths["people"]).frame()
    people = people[people["unclear"] == "failure"].set_index("id")
    measured = read_parquet(paths["measurements"]).frame().set_index("id")
    return people, measured, pd.read_csv(paths["csv"], keep_default_na=False)


def test_one_may_go_back_close_the_page_and_go_on(study, driver):
    sheet = Sheet(driver, study.page, study.key)
    sheet.enter("=1+2")
    assert sheet.shown() is None
    assert "letters, digits" in sheet.find("refused").text
    sheet.enter("ann")
    first = sheet.shown()
    sheet.press("x", Keys.ARROW_LEFT)  # no answer, and nothing to go back to
    assert sheet.shown() == first
    sheet.press("3")
    second = sheet.shown()
    assert sheet.find("count").text == f"2 of {sheet.length}"
    sheet.press(Keys.BACKSPACE)
    assert sheet.shown() == first
    pressed = driver.find_element(By.CSS_SELECTOR, "[aria-pressed=true]")
    assert pressed.get_attribute("data-label") == "3"
    driver.find_element(By.CSS_SELECTOR, "[data-label='8']").click()
    assert sheet.shown() == second
    sheet.press("u")
    third = sheet.shown()
    driver.refresh()
    sheet.enter("ann")
    assert sheet.shown() == third
    assert "2 answers were kept" in sheet.find("notice").text
    sheet.find("pause").click()
    header, *rows = sheet.find("text").get_property("value").splitlines()
    assert header == "image,label,annotator,digest,showing"
    digests = study.key["digest"]
    assert rows == [
        f"{first},8,ann,{digests[first]},1",
        f"{second},unclear,ann,{digests[second]},1",
    ]
    sheet.find("resume").click()
    assert sheet.shown() == third


def test_a_browser_that_keeps_nothing_is_told_of(study, driver):
    refuse = "Object.defineProperty(window, 'localStorage', {get() { throw new Error('no') }})"
    driver.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": refuse})
    sheet = Sheet(driver, study.page, study.key)
    sheet.enter("ann")
    sheet.press("1")
    assert "save your answers before you close it" in sheet.find("notice").text
    sheet.find("pause").click()
    assert len(sheet.find("text").get_property("value").splitlines()) == 2
    assert [line for line in driver.get_log("browser") if line["level"] == "SEVERE"] == []


def test_a_phone_shows_it_without_scrolling_sideways(study, driver):
    show(driver, (360, 640))
    sheet = Sheet(driver, study.page, study.key)
    sheet.enter("ann")
    while sheet.shown() is not None:
        assert driver.execute_script("return document.documentElement.scrollWidth") <= 360
        buttons = driver.find_elements(By.CSS_SELECTOR, "#choices button")
        # a finger's breadth, and above the lower end of the screen
        for box in (button.rect for button in buttons):
            assert min(box["width"], box["height"]) >= 44
            assert box["y"] + box["height"] <= 640
        question = study.key.loc[sheet.shown(), "question"]
        while sheet.shown() and study.key.loc[sheet.shown(), "question"] == question:
            sheet.press("u")


@pytest.mark.slow
def test_what_people_save_stands_in_the_verdict_table(smoke_copy, driver, tmp_path):
    """The workflow's own page, filled in, saved, named in the configuration, and counted."""
    root = smoke_copy.root
    key = read_parquet(root / "results/study/key.parquet").frame().set_index("number")
    sheet = Sheet(driver, root / "results/study/index.html", key)
    (root / "annotations").mkdir()
    for name in ("ann", "bob"):
        driver.get((root / "results/study/index.html").as_uri())
        sheet.enter(name)
        answers = {"digit": "3", "face": "f", "person": "s" if name == "ann" else "d"}
        sheet.answer(lambda item, say=answers: say[item.question])
        shutil.copy(sheet.save(tmp_path, name), root / "annotations")
    assert [line for line in driver.get_log("browser") if line["level"] == "SEVERE"] == []

    result = smoke_copy.run(config="annotations: [annotations/*.csv]")
    assert result.returncode == 0, result.stdout
    table = read_parquet(root / "results/reproduction.parquet").frame().set_index("id")
    asked = table[table["people"].notna()]
    shown = key[(key["question"] == "digit") & key["condition"].str.startswith("ours/")]
    names = {f"beyond.mnist.{c.replace('/', '.')}.true_success" for c in shown["condition"]}
    assert names <= set(asked.index)
    assert "beyond.synthetic.faces.success_rate" in asked.index
    for name in names:
        attack, target = name.split(".")[2:4]
        run_ = f"mnist/attacks/{attack}/{target}/seed0/examples"
        examples = read_parquet(root / f"results/{run_}.parquet").frame().set_index("position")
        own = shown["image"][shown["condition"] == f"{attack}/{target}"]
        rows = examples.loc[[int(image.split("/")[-1]) for image in own]]
        expected = ((rows["f1_label_after"] == rows["label"]) & (rows["label"] != 3)).mean()
        row = table.loc[name]
        assert (row["people"], row["people_n"]) == (pytest.approx(expected), len(own))
        assert row["people_low"] <= row["people"] <= row["people_high"]
        assert 0 <= row["ours"] <= 1  # of the judges, as before
    # of two who never agree; of two who always give one label there is none
    kappa = table.loc["beyond.people.person.kappa"]
    assert (kappa["ours"], kappa["verdict"]) == (pytest.approx(-1), "")
    assert "beyond.people.digit.kappa" not in table.index
    assert table.loc["beyond.oracle.people.agreement", "n"] == 3 * 4
    text = (root / "results/tables/reproduction.txt").read_text()
    assert "by people (interval over images and people)" in text
    assert "| people " in (root / "results/tables/reproduction.md").read_text()
    people = pd.read_csv(root / "results/tables/annotators.csv", keep_default_na=False)
    assert people["annotator"].tolist() == ["ann", "bob"]
    assert people["careless"].str.contains("clean images wrong").all()


# ------------------------------------------------------------------------- without a browser


def test_labels_of_an_attack_that_was_redone_are_refused(study, tmp_path):
    known = runpy.run_path(str(SCRIPTS / "prepare_annotations.py"))["known_pictures"]
    number = study.key.index[study.key["condition"] == "paper/mlp"][0]
    digest = study.key.loc[number, "digest"]
    (tmp_path / "ann.csv").write_text(f"image,label,digest\n{number},3,{digest}\n")
    redone = read_parquet(study.key_path).frame()
    redone.loc[redone["number"] == number, "digest"] = "0" * 16
    later = tmp_path / "key.parquet"
    write_parquet(later, {name: redone[name].to_numpy() for name in redone})
    message = rf"line 2: the label of '{number}' was made for another version of this image"
    with pytest.raises(InputError, match=message):
        run(
            "prepare_annotations",
            annotation_paths=[tmp_path / "ann.csv"],
            known=known(key_paths=[later], **study.runs),
            answers_path=tmp_path / "answers.parquet",
        )


def test_a_file_by_hand_without_digests_counts_with_a_warning(study, tmp_path, caplog):
    known = runpy.run_path(str(SCRIPTS / "prepare_annotations.py"))["known_pictures"]
    (tmp_path / "ann.csv").write_text(
        "image,label\npaper/mlp/seed0/3,4\npaper/small/seed0/1,male\n"
    )
    with caplog.at_level("WARNING", logger="typeone"):
        run(
            "prepare_annotations",
            annotation_paths=[tmp_path / "ann.csv"],
            known=known(key_paths=[], **study.runs),
            answers_path=tmp_path / "answers.parquet",
        )
    assert "2 of 2 labels have no digest" in caplog.text
    people, _, _ = evaluated(study, tmp_path / "answers.parquet", tmp_path)
    assert people.loc["beyond.mnist.paper.mlp.true_success", ["value", "n"]].tolist() == [1.0, 1]
    assert people.loc["beyond.synthetic.paper.small.true_success", "value"] == 0  # it was one


def test_where_nobody_was_asked_the_tables_are_empty(study, tmp_path):
    answers = tmp_path / "answers.parquet"
    run("prepare_annotations", annotation_paths=[], known={}, answers_path=answers)
    people, measured, annotators = evaluated(study, answers, tmp_path)
    assert (len(people), len(measured), len(annotators)) == (0, 0, 0)
    assert re.search("annotator", (tmp_path / "t.csv").read_text())
