"""Training that is killed goes on where it was, and ends as if nothing had happened."""

import math
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from torch import nn

from typeone.runtime.artifacts import save_model
from typeone.runtime.checkpoints import Checkpoint
from typeone.runtime.errors import InputError
from typeone.training.loop import TrainingDivergedError, TrainingSettings, learning_rate, train
from typeone.training.losses import cross_entropy

SETTINGS = TrainingSettings(epochs=3, batch_size=8, lr=0.01, schedule="one_cycle")
COUNT = 44  # five batches an epoch; four examples are left out
STEPS = 15

IMAGES = torch.rand(COUNT, 1, 8, 8, generator=torch.Generator().manual_seed(0))
LABELS = torch.randint(0, 3, (COUNT,), generator=torch.Generator().manual_seed(1))


def network(seed=0):
    """A small net with all that a checkpoint must hold: batch statistics, channels-last weights."""
    model = nn.Sequential(
        *(nn.Conv2d(1, 5, 3, stride=2, padding=1), nn.BatchNorm2d(5), nn.ELU()),
        *(nn.Conv2d(5, 7, 3, padding=1), nn.ELU(), nn.Flatten(), nn.Linear(7 * 16, 3)),
    )
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for p in model.parameters():
            p.normal_(0, 0.2, generator=generator)
    return model.to(memory_format=torch.channels_last)


class Interrupted(Exception):
    pass


def run(
    checkpoint=None, *, stop_at=None, nan_at=None, start=0, settings=SETTINGS, pause=0.0, seed=0
):
    """Train `network` on noisy images; ``stop_at`` and ``nan_at`` count the steps of this call.

    Returns (model, curve, number of steps made).
    """
    model, generator = network(start), torch.Generator().manual_seed(seed)
    calls = []

    def objective(rows, epochs):
        assert model.training
        calls.append((rows.tolist(), epochs))
        time.sleep(pause)
        if len(calls) == stop_at:
            raise Interrupted
        noise = torch.randn(len(rows), 1, 8, 8, generator=generator)
        loss = cross_entropy(model(IMAGES[rows] + 0.1 * noise), LABELS[rows])
        if len(calls) == nan_at:
            loss = loss * torch.nan
        return {"loss": loss, "noise": noise.flatten(1).mean(dim=1)}

    def evaluate():
        assert not model.training
        with torch.no_grad():
            return {"error": (model(IMAGES).argmax(dim=1) != LABELS).double().mean().item()}

    curve = train(
        model,
        objective,
        name="a net",
        count=COUNT,
        settings=settings,
        seed=seed,
        generator=generator,
        checkpoint=checkpoint,
        evaluate=evaluate,
    )
    return model, curve, calls


def same(model, other):
    """Whether two models hold the same bits."""
    ours, theirs = model.state_dict(), other.state_dict()
    return ours.keys() == theirs.keys() and all(torch.equal(v, theirs[k]) for k, v in ours.items())


@pytest.fixture(scope="module")
def undisturbed():
    return run()


def interrupted(checkpoint, step):
    with pytest.raises(Interrupted):
        run(checkpoint, stop_at=step)


# ----------------------------------------------------------------------------------- resuming


@pytest.mark.parametrize(
    ("interval", "step", "resumes_at"),
    [
        (0.0, 2, 1),  # saved at every step, in the middle of the first epoch
        (0.0, 9, 8),  # in the middle of the second
        (0.0, 15, 14),  # before the last step
        (1e9, 9, 5),  # saved at the ends of epochs only
        (1e9, 12, 10),
        (1e9, 4, 0),  # not saved yet
    ],
)
def test_a_resumed_run_ends_as_the_undisturbed_one(
    tmp_path, undisturbed, interval, step, resumes_at
):
    interrupted(Checkpoint(tmp_path / "resume", "d", interval=interval), step)
    # other weights to start from: all that counts comes from the checkpoint
    model, curve, calls = run(
        Checkpoint(tmp_path / "resume", "d", interval=interval), start=9 if resumes_at else 0
    )
    assert len(calls) == STEPS - resumes_at
    assert same(model, undisturbed[0])
    assert curve == undisturbed[1]


def test_a_run_may_be_interrupted_many_times(tmp_path, undisturbed):
    for _ in range(7):  # each gets two steps further
        interrupted(Checkpoint(tmp_path / "resume", "d", interval=0), 3)
    model, curve, calls = run(Checkpoint(tmp_path / "resume", "d", interval=0))
    assert len(calls) == 1
    assert same(model, undisturbed[0])
    assert curve == undisturbed[1]


def test_without_the_checkpoint_the_start_matters(undisturbed):
    # so that equality above says something
    assert not same(run(start=9)[0], undisturbed[0])
    assert not same(run(seed=1)[0], undisturbed[0])


def test_a_checkpoint_of_another_digest_is_ignored(tmp_path, undisturbed):
    interrupted(Checkpoint(tmp_path / "resume", "old settings", interval=0), 9)
    model, curve, calls = run(Checkpoint(tmp_path / "resume", "new settings", interval=0))
    assert len(calls) == STEPS
    assert same(model, undisturbed[0])
    assert curve == undisturbed[1]


@pytest.mark.parametrize("garbage", [b"", b"not a checkpoint at all"])
def test_an_unreadable_checkpoint_is_ignored(tmp_path, undisturbed, garbage):
    checkpoint = Checkpoint(tmp_path / "resume", "d", interval=0)
    interrupted(checkpoint, 9)
    checkpoint.path.write_bytes(garbage)
    model, _, calls = run(Checkpoint(tmp_path / "resume", "d"))
    assert len(calls) == STEPS
    assert same(model, undisturbed[0])


# ------------------------------------------------------------------------------------ SIGKILL


def main(folder):
    """Train as a job would, slowly enough to be killed on the way; write the model."""
    torch.set_num_threads(1)
    folder = Path(folder)
    checkpoint = Checkpoint(folder / "resume", "d", interval=0)
    model, _, calls = run(checkpoint, pause=0.2)
    save_model(folder / "model.safetensors", model, metadata={"steps": STEPS})
    checkpoint.finish()
    return len(calls)


def test_a_killed_job_resumes_and_writes_the_same_bytes(tmp_path, undisturbed, monkeypatch):
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    job = subprocess.Popen([sys.executable, __file__, tmp_path], env=environment)
    try:
        checkpoint = tmp_path / "resume" / "checkpoint.safetensors"
        given_up = time.monotonic() + 120  # a busy machine may take half a minute to import torch
        while not checkpoint.exists() and job.poll() is None and time.monotonic() < given_up:
            time.sleep(0.01)
    finally:
        job.kill()
        status = job.wait()
    assert status == -signal.SIGKILL  # it was still at work
    assert checkpoint.exists()
    assert not (tmp_path / "model.safetensors").exists()

    monkeypatch.setattr(time, "sleep", lambda seconds: None)
    assert 0 < main(tmp_path) < STEPS  # it goes on, and has not been at the end
    save_model(tmp_path / "wanted.safetensors", undisturbed[0], metadata={"steps": STEPS})
    wanted = (tmp_path / "wanted.safetensors").read_bytes()
    assert (tmp_path / "model.safetensors").read_bytes() == wanted


# ---------------------------------------------------------------------------------- divergence


def test_a_nan_names_epoch_step_and_learning_rate_and_keeps_the_last_good_state(
    tmp_path, undisturbed
):
    checkpoint = Checkpoint(tmp_path / "resume", "d", interval=0)
    message = (
        r"training a net: the loss is nan in epoch 2, step 7 of 15; lower its learning rate "
        r"\(lr is 0\.01\); the last good checkpoint is kept in .*resume/checkpoint\.safetensors$"
    )
    with pytest.raises(TrainingDivergedError, match=message):
        run(checkpoint, nan_at=7)
    tensors, state = checkpoint.load()
    assert state["step"] == 6
    assert all(v.isfinite().all() for v in tensors.values())
    model, curve, _ = run(checkpoint)
    assert same(model, undisturbed[0])
    assert curve == undisturbed[1]


def test_divergence_is_an_error_of_input_and_promises_no_checkpoint_where_there_is_none(tmp_path):
    for checkpoint in (None, Checkpoint(tmp_path / "resume", "d", interval=0)):
        with pytest.raises(InputError, match=r"epoch 1, step 1 of 15; .*lr is 0\.01\)$"):
            run(checkpoint, nan_at=1)


def poisoned(step):
    """A weight, and an objective whose loss is finite but whose gradient is NaN at ``step``."""
    model, calls = nn.Linear(1, 1, bias=False), []

    def objective(rows, epochs):
        calls.append(rows)
        w = model.weight.view(1).expand(len(rows))
        if len(calls) == step:
            return {"loss": w.square() + (0 * w).sqrt()}  # the derivative of sqrt at 0 times 0
        return {"loss": w.square()}

    return model, objective


def train_poisoned(step, checkpoint):
    model, objective = poisoned(step)
    train(
        model,
        objective,
        name="a net",
        count=4,
        settings=TrainingSettings(epochs=5, batch_size=4, lr=0.01),
        seed=0,
        generator=torch.Generator(),
        checkpoint=checkpoint,
    )


def test_weights_that_became_nan_are_never_saved(tmp_path):
    checkpoint = Checkpoint(tmp_path / "resume", "d", interval=0)
    with pytest.raises(TrainingDivergedError, match="epoch 4, step 4 of 5"):
        train_poisoned(3, checkpoint)  # step 3 spoils the weights, the loss shows it in step 4
    tensors, state = checkpoint.load()
    assert state["step"] == 2
    assert tensors["model.weight"].isfinite().all()


def test_weights_that_become_nan_in_the_last_step_are_no_result(tmp_path):
    with pytest.raises(TrainingDivergedError):
        train_poisoned(5, Checkpoint(tmp_path / "resume", "d", interval=0))


# ------------------------------------------------------------------------------------ the loop


def test_the_last_incomplete_batch_is_dropped_and_epochs_differ_in_order(undisturbed):
    calls = undisturbed[2]
    assert len(calls) == STEPS
    epochs = [[row for rows, _ in calls[i : i + 5] for row in rows] for i in (0, 5, 10)]
    for rows in epochs:
        assert len(rows) == len(set(rows)) == 40  # each example at most once
        assert set(rows) <= set(range(COUNT))
    assert len({tuple(rows) for rows in epochs}) == 3
    assert set().union(*epochs) == set(range(COUNT))  # who is left out changes as well


def test_the_objective_learns_how_many_epochs_are_done(undisturbed):
    assert [epochs for _, epochs in undisturbed[2]] == pytest.approx([i / 5 for i in range(STEPS)])


def test_the_order_is_a_function_of_the_seed(undisturbed):
    assert run()[2] == undisturbed[2]
    assert run(seed=1)[2] != undisturbed[2]


def test_fewer_examples_than_a_batch_are_one_batch():
    _, _, calls = run(settings=TrainingSettings(epochs=2, batch_size=1000, lr=0.01))
    assert [sorted(rows) for rows, _ in calls] == [list(range(COUNT))] * 2


def test_the_curve_has_the_means_of_each_epoch():
    """The loss of a weight that Adam moves by 0.1 a step from 1: its values are known."""
    model, seen = nn.Linear(1, 1, bias=False), []
    nn.init.ones_(model.weight)

    def objective(rows, epochs):
        w = model.weight.view(1).expand(len(rows))
        seen.append(w[0].item())
        return {"loss": w, "row": rows.double()}

    curve = train(
        model,
        objective,
        name="a net",
        count=7,
        settings=TrainingSettings(epochs=2, batch_size=3, lr=0.1),
        seed=0,
        generator=torch.Generator(),
        evaluate=lambda: {"weight": model.weight.item()},
    )
    # the gradient is 1 throughout, so that Adam's step is its learning rate (float32: 1e-6)
    assert seen == pytest.approx([1, 0.9, 0.8, 0.7], abs=1e-6)
    assert [row["epoch"] for row in curve] == [1, 2]
    assert [row["loss"] for row in curve] == pytest.approx([0.95, 0.75], abs=1e-6)
    assert [row["weight"] for row in curve] == pytest.approx([0.8, 0.6], abs=1e-6)
    assert [row["lr"] for row in curve] == [0.1, 0.1]
    assert not model.training


def test_the_schedule_drives_the_steps():
    model = nn.Linear(1, 1, bias=False)
    nn.init.zeros_(model.weight)
    seen = []

    def objective(rows, epochs):
        seen.append(model.weight.item())
        return {"loss": model.weight.view(1)}

    settings = TrainingSettings(epochs=10, batch_size=1, lr=1.0, schedule="one_cycle")
    curve = train(
        model, objective, name="a net", count=1, settings=settings, seed=0,
        generator=torch.Generator(),
    )  # fmt: skip
    steps = [a - b for a, b in zip(seen, [*seen[1:], model.weight.item()], strict=True)]
    by_hand = [0.04, 0.52, 1] + [0.5 * (1 + math.cos(math.pi * i / 8)) for i in range(1, 8)]
    # a constant gradient makes Adam's step its learning rate; float32
    assert steps == pytest.approx(by_hand, abs=1e-5)
    assert [row["lr"] for row in curve] == pytest.approx(by_hand, abs=1e-12)


@pytest.mark.parametrize(
    ("done", "share"), [(0, 0.04), (0.1, 0.52), (0.2, 1), (0.4, 0.8535533906), (0.6, 0.5), (1, 0)]
)
def test_one_cycle_rises_over_a_fifth_and_falls_to_nothing(done, share):
    settings = TrainingSettings(epochs=1, batch_size=1, lr=3.0, schedule="one_cycle")
    assert learning_rate(settings, done) == pytest.approx(3 * share, abs=1e-9)  # float64
    assert learning_rate(TrainingSettings(epochs=1, batch_size=1, lr=3.0), done) == 3


def test_weight_decay_is_decoupled():
    """Without a gradient the weight shrinks by lr * decay of itself a step (AdamW, not Adam)."""
    model = nn.Linear(1, 1, bias=False)
    nn.init.ones_(model.weight)
    train(
        model,
        lambda rows, epochs: {"loss": 0 * model.weight.view(1)},
        name="a net",
        count=1,
        settings=TrainingSettings(epochs=3, batch_size=1, lr=0.1, weight_decay=0.5),
        seed=0,
        generator=torch.Generator(),
    )
    assert model.weight.item() == pytest.approx(0.95**3, rel=1e-6)  # float32


def test_frozen_parameters_stay(undisturbed):
    model = nn.Sequential(nn.Linear(1, 1), nn.Linear(1, 1))
    model[0].requires_grad_(False)
    before = [p.clone() for p in model.parameters()]
    train(
        model,
        lambda rows, epochs: {"loss": model(torch.ones(len(rows), 1))[:, 0]},
        name="a net",
        count=2,
        settings=TrainingSettings(epochs=3, batch_size=1, lr=0.1),
        seed=0,
        generator=torch.Generator(),
    )
    moved = [not torch.equal(a, b) for a, b in zip(model.parameters(), before, strict=True)]
    assert moved == [False, False, True, True]


if __name__ == "__main__":  # the job that a test kills
    main(sys.argv[1])
