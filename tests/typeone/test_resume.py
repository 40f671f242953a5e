"""Every attack that is stopped goes on where it was, and ends in the bytes of an undisturbed one.

It is stopped where a network is asked, and while a sidecar is written; tests/chaos sends SIGKILL.
"""

from dataclasses import dataclass
from itertools import count
from pathlib import Path

import numpy as np
import pytest

from typeone.runtime import checkpoints
from typeone.runtime.checkpoints import Checkpoint

from .engines import ENGINES, F32, Engine

NEVER = 1e9


class Interrupted(Exception):
    pass


def as_bytes(stored):
    """Every bit of rounding must be the same."""
    return {name: np.ascontiguousarray(values).tobytes() for name, values in stored.items()}


@dataclass
class Undisturbed:
    engine: Engine
    stored: dict
    calls: int


@pytest.fixture(scope="module", params=ENGINES)
def undisturbed(request):
    """An engine, what it stores when nobody disturbs it, and how often it asks its network."""
    engine = ENGINES[request.param]("cpu", F32)
    stored, calls = counted(engine, None)
    return Undisturbed(engine, stored, calls)


def counted(engine, checkpoint, *, stop_at=None):
    """What the engine stores, and how often it asked its network; stopped at a call, if told."""
    calls = []

    def count_call(*_):
        calls.append(None)
        if len(calls) == stop_at:
            raise Interrupted

    hook = engine.asked.register_forward_pre_hook(count_call)
    try:
        return as_bytes(engine.run(checkpoint)), len(calls)
    finally:
        hook.remove()


def moments(last, number=9):
    """At most ``number`` moments from the first to the last."""
    return sorted({round(x) for x in np.linspace(1, last, number)})


# ------------------------------------------------------------------------------------- the claim


def test_stopped_anywhere_it_ends_in_the_same_bytes(undisturbed, tmp_path):
    """Saved at every step, as far as the engine can be."""
    saved = 0
    for moment in moments(undisturbed.calls):
        folder = tmp_path / str(moment)
        with pytest.raises(Interrupted):
            counted(undisturbed.engine, Checkpoint(folder, "d", interval=0), stop_at=moment)
        stored, calls = counted(undisturbed.engine, Checkpoint(folder, "d", interval=0))
        assert stored == undisturbed.stored, moment
        saved += undisturbed.calls - calls
    assert saved > 0  # it did not begin anew


def test_a_kill_costs_less_than_a_minute(undisturbed, tmp_path, monkeypatch):
    """As jobs save, where a look at the network takes five seconds by the clock."""
    now = [0.0]
    monkeypatch.setattr(checkpoints.time, "monotonic", lambda: now[0])

    def five_seconds(*_):
        now[0] += 5

    hook = undisturbed.engine.asked.register_forward_pre_hook(five_seconds)
    try:
        for moment in moments(undisturbed.calls, 5):
            folder = tmp_path / str(moment)
            with pytest.raises(Interrupted):
                counted(undisturbed.engine, Checkpoint(folder, "d"), stop_at=moment)
            stored, calls = counted(undisturbed.engine, Checkpoint(folder, "d"))
            assert stored == undisturbed.stored
            done_twice = moment + calls - undisturbed.calls
            assert 5 * done_twice <= 60
    finally:
        hook.remove()


def test_between_two_saves_it_goes_on_from_what_had_ended(undisturbed, tmp_path):
    """No save is due: batches that had ended are kept all the same, what is done in one is lost."""
    folder, moment = tmp_path / "resume", undisturbed.calls
    with pytest.raises(Interrupted):
        counted(undisturbed.engine, Checkpoint(folder, "d", interval=NEVER), stop_at=moment)
    stored, _ = counted(undisturbed.engine, Checkpoint(folder, "d", interval=NEVER))
    assert stored == undisturbed.stored


def test_stopped_again_and_again_it_ends_in_the_same_bytes(undisturbed, tmp_path):
    first = max(1, undisturbed.calls // 6)
    for stop_at in count(first):  # at last enough for what cannot be resumed
        try:
            again = Checkpoint(tmp_path / "resume", "d", interval=0)
            stored, _ = counted(undisturbed.engine, again, stop_at=stop_at)
            break
        except Interrupted:
            assert stop_at < undisturbed.calls
    assert stored == undisturbed.stored
    assert stop_at > first


def test_stopped_in_the_middle_of_a_save_it_ends_in_the_same_bytes(
    undisturbed, tmp_path, monkeypatch
):
    real, writes = Path.write_bytes, []

    def half(stop_at):
        def write(path, content):
            writes.append(path)
            if len(writes) != stop_at:
                return real(path, content)
            for name in (path.name, f".left.{path.name}"):
                # SIGKILL leaves the unfinished file behind, an exception would remove it
                real(path.with_name(name), content[: len(content) // 2])
            raise Interrupted

        return write

    monkeypatch.setattr(Path, "write_bytes", half(None))
    counted(undisturbed.engine, Checkpoint(tmp_path / "all", "d", interval=0))
    for stop_at in moments(len(writes), 5):
        folder = tmp_path / str(stop_at)
        writes.clear()
        monkeypatch.setattr(Path, "write_bytes", half(stop_at))
        with pytest.raises(Interrupted):
            counted(undisturbed.engine, Checkpoint(folder, "d", interval=0))
        monkeypatch.setattr(Path, "write_bytes", real)
        again = Checkpoint(folder, "d", interval=0)
        stored, _ = counted(undisturbed.engine, again)
        assert stored == undisturbed.stored, stop_at


def test_sidecars_of_other_settings_or_damaged_ones_change_nothing(undisturbed, tmp_path):
    folder = tmp_path / "resume"
    with pytest.raises(Interrupted):
        counted(
            undisturbed.engine,
            Checkpoint(folder, "other", interval=0),
            stop_at=undisturbed.calls - 1,
        )
    assert any(folder.iterdir())
    stored, calls = counted(undisturbed.engine, Checkpoint(folder, "d", interval=0))
    assert (stored, calls) == (undisturbed.stored, undisturbed.calls)
    for path in folder.iterdir():
        path.write_bytes(path.read_bytes()[:-1] + b"\x17")
    stored, calls = counted(undisturbed.engine, Checkpoint(folder, "d", interval=0))
    assert stored == undisturbed.stored


def test_saving_changes_no_bytes_and_asks_no_network(undisturbed, tmp_path):
    for interval in (0, NEVER):
        checkpoint = Checkpoint(tmp_path / str(interval), "d", interval=interval)
        assert counted(undisturbed.engine, checkpoint) == (undisturbed.stored, undisturbed.calls)
        # and of a job that was killed when all had ended, nothing is done again
        stored, calls = counted(undisturbed.engine, checkpoint)
        assert stored == undisturbed.stored
        assert calls < undisturbed.calls


def test_some_examples_leave_before_others():
    """So that the tests above meet walks of fewer rows than they began with."""
    for name in ("digits", "digits, ours", "faces, some leave early", "latents"):
        steps = ENGINES[name]("cpu", F32).run(None)["steps"]
        assert len(set(steps.tolist())) > 1, name
