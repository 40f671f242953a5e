"""Where f1 gives no gradient, attacks say so, and nothing that became NaN counts as success."""

import logging

import pytest
import torch
from torch import nn

from typeone.attacks import embedding
from typeone.attacks.criteria import identity_criterion, label_criterion
from typeone.attacks.embedding import EmbeddingAttackSettings
from typeone.attacks.gradients import vanishing, vanishing_of_embeddings
from typeone.attacks.shards import attack_shard
from typeone.attacks.svae_settings import SvaeAttackSettings
from typeone.attacks.type2 import Type2Settings, attack
from typeone.models.svae import DigitSVAE

FGSM = Type2Settings(method="fgsm", epsilon=0.3)
PGD = Type2Settings(method="pgd", epsilon=0.3, steps=2, step_size=0.1)
DEEPFOOL = Type2Settings(method="deepfool", steps=3)
CW = Type2Settings(method="cw_l2", searches=2, steps=3, step_size=0.01)
EAD = Type2Settings(method="ead", searches=2, steps=3, step_size=0.01)
ALL = {settings.method: settings for settings in (FGSM, PGD, DEEPFOOL, CW, EAD)}
WALK = SvaeAttackSettings(
    **{"steps": 3, "lr": 0.1, "beta2": 0.9, "alpha": 0.01, "gamma": 0.0001, "eta": 0.1},
    **{"beta": "ratio", "target_loss": 0.01, "k_start": 1.0, "k_max": 5.0},
    **{"manifold": "probability", "patience": None},
)


class Says(nn.Module):
    """What ``say`` makes of the images by an honest linear network."""

    def __init__(self, say):
        super().__init__()
        with torch.random.fork_rng():
            torch.manual_seed(0)
            self.honest = nn.Sequential(nn.Flatten(), nn.Linear(784, 10))
        self.say = say

    def forward(self, images):
        return self.say(self.honest, images)


def network(say=lambda honest, x: honest(x)):
    return Says(say).eval().requires_grad_(False)


class NoGradient(torch.autograd.Function):
    """The identity, whose gradient is NaN at the first two images."""

    @staticmethod
    def forward(ctx, x):
        return x.clone()

    @staticmethod
    def backward(ctx, gradient):
        return torch.cat([gradient[:2] * torch.nan, gradient[2:]])


def rounds(honest, x):
    return honest((x * 255).round() / 255)


def sharp(honest, x):
    return 1e5 * honest(x)


def saturated(honest, x):
    return (1e5 * honest(x)).softmax(dim=1) * 3


def decides(honest, x):
    return nn.functional.one_hot(honest(x).argmax(dim=1), 10).float()


def detached(honest, x):
    return honest(x.detach())


def half_dead(honest, x):
    """One image of two asks nothing of its pixels: legitimate, as of a dead ReLU."""
    alive = (torch.arange(len(x)) % 2).view(-1, 1)
    return honest(x) * alive + honest(x).detach() * (1 - alive)


@pytest.fixture
def images():
    return torch.rand(4, 1, 28, 28, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("settings", ALL.values(), ids=ALL)
def test_an_ordinary_network_has_a_gradient_everywhere(images, settings):
    f1 = network()
    result = attack(f1, images, f1(images).argmax(dim=1), settings, seed=0)
    assert result.vanishing.tolist() == [False] * 4


@pytest.mark.parametrize("settings", ALL.values(), ids=ALL)
@pytest.mark.parametrize("say", [rounds, saturated])
def test_no_gradient_is_told_of_each_image_and_logged(images, settings, say, caplog):
    f1 = network(say)
    with caplog.at_level(logging.WARNING, "typeone"):
        result = attack(f1, images, f1(images).argmax(dim=1), settings, seed=0)
    assert result.vanishing.tolist() == [True] * 4
    assert caplog.messages == [
        f"{settings.method}: the gradient vanishes at 4 of 4 images, where the attack cannot "
        f"proceed; labels kept there do not show robustness"
    ]


@pytest.mark.parametrize(
    ("settings", "blind"), [(FGSM, True), (PGD, True), (DEEPFOOL, False), (CW, False)]
)
def test_the_gradient_is_that_of_the_loss_which_the_attack_follows(images, settings, blind):
    """Cross-entropy underflows at logits of 1e5 where their margin does not."""
    f1 = network(sharp)
    result = attack(f1, images, f1(images).argmax(dim=1), settings, seed=0)
    assert result.vanishing.tolist() == [blind] * 4


@pytest.mark.parametrize("say", [decides, detached])
def test_what_is_cut_from_the_image_has_no_gradient(images, say):
    f1 = network(say)
    assert vanishing(lambda x: f1(x).sum(dim=1), images).tolist() == [True] * 4


def test_one_dead_image_does_not_speak_for_the_others(images):
    f1 = network(half_dead)
    found = vanishing(lambda x: f1(x)[:, 0], images)
    assert found.tolist() == [True, False, True, False]


def test_a_gradient_is_asked_for_where_gradients_are_off(images):
    f1 = network()
    with torch.no_grad():
        assert not vanishing(lambda x: f1(x)[:, 0], images).any()


@pytest.mark.parametrize("settings", [FGSM, DEEPFOOL, CW, EAD], ids=lambda s: s.method)
def test_a_gradient_that_is_not_finite_is_no_success(images, settings):
    f1 = network(lambda honest, x: honest(NoGradient.apply(x)))
    result = attack(f1, images, f1(images).argmax(dim=1), settings, seed=0)
    assert result.vanishing.tolist() == [True, True, False, False]
    assert result.found.tolist()[:2] == [False, False]
    assert result.images.isfinite().all()
    assert torch.equal(result.images[:2], images[:2])


@pytest.mark.parametrize("settings", [FGSM, DEEPFOOL, CW, EAD], ids=lambda s: s.method)
def test_an_output_that_is_not_finite_is_no_success(images, settings):
    """f1 answers NaN to every image but those that it was shown first."""

    def answer(honest, x):
        given = (x[:, None] == images[None]).flatten(2).all(dim=2).any(dim=1)
        return torch.where(given[:, None], honest(x), torch.nan)

    f1 = network(answer)
    result = attack(f1, images, f1(images).argmax(dim=1), settings, seed=0)
    assert not result.found.any()
    moved = (result.images != images).flatten(1).any(dim=1)
    assert moved.all() or settings is EAD  # EAD gives its starts back
    assert f1(result.images)[moved].isnan().all()  # the image shows why


def test_embeddings_of_unit_length_have_a_gradient(images):
    """Their square does not change, so that it cannot tell."""
    f1 = network(lambda honest, x: nn.functional.normalize(honest(x)))
    assert vanishing_of_embeddings(f1, images, chunk=3).tolist() == [False] * 4
    assert vanishing_of_embeddings(network(rounds), images, chunk=3).tolist() == [True] * 4
    noise = EmbeddingAttackSettings(epsilon=0.1, steps=1, step_size=0.1, start=0.01)
    for recognizer, vanishes in ((f1, False), (network(rounds), True)):
        how = {"generator": torch.Generator().manual_seed(0), "chunk": 3}
        assert (
            embedding.attack(recognizer, images, noise, **how).vanishing.tolist() == [vanishes] * 4
        )


@pytest.fixture(scope="module")
def svae():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return DigitSVAE().eval().requires_grad_(False)


KEEPS = {
    "labels": lambda f1: label_criterion(f1),
    "embeddings": lambda f1: identity_criterion(f1, 1.0),
}


@pytest.mark.parametrize("keep", KEEPS.values(), ids=KEEPS)
@pytest.mark.parametrize(("say", "blind"), [(lambda honest, x: honest(x), False), (rounds, True)])
def test_algorithm_2_tells_where_j1_begins_without_a_gradient(
    svae, images, keep, say, blind, caplog
):
    f1 = network(say)
    labels = f1(images).argmax(dim=1)
    with caplog.at_level(logging.WARNING, "typeone"):
        rows, _ = attack_shard(svae, images, labels, WALK, keep=keep(f1), chunk=3)
    assert rows["gradient_vanishes"].tolist() == [blind] * 4
    said = "attack: the gradient vanishes at 4 of 4 images, where"
    assert [message.startswith(said) for message in caplog.messages] == [True] * blind


def test_algorithm_2_without_f1_asks_for_no_gradient(svae, images):
    rows, _ = attack_shard(svae, images, torch.tensor([0, 1, 2, 3]), WALK, keep=None, chunk=3)
    assert "gradient_vanishes" not in rows


def test_a_walk_into_nan_keeps_its_image(svae, images):
    f1 = network(lambda honest, x: honest(NoGradient.apply(x)))
    labels = f1(images).argmax(dim=1)
    rows, _ = attack_shard(svae, images, labels, WALK, keep=label_criterion(f1), chunk=4)
    assert rows["gradient_vanishes"].tolist() == [True, True, False, False]
    assert (rows["adversarial_image"][:2] == rows["image"][:2]).all()
    assert (rows["latent_end"][:2] == rows["latent_start"][:2]).all()
    assert (rows["adversarial_image"][2:] != rows["image"][2:]).any()
