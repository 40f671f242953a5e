"""Settings of the toy cube, the spheres, Fig. 1, the detector, batching and traces."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from typeone.workflow.settings.model import (
    Count,
    Decay,
    Distinct,
    Model,
    Pair,
    Positive,
    Rate,
    Seed,
    Some,
    Training,
    Weight,
    Wrong,
    one_cycle,
    setting,
)

AtLeast10 = Annotated[int, Field(ge=10)]
Even = Annotated[int, Field(ge=2, multiple_of=2)]


class Density(Model):
    """The density model of clean images, which decides clean success; no attack uses it."""

    seed: Seed = setting("Seed of the density model.", 5000)
    latent_dim: Count = setting("Dimensions of its latent.", 32)
    quantile: Annotated[float, Field(ge=0.5, lt=1)] = setting(
        "Quantile of the measures of clean validation images at which their limits are.",
        0.95,
    )
    training: Training = setting(
        "How it is trained.", one_cycle(epochs=30, batch_size=128, lr=0.002)
    )


class Diffusion(Model):
    """The diffusion model of the rival `diffusion`; trained only if an attack uses it."""

    seed: Seed = setting("Seed of the diffusion model.", 6000)
    channels: Annotated[int, Field(ge=8, multiple_of=8)] = setting(
        "Channels of its outer layers; the inner ones have twice as many.", 32
    )
    training: Training = setting(
        "How it is trained.", one_cycle(epochs=30, batch_size=128, lr=0.002)
    )


class Examples(Model):
    """Random test images that f1 gets right, the same for every attack (IV-C)."""

    count: AtLeast10 = setting("Number of test images that f1 gets right.", 500)
    seed: Seed = setting("Seed of the draw.", 20)


class Realism(Model):
    """Realism measured by networks that no attack uses: a judge's features, the density model."""

    clean: AtLeast10 = setting("Number of clean test digits used as a control.", 500)
    seed: Seed = setting("Seed of their draw.", 50)


class Batching(Model):
    """Batches of Algorithm 2; results do not depend on the number of shards."""

    chunk: Count = setting(
        "Examples in one batch; 32 to 64 is fastest on a CPU core, 500 on a GPU.", 64
    )
    shards: Count = setting("Number of jobs per attack; more help on more than two cores.", 1)


class Trace(Model):
    """Traces of the first example of each class, for figures."""

    every: Count = setting("Steps between two traced images.", 100)


class Detection(Model):
    """Feature squeezing (IV-C, Table I)."""

    bits: Annotated[int, Field(ge=1, le=8)] = setting("Bit depth of the first squeezer.", 1)
    median: Count = setting("Window of the median squeezer, pixels.", 2)
    zetas: Some[Annotated[float, Field(ge=0, le=2)]] = setting(
        "Thresholds of Table I.", [0.2510, 0.6089, 0.9353]
    )
    false_positive_rates: Distinct[Rate] = setting(
        "False positive rates at which thresholds are fitted, on one half of the clean images.",
        [0.05, 0.10],
    )
    seed: Seed = setting("Seed of the split into halves.", 30)


class Toy(Model):
    """II-A, Fig. 2: a cube in which x(3) follows x(2); one sample per seed."""

    train_count: AtLeast10 = setting("Training points of f1.", 1000)
    test_count: AtLeast10 = setting("Held-out points; the positive ones are moved.", 100000)
    half_width: Positive = setting("Half the side length of the cube, in feature units.", 2.0)
    margin: Weight = setting(
        "Minimum of |x(1) + x(2)| and |x(1) + x(3)| of a point; at most `half_width`.", 0.5
    )
    overshoot: Positive = setting(
        "Distance past the boundary at which a moved point ends, along its axis.", 0.3
    )
    training: Training = setting("How f1 is trained.", one_cycle(epochs=30, batch_size=50, lr=0.1))
    shown: Pair = setting("Number of points in the figure.", 60)

    @model_validator(mode="after")
    def has_points(self) -> Self:
        """Refuse a margin that leaves no point."""
        if self.margin > self.half_width:
            raise Wrong(
                f"`.margin` is {self.margin}; needs at most `.half_width`, {self.half_width}, "
                "because a larger margin leaves almost no point of the cube"
            )
        return self


class Roc(Model):
    """Fig. 1: one class against the rest, before and after attacks on the MLP."""

    positive: Annotated[int, Field(ge=0, le=9)] = setting(
        "The positive class; 3 is the paper's example.", 3
    )
    type1: Some[str] = setting(
        "Type I attacks on mlp, names of `attacks`; the first is plotted.", ["paper", "ours"]
    )
    type2: Some[str] = setting(
        "Type II attacks on mlp. EAD is plotted because the oracle, which is unreliable under "
        "strong noise, still recognises its digits.",
        ["ead", "pgd"],
    )


# ------------------------------------------------------------------------------ spheres


class SphereTraining(Model):
    """Training of the network of II-B: a million steps of 64 fresh points."""

    steps: Count = setting("Updates of the network.", 1000000)
    batch_size: Even = setting("Fresh points per step, half of them on each sphere.", 64)
    lr: Positive = setting("Adam's learning rate; the peak under one_cycle.", 0.03)
    beta1: Decay = setting("Adam's first decay.", 0.9)
    beta2: Decay = setting("Adam's second decay.", 0.99)
    schedule: Literal["constant", "one_cycle"] = setting("Learning-rate schedule.", "one_cycle")
    curve_every: Annotated[int, Field(ge=100, multiple_of=100)] = setting(
        "Steps between two points of the training curve.", 10000
    )


class SphereTest(Model):
    """Test of the network of II-B."""

    count: Even = setting("Number of points, half of them on each sphere.", 100000)
    seed: Seed = setting("Seed of their draw.", 60)


class SphereType1(Model):
    """Type I on the spheres."""

    count: Count = setting("Points of the inner sphere moved by the closed form.", 10000)
    walked: Count = setting("Number of these points that also walk along f1's level set.", 1000)
    step: Positive = setting("Step length of the walk.", 0.02)
    max_steps: Count = setting("Maximum number of steps of a walk.", 200)


class SphereType2(Model):
    """Type II on the spheres, by PGD."""

    count: Count = setting("Points of each sphere.", 500)
    epsilons: Some[Positive] = setting(
        "Maximum Euclidean distance that a point may move on its sphere; 0.2 is the gap between "
        "the spheres, 2 imposes no limit.",
        [0.2, 2.0],
    )
    steps: Count = setting("Iterations.", 100)
    step_size: Positive = setting("Length of one iteration.", 0.02)


class Sphere(Model):
    """The concentric spheres of II-B, Fig. 3."""

    dim: Annotated[int, Field(ge=4)] = setting("n, number of dimensions of the space.", 100)
    hidden: Count = setting(
        "h, hidden units of the network; at least three directions, n - h, must be missed.", 90
    )
    inner: Positive = setting("Radius of the inner sphere.", 0.8)
    outer: Positive = setting("Radius of the outer sphere.", 1.0)
    training: SphereTraining = SphereTraining()
    test: SphereTest = SphereTest()
    seed: Seed = setting("Seed of the attacked points, which f1 gets right.", 61)
    type1: SphereType1 = SphereType1()
    type2: SphereType2 = SphereType2()
    tolerance: Positive = setting(
        "Maximum distance from the outer sphere of a point that counts as on it.", 0.000000001
    )
    followed: Count = setting("Number of walks stored step by step.", 20)

    @model_validator(mode="after")
    def goes_together(self) -> Self:
        """Refuse counts, radii and dimensions that contradict each other."""
        if self.hidden > self.dim - 3:
            raise Wrong(
                f"`.hidden` is {self.hidden}; needs at most {self.dim - 3}, three fewer than "
                "`.dim`: Type I moves along directions that the network misses"
            )
        if self.inner >= self.outer:
            raise Wrong(f"`.inner` is {self.inner}; needs less than `.outer`, {self.outer}")
        moved, walked = self.type1.count, self.type1.walked
        for key, value, above, most in (
            ("type1.walked", walked, "count", moved),
            ("type2.count", self.type2.count, "count", moved),
            ("followed", self.followed, "walked", walked),
        ):
            if value > most:
                raise Wrong(f"`.{key}` is {value}; needs at most `.type1.{above}`, {most}")
        return self
