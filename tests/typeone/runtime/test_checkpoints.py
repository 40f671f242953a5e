"""A sidecar gives back what it was given, or says that it cannot; never something else."""

import time
from pathlib import Path

import pytest
import torch

from typeone.runtime.checkpoints import Checkpoint, each, restored

TENSORS = {
    "weights": torch.arange(12.0).view(3, 4),
    "halves": torch.tensor([0.5, -0.5], dtype=torch.float64),
    "nothing": torch.empty(0, 3),
    "flags": torch.tensor([True, False, True]),
    "step": torch.tensor(7),
    "image": torch.arange(24, dtype=torch.uint8).view(2, 3, 2, 2),
}
STATE = {"step": 7, "rows": [{"loss": 0.1, "name": "ä"}], "ended": False}


class Interrupted(Exception):
    pass


@pytest.fixture
def checkpoint(tmp_path):
    return Checkpoint(tmp_path / "resume", "d", interval=0)


def same(found, wanted):
    return found.keys() == wanted.keys() and all(
        torch.equal(found[k], v) and found[k].dtype == v.dtype for k, v in wanted.items()
    )


# ------------------------------------------------------------------------------------- one file


def test_what_is_saved_is_what_is_loaded(checkpoint):
    assert checkpoint.load() is None
    checkpoint.save(TENSORS, STATE)
    tensors, state = checkpoint.load()
    assert same(tensors, TENSORS)
    assert state == STATE


def test_a_part_of_a_part_is_a_file_of_its_own(checkpoint):
    part = checkpoint.part("ours").part("64")
    assert part.path == checkpoint.path.with_name("checkpoint.ours.64.safetensors")
    part.save({"a": torch.ones(1)}, {})
    checkpoint.save({"a": torch.zeros(1)}, {})
    assert part.load()[0]["a"].item() == 1
    assert checkpoint.part("ours").load() is None


def test_a_file_of_another_digest_is_ignored(checkpoint, tmp_path):
    checkpoint.save(TENSORS, STATE)
    assert Checkpoint(tmp_path / "resume", "another").load() is None


def test_a_flipped_bit_is_never_taken_for_what_was_saved(checkpoint):
    """Header, values and check alike: of each byte one bit, another from byte to byte."""
    checkpoint.save(TENSORS, STATE)
    whole = checkpoint.path.read_bytes()
    for place in range(len(whole)):
        damaged = bytearray(whole)
        damaged[place] ^= 1 << place % 8
        checkpoint.path.write_bytes(damaged)
        found = checkpoint.load()
        # a bit of what stands beside the tensors may be of no matter
        assert found is None or (same(found[0], TENSORS) and found[1] == STATE)
    values = len(whole) - sum(v.nbytes for v in TENSORS.values())
    for place in range(values, len(whole)):
        checkpoint.path.write_bytes(whole[:place] + bytes([whole[place] ^ 64]) + whole[place + 1 :])
        assert checkpoint.load() is None, place


@pytest.mark.parametrize("length", [0, 1, 7, 8, 100, -1, -8])
def test_a_file_that_was_cut_off_is_ignored(checkpoint, length):
    checkpoint.save(TENSORS, STATE)
    checkpoint.path.write_bytes(checkpoint.path.read_bytes()[:length])
    assert checkpoint.load() is None


def test_zeros_in_place_of_what_the_disk_lost_are_ignored(checkpoint):
    checkpoint.save(TENSORS, STATE)
    whole = checkpoint.path.read_bytes()
    checkpoint.path.write_bytes(whole[:-24] + bytes(24))
    assert checkpoint.load() is None
    checkpoint.path.write_bytes(bytes(len(whole)))
    assert checkpoint.load() is None


def test_a_save_that_breaks_off_leaves_the_one_before(checkpoint, monkeypatch):
    checkpoint.save(TENSORS, STATE)
    real = Path.write_bytes

    def half(path, content):
        real(path, content[:50])
        raise Interrupted

    monkeypatch.setattr(Path, "write_bytes", half)
    with pytest.raises(Interrupted):
        checkpoint.save({"weights": torch.zeros(1)}, {})
    assert same(checkpoint.load()[0], TENSORS)


def test_a_checkpoint_is_due_after_its_interval(tmp_path, monkeypatch):
    now = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    checkpoint = Checkpoint(tmp_path / "resume", "d", interval=30)
    assert not checkpoint.due()
    now[0] += 30
    assert checkpoint.due()
    checkpoint.save({"a": torch.zeros(1)}, {})
    assert not checkpoint.due()
    now[0] += 29
    assert not checkpoint.due()
    assert not checkpoint.part("1").due()
    now[0] += 1
    assert checkpoint.due()


def test_unasked_a_sidecar_is_half_a_minute_old_at_most(tmp_path):
    assert Checkpoint(tmp_path, "d").interval == 30
    assert Checkpoint(tmp_path, "d", interval=5).part("1").interval == 5


def test_a_finished_job_keeps_its_sidecar_until_it_saves_anew(tmp_path):
    checkpoint = Checkpoint(tmp_path / "resume", "d")
    checkpoint.finish()  # a job too short to have saved leaves nothing behind
    assert not (tmp_path / "resume").exists()
    checkpoint.part("12").save(TENSORS, {})
    checkpoint.finish()
    assert (tmp_path / "resume" / "finished").is_file()
    assert same(checkpoint.part("12").load()[0], TENSORS)
    checkpoint.save(TENSORS, {})
    assert not (tmp_path / "resume" / "finished").exists()


@pytest.mark.parametrize("channels", [1, 3])
def test_what_is_restored_lies_in_memory_as_it_did(channels):
    whole = torch.rand(5, channels, 4, 4).to(memory_format=torch.channels_last)
    some = whole[torch.tensor([True, False, True, False, True])]
    back = restored(some.contiguous(), whole)
    assert torch.equal(back, some)
    assert back.stride() == some.stride()


# ------------------------------------------------------------------------------------ many items


def squares(checkpoint, *, stop_at=None, due=None):
    """Squares of 0 to 9 in turn; what was asked for. ``due``: after which a save is due."""
    asked = []

    def square(number):
        asked.append(number)
        if number == stop_at:
            raise Interrupted
        if checkpoint:
            checkpoint.part = lambda name: part_of(checkpoint, name, asked, due)
        return {"value": torch.tensor([number**2]), "text": torch.zeros(number, 2)}

    if checkpoint:
        checkpoint.part = lambda name: part_of(checkpoint, name, asked, due)
    return [r["value"].item() for r in each(checkpoint, range(10), square)], asked


def part_of(checkpoint, name, asked, due):
    part = Checkpoint.part(checkpoint, name)
    if due is not None:
        part.due = lambda: asked[-1] in due
    return part


SQUARES = [n**2 for n in range(10)]


def test_without_a_sidecar_each_item_is_computed():
    assert squares(None) == (SQUARES, list(range(10)))


@pytest.mark.parametrize("stop_at", range(10))
def test_items_that_were_saved_are_not_computed_again(checkpoint, stop_at):
    with pytest.raises(Interrupted):
        squares(checkpoint, stop_at=stop_at)
    assert squares(checkpoint) == (SQUARES, list(range(stop_at, 10)))
    assert squares(checkpoint) == (SQUARES, [])


def test_items_between_two_saves_share_a_file(checkpoint):
    with pytest.raises(Interrupted):
        squares(checkpoint, stop_at=9, due={3, 5})
    assert len(list(checkpoint.path.parent.iterdir())) == 2
    assert squares(checkpoint, due={3, 5}) == (SQUARES, [6, 7, 8, 9])


def test_results_are_taken_before_the_next_item_is_asked_for(checkpoint):
    order = []

    def compute(item):
        order.append(f"asked {item}")
        return {"value": torch.tensor(item)}

    for result in each(checkpoint, range(2), compute):
        order.append(f"took {result['value']}")
    assert order == ["asked 0", "took 0", "asked 1", "took 1"]


def test_what_follows_a_damaged_part_is_computed_anew(checkpoint):
    squares(checkpoint, due={2, 5})  # parts of items 0 to 2, 3 to 5, 6 to 9
    checkpoint.part("1").path.write_bytes(b"damaged")
    with pytest.raises(Interrupted):
        squares(checkpoint, stop_at=8, due={4, 7})  # 3 and 4, then 5 to 7, over the old 6 to 9
    assert squares(checkpoint) == (SQUARES, [8, 9])


def test_an_old_part_that_begins_elsewhere_is_not_taken_for_the_next(checkpoint):
    squares(checkpoint, due={2, 5})
    checkpoint.part("1").path.write_bytes(b"damaged")
    with pytest.raises(Interrupted):
        squares(checkpoint, stop_at=5, due={3})  # 3 alone in part 1; part 2 still begins at 6
    assert squares(checkpoint) == (SQUARES, list(range(4, 10)))
