"""What lies under results/ is what the workflow would write now, or a command says what is not; and
a run that finds the disk full goes on from there when there is room.
"""

import shutil
import subprocess

import pytest

from typeone.artifacts import inspect

FACES = "results/data/faces"
TARGETS = (f"{FACES}/test.parquet", "results/toy/measurements.parquet")  # without a network


@pytest.fixture(scope="module")
def workflow(checkout):
    """A copy in which a few rules have run."""
    workflow = checkout("integrity", ["presets/smoke.yaml"])
    result = workflow.run(*TARGETS)
    assert result.returncode == 0, result.stdout
    return workflow


@pytest.fixture
def spoilt(workflow, tmp_path):
    """A copy of it to spoil."""
    return workflow.copy(tmp_path)


def complaints(workflow, config=""):
    """path → what `check_results` says of it."""
    result = workflow.run("check_results", config=config)
    lines = [line for line in result.stdout.splitlines() if line.startswith("[check_results] ")]
    said = dict(line.removeprefix("[check_results] ").split(" ", 1) for line in lines[:-1])
    assert result.returncode == (1 if said else 0), result.stdout
    if said:
        assert lines[-1].startswith(f"[check_results] {len(said)} of ")
        assert lines[-1].endswith(
            "what the workflow writes with these settings; delete them and run again"
        )
    else:
        assert lines[-1].endswith("artifacts are what the workflow would write now")
    return said


def paths(workflow):
    return {
        p.relative_to(workflow.root).as_posix() for p in workflow.root.glob("results/**/*.parquet")
    }


def test_what_a_run_made_is_what_it_would_make(workflow):
    assert len(paths(workflow)) >= 8
    assert complaints(workflow) == {}
    assert complaints(workflow) == {}  # it runs each time


def test_every_file_names_its_rule(workflow):
    rules = {path: inspect(workflow.root / path)["rule"] for path in paths(workflow)}
    for path, rule in rules.items():
        assert rule == ("prepare_faces" if path.startswith(FACES) else "evaluate_toy")


def test_each_fault_is_found_and_named(spoilt):
    root = spoilt.root
    damaged, foreign, stray = (f"{FACES}/{n}.parquet" for n in ("test", "train", "stray"))
    raw = bytearray((root / damaged).read_bytes())
    raw[len(raw) // 2] ^= 1
    shutil.copy(root / FACES / "judge.parquet", root / stray)
    shutil.copy(root / "results/toy/measurements.parquet", root / foreign)
    (root / damaged).write_bytes(raw)
    said = complaints(spoilt)
    assert said.keys() == {damaged, foreign, stray}
    assert said[damaged].startswith("is no readable Parquet file (could not verify page integrity")
    assert said[foreign] == "is foreign: it says that it is from evaluate_toy, needs prepare_faces"
    assert said[stray] == "is made by no rule, with these settings"


def test_other_settings_make_stale_what_depends_on_them(workflow):
    said = complaints(workflow, config="toy: {margin: 0.21}")
    assert said.keys() == {p for p in paths(workflow) if p.startswith("results/toy/")}
    assert set(said.values()) == {"is stale: evaluate_toy has other code or settings now"}


def test_other_code_makes_stale_what_it_made(spoilt):
    """Also when the run's own records are gone and it takes what it finds."""
    shutil.rmtree(spoilt.root / ".snakemake")
    file = spoilt.root / "typeone" / "synthetic_faces.py"
    file.write_text(file.read_text() + "\nedited = True\n")
    assert complaints(spoilt).keys() == {p for p in paths(spoilt) if p.startswith(FACES)}


def test_results_made_elsewhere_are_the_same_bytes(workflow, tmp_path):
    result = workflow.run(
        "results/toy/measurements.parquet", "--directory", tmp_path / "else where"
    )
    assert result.returncode == 0, result.stdout
    made = sorted((tmp_path / "else where").glob("results/toy/*.parquet"))
    assert len(made) >= 3
    for path in made:
        assert path.read_bytes() == (workflow.root / "results" / "toy" / path.name).read_bytes()


@pytest.fixture
def disk(tmp_path):
    """A disk of 6 MB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=6m", "tmpfs", folder]
    try:
        subprocess.run(mount, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"cannot mount a disk here: {error}")
    yield folder
    subprocess.run(["umount", "-l", folder], check=True)


def test_a_full_disk_ends_a_run_and_room_lets_it_go_on(workflow, disk):
    filler = disk / "filler"
    filler.write_bytes(bytes(5_400_000))
    target = f"{FACES}/test.parquet"  # with its siblings, three times what is left
    result = workflow.run(target, "--directory", disk)
    assert result.returncode == 1, result.stdout
    line = r"[prepare_faces] cannot write results/data/faces/"
    assert line in result.stdout
    assert "No space left on device" in result.stdout.split(line)[1].splitlines()[0]
    assert [p.name for p in (disk / FACES).glob("*") if "part" in p.name] == []
    for path in (disk / FACES).glob("*.parquet"):
        inspect(path)
    filler.unlink()
    subprocess.run(["mount", "-o", "remount,size=60m", disk], check=True)
    result = workflow.run(target, "--directory", disk)
    assert result.returncode == 0, result.stdout
    assert (disk / target).read_bytes() == (workflow.root / target).read_bytes()
