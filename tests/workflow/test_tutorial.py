"""The tutorial's edit causes as many jobs as it says, and its Python runs on the results."""

import re
import shutil
import subprocess
import sys

import pandas as pd
import pytest
import yaml

from typeone.workflow.settings import layers, record


@pytest.fixture(scope="module")
def tutorial(repository):
    return (repository / "docs" / "tutorial.md").read_text()


@pytest.fixture(scope="module")
def snippets(tutorial):
    return re.findall(r"^```python\n(.*?)^```$", tutorial, re.M | re.S)


@pytest.fixture
def folder(smoke, tmp_path):
    """A folder with the smoke run's verdict table, and all else of it by links."""
    (tmp_path / "results").mkdir()
    for path in (smoke.root / "results").iterdir():
        if path.name != "reproduction.csv":
            (tmp_path / "results" / path.name).symlink_to(path)
    shutil.copy(smoke.root / "results" / "reproduction.csv", tmp_path / "before.csv")
    return tmp_path


def run(smoke, folder, snippet):
    result = subprocess.run(
        [sys.executable, "-c", snippet],
        cwd=folder,
        env=smoke.environment(),
        capture_output=True,
        text=True,
    )
    assert result.returncode == 0, result.stderr
    return result.stdout


def test_the_edit_changes_one_setting_and_causes_as_many_jobs_as_the_page_says(
    tutorial, smoke, repository
):
    [edit] = re.findall(r"^```yaml\n(.*?)^```", tutorial, re.M | re.S)
    [(before, after)] = re.findall(r"epsilon\s+([\d.]+) → ([\d.]+)", tutorial)
    changed = layers.expanded(yaml.safe_load(edit), record.read(repository / "config.yaml"))
    for value, settings in ((before, layers.of_files(repository)), (after, changed)):
        assert settings["attacks"]["fgsm"]["settings"]["epsilon"] == float(value)
    pending = smoke.pending(edit)
    assert f"\n{len(pending)} of some 200 jobs" in tutorial
    assert not any(job.startswith("train_") for job in pending)


def test_the_examples_are_counted_as_the_page_counts_them(snippets, smoke, folder):
    told = run(smoke, folder, snippets[0])
    assert "the oracle sees another" in told
    cells = re.findall(r"\d+", "".join(told.splitlines()[2:]))
    assert sum(map(int, cells)) == 40


def test_what_changed_is_what_differs_between_two_tables(snippets, smoke, folder):
    table = pd.read_csv(folder / "before.csv")
    row = table.index[table["id"] == "beyond.mnist.fgsm.mlp.found"][0]
    table.loc[row, "ours"] = 0.125
    table.to_csv(folder / "results" / "reproduction.csv", index=False)
    told = run(smoke, folder, snippets[1])
    assert [line.split()[0] for line in told.splitlines()[2:]] == ["beyond.mnist.fgsm.mlp.found"]
    assert told.split()[-1] == "0.125"
