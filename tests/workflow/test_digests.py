"""A job runs again when code that its script imports was edited, and only then.

`typeone.workflow.digests` reads from the syntax which modules a script imports; here the scripts
are really imported, each in a process of its own.
"""

import ast
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import time

import pytest

from typeone.workflow import contents, parsed_code
from typeone.workflow.digests import Digests
from typeone.workflow.parsed_code import ParsedCode, imports_and_digest

IMPORT_EACH = """
import importlib.util, json, os, sys
# what typeone builds on, once; forks then import a script in a blink
import foolbox, matplotlib.pyplot, numpy, pandas, pyarrow.parquet, safetensors.torch
import scipy.ndimage, scipy.stats, torch

root = os.path.realpath(sys.argv[1])
load = importlib.util.spec_from_file_location
assert not any(name.split(".")[0] == "typeone" for name in sys.modules)
for script in sorted(os.listdir(os.path.join(root, "scripts"))):
    if not script.endswith(".py"):
        continue
    if not os.fork():
        spec = load("script", os.path.join(root, "scripts", script))
        spec.loader.exec_module(importlib.util.module_from_spec(spec))
        files = [m.__file__ for n, m in sys.modules.items() if n.split(".")[0] == "typeone"]
        print(json.dumps({script: sorted(os.path.relpath(f, root) for f in files)}), flush=True)
        os._exit(0)
    assert os.wait()[1] == 0, script
"""


def digests(root):
    """Script → {file: digest} as the rules declare it, for a copy of the repository."""
    code = Digests(root).code  # a fresh one: it remembers files
    scripts = [file.name for file in root.glob("scripts/*.py")]
    return {script: dict(line.split("@") for line in code(script)) for script in scripts}


@pytest.fixture(scope="module")
def imported(checkout):
    """Script → the files of typeone that are in sys.modules after it was imported."""
    workflow = checkout("imported")
    result = subprocess.run(
        [sys.executable, "-c", IMPORT_EACH, str(workflow.root)],
        cwd=workflow.root.parent,
        env=workflow.environment(),
        capture_output=True,
        text=True,
    )
    assert result.returncode == 0, result.stderr
    return {k: v for line in result.stdout.splitlines() for k, v in json.loads(line).items()}


@pytest.fixture
def tree(repository, tmp_path):
    """A copy of scripts/ and typeone/ to edit."""
    for folder in ("scripts", "typeone"):
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(repository / folder, tmp_path / folder, ignore=ignored)
    return tmp_path


def test_declared_modules_are_those_that_are_imported(imported, repository):
    declared = digests(repository)
    assert imported.keys() == declared.keys()
    for script, files in imported.items():
        found = [file for file in declared[script] if "/assets/" not in file]
        assert sorted(found) == sorted([f"scripts/{script}", *files]), script


def test_every_rule_declares_the_script_that_it_runs(repository):
    """And with it the digests: a rule that forgot would never see an edit."""
    for file in (repository / "rules").glob("*.smk"):
        rules = file.read_text().split("\nrule ")[1:]
        for rule in rules:
            body = rule.split("\nuse rule ")[0]
            if '"../scripts/' in body:
                script = body.split('"../scripts/')[1].split('"')[0]
                assert f'*code("{script}")' in body, rule.splitlines()[0]


def test_no_import_is_relative(tree):
    """The digests would miss what it names."""
    found = [
        (file.name, node.lineno)
        for file in tree.rglob("*.py")
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.ImportFrom) and node.level
    ]
    assert found == []


def reword(text):
    """``text`` with another first word in every string that stands alone, as docstrings do."""
    lines = text.splitlines(keepends=True)
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            line, start = lines[node.lineno - 1], node.col_offset
            lines[node.lineno - 1] = line[:start] + line[start:].replace('"""', '"""Now ', 1)
    return "".join(lines)


EDITS_OF_NO_CODE = {
    "comments": lambda text: text.replace("\n\n\n", "\n\n\n# new\n") + "# the end\n",
    "blank lines": lambda text: text.replace("\n\n", "\n\n\n\n"),
    "words of docstrings": reword,
    "layout": lambda text: ast.unparse(ast.parse(text)),
    "version": lambda text: re.sub("__version__ = .*", '__version__ = "99"', text),
}


@pytest.mark.parametrize("edit", EDITS_OF_NO_CODE.values(), ids=EDITS_OF_NO_CODE)
def test_an_edit_of_no_code_leaves_every_digest(tree, edit):
    before = digests(tree)
    texts = {file: file.read_text() for file in tree.rglob("*.py")}
    edited = {file: edit(text) for file, text in texts.items()}
    assert edited != texts
    for file, text in edited.items():
        file.write_text(text)
    assert digests(tree) == before


def test_an_edit_of_code_changes_the_scripts_that_import_it(tree, imported):
    before = digests(tree)
    for file in sorted(tree.rglob("*.py")):
        name, text = file.relative_to(tree).as_posix(), file.read_text()
        file.write_text(text + "\nedited = True\n")
        after = digests(tree)
        file.write_text(text)
        changed = {script for script in before if after[script] != before[script]}
        assert changed == {s for s, files in imported.items() if name in (f"scripts/{s}", *files)}
        for script in changed:
            assert {f for f in after[script] if after[script][f] != before[script][f]} == {name}
    assert digests(tree) == before


def test_an_edit_within_a_function_counts(tree):
    before = digests(tree)
    file = tree / "typeone" / "training" / "losses.py"
    text = file.read_text()
    edited = text.replace("    return ", "    return 2 * ", 1)
    assert edited != text
    file.write_text(edited)
    assert digests(tree)["attack_svae.py"] != before["attack_svae.py"]


def test_a_file_is_read_in_the_encoding_that_it_has_for_python():
    """Whatever the locale is; without a word on it that is UTF-8."""
    text = 'name = "\u00e9t\u00e9"\n'
    digests = {
        imports_and_digest(source, "net.py")
        for source in (
            text.encode(),
            text.encode("utf-8-sig"),
            f"# coding: latin-1\n{text}".encode("latin-1"),
        )
    }
    assert len(digests) == 1


def test_a_module_of_one_word_more_is_found(tree):
    """`from typeone.x import y`, `import typeone.x.y` and an import inside a function all count."""
    script = tree / "scripts" / "plot_figure6.py"
    text = script.read_text()
    before = digests(tree)[script.name]
    for line in (
        "from typeone.reporting import verdicts",
        "import typeone.reporting.verdicts as v",
        "from typeone.reporting.verdicts import COLUMNS",
        "def later():\n    from typeone.reporting import verdicts",
    ):
        script.write_text(f"{text}\n{line}\n")
        added = digests(tree)[script.name].keys() - before.keys()
        assert "typeone/reporting/verdicts.py" in added, line


def test_what_a_page_is_made_of_counts_as_code_of_its_script_alone(tree):
    before = digests(tree)
    assets = {
        p.relative_to(tree).as_posix() for p in (tree / "typeone/reporting/report/assets").iterdir()
    }
    assert len(assets) > 3
    assert assets <= before["render_report.py"].keys()
    (tree / "typeone/reporting/report/assets/page.css").write_text("body {}")
    after = digests(tree)
    assert {name for name in after if after[name] != before[name]} == {"render_report.py"}


# files that a user gives


@pytest.fixture
def digest(tmp_path):
    """Digests of a new process each, which remembers what others hashed."""
    return lambda: Digests("", tmp_path / "cache")


@pytest.fixture
def hashed(monkeypatch):
    """Names of the files that were read."""
    names = []
    read = contents.hashed

    def watched(path):
        names.append(os.path.basename(path))
        return read(path)

    monkeypatch.setattr(contents, "hashed", watched)
    return names


@pytest.fixture
def images(tmp_path, monkeypatch):
    """A hundred images and the names of some, all some time old."""
    monkeypatch.setattr(contents, "RECENT", 0.05)
    folder = tmp_path / "images"
    folder.mkdir()
    for number in range(100):
        (folder / f"{number}.jpg").write_bytes(b"%3d" % number)
    time.sleep(0.06)
    return folder, [f"{number}.jpg" for number in range(90)]


def test_an_edited_file_of_the_user_is_another_one(tmp_path, digest):
    lists = tmp_path / "list.txt"
    lists.write_text("1 2\n")
    expected = hashlib.sha256(b"1 2\n").hexdigest()[:12]
    (before,) = digest().given(lists)
    lists.touch()
    assert digest().given(str(lists)) == [before]
    lists.write_text("1 3\n")  # as long as before
    (after,) = digest().given(lists)
    assert before == f"{lists}@{expected}"
    assert before != after


def test_of_a_folder_the_files_right_in_it_count(tmp_path, digest):
    folder = tmp_path / "data"
    (folder / "below").mkdir(parents=True)
    for name in ("b.txt", "a.txt", "below/1.jpg"):
        (folder / name).write_text(name)
    assert [line.split("@")[0] for line in digest().given(folder)] == [
        f"{folder}/{name}" for name in ("a.txt", "b.txt")
    ]
    for number in range(70):
        (folder / f"{number}.jpg").touch()
    (before,) = digest().given(folder)
    assert before.startswith(f"{folder}@")
    (folder / "69.jpg").write_text("x")
    assert digest().given(folder) != [before]


def test_what_is_not_there_is_left_to_the_job(tmp_path, digest):
    assert digest().given(tmp_path / "absent", None) == []
    assert digest().together(tmp_path / "absent", ["1.jpg"]) == []


def test_what_is_gone_is_what_it_was(images, digest):
    """What was made of it is there, and no job could make it again."""
    folder, names = images
    before = digest().given(folder / "3.jpg"), digest().together(folder, names)
    folder.rename(folder.with_name("elsewhere"))
    assert (digest().given(folder / "3.jpg"), digest().together(folder, names)) == before


@pytest.mark.parametrize("change", ["other bytes", "one less", "other names"])
def test_other_pixels_under_the_same_names_are_other_images(images, digest, change):
    folder, names = images
    (before,) = digest().together(folder, names)
    if change == "other bytes":
        old = (folder / "7.jpg").stat()
        (folder / "7.jpg").write_bytes(b"xyz")  # as many
        os.utime(folder / "7.jpg", ns=(old.st_atime_ns, old.st_mtime_ns))  # as cp -p leaves it
    elif change == "one less":
        (folder / "7.jpg").unlink()
    else:
        (folder / "7.jpg").rename(folder / "swap")
        (folder / "8.jpg").rename(folder / "7.jpg")
        (folder / "swap").rename(folder / "8.jpg")
    assert digest().together(folder, names) != [before]


def test_files_that_nobody_named_do_not_count(images, digest):
    folder, names = images
    before = digest().together(folder, names)
    (folder / "99.jpg").write_text("another")
    assert digest().together(folder, names) == before


def test_touched_and_copied_images_are_the_same(images, digest):
    folder, names = images
    before = digest().together(folder, names), digest().given(folder)
    for file in folder.iterdir():
        file.touch()
    assert (digest().together(folder, names), digest().given(folder)) == before
    shutil.copytree(folder, folder.with_name("copy"))
    shutil.rmtree(folder)
    folder.with_name("copy").rename(folder)
    assert (digest().together(folder, names), digest().given(folder)) == before


def test_only_what_may_have_changed_is_read_again(images, digest, hashed):
    folder, names = images
    digest().together(folder, names)
    assert sorted(hashed) == sorted(names)
    hashed.clear()
    digest().together(folder, names)
    assert hashed == []
    (folder / "7.jpg").touch()
    digest().together(folder, names)
    assert hashed == ["7.jpg"]


def test_a_file_of_this_moment_is_read_again(images, digest, hashed, monkeypatch):
    """It may change again within the grain of the time stamps."""
    monkeypatch.setattr(contents, "RECENT", 60)
    folder, _ = images
    for _ in range(2):
        digest().given(folder / "7.jpg")
    assert hashed == ["7.jpg", "7.jpg"]


@pytest.mark.parametrize("spoilt", [b"", b"[", b'{"a": 1}\n{}', b"\xff"])
def test_a_spoilt_cache_is_made_anew(images, digest, spoilt, tmp_path):
    folder, names = images
    before = digest().together(folder, names)
    (cached,) = (tmp_path / "cache").iterdir()
    cached.write_bytes(spoilt)
    assert digest().together(folder, names) == before
    assert cached.read_bytes() != spoilt


def test_without_a_place_for_a_cache_everything_is_read(images, tmp_path):
    folder, names = images
    (tmp_path / "file").touch()
    first, second = (Digests("", tmp_path / n).together(folder, names) for n in ("file", "new"))
    assert first == second


def test_a_file_that_may_not_be_read_is_left_to_the_job(images, digest, monkeypatch):
    def refused(path):
        raise PermissionError(path)

    monkeypatch.setattr(contents, "hashed", refused)
    (line,) = digest().given(images[0] / "7.jpg")
    assert line.endswith("@unreadable")


@pytest.fixture
def source(tmp_path):
    file = tmp_path / "module.py"
    file.write_text("import torch\nfrom typeone.data import images\n")
    return file


def test_parsed_code_is_kept_by_content(source, tmp_path, monkeypatch):
    code = ParsedCode(tmp_path / "code").of(source)
    assert code == imports_and_digest(source.read_bytes(), "module.py")
    monkeypatch.setattr(parsed_code, "imports_and_digest", None)  # would fail
    assert ParsedCode(tmp_path / "code").of(source) == code
    copied = source.with_name("copy.py")
    copied.write_bytes(source.read_bytes())
    assert ParsedCode(tmp_path / "code").of(copied) == code


def test_an_edit_under_the_same_time_stamp_is_parsed(source, tmp_path):
    stamps = source.stat()
    before = ParsedCode(tmp_path / "code").of(source)
    source.write_text(source.read_text().replace("torch", "numpy"))
    os.utime(source, ns=(stamps.st_atime_ns, stamps.st_mtime_ns))
    imported, digest = ParsedCode(tmp_path / "code").of(source)
    assert "numpy" in imported
    assert digest != before[1]


@pytest.mark.parametrize("content", ["", "[]", "[1]", "{}", "[[], 1, 2]", "no JSON"])
def test_a_damaged_cache_of_code_is_not_believed(source, tmp_path, content):
    folder = tmp_path / "code"
    code = ParsedCode(folder).of(source)
    (kept,) = folder.iterdir()
    kept.write_text(content)
    assert ParsedCode(folder).of(source) == code


def test_without_a_place_to_keep_it_code_is_parsed(source, tmp_path):
    (tmp_path / "file").touch()
    assert ParsedCode(tmp_path / "file").of(source) == ParsedCode(None).of(source)
