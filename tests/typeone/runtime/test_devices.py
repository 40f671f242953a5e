"""Jobs share out the GPUs of a machine, one each. There need be none: names stand for devices."""

import multiprocessing
import os
import signal
import sys
import uuid
from types import SimpleNamespace

import pytest
import torch

from typeone.runtime import devices
from typeone.runtime.devices import claim_device, compute_device

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="CUDA's platform")
FORK = multiprocessing.get_context("fork")


@pytest.fixture
def names():
    """Three devices that no other test knows."""
    return [str(uuid.uuid4()) for _ in range(3)]


@pytest.fixture
def job():
    """A function that starts a process which calls another, says what came back and lives on."""
    processes = []

    def start(function, *arguments):
        here, there = FORK.Pipe()

        def run():
            there.send(function(*arguments))
            signal.pause()

        processes.append(FORK.Process(target=run))
        processes[-1].start()
        return processes[-1], here

    yield start
    for process in processes:
        process.kill()
        process.join()


def claim(names):
    return claim_device(names, pause=0.02)


def test_each_job_has_a_device_of_its_own(job, names):
    jobs = [job(claim, names) for _ in names]
    assert sorted(pipe.recv() for _, pipe in jobs) == [0, 1, 2]


def test_one_job_more_waits_until_one_ends_and_takes_its_device(job, names):
    jobs = {pipe.recv(): process for process, pipe in [job(claim, names) for _ in names]}
    _, pipe = job(claim, names)
    assert not pipe.poll(0.3)
    os.kill(jobs[1].pid, signal.SIGKILL)
    assert pipe.poll(20)
    assert pipe.recv() == 1


def test_waiting_is_told_once(job, names, caplog):
    process, pipe = job(claim, names[:1])
    pipe.recv()
    pauses = []

    def pause(seconds):
        pauses.append(seconds)
        if len(pauses) == 3:
            process.kill()
            process.join()

    with pytest.MonkeyPatch.context() as patch, caplog.at_level("INFO", "typeone"):
        patch.setattr(devices.time, "sleep", pause)
        patch.setattr(devices, "_claims", [])
        assert claim_device(names[:1], pause=7.0) == 0
    assert pauses == [7.0] * 3
    assert [r.message for r in caplog.records] == [
        "waiting for one of 1 GPUs: all are used by other jobs"
    ]


@pytest.fixture
def gpus(monkeypatch):
    """A function that lets torch see GPUs of these names; the list of those that were set."""
    chosen = []

    def see(names):
        for name, value in {
            "is_available": lambda: True,
            "device_count": lambda: len(names),
            "get_device_properties": lambda i: SimpleNamespace(uuid=uuid.UUID(names[i])),
            "set_device": chosen.append,
        }.items():
            monkeypatch.setattr(torch.cuda, name, value)
        monkeypatch.setattr(devices, "_claims", [])
        monkeypatch.setenv("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
        return chosen

    threads = torch.get_num_threads()
    yield see
    torch.set_num_threads(threads)
    torch.use_deterministic_algorithms(False)


def test_of_several_gpus_a_job_takes_one_that_is_free(gpus, job, names):
    chosen = gpus(names)
    _, pipe = job(claim, names)
    assert pipe.recv() == 0
    assert compute_device(1, gpu=True) == torch.device("cuda", 1)
    assert chosen == [1]


def test_the_only_gpu_is_not_chosen(gpus, job, names):
    """Snakemake lets one job at a time have it; it is not the device of another checkout's run."""
    chosen = gpus(names[:1])
    _, pipe = job(claim, names[:1])
    pipe.recv()
    assert compute_device(1, gpu=True) == torch.device("cuda")
    assert chosen == []


def test_who_asks_for_no_gpu_takes_none(gpus, names):
    chosen = gpus(names)
    assert compute_device(1) == torch.device("cpu")
    assert (chosen, devices._claims) == ([], [])
