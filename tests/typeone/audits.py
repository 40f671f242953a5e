"""A small kit of untrained networks and random images, for tests of audits."""

import torch
from torch import nn

from typeone.evaluation.audit.kit import make_kit
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


def images(seed, count, network):
    """Random images; the network gets four of five right."""
    drawn = torch.rand(count, 1, 28, 28, generator=seeded(seed))
    with torch.no_grad():
        labels = network(drawn).argmax(dim=1)
    labels[::5] = (labels[::5] + 1) % 10
    return drawn, labels


def of_each_class(seed, count):
    """Random images of all classes."""
    return torch.rand(count, 1, 28, 28, generator=seeded(seed)), torch.arange(count) % 10


def small_kit(attacks=ATTACKS, *, count=6, network=None):
    """A kit whose density model calls nothing odd or noisy, for ``network`` or for `linear`."""
    network = network or linear()
    members = {
        role: [(name, build_classifier(f"{role[:-1]}_{name}")) for name in names]
        for role, names in ROLES.items()
    }
    trained = {"svae": DigitSVAE(latent_dim=5)}
    trained |= {role: DenseVAE(latent_dim=3) for role in ("density", "attack_density")}
    trained["svae"].reset_parameters(seeded(1))
    every = [member for role in members.values() for _, member in role]
    for seed, member in enumerate([*every, trained["density"], trained["attack_density"]], 2):
        reset_parameters(member, seeded(seed))
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
        **trained,
        **{role: [member for _, member in named] for role, named in members.items()},
        images={
            "test": images(30, COUNTS["test"], network),
            "validation": images(31, COUNTS["validation"], network),
            "train": of_each_class(32, COUNTS["train"]),
        },
    )


def linear(seed=7):
    """A network of one layer."""
    network = nn.Sequential(nn.Flatten(), nn.Linear(784, 10))
    reset_parameters(network, seeded(seed))
    return network.eval()
