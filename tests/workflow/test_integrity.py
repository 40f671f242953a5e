"""What lies under results/ is what the workflow would write now, or a command says what is not; and
a run that finds the disk full goes on from there when there is room.
"""

import shutil
import subprocess

import pytest

from typeone.runtime.artifacts import inspect, write_parquet
from typeone.runtime.stamps import made_by

FACES = "results/data/faces"
SPLITS = {f"{FACES}/{split}.parquet" for split in ("train", "judge", "validation", "test")}
TARGET = f"{FACES}/test.parquet"
FEW = "faces: {synthetic: {identities: {train: 4, judge: 4, validation: 4, test: 4}}}"


@pytest.fixture(scope="module")
def workflow(checkout):
    """A copy in which one rule has run, which needs no network."""
    workflow = checkout("integrity", ["presets/smoke.yaml"])
    result = workflow.run(TARGET, config=FEW)
    assert result.returncode == 0, result.stdout
    return workflow


@pytest.fixture
def spoilt(workflow, tmp_path):
    """A copy of it to spoil."""
    return workflow.copy(tmp_path)


def complaints(workflow, config=FEW):
    """path → what `check_results` says of it."""
    result = workflow.run("check_results", config=config)
    lines = [line for line in result.stdout.splitlines() if line.startswith("[check_results] ")]
    said = dict(line.removeprefix("[check_results] ").split(" ", 1) for line in lines[:-1])
    assert result.returncode == (1 if said else 0), result.stdout
    if said:
        assert lines[-1].startswith(f"[check_results] {len(said)} of ")
        assert lines[-1].endswith("damaged, foreign or stale; delete them and run again")
    else:
        assert lines[-1] == "[check_results] 4 artifacts match the current code and settings"
    return said


def test_what_a_run_made_is_what_it_would_make(workflow):
    assert {inspect(workflow.root / path)["rule"] for path in SPLITS} == {"prepare_faces"}
    assert complaints(workflow) == {}


def test_each_fault_is_found_and_named(spoilt):
    damaged, foreign, unsigned = (f"{FACES}/{n}.parquet" for n in ("test", "train", "judge"))
    stray = f"{FACES}/stray.parquet"
    raw = bytearray((spoilt.root / damaged).read_bytes())
    raw[len(raw) // 2] ^= 1
    (spoilt.root / damaged).write_bytes(raw)
    shutil.copy(spoilt.root / FACES / "validation.parquet", spoilt.root / stray)
    with made_by("evaluate_toy", []):
        write_parquet(spoilt.root / foreign, {"label": [1]})
    write_parquet(spoilt.root / unsigned, {"label": [1]})
    said = complaints(spoilt)
    assert said.keys() == {damaged, foreign, unsigned, stray}
    assert said[damaged].startswith("is not a readable Parquet file (could not verify page")
    assert said[foreign] == "is foreign: its recorded rule is evaluate_toy, needs prepare_faces"
    assert said[unsigned] == "is foreign: its recorded rule is no rule, needs prepare_faces"
    assert said[stray] == "is not made by any rule with these settings"


def test_other_settings_or_code_make_stale_what_they_decide(spoilt):
    """Also when Snakemake's own records are gone and it takes what it finds."""
    shutil.rmtree(spoilt.root / ".snakemake")
    stale = dict.fromkeys(SPLITS, "is stale: the code or settings of prepare_faces have changed")
    assert complaints(spoilt, config=FEW.replace("test: 4", "test: 5")) == stale
    file = spoilt.root / "typeone" / "data" / "synthetic_faces.py"
    file.write_text(file.read_text() + "\nedited = True\n")
    assert complaints(spoilt) == stale


@pytest.fixture
def disk(tmp_path):
    """A disk of 2 MB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", folder]
    try:
        subprocess.run(mount, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"cannot mount a disk here: {error}")
    yield folder
    subprocess.run(["umount", "-l", folder], check=True)


def test_a_full_disk_ends_a_run_and_room_lets_it_go_on(workflow, disk):
    filler = disk / "filler"
    filler.write_bytes(bytes(1_900_000))  # the four tables have several times what is left
    result = workflow.run(TARGET, "--directory", disk, config=FEW)
    assert result.returncode == 1, result.stdout
    line = "[prepare_faces] cannot write results/data/faces/"
    assert line in result.stdout
    assert "No space left on device" in result.stdout.split(line)[1].splitlines()[0]
    assert [p.name for p in (disk / FACES).glob("*") if "part" in p.name] == []
    for path in (disk / FACES).glob("*.parquet"):
        inspect(path)
    filler.unlink()
    subprocess.run(["mount", "-o", "remount,size=60m", disk], check=True)
    result = workflow.run(TARGET, "--directory", disk, config=FEW)
    assert result.returncode == 0, result.stdout
    assert (disk / TARGET).read_bytes() == (workflow.root / TARGET).read_bytes()
