"""What reading the files shows, without running them."""

import re
import subprocess
import sys

import pytest

MEGABYTE = 1_000_000


@pytest.fixture(scope="module")
def scripts(repository):
    return sorted((repository / "scripts").glob("*.py"))


def check(repository, *command):
    result = subprocess.run(
        [sys.executable, "-m", *command], cwd=repository, capture_output=True, text=True
    )
    assert result.returncode == 0, result.stdout + result.stderr


def test_ruff_finds_nothing(repository):
    check(repository, "ruff", "check")


def test_python_is_formatted(repository):
    check(repository, "ruff", "format", "--check")


def test_mypy_finds_nothing(repository):
    check(repository, "mypy")  # what it checks, and how: pyproject.toml


def test_rules_are_formatted(repository):
    check(repository, "snakefmt", "--check", "Snakefile", "rules")  # line length: pyproject.toml


@pytest.mark.parametrize("preset", ["smoke", pytest.param("paper", marks=pytest.mark.slow)])
def test_snakemake_finds_nothing_to_mend(checkout, preset):
    result = checkout("lint", [f"presets/{preset}.yaml"]).run("--lint")
    assert result.returncode == 0, result.stdout
    assert "Congratulations" in result.stdout


def test_no_script_imports_from_the_future(scripts):
    """Snakemake puts its own lines before a script, and `__future__` must stand first."""
    assert [s.name for s in scripts if "__future__" in s.read_text()] == []


def test_every_script_belongs_to_a_rule(rules, scripts):
    assert {script for script, _ in rules.values()} == {s.stem for s in scripts}


def test_a_rule_with_a_script_of_its_own_has_its_name(rules):
    names = [script for script, _ in rules.values()]
    alone = {rule: script for rule, (script, _) in rules.items() if names.count(script) == 1}
    assert alone == {rule: rule for rule in alone}


@pytest.mark.parametrize("kind", ["logs", "benchmarks"])
def test_logs_and_benchmarks_have_the_name_of_the_rule_or_its_script(rules, kind):
    for rule, (script, body) in rules.items():
        for name in re.findall(rf'"results/{kind}/(\w+)', body):
            assert name in (rule, script), rule


def test_no_file_is_large(repository, tracked):
    large = [name for name in tracked if (repository / name).stat().st_size > MEGABYTE]
    assert large == []
