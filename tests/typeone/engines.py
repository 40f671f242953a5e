"""Every attack that is resumed, small: where networks are tiny and a walk is a few steps.

Each is made for a device and a type of float, so that the same walk can be made elsewhere.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import nn

from typeone.attacks import embedding, latent
from typeone.attacks.criteria import KeepLabel, identity_criterion, label_criterion
from typeone.attacks.frames import Followed
from typeone.attacks.shards import attack_shard
from typeone.data.generated_faces import Count, generate_faces
from typeone.models.classifiers import build_classifier, reset_parameters
from typeone.models.recognizers import Recognizer, embed
from typeone.models.svae import FaceSVAE

from .algorithm2 import SETTINGS, real_networks, seeded

F32 = torch.float32  # what the jobs compute in


@dataclass
class Engine:
    """An attack that is resumed.

    Attributes:
        run: from a checkpoint or None to the arrays that it stores, by name.
        asked: the network whose calls are counted, and after some of which it is stopped.
    """

    run: Callable[[object], dict[str, np.ndarray]]
    asked: nn.Module


def with_trace(rows, points):
    """Rows of a shard and its trace points, all as arrays."""
    columns = {
        "position": [position for position, _ in points],
        "step": [p.step for _, p in points],
        "example": [p.example for _, p in points],
        "numbers": [[p.j1, p.j2, p.penalty, p.k] for _, p in points],
        "image": [p.image.numpy() for _, p in points],
    }
    return rows | {f"trace {name}": np.array(values) for name, values in columns.items()}


def arrays(result, *names):
    return {name: getattr(result, name).cpu().numpy() for name in names}


DIGIT_WALK = replace(
    *(SETTINGS,),
    **{"steps": 24, "lr": 0.1, "target_loss": 1.8, "k_max": 1.0, "patience": 3, "check_every": 1},
)
CONSTANT_BETA = replace(DIGIT_WALK, beta=0.001, manifold="log", patience=None)
OURS = replace(
    DIGIT_WALK, offset_lr=0.05, offset_weight=1.0, reencode_weight=0.5, image_target_loss=2.4
)


def networks(device, dtype):
    svae, f1 = real_networks(seed=5, dtype=dtype)
    return svae.to(device).requires_grad_(False), f1.to(device).requires_grad_(False)


def digits(settings, device, dtype, *, f1_counts=True, **more):
    """Ten digits in batches of four, two of them followed, on an MLP."""
    svae, f1 = networks(device, dtype)
    images = torch.rand(10, 1, 28, 28, generator=seeded(6)).to(device, dtype)
    labels = torch.tensor([3, 9, 0, 1, 4, 9, 2, 8, 7, 5], device=device)
    how = {"keep": label_criterion(f1), "chunk": 4, "follow": {1, 5}, "follow_every": 3} | more

    def run(checkpoint, **other):
        given = how | other | {"checkpoint": checkpoint}
        return with_trace(*attack_shard(svae, images, labels, settings, **given))

    return Engine(run, f1 if f1_counts else svae.classifier)


def faces(settings, device, dtype):
    """Five faces in batches of three, on a recognizer; the offset lies in memory pixel by pixel."""
    svae = FaceSVAE(latent_dim=6, width=1 / 32, statistics="own")
    svae.reset_parameters(seeded(1))
    svae.to(device, dtype).eval().requires_grad_(False)
    recognizer = recognizer_of_faces().to(device, dtype)
    images = torch.rand(5, 3, 64, 64, generator=seeded(3)).to(device, dtype)
    labels = torch.tensor([0, 1, 1, 0, 1], device=device)
    how = {"keep": identity_criterion(recognizer, 1.242), "classes": 2}
    how |= {"chunk": 3, "follow": {0, 4}, "follow_every": 2}

    def run(checkpoint):
        return with_trace(
            *attack_shard(svae, images, labels, settings, **how, checkpoint=checkpoint)
        )

    return Engine(run, recognizer)


def recognizer_of_faces():
    with torch.random.fork_rng():
        torch.manual_seed(2)
        network = Recognizer("face_cnn", preprocessing="fixed", settings={"channels": 2, "dim": 5})
    return network.eval().requires_grad_(False)


FACE_WALK = replace(
    *(SETTINGS,),
    **{"steps": 8, "lr": 0.1, "eta": 1.0, "target_loss": 1.0, "k_max": 5.0, "patience": None},
    **{"offset_lr": 0.05, "offset_weight": 0.1},
)


def drawn_by_a_decoder(device, dtype):
    svae, f1 = networks(device, dtype)
    z = torch.randn(6, 6, generator=seeded(1)).to(device, dtype)
    return (lambda moved, rows: svae.decode(moved)), f1, z


def started(z, deviation):
    """`jittered` by the same noise on every device."""
    return latent.jittered(z.cpu().float(), deviation, seeded(3)).to(z)


def latents(device, dtype):
    """Eq. 13 on six latents with a guide; some leave early."""
    decode, f1, z = drawn_by_a_decoder(device, dtype)
    with torch.no_grad():
        labels = f1(decode(z, None)).argmax(dim=1)
    settings = latent.LatentAttackSettings(
        **{"steps": 20, "lr": 0.05, "k": 1.0, "epsilon": 0.3, "form": "sm", "jitter": 0.01},
        **{"patience": 2, "check_every": 1, "guide_weight": 0.5, "guide_target_loss": 2.3},
    )

    def run(checkpoint):
        result = latent.attack(
            *(decode, z, settings),
            keep=KeepLabel(f1, labels),
            start=started(z, settings.jitter),
            guide=f1,
            target_labels=(labels + torch.arange(6, device=device)) % 10,
            checkpoint=checkpoint,
        )
        return arrays(result, "images", "latent_end", "steps", "converged")

    return Engine(run, f1)


def boxed(device, dtype):
    """Song et al.'s attack on six latents."""
    decode, f1, z = drawn_by_a_decoder(device, dtype)
    settings = latent.BoxAttackSettings(steps=20, lr=0.05, epsilon=0.5, guide_weight=0.3)

    def run(checkpoint):
        labels = torch.arange(6, device=device)
        how = {"classifier": f1, "guide": f1, "checkpoint": checkpoint}
        result = latent.attack_within_box(decode, z, labels, settings, **how)
        return arrays(result, "images", "latent_end", "steps", "converged")

    return Engine(run, f1)


def one_followed(device, dtype):
    """Eq. 13 on one latent with a frame of every look, as for Fig. 9."""
    decode, f1, z = drawn_by_a_decoder(device, dtype)
    settings = latent.LatentAttackSettings(
        **{"steps": 12, "lr": 0.05, "k": 1.0, "epsilon": 0.3, "form": "paper", "jitter": 0.01}
    )

    def run(checkpoint):
        followed = Followed(KeepLabel(f1, torch.tensor([3], device=device)), side=14)
        result = latent.attack(
            *(decode, z[:1], settings),
            keep=followed,
            start=z[:1] + 0.01,
            checkpoint=checkpoint,
            carried={"frames": followed},
        )
        return arrays(result, "images", "latent_end") | {
            "frame step": np.array([frame.step for frame in followed.frames]),
            "frame image": np.array([frame.image.numpy() for frame in followed.frames]),
            "frame loss": np.array([frame.loss for frame in followed.frames]),
        }

    return Engine(run, f1)


def embeddings(device, dtype):
    """PGD on the embeddings of five faces, two at a time."""
    recognizer = recognizer_of_faces().to(device, dtype)
    images = torch.rand(5, 3, 64, 64, generator=seeded(4)).to(device, dtype)
    settings = embedding.EmbeddingAttackSettings(
        epsilon=20 / 255, steps=5, step_size=2.55 / 255, start=20 / 255
    )

    def run(checkpoint):
        how = {"generator": seeded(5), "chunk": 2, "checkpoint": checkpoint}
        found = embedding.attack(recognizer, images, settings, **how)
        return {"images": found.images.cpu().numpy()}

    return Engine(run, recognizer)


def foolbox_attack(device, dtype, **settings):
    """An attack of foolbox on six digits, two at a time."""
    from typeone.attacks import type2  # foolbox is not everywhere where torch is

    f1 = build_classifier("mlp")
    reset_parameters(f1, seeded(7))
    f1.to(device, dtype).eval().requires_grad_(False)
    images = torch.rand(6, 1, 28, 28, generator=seeded(8)).to(device, dtype)

    def run(checkpoint):
        labels = f1(images).argmax(dim=1)
        how = {"seed": 3, "chunk": 2, "checkpoint": checkpoint}
        result = type2.attack(f1, images, labels, type2.Type2Settings(**settings), **how)
        return arrays(result, "images", "found")

    return Engine(run, f1)


class Painter(nn.Module):
    """Faces of one colour each, of the first three of a latent's numbers."""

    def forward(self, z):
        return z[:, :3, None, None].sigmoid().expand(-1, -1, 128, 128)


class ColourJudge(nn.Module):
    def forward(self, images):
        return 40 * torch.cat([images.mean(dim=(2, 3))[:, :2], images.new_zeros(len(images), 1)], 1)


def generated(device, dtype):
    """Eleven faces in parts of two, of some of which the judge is unsure."""
    painter = Painter()

    def run(checkpoint):
        tally = Count()
        parts = generate_faces(
            *(painter, ColourJudge()),
            **{"latent_dim": 4, "count": 11, "seed": 5, "batch": 2, "sure": 0.9, "device": device},
            **{"tally": tally, "checkpoint": checkpoint},
        )
        columns = [np.concatenate(column) for column in zip(*parts, strict=True)]
        found = {str(number): column for number, column in enumerate(columns)}
        return found | {"tally": np.array([tally.drawn, tally.unsure])}

    return Engine(run, painter)


def looks(device, dtype):
    """Embeddings of seven faces, three at a time: what every rate of a recognizer begins with."""
    recognizer = recognizer_of_faces().to(device, dtype)
    images = torch.rand(7, 3, 64, 64, generator=seeded(9)).to(device, dtype)

    def run(checkpoint):
        said = []
        how = {"batch": 3, "say": said.append, "checkpoint": checkpoint}
        found = embed(recognizer, len(images), lambda part: images[part], **how)
        return {"found": found.cpu().numpy(), "said": np.array(said)}

    return Engine(run, recognizer)


def pgd(device, dtype):
    settings = {"method": "pgd", "epsilon": 0.3, "steps": 4, "step_size": 0.02}
    return foolbox_attack(device, dtype, **settings)


def carlini_wagner(device, dtype):
    settings = {"method": "cw_l2", "steps": 3, "searches": 2, "step_size": 0.05}
    return foolbox_attack(device, dtype, **settings)


ENGINES = {
    "digits": lambda *where: digits(DIGIT_WALK, *where),
    "digits, authors' code": lambda *where: digits(CONSTANT_BETA, *where),
    "digits, ours": lambda *where: digits(OURS, *where),
    "digits, without f1": lambda *where: digits(DIGIT_WALK, *where, f1_counts=False, keep=None),
    "digits, one of two shards": lambda *where: digits(DIGIT_WALK, *where, shard=1, shards=2),
    "faces": lambda *where: faces(FACE_WALK, *where),
    "faces, some leave early": lambda *where: faces(
        replace(FACE_WALK, patience=2, check_every=1), *where
    ),
    "latents": latents,
    "latents in a box": boxed,
    "one latent, followed": one_followed,
    "embeddings": embeddings,
    "foolbox, pgd": pgd,
    "foolbox, cw": carlini_wagner,
    "generated faces": generated,
    "looks of a recognizer": looks,
}
