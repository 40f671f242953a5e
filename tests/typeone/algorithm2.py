"""What tests of Algorithm 2 share: settings, a toy SVAE to follow by hand, small real networks."""

import math
from dataclasses import replace

import torch

from typeone.attacks.criteria import next_class
from typeone.attacks.svae_settings import SvaeAttackSettings
from typeone.models.classifiers import mlp, reset_parameters
from typeone.models.svae import DigitSVAE

LN2 = math.log(2)
F64 = torch.float64

SETTINGS = SvaeAttackSettings(
    steps=20,
    lr=0.02,
    beta2=0.999,
    alpha=0.01,
    gamma=0.0001,
    eta=0.1,
    beta="ratio",
    target_loss=0.01,
    k_max=10.0,
    manifold="probability",
    patience=None,
    check_every=10,
)


def f64(*values):
    return torch.tensor(values, dtype=F64)


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


class ToySvae:
    """Two classes split by z_0, f_dis by z_1; the decoded pixels are z itself, in one row."""

    def classify(self, z):
        return torch.stack([-z[:, 0], z[:, 0]], dim=1)

    def discriminate(self, z):
        return z[:, 1]

    def decode(self, z):
        return z.view(len(z), 1, 1, -1)


def real_networks(seed=0, dtype=F64):
    """An untrained SVAE and MLP in eval mode; their parameters could take gradients."""
    svae, f1 = DigitSVAE(latent_dim=6), mlp()
    svae.reset_parameters(seeded(seed))
    reset_parameters(f1, seeded(seed + 1))
    # untrained nets decode to flat grey: larger weights give images and logits that differ
    with torch.no_grad():
        for p in [*svae.decoder.parameters(), *svae.classifier.parameters()]:
            p *= 1.5
    return svae.to(dtype).eval(), f1.to(dtype).eval()


def batch_of_attacks(n=5):
    """Real networks, latents, the labels that f1 gives at the start, and targets of f2."""
    svae, f1 = real_networks(seed=5)
    latent = 1.5 * torch.randn(n, 6, generator=seeded(8), dtype=F64)
    with torch.no_grad():
        labels = f1(svae.decode(latent)).argmax(dim=1)
        targets = next_class(svae.classify(latent).argmax(dim=1))
    return svae, f1, latent, labels, targets


# f1 of an untrained net is never sure: a J1 of 1.8 nats counts as kept
TOGETHER = replace(
    SETTINGS, steps=80, lr=0.05, eta=0.1, target_loss=1.8, k_max=1.0, patience=20, beta="ratio"
)

# float64 sums in another order differ by 1e-16; Adam's first steps and 80 steps of a network
# with kinks enlarge that, by far less than a factor of 1e8
ALIKE = {"rtol": 0, "atol": 1e-8}
