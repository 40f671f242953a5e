"""Algorithm 1 trains what it should, reads digits and faces as each SVAE does, and resumes."""

from copy import deepcopy

import numpy as np
import pytest
import torch

from typeone.data.faces import FaceWriter
from typeone.models.svae import DigitSVAE, FaceSVAE
from typeone.runtime.artifacts import write_parquet
from typeone.runtime.checkpoints import Checkpoint
from typeone.training import algorithm1
from typeone.training.algorithm1 import (
    Labelled,
    discriminator_accuracy,
    f2_error,
    labelled_at,
    posterior,
    recon_loss_of,
    reconstruction_errors,
    train_stage1,
    train_stage2,
)

COUNT = 20
TRAINING = {"epochs": 2, "batch_size": 4, "lr": 0.01, "beta1": 0.9, "schedule": "one_cycle"}
LOSS = {"recon_weight": 2.0, "kl_warmup": 1.0, "l2": 1e-4, "mirror": True}


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    path = tmp_path_factory.mktemp("faces") / "train.parquet"
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (COUNT, 3, 64, 64), dtype=np.uint8)
    labels = np.arange(COUNT) % 2
    images[labels == 1, :, :32] //= 4  # so that there is something to learn
    with FaceWriter(path) as writer:
        writer.write(np.arange(COUNT), images, labels, labels)
    return path


def narrow():
    return FaceSVAE(latent_dim=4, width=0.04)


def same(model, other):
    ours, theirs = model.state_dict(), other.state_dict()
    return ours.keys() == theirs.keys() and all(torch.equal(v, theirs[k]) for k, v in ours.items())


def stage1(table, checkpoint=None):
    svae = narrow()
    data = labelled_at(svae, table)
    training = {"loss": LOSS, "training": TRAINING}
    return svae, train_stage1(svae, data, data, **training, seed=3, checkpoint=checkpoint)


def stage2(first, table, checkpoint=None):
    svae = deepcopy(first).requires_grad_(False)
    data = labelled_at(svae, table)
    return svae, train_stage2(svae, data, training=TRAINING, seed=3, checkpoint=checkpoint)


class Interrupted(Exception):
    pass


def interrupt(monkeypatch, stage, step):
    """Make the objective of a stage fail at a step."""
    plain, calls = getattr(algorithm1, stage), []

    def failing(*arguments, **settings):
        objective = plain(*arguments, **settings)

        def counted(rows, epochs):
            calls.append(rows)
            if len(calls) == step:
                raise Interrupted
            return objective(rows, epochs)

        return counted

    monkeypatch.setattr(algorithm1, stage, failing)


def test_both_stages_resume_to_the_bits_of_an_undisturbed_run(table, tmp_path, monkeypatch):
    first, curve = stage1(table)
    wanted, curve2 = stage2(first, table)
    for step in (3, 8):  # in the first epoch, in the second
        folder = tmp_path / f"{step}"
        checkpoint = Checkpoint(folder, "d", interval=0)
        with monkeypatch.context() as patch:
            interrupt(patch, "svae_stage1", step)
            with pytest.raises(Interrupted):
                stage1(table, checkpoint)
        assert checkpoint.path.exists()
        svae, resumed = stage1(table, checkpoint)
        assert resumed == curve
        assert same(svae, first)
        checkpoint = Checkpoint(folder / "2", "d", interval=0)
        with monkeypatch.context() as patch:
            interrupt(patch, "svae_stage2", step)
            with pytest.raises(Interrupted):
                stage2(svae, table, checkpoint)
        svae, resumed = stage2(svae, table, checkpoint)
        assert resumed == curve2
        assert same(svae, wanted)


def test_each_stage_moves_its_own_networks(table):
    start = narrow()
    start.reset_parameters(torch.Generator().manual_seed(3))
    first, _ = stage1(table)
    assert same(first.discriminator, start.discriminator)
    for part in ("encoder", "decoder", "classifier"):
        assert not same(getattr(first, part), getattr(start, part)), part
    second, _ = stage2(first, table)
    for part in ("encoder", "decoder", "classifier"):  # batch statistics stand still as well
        assert same(getattr(second, part), getattr(first, part)), part
    assert not same(second.discriminator, first.discriminator)


def test_the_curve_tells_the_parts_of_the_loss_and_the_validation_error(table):
    svae, curve = stage1(table)
    wanted = {"epoch", "loss", "kl", "recon_loss", "f2_loss", "lr", "validation_error"}
    assert [set(row) for row in curve] == [wanted] * 2
    assert curve[-1]["validation_error"] == f2_error(svae, labelled_at(svae, table))


def test_digits_are_binarised_and_faces_are_not(table, tmp_path):
    grey = np.array([[0, 127], [128, 255]], np.uint8)
    digits = tmp_path / "digits.parquet"
    images = np.kron(grey, np.ones((14, 14), np.uint8))[None, None]
    write_parquet(digits, {"image": images, "label": np.array([7])})
    data = labelled_at(DigitSVAE(), digits)
    assert data.images(torch.tensor([0]))[0, 0, ::14, ::14].tolist() == [[0, 0], [1, 1]]
    assert data.labels.tolist() == [7]
    faces = labelled_at(narrow(), table)
    assert len(faces) == COUNT
    assert faces.images(torch.tensor([3, 1])).unique().numel() > 200  # of 256 levels
    assert faces.labels.tolist() == [0, 1] * 10


def test_faces_lose_squared_errors_and_digits_nats():
    logits, images = torch.zeros(1, 1, 2, 2), torch.ones(1, 1, 2, 2)
    assert recon_loss_of(narrow(), logits, images).item() == 1  # four times 1/4
    nats = recon_loss_of(DigitSVAE(), logits, images).item()
    assert nats == pytest.approx(4 * np.log(2), rel=1e-6)  # float32


class Reader:
    """Encodes an image as its mean; f2 calls it bright above 1/2; decodes grey; f_dis reads z."""

    def encode(self, images):
        mu = images.flatten(1).mean(dim=1, keepdim=True)
        return mu, 0 * mu

    def classify(self, z):
        return torch.cat([torch.zeros_like(z), z - 0.5], dim=1)

    def decode_logits(self, z):
        return torch.zeros(len(z), 1, 1, 2)

    def discriminate(self, z):
        return z[:, 0]


def test_figures_are_counted_over_uneven_batches():
    images = torch.tensor([[0.0, 0.0], [1.0, 1.0], [0.0, 0.5]]).view(3, 1, 1, 2)
    data = Labelled(images.__getitem__, torch.tensor([0, 1, 1]), batch=2)
    assert [rows.tolist() for rows in data.batches()] == [[0, 1], [2]]
    assert posterior(Reader(), data)[0].flatten().tolist() == [0, 1, 0.25]
    assert f2_error(Reader(), data) == pytest.approx(1 / 3)  # the last is dark, and labelled 1
    nats = 2 * np.log(2)
    assert reconstruction_errors(Reader(), data).tolist() == pytest.approx([nats] * 3)


def test_the_discriminator_is_judged_on_encoded_and_drawn_latents():
    images = torch.full((400, 1, 1, 2), 1.0)  # encoded as 1 for sure, which f_dis calls encoded
    data = Labelled(images.__getitem__, torch.zeros(400, dtype=torch.int64), batch=100)
    # all encoded are right, and a drawn one half the time: five deviations of 400 are 0.0625
    assert discriminator_accuracy(Reader(), data, 0) == pytest.approx(0.75, abs=0.0625)
