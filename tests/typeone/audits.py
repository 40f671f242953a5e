"""A small kit of untrained networks and random images, for tests of audits."""

import torch
from torch import nn

from typeone.evaluation.audit.kit import SPLITS, make_kit
from typeone.models.classifiers import build_classifier, reset_parameters
from typeone.models.density import DenseVAE
from typeone.models.svae import DigitSVAE

from .algorithm2 import SETTINGS, seeded

ROLES = {"attackers": ["strided", "pooled"], "judges": ["plain", "wide"]}
COUNTS = {"test": 150, "validation": 60, "train": 40}


def attack(name, kind, **settings):
    return {"name": name, "kind": kind, "label": f"the {name}", "aim": None, "settings": settings}


def walk(name, aim, **changes):
    settings = vars(SETTINGS) | {"steps": 4, "lr": 0.1, "check_every": 1} | changes
    return attack(name, "svae", **settings) | {"aim": aim}


ATTACKS = [
    walk("ours", "runner_up", image_weight=1.0, density_weight=0.01, attackers_in_turn=True),
    walk("paper", "next"),
    attack("nearest", "baseline", method="nearest"),
    attack("fgsm", "type2", method="fgsm", epsilon=0.3),
    attack("pgd", "type2", method="pgd", epsilon=0.3, steps=3, step_size=0.1),
]


def images(seed, count):
    return torch.rand(count, 1, 28, 28, generator=seeded(seed)), torch.arange(count) % 10


def small_kit(attacks=ATTACKS, *, count=6):
    """A kit whose density model calls nothing odd or noisy."""
    members = {
        role: [(name, build_classifier(f"{role[:-1]}_{name}")) for name in names]
        for role, names in ROLES.items()
    }
    networks = {"svae": DigitSVAE(latent_dim=5)}
    networks |= {role: DenseVAE(latent_dim=3) for role in ("density", "attack_density")}
    networks["svae"].reset_parameters(seeded(1))
    every = [network for role in members.values() for _, network in role]
    for seed, network in enumerate([*every, networks["density"], networks["attack_density"]], 2):
        reset_parameters(network, seeded(seed))
    note = {
        **{"dataset": "mnist", "classes": 10, "preset": "smoke", "clear_confidence": 0.1},
        "svae": {"latent_dim": 5},
        "density": {
            "latent_dim": 3,
            "limits": {"negative_elbo": [1e9] * 10, "noise": [1.0] * 10},
        },
        "attack_density": {"latent_dim": 3},
        "attacks": list(attacks),
        "detector": {"bits": 1, "median": 2, "false_positive_rate": 0.05},
        "count": count,
    } | {
        role: [{"name": name, "architecture": f"{role[:-1]}_{name}"} for name in names]
        for role, names in ROLES.items()
    }
    return make_kit(
        note,
        **networks,
        **{role: [network for _, network in named] for role, named in members.items()},
        images={split: images(seed, COUNTS[split]) for seed, split in enumerate(SPLITS, 30)},
    )


def linear(seed=7):
    """A network of one layer, which gets about a tenth of the random images right."""
    network = nn.Sequential(nn.Flatten(), nn.Linear(784, 10))
    reset_parameters(network, seeded(seed))
    return network.eval()
