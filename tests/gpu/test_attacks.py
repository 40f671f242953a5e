"""Every attack on a card: what the CPU finds, the same bytes each time, memory that stays flat."""

import numpy as np
import pytest
import torch

from typeone.runtime.checkpoints import Checkpoint

from ..typeone.engines import (
    CONSTANT_BETA,
    DIGIT_WALK,
    ENGINES,
    F32,
    OURS,
    digits,
    networks,
)

pytestmark = pytest.mark.gpu

F64 = torch.float64
CPU = torch.device("cpu")
# Two devices sum in another order: 1e-16 in float64. Adam divides by the gradient's own size and
# carries that over some 20 steps of a network with kinks; it stays far below 1e-6.
ALIKE = {"rtol": 0, "atol": 1e-6}


def made(name, device, dtype):
    if name.startswith("foolbox"):
        pytest.importorskip("foolbox", reason="foolbox is not installed here")
    return ENGINES[name](device, dtype)


def alike(found, expected):
    """Integers (steps, found, uint8 images) by value, floats but for rounding."""
    assert found.keys() == expected.keys()
    for name, values in expected.items():
        got = found[name]
        assert (got.shape, got.dtype) == (values.shape, values.dtype), name
        if values.dtype == np.uint8:  # a value at half a level may round either way
            assert np.abs(got.astype(int) - values).max(initial=0) <= 1, name
            assert np.mean(got != values) <= 0.001, name
        elif np.issubdtype(values.dtype, np.floating):
            np.testing.assert_allclose(got, values, **ALIKE, equal_nan=True, err_msg=name)
        else:
            np.testing.assert_array_equal(got, values, err_msg=name)


@pytest.mark.parametrize("name", ENGINES)
def test_a_card_finds_what_the_cpu_finds(name, card, same_noise):
    alike(made(name, card, F64).run(None), made(name, CPU, F64).run(None))


@pytest.mark.parametrize("name", ENGINES)
def test_two_runs_on_a_card_give_the_same_bytes(name, card):
    first, second = (made(name, card, F32).run(None) for _ in range(2))
    for key, values in first.items():
        assert values.tobytes() == second[key].tobytes(), key


class Interrupted(Exception):
    pass


def stopped(engine, checkpoint, after):
    """Run until the network was asked ``after`` times."""
    calls = []

    def count(*_):
        calls.append(None)
        if len(calls) > after:
            raise Interrupted

    hook = engine.asked.register_forward_pre_hook(count)
    try:
        with pytest.raises(Interrupted):
            engine.run(checkpoint)
    finally:
        hook.remove()


RESUMED = ["digits", "digits, ours", "faces", "latents", "embeddings"]
# Calls of the network that a graph replays are not counted: it is stopped while it warms up, in a
# later batch where there is one.
STOPS = {"digits": 5, "digits, ours": 5, "faces": 8, "latents": 3, "embeddings": 9}


@pytest.mark.parametrize("name", RESUMED)
def test_what_is_stopped_on_a_card_goes_on_in_the_same_bytes(name, card, tmp_path):
    whole = made(name, card, F32).run(None)
    stopped(made(name, card, F32), Checkpoint(tmp_path, "d", interval=0), STOPS[name])
    again = made(name, card, F32).run(Checkpoint(tmp_path, "d", interval=0))
    for key, values in whole.items():
        assert values.tobytes() == again[key].tobytes(), key


@pytest.mark.parametrize("way", ["to the card", "from the card"])
@pytest.mark.parametrize("name", RESUMED)
def test_a_sidecar_is_good_on_the_other_device(name, way, card, tmp_path):
    first, then = (CPU, card) if way == "to the card" else (card, CPU)
    stopped(made(name, first, F64), Checkpoint(tmp_path, "d", interval=0), STOPS[name])
    assert list(tmp_path.glob("*.safetensors"))
    found = made(name, then, F64).run(Checkpoint(tmp_path, "d", interval=0))
    alike(found, made(name, CPU, F64).run(None))


def test_shards_on_a_card_merge_to_the_bytes_of_one(card):
    engine = digits(DIGIT_WALK, card, F32)
    whole = engine.run(None)
    parts = [engine.run(None, shard=shard, shards=3) for shard in range(3)]
    order = np.argsort(np.concatenate([part["position"] for part in parts]))
    for key in (k for k in whole if not k.startswith("trace")):
        merged = np.concatenate([part[key] for part in parts])[order]
        assert merged.tobytes() == whole[key].tobytes(), key


@pytest.mark.parametrize("dtype", [F32, F64], ids=["float32", "float64"])
@pytest.mark.parametrize("settings", [DIGIT_WALK, CONSTANT_BETA, OURS], ids=["paper", "sm", "ours"])
def test_a_batch_is_its_singles_on_a_card(settings, dtype, card):
    """Float32 rounds by 1e-7 a step and forgets none of it: only what is stored is compared."""
    together = digits(settings, card, dtype, chunk=10).run(None)
    alone = digits(settings, card, dtype, chunk=1).run(None)
    if dtype == F64:
        ends = [{k: v for k, v in r.items() if "trace" not in k} for r in (together, alone)]
        alike(*ends)  # traces come batch by batch
    else:
        moved = np.abs(together["adversarial_image"].astype(int) - alone["adversarial_image"])
        assert np.mean(moved > 2) < 0.01


def test_memory_does_not_grow_with_the_examples(card):
    """But for the examples themselves, which lie on the card: 8 batches take what 2 take."""
    from typeone.attacks.criteria import label_criterion
    from typeone.attacks.shards import attack_shard

    svae, f1 = networks(card, F32)

    def peak(batches):
        images = torch.rand(16 * batches, 1, 28, 28, device=card)
        labels = torch.arange(16 * batches, device=card) % 10
        if card.type == "cuda":
            torch.cuda.synchronize()
            torch.cuda.empty_cache()
            torch.cuda.reset_peak_memory_stats()
        held = torch.cuda.memory_allocated() if card.type == "cuda" else 0
        attack_shard(svae, images, labels, DIGIT_WALK, keep=label_criterion(f1), chunk=16)
        if card.type != "cuda":
            return 0, 0
        return torch.cuda.max_memory_allocated() - held, torch.cuda.max_memory_reserved()

    peak(1)  # libraries take their workspaces once
    few, many = peak(2), peak(8)
    assert many[0] <= few[0] + 2**20
    assert many[1] <= few[1] + 2**26  # what is kept in reserve: graphs give theirs back
