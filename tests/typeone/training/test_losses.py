"""Every loss term is the number that pen and paper give, one an example."""

import math

import pytest
import torch
from torch import nn

from typeone.training.losses import (
    cross_entropy,
    discriminator_loss,
    kl_divergence,
    latent_norm,
    manifold_penalty,
    recon_loss,
    squared_error,
    weight_penalty,
)
from typeone.training.objectives.classification import classification
from typeone.training.objectives.svae import mirror_half, svae_stage1, svae_stage2

LN2, LN3 = math.log(2), math.log(3)  # a logit of ln 3 is a probability of 3/4
F64 = torch.float64
TIGHT = {"rtol": 1e-12, "atol": 1e-12}  # float64 keeps 16 digits, a handful of operations 12


def f64(*values):
    return torch.tensor(values, dtype=F64)


def test_kl_of_two_gaussians_by_hand():
    # KL[N(m, s²) || N(0, 1)] = (m² + s² - 1)/2 - ln s, summed over the dimensions
    mu, sigma = f64([1, 0], [0, 0], [3, -2]), f64([2, 1], [1, 1], [0.5, 1])
    by_hand = f64(2 - LN2, 0, (9 + 0.25 - 1) / 2 + LN2 + 2)
    torch.testing.assert_close(kl_divergence(mu, sigma), by_hand, **TIGHT)


def test_kl_agrees_with_torch_distributions():
    generator = torch.Generator().manual_seed(0)
    mu = torch.randn(5, 7, generator=generator, dtype=F64)
    sigma = torch.rand(5, 7, generator=generator, dtype=F64) + 0.1
    normal = torch.distributions.Normal
    theirs = torch.distributions.kl_divergence(normal(mu, sigma), normal(f64(0), f64(1))).sum(1)
    torch.testing.assert_close(kl_divergence(mu, sigma), theirs, **TIGHT)


def test_recon_loss_is_summed_over_pixels_one_value_an_image():
    logits = f64([0, LN3], [LN3, LN3]).view(2, 1, 1, 2)
    images = f64([1, 0], [1, 0.5]).view(2, 1, 1, 2)
    # first: -ln 1/2 - ln 1/4; second: -ln 3/4 and, for a grey pixel, half of each logarithm
    by_hand = f64(3 * LN2, 1.5 * (2 * LN2 - LN3) + 0.5 * 2 * LN2)
    torch.testing.assert_close(recon_loss(logits, images), by_hand, **TIGHT)


def test_squared_error_is_summed_over_channels_and_pixels_one_value_an_image():
    logits = f64([0, LN3, -LN3, 0], [0, 0, 0, 0]).view(2, 2, 1, 2)
    images = f64([0.5, 1, 1, 0], [0, 1, 0.5, 0.25]).view(2, 2, 1, 2)
    # decoded: 1/2, 3/4, 1/4, 1/2; and 1/2 everywhere
    by_hand = f64(0 + 1 / 16 + 9 / 16 + 1 / 4, 1 / 4 + 1 / 4 + 0 + 1 / 16)
    torch.testing.assert_close(squared_error(logits, images), by_hand, **TIGHT)


def test_weight_penalty_is_half_the_squared_weights_of_convolutions_and_dense_layers():
    conv, dense, norm = nn.Conv2d(1, 2, 1), nn.Linear(2, 1), nn.BatchNorm2d(2)
    for layer, weights in ((conv, [1.0, 2.0]), (dense, [3.0, -4.0]), (norm, [7.0, 7.0])):
        layer.weight.data = torch.tensor(weights).view_as(layer.weight)
        nn.init.constant_(layer.bias, 9.0)
    penalty = weight_penalty([nn.Sequential(conv, norm), nn.Sequential(dense)])
    assert penalty.item() == 0.5 * (1 + 4 + 9 + 16)
    penalty.backward()
    assert conv.weight.grad.flatten().tolist() == [1, 2]
    assert norm.weight.grad is None
    assert dense.bias.grad is None


def test_cross_entropy_by_hand():
    logits = f64([0, LN3], [0, LN3])
    by_hand = f64(2 * LN2 - LN3, 2 * LN2)  # -ln 3/4, -ln 1/4
    torch.testing.assert_close(cross_entropy(logits, torch.tensor([1, 0])), by_hand, **TIGHT)


def test_discriminator_loss_takes_encoded_as_real_and_halves_each_term():
    encoded, drawn = f64(LN3, -LN3, 0), f64(LN3, -LN3, 0)
    # -ln f_dis(encoded) / 2 - ln(1 - f_dis(drawn)) / 2
    by_hand = 0.5 * f64(2 * LN2 - LN3 + 2 * LN2, 2 * LN2 + 2 * LN2 - LN3, 2 * LN2)
    torch.testing.assert_close(discriminator_loss(encoded, drawn), by_hand, **TIGHT)
    assert discriminator_loss(f64(1000), f64(-1000)).item() == 0  # right and sure costs nothing


@pytest.mark.parametrize(
    ("form", "by_hand"),
    [("probability", [0.5, 0.25, 0.75, 1, 0]), ("log", [LN2, 2 * LN2 - LN3, 2 * LN2, 1000, 0])],
)
def test_manifold_penalty_in_both_forms(form, by_hand):
    logit = f64(0, LN3, -LN3, -1000, 1000)  # the last two: no overflow far from the manifold
    torch.testing.assert_close(manifold_penalty(logit, form), f64(*by_hand), **TIGHT)


def test_latent_norm_is_not_squared_and_flat_at_the_origin():
    z = f64([3, 4], [0, 0]).requires_grad_(True)
    norm = latent_norm(z)
    assert norm.tolist() == [5, 0]
    norm.sum().backward()
    torch.testing.assert_close(z.grad, f64([0.6, 0.8], [0, 0]), **TIGHT)


class ConstantSvae:
    """q(z|x) = N(2, 3²) a dimension for every image; flat pixels, undecided f2; f_dis reads z_0."""

    def __init__(self):
        self.decoded, self.discriminated = [], []

    def encode(self, images):
        mu = torch.full((len(images), 4), 2.0, dtype=F64)
        return mu, mu * 1.5

    def decode_logits(self, z):
        self.decoded.append(z)
        return torch.zeros(len(z), 1, 2, 3, dtype=F64)

    def classify(self, z):
        return torch.zeros(len(z), 10, dtype=F64)

    def discriminate(self, z):
        self.discriminated.append(z)
        return z[:, 0]


# a dimension of N(2, 3²) costs (4 + 9 - 1)/2 - ln 3 nats; six undecided pixels, ten classes
KL, RECON, F2 = 4 * (6 - LN3), 6 * LN2, math.log(10)


@pytest.mark.parametrize(
    ("kl_warmup", "epochs", "weight"),
    [(0, 0.0, 1), (0, 3.0, 1), (2, 0.0, 0), (2, 0.5, 0.25), (2, 2.0, 1), (2, 9.0, 1)],
)
def test_stage1_is_eq6_and_only_the_warm_up_weighs_it(kl_warmup, epochs, weight):
    images, labels = torch.ones(5, 1, 2, 3, dtype=F64), torch.arange(5)
    objective = svae_stage1(
        *(ConstantSvae(), images.__getitem__, labels, torch.Generator().manual_seed(0)),
        kl_warmup=kl_warmup,
    )
    values = objective(torch.tensor([0, 3]), epochs)
    by_hand = {"loss": weight * KL + RECON + F2, "kl": KL, "recon_loss": RECON, "f2_loss": F2}
    assert values.keys() == by_hand.keys()
    for name, value in by_hand.items():
        torch.testing.assert_close(values[name], f64(value, value), **TIGHT)


def test_stage1_weighs_its_terms_and_adds_the_penalty_of_weights():
    svae = ConstantSvae()
    # encoder, decoder and f2 with weights 2, 3 and 5, f_dis with 7: half of 4 + 9 + 25
    for name, weight in (("encoder", 2), ("decoder", 3), ("classifier", 5), ("discriminator", 7)):
        layer = nn.Linear(1, 1, dtype=F64)
        nn.init.constant_(layer.weight, weight)
        nn.init.constant_(layer.bias, 100.0)  # free of it
        setattr(svae, name, nn.Sequential(layer))
    objective = svae_stage1(
        *(svae, torch.ones(5, 1, 2, 3, dtype=F64).__getitem__, torch.arange(5)),
        torch.Generator().manual_seed(0),
        recon=squared_error,
        recon_weight=4.0,
        f2_weight=3.0,
        kl_warmup=0,
        l2=0.01,
    )
    values = objective(torch.tensor([0, 3]), 0.0)
    # six pixels of 1 decoded as 1/2
    loss = KL + 4 * 6 * 0.25 + 3 * F2 + 0.01 * 19
    torch.testing.assert_close(values["loss"], f64(loss, loss), **TIGHT)
    torch.testing.assert_close(values["recon_loss"], f64(1.5, 1.5), **TIGHT)


def test_stage1_decodes_a_sample_of_the_posterior():
    n = 5000
    svae, labels = ConstantSvae(), torch.zeros(n, dtype=torch.int64)
    images = torch.ones(n, 1, 2, 3, dtype=F64)
    generator = torch.Generator().manual_seed(0)
    svae_stage1(svae, images.__getitem__, labels, generator, kl_warmup=0)(torch.arange(n), 0.0)
    (z,) = svae.decoded
    # the mean of 20,000 draws of N(2, 3²) has a deviation of 0.021, their deviation one of 0.015:
    # five of each
    assert z.mean().item() == pytest.approx(2, abs=0.11)
    assert z.std().item() == pytest.approx(3, abs=0.08)


def test_half_of_the_images_are_mirrored():
    images = torch.randn(400, 3, 4, 5, generator=torch.Generator().manual_seed(1))
    mirrored = mirror_half(images, torch.Generator().manual_seed(0))
    changed = (mirrored != images).flatten(1).any(dim=1)
    assert torch.equal(mirrored[changed], images[changed].flip(3))
    # five deviations of 400 coins are 50
    assert changed.sum().item() == pytest.approx(200, abs=50)


def test_stage1_mirrors_only_where_it_is_told_to():
    images = torch.arange(6.0, dtype=F64).view(1, 1, 2, 3).repeat(400, 1, 1, 1)
    encoded, targets = [], []

    class Watched(ConstantSvae):
        def encode(self, batch):
            encoded.append(batch)
            return super().encode(batch)

    def recon(logits, batch):
        targets.append(batch)
        return squared_error(logits, batch)

    settings = {"recon": recon, "kl_warmup": 0}
    for mirror in (False, True):
        generator = torch.Generator().manual_seed(0)
        problem = (Watched(), images.__getitem__, torch.arange(400) % 10, generator)
        svae_stage1(*problem, **settings, mirror=mirror)(torch.arange(400), 0.0)
    plain, mirrored = encoded
    assert torch.equal(plain, images)
    assert torch.equal(mirrored.unique(dim=0), torch.cat([images[:1], images[:1].flip(3)]))
    assert all(torch.equal(*pair) for pair in zip(encoded, targets, strict=True))


def test_stage2_sets_encoded_against_standard_normal_latents():
    n, svae = 5000, ConstantSvae()
    mu = torch.full((n, 4), 50.0)
    generator = torch.Generator().manual_seed(0)
    values = svae_stage2(svae, mu, torch.ones(n, 4), generator)(torch.arange(n), 0.0)
    encoded, drawn = svae.discriminated
    # five deviations of the mean and of the deviation of 20,000 draws of N(., 1): 0.035, 0.025
    assert encoded.mean().item() == pytest.approx(50, abs=0.036)
    assert drawn.mean().item() == pytest.approx(0, abs=0.036)
    assert drawn.std().item() == pytest.approx(1, abs=0.026)
    # an encoded logit near 50 costs e^-50, so that what is left is the drawn half
    by_hand = 0.5 * torch.log1p(drawn[:, 0].exp())
    torch.testing.assert_close(values["loss"], by_hand, rtol=1e-5, atol=1e-6)  # float32
    # encoded ones are all called real; a drawn one counts half an error where its logit is above 0
    assert values["train_error"].tolist() == (0.5 * (drawn[:, 0] > 0)).tolist()


def test_classification_reads_the_rows_it_is_given_and_counts_errors():
    images = f64([0, LN3], [LN3, 0], [0, LN3]).view(3, 1, 1, 2)
    objective = classification(torch.nn.Flatten(), images, torch.tensor([1, 1, 0]))
    values = objective(torch.tensor([2, 0]), 0.0)
    torch.testing.assert_close(values["loss"], f64(2 * LN2, 2 * LN2 - LN3), **TIGHT)
    assert values["train_error"].tolist() == [1, 0]


def test_classification_trains_on_the_varied_images():
    images, labels = f64([0, LN3]).view(1, 1, 1, 2), torch.tensor([0])
    objective = classification(torch.nn.Flatten(), images, labels, vary=lambda batch: batch.flip(3))
    values = objective(torch.tensor([0]), 0.0)
    torch.testing.assert_close(values["loss"], f64(2 * LN2 - LN3), **TIGHT)
