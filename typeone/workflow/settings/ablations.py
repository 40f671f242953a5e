"""Ablations of Algorithm 2: one setting of an attack changed at a time."""

from typing import Annotated, Any

from pydantic import Field

from typeone.workflow.settings.attacks import Algorithm2
from typeone.workflow.settings.model import Count, Model, Name, SomeOf, setting

Changes = Annotated[dict[str, Any], SomeOf(Algorithm2)]
ABLATIONS = {
    "paper": {
        "unchanged": {},
        "no_discriminator": {"alpha": 0.0},
        "no_k": {"k_max": 0.0},
        "fixed_k": {"k_start": 0.001, "eta": 0.0},
        "printed_k_max": {"k_max": 0.005},
        "no_gamma": {"gamma": 0.0},
        "strong_gamma": {"gamma": 0.01},
        "quarter_steps": {"steps": 5000},
    },
    "ours": {
        "unchanged": {},
        "no_attackers": {"image_weight": 0.0},
        "all_attackers": {"attackers_in_turn": False},
        "no_reencoding": {"reencode_weight": 0.0},
        "no_density": {"density_weight": 0.0},
        "no_offset": {"offset_lr": 0.0},
        "no_jitter": {"jitter": 0},
        "no_discriminator": {"alpha": 0.0},
    },
}


class Ablations(Model):
    """Attacks with one setting changed at a time, on the first seed."""

    target: str = setting("The attacked classifier.", "mlp")
    count: Count = setting("Number of attacked examples, the first of `examples`.", 500)
    chunk: Count = setting("Examples in one batch.", 64)
    attacks: Annotated[
        dict[Name, Annotated[dict[Name, Changes], Field(min_length=1)]], Field(min_length=1)
    ] = setting("Changed settings of Algorithm 2, by attack and variant.", ABLATIONS)
