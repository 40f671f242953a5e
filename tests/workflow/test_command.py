"""No job runs typeone.workflow, and its command line needs nothing else of typeone."""

import ast
import sys

import pytest


def imports(file):
    """Every module that a file imports, also within functions."""
    found = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return found


@pytest.fixture(scope="module")
def files(repository):
    """The modules of typeone.workflow, and all other Python that jobs may run."""
    own = sorted((repository / "typeone" / "workflow").rglob("*.py"))
    every = [*(repository / "typeone").rglob("*.py"), *(repository / "scripts").glob("*.py")]
    assert len(own) > 5
    return own, sorted(set(every) - set(own))


def test_an_edit_of_it_reruns_no_job(files):
    """The digests of a rule are those of the modules that its script imports."""
    _, others = files
    named = {file.name: imports(file) for file in others}
    found = {name for name, modules in named.items() if any("workflow" in m for m in modules)}
    assert found == set()


COMMAND = ("__main__", "cli", "options", "engine", "environment", "lock", "configfiles")


def test_the_command_line_imports_nothing_else_of_typeone(files):
    own = [file for file in files[0] if file.stem in COMMAND]
    assert len(own) == len(COMMAND)
    modules = {m for file in own for m in imports(file) if m.split(".")[0] == "typeone"}
    assert modules
    assert {m for m in modules if not m.startswith("typeone.workflow")} == set()


def test_it_alone_knows_snakemake(files):
    own, others = files
    assert any(m.startswith("snakemake") for file in own for m in imports(file))
    found = [file.name for file in others for m in imports(file) if m.startswith("snakemake")]
    assert found == []


def test_what_runs_before_the_set_up_needs_no_package(repository):
    """./reproduce checks its arguments, and whoever installs takes the lock, without .venv."""
    for name in ("options.py", "lock.py"):
        modules = imports(repository / "typeone" / "workflow" / name)
        assert {m.split(".")[0] for m in modules} <= sys.stdlib_module_names
