"""Every training on a card: the weights that the CPU learns, the same bytes each time, resumed."""

import copy

import pytest
import torch

from typeone.data.augmentation import augment
from typeone.data.images import binarise
from typeone.defenses.logit_pairing import LogitPairingSettings, logit_pairing
from typeone.models.acgan import AuxiliaryGAN
from typeone.models.classifiers import build_classifier, reset_parameters
from typeone.models.density import DenseVAE
from typeone.models.diffusion import Denoiser, one_hot_classes
from typeone.models.face_judges import build_face_judge
from typeone.models.recognizers import Recognizer
from typeone.models.style_generator import StyleCritic, StyleGenerator
from typeone.models.svae import DigitSVAE, FaceSVAE
from typeone.runtime.checkpoints import Checkpoint
from typeone.theory.quadratic import QuadraticNetwork, SphereTraining, train_quadratic
from typeone.theory.spheres import Spheres
from typeone.training import steps
from typeone.training.loop import TrainingSettings, train
from typeone.training.objectives.acgan import acgan
from typeone.training.objectives.classification import classification
from typeone.training.objectives.density import density
from typeone.training.objectives.diffusion import denoising
from typeone.training.objectives.faces import face_judging, recognition
from typeone.training.objectives.style_gan import style_gan
from typeone.training.objectives.svae import svae_stage1, svae_stage2

pytestmark = pytest.mark.gpu

CPU = torch.device("cpu")
COUNT, BATCH = 24, 8
LR = 2**-10  # float32 holds it exactly: on a card the learning rate is a float32 tensor
# Rounding of 1e-16 in another order; Adam divides by the root of its second moment, which enlarges
# it where a gradient is near 0. Fused Adam on a card seems to take its bias corrections from powers
# in float32: 3e-5 of a step, and six steps move a weight by 6e-3.
ALIKE = {"rtol": 1e-6, "atol": 2e-6}


def seeded(device, seed=0):
    return torch.Generator(device=device).manual_seed(seed)


def data(device, shape):
    generator = torch.Generator().manual_seed(3)
    images = torch.rand(COUNT, *shape, generator=generator)
    return images.to(device), torch.arange(COUNT, device=device) % 10


class Faces:
    """As much of a `FaceTable` as a judge's training asks for."""

    def __init__(self, device):
        self.images, labels = data(device, (3, 64, 64))
        self.labels = (labels % 2).cpu().numpy()

    def faces(self, rows, device):
        return self.images[rows.to(device)]


class Both(torch.nn.Module):
    """Networks that are trained together."""

    def __init__(self, **networks):
        super().__init__()
        for name, network in networks.items():
            setattr(self, name, network)


def classifier(architecture, **further):
    def make(device, generator):
        network = build_classifier(architecture)
        reset_parameters(network, seeded("cpu"))
        network.to(device, torch.get_default_dtype())
        moved = {"shift": 2.0, "rotation": 10.0, "scale": 0.1, "binarised": 0.3, **further}
        images, labels = data(device, (1, 28, 28))
        vary = lambda batch: augment(batch, generator, **moved)  # noqa: E731
        return network, classification(network, images, labels, vary=vary)

    return make


def paired(device, generator):
    network = build_classifier("lenet")
    reset_parameters(network, seeded("cpu"))
    settings = LogitPairingSettings(
        **{"epsilon": 0.3, "steps": 2, "step_size": 0.1, "epsilon_warmup": 1.0},
        **{"clean_weight": 1.0, "adversarial_weight": 1.0, "pairing_weight": 1.0},
    )
    network.to(device, torch.get_default_dtype())
    return network, logit_pairing(network, *data(device, (1, 28, 28)), settings, generator)


def density_of_digits(device, generator):
    model = DenseVAE(latent_dim=6)
    reset_parameters(model, seeded("cpu"))
    model.to(device)
    images, _ = data(device, (1, 28, 28))
    return model, density(model, binarise(images), generator)


def diffusion_of_digits(device, generator):
    model = Denoiser(channels=8)
    reset_parameters(model, seeded("cpu"))
    model.start_at_skip()
    model.to(device, torch.get_default_dtype())
    images, labels = data(device, (1, 28, 28))
    return model, denoising(model, 2 * images - 1, one_hot_classes(labels), generator)


def digits_stage1(device, generator):
    svae = DigitSVAE(latent_dim=6)
    svae.reset_parameters(seeded("cpu"))
    svae.to(device).discriminator.requires_grad_(False)
    images, labels = data(device, (1, 28, 28))
    return svae, svae_stage1(svae, lambda rows: images[rows], labels, generator, kl_warmup=1.0)


def faces_stage1(device, generator):
    svae = FaceSVAE(latent_dim=6, width=1 / 32)
    svae.reset_parameters(seeded("cpu"))
    svae.to(device).discriminator.requires_grad_(False)
    images, labels = data(device, (3, 64, 64))
    how = {"kl_warmup": 0.0, "l2": 1e-4}
    return svae, svae_stage1(svae, lambda rows: images[rows], labels % 2, generator, **how)


def digits_stage2(device, generator):
    svae = DigitSVAE(latent_dim=6)
    svae.reset_parameters(seeded("cpu"))
    svae.to(device).requires_grad_(False)
    svae.discriminator.requires_grad_(True)
    mu = torch.randn(COUNT, 6, generator=torch.Generator().manual_seed(4)).to(device)
    return svae, svae_stage2(svae, mu, 0.1 + mu.square(), generator)


def generator_of_digits(device, generator):
    gan = AuxiliaryGAN(latent_dim=8, channels=4)
    gan.reset_parameters(seeded("cpu"))
    average = copy.deepcopy(gan.to(device).generator).requires_grad_(False)
    how = {"critic_steps": 2, "penalty_weight": 10.0, "classifier_weight": 1.0}
    players = acgan(gan, average, *data(device, (1, 28, 28)), generator, average_decay=0.9, **how)
    return Both(gan=gan, average=average), players


def generator_of_faces(device, generator):
    gan, critic = StyleGenerator(latent_dim=8, channels=4), StyleCritic(channels=4)
    gan.reset_parameters(seeded("cpu"))
    critic.reset_parameters(seeded("cpu", 1))
    gan.to(device), critic.to(device)
    average = copy.deepcopy(gan).requires_grad_(False)
    images, _ = data(device, (3, 64, 64))
    how = {"penalty_weight": 1.0, "average_decay": 0.9}
    players = style_gan(gan, critic, average, lambda rows: images[rows], generator, **how)
    return Both(gan=gan, critic=critic, average=average), players


def judge_of_faces(device, generator):
    judge = build_face_judge("plain")
    reset_parameters(judge, seeded("cpu"))
    judge.to(device, torch.get_default_dtype())
    return judge, face_judging(judge, Faces(device), generator, device)


def recognizer(device, generator):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = Recognizer("face_cnn", preprocessing="fixed", settings={"channels": 2, "dim": 5})
        centres = torch.nn.Parameter(torch.randn(10, 5))
    both = Both(network=network)
    both.centres = centres
    both.to(device)
    images, labels = data(device, (3, 64, 64))
    how = {"vary": lambda faces: faces, "scale": 16.0, "margin": 0.2}
    return both, recognition(network, both.centres, lambda rows: images[rows], labels, **how)


TRAININGS = {
    "mlp": classifier("mlp"),
    "cnn": classifier("cnn"),
    "judge of digits": classifier(
        "judge_residual", shear=0.25, elastic=0.8, strokes=0.3, clutter=0.3
    ),
    "density model": density_of_digits,
    "diffusion model": diffusion_of_digits,
    "attacker": classifier("attacker_deep"),
    "logit pairing": paired,
    "SVAE of digits, stage 1": digits_stage1,
    "SVAE of digits, stage 2": digits_stage2,
    "SVAE of faces, stage 1": faces_stage1,
    "AC-GAN": generator_of_digits,
    "style generator": generator_of_faces,
    "judge of faces": judge_of_faces,
    "recognizer": recognizer,
}


def trained(name, device, checkpoint=None, stop_at=None):
    generator = seeded(device)
    network, objective = TRAININGS[name](device, generator)
    if stop_at is not None:
        calls = []

        def count(*_):
            calls.append(None)
            if len(calls) > stop_at:
                raise InterruptedError

        layers = (m for m in network.modules() if isinstance(m, torch.nn.Linear | torch.nn.Conv2d))
        next(layers).register_forward_pre_hook(count)
    curve = train(
        *(network, objective),
        **{"name": name, "count": COUNT, "seed": 0, "generator": generator},
        settings=TrainingSettings(epochs=2, batch_size=BATCH, lr=LR),
        checkpoint=checkpoint,
    )
    state = {k: v.cpu() for k, v in network.state_dict().items()}
    return state, [list(row.values()) for row in curve]


@pytest.mark.parametrize("name", TRAININGS)
def test_a_card_learns_what_the_cpu_learns(name, card, double_precision, same_noise):
    (found, curve), (expected, expected_curve) = trained(name, card), trained(name, CPU)
    assert found.keys() == expected.keys()
    for key, value in expected.items():
        torch.testing.assert_close(found[key], value, **ALIKE, msg=key)
    torch.testing.assert_close(torch.tensor(curve), torch.tensor(expected_curve), **ALIKE)


@pytest.mark.parametrize("name", TRAININGS)
def test_training_twice_on_a_card_gives_the_same_bytes(name, card):
    (first, curve), (second, again) = trained(name, card), trained(name, card)
    assert curve == again
    for key, value in first.items():
        assert torch.equal(value, second[key]), key


@pytest.mark.parametrize("name", TRAININGS)
def test_replays_of_a_training_give_the_bytes_of_plain_steps(name, card, monkeypatch, caplog):
    (recorded, curve), warnings = trained(name, card), list(caplog.messages)
    monkeypatch.setattr(steps, "graphs_on", lambda *_: None)
    plain, again = trained(name, card)
    assert not warnings  # of a recording that was refused
    assert curve == again
    for key, value in recorded.items():
        assert torch.equal(value, plain[key]), key


@pytest.mark.parametrize("name", ["mlp", "cnn", "SVAE of digits, stage 1", "AC-GAN"])
def test_a_stopped_training_goes_on_in_the_same_bytes(name, card, tmp_path):
    whole, _ = trained(name, card)
    with pytest.raises(InterruptedError):
        trained(name, card, Checkpoint(tmp_path, "d", interval=0), stop_at=2)
    assert list(tmp_path.glob("*.safetensors"))
    again, _ = trained(name, card, Checkpoint(tmp_path, "d", interval=0))
    for key, value in whole.items():
        assert torch.equal(value, again[key]), key


def test_the_spheres_are_learnt_alike(card, double_precision, same_noise):
    spheres = Spheres(dim=20, inner=0.8, outer=1.0)
    settings = SphereTraining(
        **{"steps": 50, "batch_size": 64, "lr": 0.01, "beta1": 0.9, "beta2": 0.99},
        **{"schedule": "one_cycle", "curve_every": 50},
    )

    def learnt(device):
        network = QuadraticNetwork(20, 18)
        network.reset(spheres, seeded("cpu"))
        network.to(device)
        train_quadratic(network, spheres, settings, generator=seeded(device), name="spheres")
        return [p.detach().cpu() for p in network.parameters()]

    for found, expected in zip(learnt(card), learnt(CPU), strict=True):
        torch.testing.assert_close(found, expected, rtol=0, atol=1e-7)  # its Adam is not fused
