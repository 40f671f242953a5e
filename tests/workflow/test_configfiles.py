"""A configuration file that does not say what it seems to say is named with its line."""

import importlib.util

import pytest

LIKE = "; needs settings by their names, as in config.yaml"


@pytest.fixture(scope="module")
def fault(repository):
    """The function of rules/configfiles.py."""
    path = repository / "rules" / "configfiles.py"
    spec = importlib.util.spec_from_file_location("configfiles", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.fault


@pytest.mark.parametrize(
    ("text", "said"),
    {
        b"a: 1\na: 2\n": ", line 2: `a` stands there a second time (first in line 1), and only the",
        b"a:\n  b: [{c: 1}, {c: 2, d: 3, c: 4}]\n": ", line 2: `a.b.1.c` stands there a second",
        b'{"a": 1,\n "b": 2, "a": 3}': ", line 2: `a` stands there a second time (first in line 1)",
        b"1: x\n1: y\n": ", line 2: `1` stands there a second time",
        b"": f" is empty{LIKE}; fill it or leave it out",
        b"# nothing\n---\n": f" holds one value and no settings{LIKE}",
        b"just words": f" holds one value and no settings{LIKE}",
        b"- a\n- b\n": f" holds a list and no settings{LIKE}",
        b"a: [1\nb: 2\n": ", line 2: is no YAML (",
        b"a:\n\tb: 1\n": ", line 2: is no YAML (",
        b"a: *nobody\n": ", line 1: is no YAML (",
        b"a: 1\nb: \xff\n": f", line 2: byte 0xFF is no UTF-8 text{LIKE}",
        b"a: \x00\n": " is no YAML (",
    }.items(),
)
def test_the_file_and_the_line_are_named(fault, tmp_path, text, said):
    file = tmp_path / "mine.yaml"
    file.write_bytes(text)
    told = fault(file)
    assert told.startswith(f"{file}{said}")
    assert "\n" not in told


@pytest.mark.parametrize(
    "text",
    [
        "a: &x {b: 1}\nc: *x\nd: {<<: *x, b: 2}\n",  # one node, seen twice
        "a: &x {b: 1}\nc: &y {d: 1}\ne:\n  <<: *x\n  <<: *y\n",
        "a: {b: 1}\nc: {b: 1}\n",  # apart
        '{\n\t"a": 1\n}\n',  # JSON, whose tabs YAML refuses
    ],
)
def test_what_is_right_has_no_fault(fault, tmp_path, text):
    file = tmp_path / "mine.json"
    file.write_text(text)
    assert fault(file) is None


def test_the_files_of_this_repository_have_no_fault(fault, repository):
    files = [repository / "config.yaml", *(repository / "presets").glob("*.yaml")]
    assert [fault(file) for file in files] == [None] * len(files)
