"""Put the networks, images and settings that an audit needs into one file."""

import json

import torch

from typeone.data.digits import read_digits
from typeone.evaluation.audit.kit import SPLITS, file_sha256, make_kit, save_kit
from typeone.models.classifiers import load_classifier
from typeone.models.density import load_density, load_limits
from typeone.models.svae import load_svae
from typeone.runtime.artifacts import read_model_metadata
from typeone.runtime.atomic_files import atomic_path
from typeone.runtime.computing import computing_job
from typeone.runtime.devices import seeded

if "snakemake" in globals():
    with computing_job(snakemake) as run:
        svae = load_svae(run.input.svae[0])
        density, limits = load_density(run.input.density), load_limits(run.input.density)
        attack_density = load_density(run.input.attack_density)
        networks = {
            role: dict(zip(names, run.input[role], strict=True))
            for role, names in run.params.members.items()
        }
        note = {
            "dataset": run.wildcards.dataset,
            "classes": len(limits.noise),
            **run.params.note,
            "svae": {name: getattr(svae, name) for name in svae.sizes},
            "density": {"latent_dim": density.latent_dim, "limits": vars(limits)},
            "attack_density": {"latent_dim": attack_density.latent_dim},
        } | {
            role: [
                {"name": name, "architecture": read_model_metadata(path)["architecture"]}
                for name, path in paths.items()
            ]
            for role, paths in networks.items()
        }
        images = {}
        for split in SPLITS:
            shown, labels = read_digits(run.input[split])
            order = torch.randperm(len(labels), generator=seeded(run.params.seed))
            chosen = order[: run.params.images[split]]  # files may be sorted by class
            images[split] = shown[chosen], labels[chosen]
        kit = make_kit(
            note,
            svae=svae,
            density=density,
            attack_density=attack_density,
            images=images,
            **{
                role: [load_classifier(path) for path in paths.values()]
                for role, paths in networks.items()
            },
        )
        save_kit(run.output.kit, kit)
        with atomic_path(run.output.note) as path:
            told = kit.note | {"sha256": file_sha256(run.output.kit)}
            path.write_text(json.dumps(told, indent=1) + "\n")
