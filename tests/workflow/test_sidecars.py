"""When a run has ended well, what its jobs kept for going on is removed, and nothing else."""

from typeone.workflow.sidecars import remove_finished


def make(folder, *names):
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()


def test_the_sidecars_of_finished_jobs_go_and_those_of_others_stay(tmp_path):
    killed = "attack/1/state.safetensors"
    make(tmp_path, "train/0/finished", "train/0/state.safetensors", "train/0/x.safetensors.part")
    make(tmp_path, killed)
    (tmp_path / "empty").mkdir()
    remove_finished(tmp_path)
    left = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*")}
    assert left == {"attack", "attack/1", killed}


def test_a_folder_that_is_left_empty_goes_too(tmp_path):
    make(tmp_path / "resume", "train/finished")
    remove_finished(tmp_path / "resume")
    assert list(tmp_path.iterdir()) == []


def test_without_sidecars_nothing_is_done(tmp_path):
    remove_finished(tmp_path / "resume")
    assert list(tmp_path.iterdir()) == []
