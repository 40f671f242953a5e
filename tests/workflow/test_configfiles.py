"""A configuration file that does not say what it seems to say is named with its line."""

import pytest
from snakemake.exceptions import WorkflowError

from typeone.workflow.configfiles import fault, require_sound

LIKE = "; needs settings by name, as in config.yaml"


@pytest.mark.parametrize(
    ("text", "said"),
    {
        b"a: 1\na: 2\n": ", line 2: `a` appears a second time (first on line 1), and only the",
        b"a:\n  b: [{c: 1}, {c: 2, d: 3, c: 4}]\n": ", line 2: `a.b.1.c` appears a second",
        b'{"a": 1,\n "b": 2, "a": 3}': ", line 2: `a` appears a second time (first on line 1)",
        b"1: x\n1: y\n": ", line 2: `1` appears a second time",
        b"": f" is empty{LIKE}; add settings or omit the file",
        b"# nothing\n---\n": f" contains one value, not settings{LIKE}",
        b"just words": f" contains one value, not settings{LIKE}",
        b"- a\n- b\n": f" contains a list, not settings{LIKE}",
        b"a: [1\nb: 2\n": ", line 2: not valid YAML (",
        b"a:\n\tb: 1\n": ", line 2: not valid YAML (",
        b"a: *nobody\n": ", line 1: not valid YAML (",
        b"a: 1\nb: \xff\n": f", line 2: byte 0xFF is not UTF-8 text{LIKE}",
        b"a: \x00\n": " is not valid YAML (",
        b"a: 2001-13-45\n": " contains a value that YAML cannot read (month must be in 1..12); ",
        b"a: !!bool perhaps\n": " contains a value that YAML cannot read ('perhaps'); quote it",
        b"? [a]\n: b\n": ", line 1: not valid YAML (found unhashable key); correct this",
        b"a: 1\nb: [2, 010]\n": ", line 2: YAML reads 010 as 8; write the number in base ten, with",
        b"a: {b: 1:30}\n": ", line 1: YAML reads 1:30 as 90; write the number in base ten",
        b"a: 0x10\n": ", line 1: YAML reads 0x10 as 16; write the number in base ten",
        b"a: " + b"[" * 3000 + b"]" * 3000: f" is nested too deeply{LIKE}",
    }.items(),
)
def test_the_file_and_the_line_are_named(tmp_path, text, said):
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
        "a: [0, 0.5, -0.25, 10, '010', 1.0e-3]\n",
        '{\n\t"a": 1\n}\n',  # JSON, whose tabs YAML refuses
    ],
)
def test_what_is_right_has_no_fault(tmp_path, text):
    file = tmp_path / "mine.json"
    file.write_text(text)
    assert fault(file) is None


def test_the_files_of_this_repository_have_no_fault(repository):
    files = [repository / "config.yaml", *(repository / "presets").glob("*.yaml")]
    assert [fault(file) for file in files] == [None] * len(files)


def test_the_snakefile_stops_at_the_first_fault(tmp_path):
    """For those who start Snakemake themselves."""
    names = [tmp_path / name for name in ("config.yaml", "a.yaml", "b.yaml", "c.yaml")]
    for name, text in zip(names, ("a: 1\n", "preset: full\n", "", "- a\n"), strict=True):
        name.write_text(text)
    require_sound("full", tmp_path, names[1])
    with pytest.raises(WorkflowError, match=r"b\.yaml is empty; needs settings"):
        require_sound("full", tmp_path, *names[1:])
    with pytest.raises(WorkflowError, match=r"`preset` is 'paper', but 'full' in .*a\.yaml; needs"):
        require_sound("paper", tmp_path, names[1])
