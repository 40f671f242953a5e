"""Settings of generators of digits and faces, and of Eq. 13 on their latents (III-D, IV-E)."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from typeone.workflow.settings.model import (
    SHA256,
    Count,
    Decay,
    Distance,
    Entries,
    Model,
    Pair,
    Positive,
    Seed,
    Share,
    Training,
    Weight,
    Whole,
    Wrong,
    by,
    one_cycle,
    setting,
)
from typeone.workflow.settings.variants import resolved

# ------------------------------------------------------------------------------ digits


class Objective(Model):
    """The loss of the AC-GAN; WGAN-GP, Gulrajani et al. (2017)."""

    critic_steps: Count = setting("Critic steps per generator step; Song et al. (2018).", 5)
    penalty_weight: Weight = setting("Weight of the gradient penalty.", 10.0)
    classifier_weight: Weight = setting("Weight of the cross-entropy of f_G.", 1.0)
    average_decay: Decay = setting(
        "Decay of the generator's weight average per step; 0 takes the last weights.", 0.0
    )


class Generator(Model):
    """The AC-GAN of IV-E whose latent space is attacked; one for all seeds."""

    seed: Seed = setting(
        "Seed of its training; differs from those of the judges and the attackers.", 3100
    )
    latent_dim: Count = setting("Dimensions of z, IV-E.", 128)
    channels: Count = setting("Channels at half resolution; twice as many at a quarter.", 32)
    training: Training = setting(
        "How it is trained, Song et al. (2018).", Training(epochs=50, beta1=0.0)
    )
    objective: Objective = Objective()


class LatentType1(Model):
    """Eq. 13."""

    kind: Literal["type1"] = setting("Eq. 13.")
    steps: Whole = setting("Updates of z'; 400 in the authors' script for StyleGAN.", 400)
    lr: Positive = setting("Adam's learning rate on z', IV-E.", 0.01)
    k: Weight = setting("Weight of J1, IV-E.", 0.01)
    epsilon: Positive = setting(
        "Lower bound, IV-E: of the squared norm of z' - z (paper), or of each coordinate (sm).", 0.1
    )
    form: Literal["paper", "sm"] = setting(
        "Form of the distance: over all coordinates (paper), or per coordinate as in the authors' "
        "script (sm).",
        "paper",
    )
    jitter: Weight = setting(
        "Standard deviation of the start around z, where the distance has no gradient.", 0.001
    )
    guide_weight: Weight = setting(
        "Weight of the cross-entropy of f_G at the target; 0: untargeted.", 0.0
    )
    guide_target_loss: Weight = setting(
        "Largest value of f_G's cross-entropy on a converged example, nats.", 0.0
    )
    condition: Literal["fixed", "free"] = setting(
        "Whether the class condition of G stays y, or is optimised together with z.", "fixed"
    )
    patience: Count | None = setting(
        "Successful steps after which an example is finished; null disables early stopping.", None
    )


class LatentType2(Model):
    """The attack of Song et al. (2018): f1 changes its label, f_G keeps it."""

    kind: Literal["type2"] = setting("The attack of Song et al.")
    steps: Whole = setting("Updates of z'.", 1000)
    lr: Positive = setting("Adam's learning rate on z'.", 0.01)
    epsilon: Positive = setting("Maximum change of z' in each coordinate.", 0.1)
    guide_weight: Weight = setting("Weight of the cross-entropy of f_G at the old label.", 100.0)
    patience: Count | None = setting(
        "Successful steps after which an example is finished; null disables early stopping.", None
    )


LatentAttack = Annotated[LatentType1 | LatentType2, by("kind", "type1", "type2")]
LATENT_ATTACKS = resolved(
    {
        # Eq. 13 as printed
        "untargeted": {"kind": "type1"},
        # distance per coordinate; epsilon of the authors' script for StyleGAN
        "untargeted_sm": {"from": "untargeted", "form": "sm", "epsilon": 0.35},
        # with f_G's cross-entropy at the next class
        "targeted": {"from": "untargeted", "guide_weight": 1.0},
        "targeted_sm": {"from": "untargeted_sm", "guide_weight": 1.0},
        # ours: f1 has the same weight as f_G; chosen with networks of seed 0
        "targeted_k1": {"from": "targeted", "steps": 200, "lr": 0.03, "k": 1.0},
        # ours: the class condition of G is optimised as well
        "embedding": {"from": "targeted_k1", "condition": "free"},
        "song_type2": {"kind": "type2"},
    },
    "latent.attacks",
)


class Latent(Model):
    """Attacks on the latent space of the generator of digits (IV-E)."""

    target: str = setting("The attacked classifier, IV-E.", "lenet")
    count: Count = setting("Number of initial latents attacked by every variant.", 500)
    draws: Count = setting("Latents from which these are chosen, each class in turn.", 10000)
    seed: Seed = setting("Seed of the draw; the run's seed is added.", 60)
    chunk: Count = setting("Latents in one batch.", 500)
    fresh: Annotated[int, Field(ge=10)] = setting(
        "Number of new digits for the evaluation of the generator.", 10000
    )
    fresh_seed: Seed = setting("Seed of their draw.", 70)
    pairs: Count = setting("Number of pairs in a row of Fig. 8.", 10)
    attacks: Annotated[Entries[LatentAttack], Field(min_length=1)] = setting(
        "Variants by name.", LATENT_ATTACKS
    )

    @model_validator(mode="after")
    def has_starts(self) -> Self:
        """Refuse more attacked latents than drawn ones."""
        if self.count > self.draws:
            raise Wrong(f"`.count` is {self.count}; needs at most `.draws`, {self.draws}")
        return self


# ------------------------------------------------------------------------------ faces


class FaceWalk(Model):
    """Eq. 13 against a recognizer."""

    steps: Whole = setting("Maximum number of updates of z', as in the authors' script.", 400)
    lr: Positive = setting("Adam's learning rate on z', IV-E.", 0.01)
    k: Weight = setting("Weight of J1, IV-E.", 0.001)
    epsilon: Positive = setting(
        "Lower bound, IV-E: of the squared norm of z' - z (paper), or of each coordinate (sm).",
        0.35,
    )
    form: Literal["paper", "sm"] = setting(
        "Form of the distance: over all coordinates (paper), with which z' hardly moves, or per "
        "coordinate (sm).",
        "sm",
    )
    jitter: Weight = setting(
        "Standard deviation of the start around z, where neither term has a gradient.", 0.001
    )
    patience: Count | None = setting(
        "Successful steps after which an example is finished; null disables early stopping.", None
    )


class StyleObjective(Model):
    """The loss of the small generator of faces."""

    penalty_weight: Weight = setting(
        "Weight of half the critic's squared gradient norm at real faces, R1.", 0.3
    )
    average_decay: Decay = setting(
        "Decay of the generator's weight average per step; 0 takes the last weights.", 0.995
    )


class StyleAttack(Model):
    """Eq. 13 on the small generator, with the attacked recognizer as f1."""

    threshold: Literal["paper", "squared", "far"] = setting(
        "Maximum distance at which the recognizer accepts two faces as one person.", "paper"
    )
    count: Pair = setting("Number of initial latents, and of random pairs for comparison.", 1000)
    chunk: Count = setting("Latents in one batch.", 32)
    seed: Seed = setting("Seed of the draw; the run's seed is added.", 90)
    settings: FaceWalk = setting(
        "Settings of Eq. 13; k is larger because a mean over 64 coordinates has larger gradients "
        "per coordinate than one over StyleGAN's 512.",
        FaceWalk(k=0.004),
    )


class StyleGenerator(Model):
    """A small generator of faces, one per seed of `faces`, whose latent space is attacked."""

    latent_dim: Pair = setting("Dimensions of z.", 64)
    channels: Count = setting("Channels at half resolution; more at each halving.", 32)
    critic_channels: Count = setting("Channels of the critic's first layer.", 48)
    training: Training = setting(
        "How it is trained.",
        one_cycle(epochs=60, batch_size=32, lr=0.003, beta1=0.0),
    )
    objective: StyleObjective = StyleObjective()
    attack: StyleAttack = StyleAttack()


class StyleGan(Model):
    """Fig. 9, IV-E: Eq. 13 on a large generator of faces, with FaceNet as f1."""

    source: Literal["wheel", "path", "pickle", "none"] = setting(
        "MobileStyleGAN by pip (random-face 2021.7.21.1; wheel) or from files (path), a pickle of "
        "NVIDIA's StyleGAN, or none to omit Fig. 9.",
        "wheel",
    )
    path: str | None = setting("The wheel or a folder with its four files, or the pickle.", None)
    sha256: SHA256 | None = setting("SHA-256 of the pickle.", None)
    allow_pickle: bool = setting(
        "Whether the pickle is trusted; its code runs when it is loaded.", False
    )
    truncation: Share = setting("Truncation psi of w towards its mean; 1 disables it.", 0.7)
    seed: Seed = setting("Row r starts from the latent of seed + r.", 100)
    rows: Annotated[int, Field(ge=1, le=6)] = setting("Number of rows of Fig. 9.", 6)
    threshold: Distance = setting(
        "Maximum distance at which FaceNet accepts two faces as one person, IV-B.", 1.242
    )
    strangers: Pair = setting("Number of random faces whose pairs are the baseline.", 100)
    frames: Pair = setting("Images in a row of the figure.", 7)
    side: Annotated[int, Field(ge=16)] = setting(
        "Side length of intermediate images, pixels; both ends are stored at full size.", 256
    )
    attack: FaceWalk = setting("Settings of Eq. 13.", FaceWalk())

    @model_validator(mode="after")
    def can_be_had(self) -> Self:
        """Refuse a generator without a path to its file, or whose pickle is not trusted."""
        if self.source in ("path", "pickle") and self.path is None:
            needed = {
                "path": "the wheel of random-face 2021.7.21.1 or a folder with its four files",
                "pickle": "NVIDIA's .pkl",
            }[self.source]
            raise Wrong(f"`.path` is null; with `.source: {self.source}` it needs {needed}")
        if self.source == "pickle" and not self.allow_pickle:
            raise Wrong(
                "`.allow_pickle` is false; a pickle runs the code in it when it is loaded: set "
                "`.allow_pickle: true` if you trust the file, or use `.source: wheel`"
            )
        if self.source == "pickle" and self.sha256 is None:
            raise Wrong(
                "`.sha256` is null; with `.source: pickle` it needs the file's SHA-256 "
                "(sha256sum), so that no other file is run"
            )
        if self.source != "pickle" and (self.allow_pickle or self.sha256 is not None):
            raise Wrong(
                f"`.allow_pickle` or `.sha256` is given, but `.source` is {self.source}, which "
                "reads no pickle; needs `.source: pickle`, or neither of them"
            )
        return self
