"""The pages speak of what there is."""

import csv
import importlib.util
import json
import re

import numpy as np
import pytest
from PIL import Image

from typeone.evaluation.intervals import rate
from typeone.workflow.settings import layers

from .settings_tree import leaves

LINK = re.compile(r"\]\(([^)#\s]*)(#[^)\s]+)?\)")


@pytest.fixture(scope="module")
def pages(tracked, repository):
    """Name → text of every page that git holds."""
    return {name: (repository / name).read_text() for name in tracked if name.endswith(".md")}


def anchors(text):
    """What GitHub calls the headings of a page."""
    headings = re.findall(r"^#+ (.+)$", text, re.M)
    plain = [re.sub(r"[^\w\- ]", "", heading.lower()) for heading in headings]
    return {heading.replace(" ", "-") for heading in plain}


def test_every_link_leads_to_a_file_and_a_heading_that_are_there(pages, repository):
    dead = []
    for name, text in pages.items():
        for path, anchor in LINK.findall(text):
            if path.startswith(("http://", "https://", "mailto:")):
                continue
            target = (repository / name).parent / path if path else repository / name
            known = target.suffix != ".md" or not anchor
            if not target.exists() or not (known or anchor[1:] in anchors(target.read_text())):
                dead.append(f"{name}: {path}{anchor}")
    assert dead == []


def test_every_page_of_docs_is_linked_from_another(pages, repository):
    linked = {
        ((repository / name).parent / path).resolve()
        for name, text in pages.items()
        for path, _ in LINK.findall(text)
        if path and (repository / name).parent.joinpath(path).resolve() != repository / name
    }
    docs = [name for name in pages if name.startswith("docs/")]
    assert [name for name in docs if (repository / name).resolve() not in linked] == []


def loaded(path):
    """The module in a file of docs/."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


# the configuration reference


@pytest.fixture(scope="module")
def reference(repository):
    """The module that writes docs/configuration.md."""
    return loaded(repository / "docs" / "configuration.py")


def test_the_configuration_reference_is_that_of_the_models(reference, pages):
    remake = "run .venv/bin/python docs/configuration.py"
    assert reference.page() == pages["docs/configuration.md"], remake
    assert reference.SCHEMA.read_text() == reference.schema(), remake
    assert reference.SCHEMA.stat().st_size < 1 << 20


def test_the_configuration_reference_has_every_setting_and_its_value(pages, repository):
    """Counted from the settings themselves: no alternative of a model is lost on the way."""
    rows = re.findall(
        r"^\| `([^`]+)` \| (.*?) \| (.*?) \| .* \| (.+) \|$", pages["docs/configuration.md"], re.M
    )
    known = {key: cells for key, *cells in rows}
    assert len(known) == len(rows)
    quick = dict(leaves(layers.of_files(repository)))
    for path, value in leaves(layers.published()):
        fits = [
            key
            for key in known
            if len(key.split(".")) == len(path)
            and all(k in ("NAME", p) for k, p in zip(key.split("."), path, strict=True))
        ]
        (key,) = fits
        published, chosen, meaning = known[key]
        told = json.dumps(value).strip('"')
        assert f"`{told}`" in published, path
        if quick[path] != value:
            told = json.dumps(quick[path]).strip('"')
            assert f"`{told}`" in chosen, path
        assert meaning.strip().endswith((".", "?")), path  # whole, and not cut at a comma


# the map


@pytest.fixture(scope="module")
def paper_map(repository):
    """The module that writes docs/paper-map.md."""
    return loaded(repository / "docs" / "paper_map.py")


def test_the_map_is_that_of_the_rules_and_modules(paper_map, pages):
    assert paper_map.page() == pages["docs/paper-map.md"], "run .venv/bin/python docs/paper_map.py"


def test_the_map_has_each_rule_once_and_each_module(paper_map, pages, repository):
    rules = " ".join([*paper_map.PAPER.values(), *paper_map.BEYOND.values()]).split()
    assert sorted(rules) == sorted(paper_map.scripts_of_rules())
    assert paper_map.CORE.keys() <= {*paper_map.PAPER.values(), *paper_map.BEYOND.values()}
    known = re.findall(r"^\| `([\w/]+\.py)` \| (.+) \|$", pages["docs/paper-map.md"], re.M)
    found = (repository / "typeone").rglob("*.py")
    names = {p.relative_to(repository / "typeone").as_posix() for p in found}
    assert [name for name, _ in known] == sorted(n for n in names if "__init__" not in n)
    assert [name for name, content in known if len(content) < 10] == []


# numbers of a run


def test_what_a_viewer_saw_in_faces_is_what_the_answers_say(pages, repository):
    with (repository / "docs" / "results" / "seen_faces.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert {row["seen"] for row in rows} == {row["label"] for row in rows} == {"f", "m"}
    groups = {(row["faces"], row["attack"]) for row in rows} - {("lfw", "clean")}
    assert len(groups) == 9
    text = pages["docs/reproduction-notes.md"]
    for group in groups:
        mine = [row for row in rows if (row["faces"], row["attack"]) == group]

        def share(column, mine=mine, clear=("0", "1")):
            other = [r[column] != r["label"] and r["clear"] in clear for r in mine]
            return f"{sum(other) / len(other):.2f}"

        (viewer,) = re.findall(
            rf" \| {len(mine)} \| {share('seen')}( .*|, .*)? \| {share('two_small')} \| "
            rf"{share('age_gender')} \| {share('panel')} / {share('panel', clear='1')} \|\n",
            text,
        )
        if "[" in viewer:
            found = rate(np.array([r["seen"] != r["label"] for r in mine]))
            assert viewer.strip() == f"[{found.low:.2f}, {found.high:.2f}]", group
    sure = [row for row in rows if row["sure"] == "1"]
    agreement = [
        np.mean([r[column] == r["seen"] for r in sure if r["clear"] in clear])
        for column, clear in (("age_gender", "01"), ("two_small", "01"), ("panel", "1"))
    ]
    told = (
        "age_gender agreed on {:.2f}, the two small ones on {:.2f}, the panel where clear on {:.2f}"
    )
    assert told.format(*agreement) in " ".join(text.split())


# how we test, and the gallery


def test_the_page_on_testing_names_files_that_are_there(pages, repository):
    # two commands are described that come with their own files
    text = re.sub(r"<!--.*?-->", "", pages["docs/testing.md"], flags=re.S)
    named = set(re.findall(r"tests/[\w/]+(?:\.py)?", text))
    assert len(named) > 10
    assert [name for name in named if not (repository / name).exists()] == []


def test_the_gallery_shows_every_picture_of_docs_and_says_what_it_is(pages, repository):
    text = pages["docs/gallery.md"]
    shown = re.findall(r"^!\[(.{20,})\]\((figures/\S+\.png)\)$", text, re.M)
    there = {f"figures/{path.name}" for path in (repository / "docs" / "figures").glob("*.png")}
    assert {path for _, path in shown} == there
    for _, path in shown:
        with Image.open(repository / "docs" / path) as image:
            assert min(image.size) > 100, path
