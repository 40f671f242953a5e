"""A small kit for recognizers, of untrained networks and drawn faces, for tests of audits."""

import torch
from torch import nn

from typeone.evaluation.audit.face_kit import make_face_kit
from typeone.models.classifiers import reset_parameters
from typeone.models.face_judges import build_face_judge
from typeone.models.svae import FaceSVAE

from .algorithm2 import seeded

COUNT = 40
WALK = {
    **{"steps": 6, "lr": 0.1, "beta2": 0.98, "alpha": 0.01, "gamma": 1e-4, "eta": 0.05},
    **{"beta": "ratio", "target_loss": 1.0, "k_max": 20.0, "manifold": "probability"},
    "patience": None,
}
NOISE = {"epsilon": 0.08, "steps": 3, "step_size": 0.05, "start": 0.05}
ATTACKS = [
    {"name": "ours", "kind": "svae", "label": "the walk", "settings": WALK},
    {"name": "pgd", "kind": "type2", "label": "the noise", "settings": NOISE},
]


class Embeds(nn.Module):
    """A recognizer of one layer with unit embeddings."""

    def __init__(self, seed=5, dim=4):
        super().__init__()
        self.layer = nn.Linear(3 * 64 * 64, dim)
        reset_parameters(self, seeded(seed))
        self.eval()

    def forward(self, images):
        return nn.functional.normalize(self.layer(images.flatten(1)), dim=1)


def small_face_kit(attacks=ATTACKS, *, count=6, preset="smoke", source="synthetic"):
    """A kit of `COUNT` random faces of 20 people, two of each, a judge and an attacker."""
    svae = FaceSVAE(latent_dim=4, width=1 / 32)
    svae.reset_parameters(seeded(1))
    judge, attacker = build_face_judge("plain"), build_face_judge("wide")
    reset_parameters(judge, seeded(2))
    reset_parameters(attacker, seeded(4))
    note = {
        **{"dataset": "faces", "source": source, "preset": preset, "clear_confidence": 0.1},
        **{"svae": {"latent_dim": 4, "width": 1 / 32}, "threshold": 1.2, "count": count},
        "limits": {"noise": [1.0, 1.0], "sharpness": [0.0, 0.0]},  # every face is clean
        "judges": [{"name": "plain", "architecture": "plain"}],
        "attackers": [{"name": "wide_a", "architecture": "wide"}],
        "attacks": list(attacks),
    }
    shape = (COUNT, 3, 64, 64)
    return make_face_kit(
        note,
        svae=svae,
        attackers=[attacker],
        judges=[judge],
        images=torch.randint(256, shape, generator=seeded(3)).to(torch.uint8),
        labels=torch.arange(COUNT) // 2 % 2,
        identities=torch.arange(COUNT) // 2,
    )
