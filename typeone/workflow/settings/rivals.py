"""Attacks on classifiers of digits by foolbox, and baselines of Algorithm 2."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from typeone.workflow.settings.model import (
    Count,
    Model,
    Positive,
    Radius,
    Seed,
    Some,
    Weight,
    Wrong,
    by,
    setting,
)

# ------------------------------------------------------------------------------ Type II


class Fgsm(Model):
    """The fast gradient sign method."""

    method: Literal["fgsm"] = setting("The fast gradient sign method, by foolbox.")
    epsilon: Radius = setting("Radius in the maximum norm.")


class Pgd(Model):
    """Projected gradient descent."""

    method: Literal["pgd"] = setting("Projected gradient descent, by foolbox.")
    epsilon: Radius = setting("Radius in the maximum norm.")
    steps: Count = setting("Iterations.")
    step_size: Positive = setting("Size of one iteration, pixels in [0, 1].")
    restarts: Count | None = setting(
        "Number of random starts; default 1.", None, exclude_if=lambda value: value is None
    )


class DeepFool(Model):
    """DeepFool."""

    method: Literal["deepfool"] = setting("DeepFool, by foolbox.")
    steps: Count = setting("Iterations.")
    overshoot: Weight = setting("How far it goes past the boundary.")


class CarliniWagner(Model):
    """The attack of Carlini and Wagner in the Euclidean norm."""

    method: Literal["cw_l2"] = setting("Carlini and Wagner in the Euclidean norm, by foolbox.")
    searches: Count = setting("Binary search steps.")
    steps: Count = setting("Iterations.")
    step_size: Positive = setting("Step of the optimiser.")
    confidence: Weight = setting("Margin in logits.")


class Ead(Model):
    """The elastic-net attack, EAD."""

    method: Literal["ead"] = setting("The elastic-net attack, by foolbox.")
    searches: Count = setting("Binary search steps.")
    steps: Count = setting("Iterations.")
    step_size: Positive = setting("Step of the optimiser.")
    confidence: Weight = setting("Margin in logits.")
    l1_weight: Weight = setting("Beta of EAD.")


class Type2Attack(Model):
    """A Type II attack: the label changes but the image content does not."""

    kind: Literal["type2"] = setting("One of foolbox's attacks.")
    targets: Some[str] = setting("Attacked classifiers.")
    count: Count = setting("Number of attacked examples, the first of `examples`.", 500)
    settings: Annotated[
        Fgsm | Pgd | DeepFool | CarliniWagner | Ead,
        by("method", "fgsm", "pgd", "deepfool", "cw_l2", "ead"),
    ]


# ------------------------------------------------------------------------------ baselines


class Nearest(Model):
    """The nearest training digit of the target class."""

    method: Literal["nearest"] = setting("A training digit of the target class.")


class Interpolation(Model):
    """The line to the mean latent of the target class."""

    method: Literal["interpolation"] = setting("The line to the mean latent of that class.")
    steps: Count = setting("Points on the line.")


class RandomLatent(Model):
    """Random latents."""

    method: Literal["random_latent"] = setting("Latents drawn until f1 says y.")
    draws: Count = setting("Latents drawn for all examples together.")
    seed: Seed = setting("Seed of the draws; the run's seed is added.")


def is_odd(count: int) -> int:
    """Refuse an even number of values, which would leave out 0."""
    if count % 2 == 0:
        raise Wrong(f"`.` is {count}; needs an odd number, so that 0 is tried")
    return count


Part = Annotated[float, Field(gt=0, le=1)]
Odd = Annotated[Count, AfterValidator(is_odd)]


class RealTarget(Model):
    """Noise on a real image of the target class until f1 sees y."""

    method: Literal["real_target"] = setting("A training digit of that class, with noise.")
    start: Literal["nearest", "random"] = setting("The training digit that gets the noise.")
    noise: Annotated[CarliniWagner | Pgd, by("method", "cw_l2", "pgd")] = setting(
        "The attack that makes f1 see y in it."
    )
    seed: Seed = setting("Seed of random draws; the run's seed is added.", 41)


class LevelSet(Model):
    """Level-set traversal (Balasubramanian et al., 2023), defaults of the authors' code."""

    method: Literal["level_set"] = setting("Level-set traversal towards the nearest such digit.")
    steps: Count = setting("Steps of the walk.", 100)
    scale: Part = setting("Share of the way to the real digit made in one step.", 0.05)
    correction: Weight = setting("Largest correction of a pixel in one step.", 1 / 255)
    confidence_drop: Part = setting("How far f1's confidence may fall below its start.", 0.05)


class InvarianceLinf(Model):
    """The invariance attack in the maximum norm (Tramèr et al., 2020), with their settings."""

    method: Literal["invariance_linf"] = setting("The step to the nearest such digit in a ball.")
    epsilon: Radius = setting("Radius in the maximum norm.", 0.3)
    shift: Annotated[float, Field(ge=0, le=14)] = setting("Maximum translation, pixels.", 3.0)
    shifts: Odd = setting("Translations tried along each axis.", 5)
    rotation: Annotated[float, Field(ge=0, le=180)] = setting("Maximum rotation, degrees.", 30.0)
    rotations: Odd = setting("Rotations tried.", 31)


class InvarianceL0(Model):
    """The invariance attack on few pixels (Tramèr et al., 2020), with the bounds of their code."""

    method: Literal["invariance_l0"] = setting("Few pixels of the nearest such digit.")
    draws: Count = setting("Moves tried; 1 tries none but no move.", 2000)
    shift: Annotated[float, Field(ge=0, le=14)] = setting("Maximum translation, pixels.", 8.0)
    rotation: Annotated[float, Field(ge=0, le=180)] = setting("Maximum rotation, degrees.", 14.3)
    scale: Annotated[float, Field(ge=0, le=0.5)] = setting("Maximum change of a scale.", 0.2)
    shear: Annotated[float, Field(ge=0, le=0.5)] = setting("Maximum shear along an axis.", 0.2)
    ink: Part = setting("Share of the digit that a move must leave in the image.", 0.85)
    seed: Seed = setting("Seed of the moves; the run's seed is added.", 43)


class GuidedDiffusion(Model):
    """A diffusion model draws the target class, guided by f1 towards y."""

    method: Literal["diffusion"] = setting("The image with noise, redrawn by a diffusion model.")
    steps: Annotated[int, Field(ge=2, le=1000)] = setting("Noise levels.", 40)
    start: Annotated[float, Field(gt=0.02, le=100)] = setting(
        "Standard deviation of the noise added to x in [-1, 1]; from about 10 on, x only gives y.",
        20.0,
    )
    class_weight: Annotated[float, Field(ge=0, le=20)] = setting(
        "Classifier-free guidance to y'; 1 is the conditional model, more exaggerates it.", 2.0
    )
    scale: Annotated[float, Field(ge=0, le=100)] = setting(
        "Strength of f1's guidance; 0 ignores f1.", 4.0
    )
    seed: Seed = setting("Seed of the noise; the run's seed is added.", 47)


class Baseline(Model):
    """A baseline of Algorithm 2."""

    kind: Literal["baseline"] = setting("A baseline of Algorithm 2.")
    targets: Some[str] = setting("Attacked classifiers.")
    count: Count = setting("Number of attacked examples, the first of `examples`.", 500)
    settings: Annotated[
        Nearest
        | Interpolation
        | RandomLatent
        | RealTarget
        | LevelSet
        | InvarianceLinf
        | InvarianceL0
        | GuidedDiffusion,
        by(
            "method",
            *("nearest", "interpolation", "random_latent"),
            *("real_target", "level_set", "invariance_linf", "invariance_l0"),
            "diffusion",
        ),
    ]
