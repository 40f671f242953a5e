"""Generators of faces keep one protocol; a pickle runs only when it is known and wanted."""

import copy
import hashlib
import pickle
import sys
import types
from pathlib import Path

import pytest
import torch
from torch import nn

from typeone.attacks.criteria import KeepIdentity
from typeone.attacks.frames import Followed
from typeone.attacks.latent import LatentAttackSettings, attack, jittered
from typeone.models.face_generators import (
    MOBILE,
    NVIDIA,
    STYLE,
    MobileStyleGan,
    load_face_generator,
)
from typeone.models.readers.nvidia_stylegan import load_nvidia
from typeone.models.readers.openvino import read_ir
from typeone.models.style_generator import StyleCritic, StyleGenerator, _Modulated
from typeone.runtime.artifacts import save_model
from typeone.runtime.errors import InputError
from typeone.training.loop import TrainingSettings, train
from typeone.training.losses import embedding_distance, squared_slope
from typeone.training.objectives.style_gan import style_gan

from ..handmade import Net, draw

F64 = torch.float64


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def small(seed=0):
    gan = StyleGenerator(latent_dim=6, channels=2)
    gan.reset_parameters(seeded(seed))
    return gan.eval().requires_grad_(False)


def mobile():
    """Graphs in the form of MobileStyleGAN's: z (1, 4) → w (1, 4) → an image (1, 3, 2, 2)."""
    net = Net((1, 4))
    end = net.layer("Add", net.input, net.constant([0.5, 0.0, -0.5, 1.0], (1, 4)))
    mapping = read_ir(net.xml(end, shape=(1, 4)), net.binary, name="mapping")
    net = Net((1, 4))
    weight = net.constant(0.3 * draw(12, 4), (12, 4))
    flat = net.layer("MatMul", net.input, weight, transpose_b="true")
    end = net.layer("Reshape", flat, net.constant([1, 3, 2, 2], (4,), "i64"))
    synthesis = read_ir(net.xml(end, shape=(1, 3, 2, 2)), net.binary, name="synthesis")
    graphs = {"mapping": mapping, "synthesis": synthesis}
    gan = MobileStyleGan({k: g.program for k, g in graphs.items()}, truncation=0.5)
    for name, graph in graphs.items():
        gan.get_submodule(name).load_state_dict(graph.state_dict())
    gan.centre(seeded())
    return gan


class Network(nn.Module):
    """What NVIDIA's pickles hold, as far as they are asked."""

    z_dim, img_resolution = 5, 4

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(draw(48, 5))

    def forward(self, z, c, *, truncation_psi, noise_mode, force_fp32):
        assert c is None
        assert (noise_mode, force_fp32) == ("const", True)
        return (truncation_psi * z @ self.weight.T).view(-1, 3, 4, 4)


@pytest.fixture
def module(monkeypatch):
    """A module that the pickle's classes come from, as NVIDIA's do."""
    made = types.ModuleType("nvidia_like")
    made.Network = type("Network", (Network,), {"__module__": "nvidia_like"})
    monkeypatch.setitem(sys.modules, "nvidia_like", made)
    return made


@pytest.fixture
def pickled(tmp_path, module):
    """The path of such a pickle and its sum."""
    path = tmp_path / "ffhq.pkl"
    path.write_bytes(pickle.dumps({"G_ema": module.Network(), "D": None}))
    return path, hashlib.sha256(path.read_bytes()).hexdigest()


# ------------------------------------------------------------------------------- the protocol


@pytest.fixture(params=[STYLE, MOBILE, NVIDIA])
def generator(request, tmp_path, pickled):
    """Each generator as its checkpoint gives it back."""
    path = tmp_path / "model.safetensors"
    note = {"architecture": request.param, "truncation": 0.5}
    if request.param == STYLE:
        save_model(path, small(), metadata={**note, "latent_dim": 6, "channels": 2})
    elif request.param == MOBILE:
        gan = mobile()
        graphs = {k: gan.get_submodule(k).program for k in ("mapping", "synthesis")}
        save_model(path, gan, metadata={**note, "graphs": graphs})
    else:
        file, sha256 = pickled
        how = {"pickle": str(file), "sha256": sha256, "allow_pickle": True}
        save_model(path, nn.Module(), metadata={**note, **how})
    return load_face_generator(path)


def test_images_have_their_size_and_range(generator):
    images = generator(3 * draw(4, generator.latent_dim))
    assert images.shape == (4, 3, generator.size, generator.size)
    assert ((images >= 0) & (images <= 1)).all()
    assert images.std() > 0.01


def test_the_same_latent_gives_the_same_face_in_any_batch(generator):
    z = draw(3, generator.latent_dim)
    alone = torch.cat([generator(row[None]) for row in z])
    torch.testing.assert_close(generator(z), alone)  # products of another size round otherwise
    assert torch.equal(generator(z), generator(z))


def test_it_is_frozen_and_in_eval_mode(generator):
    assert not generator.training
    assert not any(p.requires_grad for p in generator.parameters())


def test_gradients_reach_the_latent(generator):
    generator.double()
    z = 0.1 * draw(1, generator.latent_dim).double()
    z.requires_grad_(True)
    assert torch.autograd.gradcheck(lambda z: generator(z).flatten(1)[:, :24], (z,))


def test_truncation_pulls_w_to_its_mean():
    gan = mobile()
    z = draw(2, 4)
    w = gan.mean + 0.5 * (gan.mapping(z) - gan.mean)
    wanted = ((gan.synthesis(w) + 1) / 2).clamp(0, 1)
    assert torch.equal(gan(z), wanted)
    # the mean of w = z + b over 4096 normal z: b, give or take 4 / sqrt(4096)
    assert torch.allclose(gan.mean[0], torch.tensor([0.5, 0.0, -0.5, 1.0]), atol=0.07)


def test_a_checkpoint_of_something_else_is_refused(tmp_path):
    path = tmp_path / "model.safetensors"
    save_model(path, nn.Linear(2, 2), metadata={"architecture": "lenet"})
    with pytest.raises(
        InputError, match="contains 'lenet', needs one of style-64x64, mobilestylegan"
    ):
        load_face_generator(path)


# ------------------------------------------------------------------------ the small generator


@pytest.mark.parametrize("doubled", [False, True])
def test_modulated_layers_are_convolutions_of_scaled_weights(doubled):
    """Karras et al. (2020), Eq. 1 and 3, done on the weights of each example as printed."""
    layer = _Modulated(4, 3, 5, doubled=doubled).double()
    with torch.no_grad():
        for p in layer.parameters():
            p.copy_(draw(*p.shape, seed=p.numel()))
    x, w = draw(2, 3, 6, 6).double(), draw(2, 4, seed=1).double()
    for i in range(2):
        scale = layer.style(w[i])
        if doubled:
            weight = scale[:, None, None, None] * layer.weight
            norm = weight.square().sum(dim=(0, 2, 3)).div(4).rsqrt()
            wanted = nn.functional.conv_transpose2d(
                x[i : i + 1], weight * norm[None, :, None, None], layer.bias, stride=2, padding=1
            )
        else:
            weight = scale[None, :, None, None] * layer.weight
            norm = weight.square().sum(dim=(1, 2, 3)).rsqrt()
            wanted = nn.functional.conv2d(
                x[i : i + 1], weight * norm[:, None, None, None], layer.bias, padding=1
            )
        torch.testing.assert_close(layer(x, w)[i : i + 1], wanted, rtol=1e-6, atol=1e-6)


def test_the_critic_sees_a_batch_of_one_face():
    critic = StyleCritic(channels=2)
    critic.reset_parameters(seeded())
    face = torch.rand(1, 3, 64, 64, generator=seeded(1)).expand(4, -1, -1, -1)
    faces = torch.rand(4, 3, 64, 64, generator=seeded(1))
    assert torch.equal(faces[0], face[0])
    assert not torch.allclose(critic(face)[0], critic(faces)[0])


def test_the_squared_slope_of_a_plane():
    images = torch.zeros(2, 1, 2, 2, dtype=F64, requires_grad=True)
    plane = torch.tensor([1.0, 2.0, 3.0, 4.0], dtype=F64)
    slope = squared_slope(images.flatten(1) @ plane, images)
    assert slope.tolist() == [30.0, 30.0]


def test_training_moves_both_and_the_average_follows():
    faces = torch.rand(8, 3, 64, 64, generator=seeded(2))
    gan, critic = StyleGenerator(latent_dim=6, channels=2), StyleCritic(channels=2)
    for network in (gan, critic):
        network.reset_parameters(seeded())
    before = copy.deepcopy(gan.state_dict())
    average = copy.deepcopy(gan).requires_grad_(False)
    generator = seeded(3)
    rows = train(
        nn.ModuleDict({"gan": gan, "critic": critic, "average": average}),
        style_gan(
            *(gan, critic, average, lambda rows: faces[rows], generator),
            **{"penalty_weight": 0.5, "average_decay": 0.5},
        ),
        name="style",
        count=8,
        settings=TrainingSettings(epochs=1, batch_size=8, lr=0.01, beta1=0.0),
        seed=0,
        generator=generator,
    )
    assert {"critic_loss", "generator_loss", "penalty", "train_error"} <= set(rows[0])
    for name, value in gan.state_dict().items():
        torch.testing.assert_close(average.state_dict()[name], (before[name] + value) / 2)
    assert not torch.equal(gan.constant, before["constant"])


# ------------------------------------------------------------------------------- the attack


def test_a_followed_attack_ends_as_one_that_is_not():
    gan = small().double()
    look = draw(3 * 64 * 64, 4).double()

    class Looking(nn.Module):
        def forward(self, images):
            return nn.functional.normalize(images.flatten(1) @ look, dim=1)

    z = draw(1, 6).double()
    settings = LatentAttackSettings(
        **{"steps": 6, "lr": 0.1, "k": 0.01, "epsilon": 0.35, "form": "sm", "jitter": 0.01}
    )
    keep = KeepIdentity(Looking(), Looking()(gan(z)), 1.0)
    start = jittered(z, settings.jitter, seeded())
    followed = Followed(keep, side=16)
    ends = [
        attack(lambda moved, _rows: gan(moved), z, settings, keep=how, start=start)
        for how in (keep, followed)
    ]
    assert torch.equal(ends[0].latent_end, ends[1].latent_end)
    assert [frame.step for frame in followed.frames] == list(range(7))
    assert {tuple(frame.image.shape) for frame in followed.frames} == {(3, 16, 16)}
    last = embedding_distance(Looking()(ends[0].images), Looking()(gan(z)))
    assert followed.frames[-1].loss == pytest.approx(last.item())


# --------------------------------------------------------------------------- NVIDIA's pickle


class Harmful:
    """An object that does something when it is unpickled."""

    def __init__(self, mark):
        self.mark = mark

    def __reduce__(self):
        return Path.touch, (self.mark,)


ALLOWED = {"allow_pickle": True, "truncation": 1.0}


@pytest.fixture
def harmful(tmp_path):
    """A pickle that leaves a mark, its sum, and where the mark would be."""
    path, mark = tmp_path / "harmful.pkl", tmp_path / "mark"
    path.write_bytes(pickle.dumps(Harmful(mark)))
    return path, hashlib.sha256(path.read_bytes()).hexdigest(), mark


def test_a_pickle_is_loaded_with_a_warning(pickled, caplog):
    path, sha256 = pickled
    gan = load_nvidia(path, sha256=sha256.upper(), **ALLOWED)
    assert (gan.latent_dim, gan.size) == (5, 4)
    assert "the code in it runs with all rights of this user" in caplog.text


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ({"allow_pickle": False}, "set `stylegan.allow_pickle: true`, or take `stylegan.source: w"),
        ({"sha256": None}, "`stylegan.sha256` is null; needs the SHA-256 of"),
        ({"sha256": "0" * 64}, "it is a different file, which was not run"),
    ],
)
def test_nothing_runs_before_the_file_is_known_and_wanted(harmful, how, message):
    path, sha256, mark = harmful
    with pytest.raises(InputError, match=message) as caught:
        load_nvidia(path, **{"sha256": sha256, **ALLOWED, **how})
    assert "\n" not in str(caught.value)
    assert not mark.exists()


def test_an_absent_pickle(tmp_path):
    with pytest.raises(InputError, match=r"absent.pkl cannot be read \(No such file"):
        load_nvidia(tmp_path / "absent.pkl", sha256="0" * 64, **ALLOWED)


@pytest.mark.parametrize("content", [{"D": None}, {"G_ema": nn.Linear(2, 2)}, [1, 2]])
def test_a_pickle_of_something_else(tmp_path, content):
    path = tmp_path / "other.pkl"
    path.write_bytes(pickle.dumps(content))
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    with pytest.raises(
        InputError, match=r"does not contain a generator.*of that code on PYTHONPATH"
    ):
        load_nvidia(path, sha256=sha256, **ALLOWED)


def test_a_pickle_whose_code_is_not_there(pickled, monkeypatch):
    path, sha256 = pickled
    monkeypatch.delitem(sys.modules, "nvidia_like")
    with pytest.raises(InputError, match=r"ModuleNotFoundError: .*nvidia_like.* PYTHONPATH"):
        load_nvidia(path, sha256=sha256, **ALLOWED)


def test_a_damaged_pickle(tmp_path):
    path = tmp_path / "half.pkl"
    path.write_bytes(pickle.dumps({"G_ema": 1})[:-3])
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    with pytest.raises(InputError, match=r"does not contain a generator"):
        load_nvidia(path, sha256=sha256, **ALLOWED)
