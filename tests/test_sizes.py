"""Rules declare, scripts are one call and one write, entry points hand over: by their length."""

import ast
import re

LINES = {"rules": 3093, "scripts": 3500, "config": 250, "shell": 150}  # at most
SCRIPT, FUNCTION = 60, 3


def length(*files):
    return sum(len(file.read_text().splitlines()) for file in files)


def functions(text):
    """(name, lines below its first) of each function in a rule file.

    Snakemake's own blocks are no Python: each function is parsed by itself.
    """
    for match in re.finditer(r"^def \w+\(.*?(?=^\S|\Z)", text, re.M | re.S):
        (node,) = ast.parse(match[0]).body
        yield node.name, node.body[-1].end_lineno - node.body[0].lineno + 1


def test_functions_of_rules_are_short(repository):
    found = {
        f"{file.name}: {name}": lines
        for file in sorted((repository / "rules").glob("*.smk"))
        for name, lines in functions(file.read_text())
    }
    assert len(found) > 10
    assert {name: lines for name, lines in found.items() if lines > FUNCTION} == {}


def test_a_function_that_thinks_is_found():
    text = 'rule a:\n    input: "x"\n\n\ndef f(x):\n    """No."""\n    a = 1\n    b = 2\n'
    text += "    return a + b\n\n\nrule b:\n    input: []\n"
    assert dict(functions(text)) == {"f": 4}


def test_files_are_short(repository):
    scripts = list((repository / "scripts").glob("*.py"))
    shell = [repository / name for name in ("reproduce", "test", "envs/bootstrap.sh")]
    sizes = {
        "rules": length(*(repository / "rules").glob("*.smk"), repository / "Snakefile"),
        "scripts": length(*scripts),
        "config": length(repository / "config.yaml"),
        "shell": length(*shell),
    }
    assert {name: size for name, size in sizes.items() if size > LINES[name]} == {}
    assert {file.name: length(file) for file in scripts if length(file) > SCRIPT} == {}
