"""A job that computes gets its threads, its device and a sidecar that belongs to it alone."""

from types import SimpleNamespace

import pytest
import torch

from typeone.runtime import computing
from typeone.runtime.computing import computing_job


@pytest.fixture
def task(tmp_path, monkeypatch):
    """What the workflow hands over; `resources.gpu` is 0."""
    asked = []

    def device(threads, *, gpu):
        asked.append((threads, gpu))
        return torch.device("cpu")

    monkeypatch.setattr(computing, "compute_device", device)
    data = tmp_path / "data.txt"
    data.write_text("1")

    class Named(list):
        """A list whose items have names, as params and inputs have."""

        def __init__(self, **items):
            super().__init__(items.values())
            vars(self).update(items)

    return SimpleNamespace(
        asked=asked,
        rule="train_something",
        log=[str(tmp_path / "log.txt")],
        params=Named(resume=str(tmp_path / "resume"), settings={"lr": 0.1}),
        input=Named(data=str(data)),
        output=Named(model=str(tmp_path / "model")),
        wildcards=Named(seed="1"),
        threads=3,
        resources={},
    )


def run(task, *, gpu=False, fail=False):
    with computing_job(task, gpu=gpu) as job:
        job.checkpoint.save({"x": torch.ones(2)}, {"step": 1})
        if fail:
            raise ZeroDivisionError
    return job


@pytest.mark.parametrize(
    ("helps", "given", "expected"),
    [(False, 0, False), (False, 1, False), (True, 0, False), (True, 1, True)],
)
def test_a_gpu_is_taken_where_it_helps_and_was_given(task, helps, given, expected):
    task.resources = {"gpu": given}
    run(task, gpu=helps)
    assert task.asked == [(3, expected)]


def test_its_files_and_settings_are_the_tasks(task):
    job = run(task)
    for name in ("input", "output", "params", "wildcards"):
        assert getattr(job, name) is getattr(task, name)


def test_a_sidecar_is_finished_when_the_job_has_ended_well(task, tmp_path):
    with pytest.raises(ZeroDivisionError):
        run(task, fail=True)
    assert not (tmp_path / "resume" / "finished").exists()
    run(task)
    assert (tmp_path / "resume" / "finished").exists()


def test_a_job_that_asks_for_no_sidecar_leaves_none(task, tmp_path):
    with computing_job(task):
        pass
    assert not (tmp_path / "resume").exists()


@pytest.mark.parametrize("what", ["settings", "input", "device"])
def test_what_decides_the_result_decides_whose_sidecar_it_is(task, tmp_path, what, monkeypatch):
    run(task)
    with computing_job(task) as job:
        assert job.checkpoint.load()[1] == {"step": 1}
    if what == "settings":
        task.params[1]["lr"] = 0.2
    if what == "input":
        (tmp_path / "data.txt").write_text("2")
    if what == "device":
        monkeypatch.setattr(computing, "compute_device", lambda *a, **k: torch.device("cuda"))
    with computing_job(task) as job:
        assert job.checkpoint.load() is None
