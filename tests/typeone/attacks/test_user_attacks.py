"""A user's own attack is called as documented, and every mistake is one line."""

import copy

import numpy as np
import pytest
import torch
from torch import nn

from typeone.attacks.user_attacks import attack_shard
from typeone.models.svae import DigitSVAE
from typeone.runtime.checkpoints import Checkpoint
from typeone.runtime.errors import InputError

from ..algorithm2 import seeded

SHIFT = """
import torch
calls = []
def attack(model, inputs, labels, targets, *, generator, strength=0.5):
    assert not model.training and not any(p.requires_grad for p in model.parameters())
    assert torch.equal(targets, (labels + 1) % 10)
    noise = torch.rand(inputs.shape, generator=generator, device=inputs.device)
    inputs.mul_(1 - strength)  # a copy, which may be changed
    return inputs + strength * noise
"""


@pytest.fixture(scope="module")
def networks():
    f1 = nn.Sequential(nn.Flatten(), nn.Linear(784, 10)).eval().requires_grad_(False)
    return DigitSVAE().eval().requires_grad_(False), f1


@pytest.fixture
def digits():
    return torch.rand(10, 1, 28, 28, generator=seeded(1)), torch.arange(10)


def run(folder, networks, digits, code, *, arguments=None, chunk=4, **how):
    path = folder / "mine.py"
    path.write_text(code)
    return attack_shard(
        *networks,
        *digits,
        module=f"{path}:attack",
        arguments=arguments or {},
        key="attacks.mine.module",
        seed=3,
        chunk=chunk,
        **how,
    )


def test_rows_are_those_of_the_attack(tmp_path, networks, digits):
    before = [t.clone() for t in digits]
    rows = run(tmp_path, networks, digits, SHIFT, arguments={"strength": 0.25})
    images, _ = digits
    assert all(torch.equal(*pair) for pair in zip(digits, before, strict=True))
    assert rows["position"].tolist() == list(range(10))
    assert rows["target_label"].tolist() == [(i + 1) % 10 for i in range(10)]
    moved = rows["adversarial_image"] / 255 - 0.75 * images.numpy()
    assert moved.min() > -1 / 255
    assert moved.max() < 0.25 + 1 / 255
    assert moved.std() > 0.05  # uniform on [0, 0.25] has a deviation of 0.07
    assert rows["latent_end"].shape == rows["latent_start"].shape == (10, 32)
    again = run(tmp_path, networks, digits, SHIFT, arguments={"strength": 0.25})
    assert all(np.array_equal(rows[k], again[k]) for k in rows)


def test_shards_merge_to_the_whole_and_batches_draw_apart(tmp_path, networks, digits):
    whole = run(tmp_path, networks, digits, SHIFT, chunk=2)
    parts = [run(tmp_path, networks, digits, SHIFT, chunk=2, shard=i, shards=3) for i in range(3)]
    order = np.argsort(np.concatenate([p["position"] for p in parts]))
    for name in ("adversarial_image", "label", "position"):
        assert np.array_equal(np.concatenate([p[name] for p in parts])[order], whole[name])
    images = torch.full((4, 1, 28, 28), 0.5), torch.zeros(4, dtype=torch.int64)
    drawn = run(tmp_path, networks, images, SHIFT, chunk=2)["adversarial_image"]
    assert len(np.unique(drawn.reshape(4, -1), axis=0)) == 4


COUNTS = """
import pathlib
def attack(model, inputs, labels, targets, *, generator):
    with open(pathlib.Path(__file__).with_name("calls"), "a") as file:
        file.write(f"{len(inputs)} ")
    if pathlib.Path(__file__).with_name("stop").exists() and len(inputs) == 2:
        raise KeyboardInterrupt
    return inputs
"""


def test_finished_batches_are_kept_when_a_run_is_killed(tmp_path, networks, digits):
    def checkpoint():
        return Checkpoint(tmp_path / "resume", "digest", interval=0)

    (tmp_path / "stop").touch()
    with pytest.raises(KeyboardInterrupt):
        run(
            tmp_path,
            networks,
            digits,
            COUNTS.replace("== 2", "== 1"),
            chunk=3,
            checkpoint=checkpoint(),
        )
    (tmp_path / "stop").unlink()
    (tmp_path / "calls").unlink()
    rows = run(tmp_path, networks, digits, COUNTS, chunk=3, checkpoint=checkpoint())
    # the check of two examples, twice; then the last of four batches alone
    assert (tmp_path / "calls").read_text() == "2 2 1 "
    assert np.array_equal(rows["adversarial_image"], rows["image"])


BODY = "import torch\nn = 0\ndef attack(model, inputs, labels, targets, *, generator):\n    "


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("return None", "which returns NoneType; needs attack"),
        ("return inputs[:, 0]", r"returns torch.float32 of shape \(2, 28, 28\); needs images like"),
        ("return inputs.long()", r"returns torch.int64 of shape .*; needs images like its inputs"),
        ("return inputs * float('nan')", "returns NaN or infinite pixels"),
        ("return inputs * 0 + 1.000001", r"returns pixels from 1.00000\d+ to 1.00000\d+; needs"),
        ("return inputs + 1", r"returns pixels from 1\S* to \S*; needs \[0, 1\]: clamp them"),
        ("return inputs - 1", r"returns pixels from -0\S* to"),
        ("model[1].weight.add_(1); return inputs", "changes the network that it attacks"),
        ("model.train(); return inputs", "changes the network that it attacks"),
        ("model.register_buffer('b', labels); return inputs", "changes the network that it attac"),
        (
            "model.register_forward_hook(lambda *a: a[2] * 0); return inputs",
            "changes the network that it attacks",
        ),
        (
            "global n; n += 0.1; return (inputs + n).clamp(0, 1)",
            "returns other images when it is called again; needs all randomness from `generator`",
        ),
        ("raise ValueError('no')", r"whose code fails at mine.py, line 4 \(ValueError: no\)"),
        ("return inputs + strength", r"whose code fails at mine.py, line 4 \(NameError"),
    ],
)
def test_an_attack_that_cannot_be_used_is_one_line(tmp_path, networks, digits, body, message):
    svae, f1 = networks
    with pytest.raises(
        InputError,
        match=rf"`attacks.mine.module` is '.*mine.py:attack', (which |){message}",
    ):
        run(tmp_path, (svae, f1), digits, BODY + body)


def test_arguments_that_the_attack_does_not_take_are_named(tmp_path, networks, digits):
    with pytest.raises(InputError, match=r"TypeError: attack\(\) got an unexpected .*'speed'"):
        run(tmp_path, networks, digits, SHIFT, arguments={"speed": 2})


def test_global_random_states_are_restored(tmp_path, networks, digits):
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    run(tmp_path, networks, digits, SHIFT)
    assert torch.equal(torch.rand(3), expected)


def test_the_network_is_a_copy_of_f1(tmp_path, networks, digits):
    before = copy.deepcopy(networks[1].state_dict())
    with pytest.raises(InputError, match="changes the network"):
        run(tmp_path, networks, digits, BODY + "model[1].weight.zero_(); return inputs")
    assert all(torch.equal(v, before[k]) for k, v in networks[1].state_dict().items())
