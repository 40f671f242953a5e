"""The toy cube, the spheres, Fig. 1, the detector, and how attacks are batched and followed."""

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
    Some,
    Training,
    Weight,
    Whole,
    Wrong,
    one_cycle,
    setting,
)

AtLeast10 = Annotated[int, Field(ge=10)]
Even = Annotated[int, Field(ge=2, multiple_of=2)]


class Realism(Model):
    """Realism judged by networks that no attack used: a judge's features, another seed's SVAE."""

    clean: AtLeast10 = setting("Test digits that serve as a control.", 500)
    seed: Whole = setting("Seed of their draw.", 50)


class Batching(Model):
    """Batches of Algorithm 2; no result depends on shards."""

    chunk: Count = setting(
        "Examples in one batch; 32 to 64 is fastest on a CPU core, 500 on a GPU.", 64
    )
    shards: Count = setting(
        "Jobs that an attack is split over; more of them help on more than two cores.", 1
    )


class Trace(Model):
    """Examples that figures follow, the first of each class."""

    every: Count = setting("Steps between two traced images.", 100)


class Detection(Model):
    """Feature squeezing (IV-C, Table I)."""

    bits: Annotated[int, Field(ge=1, le=8)] = setting("Bit depth of the first squeezer.", 1)
    median: Count = setting("Window of the second, pixels.", 2)
    zetas: Some[Annotated[float, Field(ge=0, le=2)]] = setting(
        "Thresholds of Table I.", [0.2510, 0.6089, 0.9353]
    )
    false_positive_rates: Distinct[Rate] = setting(
        "Rates at which thresholds are fitted on one half of the clean images.", [0.05, 0.10]
    )
    seed: Whole = setting("Seed of the halves.", 30)


class Toy(Model):
    """II-A, Fig. 2: a cube in which x(3) follows x(2); a sample a seed. No published numbers."""

    train_count: AtLeast10 = setting("Points that f1 learns from.", 1000)
    test_count: AtLeast10 = setting("Held-out points; the positive ones are moved.", 100000)
    half_width: Positive = setting("Half the side of the cube, in units of a feature.", 2.0)
    margin: Weight = setting(
        "Least |x(1) + x(2)| and |x(1) + x(3)| of a point; at most `half_width`.", 0.5
    )
    overshoot: Positive = setting(
        "How far past a boundary a moved point ends, along its axis.", 0.3
    )
    training: Training = setting("How f1 is trained.", one_cycle(epochs=30, batch_size=50, lr=0.1))
    shown: Pair = setting("Points in the figure.", 60)

    @model_validator(mode="after")
    def has_points(self) -> Self:
        """Refuse a margin that leaves no point."""
        if self.margin > self.half_width:
            raise Wrong(
                f"`.margin` is {self.margin}; needs at most `.half_width`, {self.half_width}, or "
                "hardly a point of the cube is left"
            )
        return self


class Roc(Model):
    """Fig. 1: one class against the rest, before and after attacks on the MLP."""

    positive: Annotated[int, Field(ge=0, le=9)] = setting(
        "The class that stands against all others; 3 is the paper's example.", 3
    )
    type1: Some[str] = setting(
        "Names of `attacks` of Type I, aimed at mlp; the first is drawn.", ["paper", "ours"]
    )
    type2: Some[str] = setting(
        "The same of Type II. EAD is drawn: the oracle, no judge of strong noise, still sees its "
        "digits.",
        ["ead", "pgd"],
    )


# ------------------------------------------------------------------------------ spheres


class SphereTraining(Model):
    """How the network of II-B is trained: a million steps of 64 fresh points."""

    steps: Count = setting("Updates of the network.", 1000000)
    batch_size: Even = setting("Fresh points a step, half of them on each sphere.", 64)
    lr: Positive = setting("Adam's learning rate; the peak under one_cycle.", 0.03)
    beta1: Decay = setting("Adam's first decay.", 0.9)
    beta2: Decay = setting("Adam's second decay.", 0.99)
    schedule: Literal["constant", "one_cycle"] = setting(
        "Course of the learning rate.", "one_cycle"
    )
    curve_every: Annotated[int, Field(ge=100, multiple_of=100)] = setting(
        "Steps between two points of the training curve.", 10000
    )


class SphereTest(Model):
    """The test of that network."""

    count: Even = setting("Points, half of them on each sphere.", 100000)
    seed: Whole = setting("Seed of their draw.", 60)


class SphereType1(Model):
    """Type I on the spheres."""

    count: Count = setting("Points of the inner sphere that the analytic move takes.", 10000)
    walked: Count = setting("The first of them, which walk along f1's level set.", 1000)
    step: Positive = setting("Length of a step of the walk.", 0.02)
    max_steps: Count = setting("Steps after which a walk gives up.", 200)


class SphereType2(Model):
    """Type II on the spheres, by PGD."""

    count: Count = setting("Points of each sphere.", 500)
    epsilons: Some[Positive] = setting(
        "How far a point may move on its sphere, straight through; 0.2 parts the spheres, 2 bounds "
        "nothing.",
        [0.2, 2.0],
    )
    steps: Count = setting("Iterations.", 100)
    step_size: Positive = setting("Length of one iteration.", 0.02)


class Sphere(Model):
    """The concentric spheres of II-B, Fig. 3."""

    dim: Annotated[int, Field(ge=4)] = setting("n, dimensions of the space.", 100)
    hidden: Count = setting(
        "h, units of the network; n - h directions are missed, at least three.", 90
    )
    inner: Positive = setting("Radius of the inner sphere.", 0.8)
    outer: Positive = setting("Radius of the outer sphere.", 1.0)
    training: SphereTraining = SphereTraining()
    test: SphereTest = SphereTest()
    seed: Whole = setting("Seed of the points that are attacked, as f1 gets them right.", 61)
    type1: SphereType1 = SphereType1()
    type2: SphereType2 = SphereType2()
    tolerance: Positive = setting(
        "Distance from the outer sphere of a point that counts as on it.", 0.000000001
    )
    followed: Count = setting("Walks kept step by step.", 20)

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
