"""The pages speak of what there is."""

import importlib.util
import json
import re

import pytest
from PIL import Image

from typeone.workflow.settings import layers

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


# the configuration reference


@pytest.fixture(scope="module")
def reference(repository):
    """The module that writes docs/configuration.md."""
    path = repository / "docs" / "configuration.py"
    spec = importlib.util.spec_from_file_location("configuration", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_configuration_reference_is_that_of_the_models(reference, pages):
    remake = "run .venv/bin/python docs/configuration.py"
    assert reference.page() == pages["docs/configuration.md"], remake
    assert reference.SCHEMA.read_text() == reference.schema(), remake
    assert reference.SCHEMA.stat().st_size < 1 << 20


def leaves(settings, path=()):
    for key, value in settings.items():
        if isinstance(value, dict):
            yield from leaves(value, (*path, key))
        else:
            yield (*path, key), value


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
def workflow_names(repository):
    """Rule → its script, and every module of typeone."""
    pattern = re.compile(
        r"^(?:rule (\w+)|use rule (\w+) as (\w+) with):\n((?:[ \t]+.*\n|\n)*)", re.M
    )
    scripts = {}
    for file in re.findall(r'"(rules/\w+\.smk)"', (repository / "Snakefile").read_text()):
        for plain, parent, derived, body in pattern.findall((repository / file).read_text()):
            own = re.search(r'"\.\./scripts/(\w+\.py)"', body)
            script = own[1] if own else scripts.get(parent)
            if script:
                scripts[plain or derived] = script
    found = (repository / "typeone").rglob("*.py")
    names = {p.relative_to(repository / "typeone").as_posix() for p in found}
    return scripts, {name for name in names if not name.endswith("__init__.py")}


def spelled_out(text):
    """``text`` with `folder/{a, b}.py` written as `folder/a.py`, `folder/b.py`."""
    return re.sub(
        r"`([\w/]+/)\{([\w, ]+)\}\.py`",
        lambda group: ", ".join(f"`{group[1]}{name}.py`" for name in group[2].split(", ")),
        text,
    )


def map_rows(text):
    """(rules, scripts, modules) of every row of the map; no script means those of the rules."""
    for line in spelled_out(text).splitlines():
        cells = [re.findall(r"`([^`]+)`", cell) for cell in line.split("|")[1:-1]]
        if len(cells) == 4 and cells[1]:
            rules, scripts, modules = cells[1:]
            yield rules, scripts or [f"{rule}.py" for rule in rules], modules


def test_the_map_names_rules_with_their_scripts(pages, workflow_names):
    scripts, modules = workflow_names
    for rules, named, of_them in map_rows(pages["docs/paper-map.md"]):
        assert set(rules) <= scripts.keys(), rules
        assert {scripts[rule] for rule in rules} == set(named), rules
        assert set(of_them) <= modules, rules


def test_the_map_leaves_no_rule_and_no_module_out(pages, workflow_names):
    scripts, modules = workflow_names
    text = spelled_out(pages["docs/paper-map.md"])
    named = {rule for rules, _, _ in map_rows(text) for rule in rules}
    assert scripts.keys() - named == set()
    assert modules - set(re.findall(r"`([\w/]+\.py)`", text)) == set()


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
