"""Random traits of synthetic faces: parameters of a person and of a view.

Gender shifts the distributions of many traits, such as jaw, brows, lips, hair and beard, so that no
single trait determines it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import SimpleNamespace
from typing import ClassVar

import torch
from torch import Tensor

_SKIN = (
    *((0.99, 0.86, 0.76), (0.96, 0.77, 0.64), (0.87, 0.64, 0.48)),
    *((0.72, 0.49, 0.35), (0.52, 0.34, 0.24), (0.36, 0.23, 0.17)),
)
_HAIR = (
    *((0.08, 0.06, 0.05), (0.20, 0.12, 0.07), (0.38, 0.23, 0.12), (0.62, 0.43, 0.22)),
    *((0.86, 0.70, 0.42), (0.55, 0.20, 0.10), (0.60, 0.60, 0.60)),
)
_IRIS = (
    *((0.22, 0.13, 0.07), (0.36, 0.22, 0.10), (0.30, 0.42, 0.25)),
    *((0.25, 0.42, 0.62), (0.40, 0.45, 0.48)),
)


@dataclass(frozen=True)
class Normal:
    """Normal distribution clipped to [low, high], then shifted by ``male`` (men) or -``male``."""

    mean: float
    sd: float
    low: float
    high: float
    male: float = 0.0
    draws: ClassVar[int] = 1

    def quantile(self, u: Tensor, sex: Tensor) -> Tensor:
        normal = torch.special.ndtri(u.clamp(1e-12, 1 - 1e-12))
        return (self.mean + self.sd * normal).clamp(self.low, self.high) + self.male * sex


@dataclass(frozen=True)
class Uniform:
    """Uniform distribution on [low, high]."""

    low: float
    high: float
    draws: ClassVar[int] = 1

    def quantile(self, u: Tensor, sex: Tensor) -> Tensor:
        return self.low + (self.high - self.low) * u


@dataclass(frozen=True)
class Chance:
    """1 with a probability that depends on the sex, else 0."""

    female: float
    male: float
    draws: ClassVar[int] = 1

    def quantile(self, u: Tensor, sex: Tensor) -> Tensor:
        return (u < torch.where(sex > 0, self.male, self.female)).to(u.dtype)


@dataclass(frozen=True)
class Blend:
    """A random point on the line between two colours of a palette."""

    palette: Sequence[tuple[float, float, float]]
    draws: ClassVar[int] = 3

    def quantile(self, u: Tensor, sex: Tensor) -> Tensor:
        palette = torch.tensor(self.palette, dtype=u.dtype)
        first, second = (palette[(u[:, i] * len(palette)).long()] for i in (0, 1))
        return torch.lerp(first, second, u[:, 2:])


@dataclass(frozen=True)
class Colour:
    """Uniform distribution on the RGB cube."""

    draws: ClassVar[int] = 3

    def quantile(self, u: Tensor, sex: Tensor) -> Tensor:
        return u


Distribution = Normal | Uniform | Chance | Blend | Colour
# Lengths are in units of half the image before the view's scale; positions are relative to the
# head's centre, to the right and down.
TRAITS: dict[str, Distribution] = {
    "face_width": Normal(0.70, 0.045, 0.58, 0.84, male=0.03),
    "face_height": Normal(0.93, 0.04, 0.82, 1.04, male=0.01),
    "jaw": Normal(2.3, 0.28, 1.8, 3.2, male=0.42),  # exponent of the outline: 2 is round
    "eye_x": Normal(0.33, 0.03, 0.25, 0.42),
    "eye_y": Normal(-0.08, 0.03, -0.16, 0.0),
    "eye_size": Normal(0.105, 0.014, 0.07, 0.15, male=-0.010),
    "eye_opening": Normal(0.50, 0.09, 0.28, 0.75, male=-0.05),  # height over width
    "eye_tilt": Normal(0.0, 0.14, -0.35, 0.35, male=0.05),
    "iris": Blend(_IRIS),
    "skin": Blend(_SKIN),
    "hair": Blend(_HAIR),
    "brow_y": Normal(-0.27, 0.03, -0.36, -0.19, male=0.02),
    "brow_thickness": Normal(0.034, 0.009, 0.014, 0.06, male=0.011),
    "brow_slope": Normal(0.25, 0.35, -0.6, 1.1, male=-0.1),
    "brow_length": Normal(0.16, 0.02, 0.11, 0.22),
    "nose_length": Normal(0.26, 0.045, 0.15, 0.38, male=0.015),
    "nose_width": Normal(0.105, 0.022, 0.06, 0.17, male=0.012),
    "mouth_y": Normal(0.50, 0.03, 0.42, 0.58),
    "mouth_width": Normal(0.235, 0.03, 0.16, 0.32),
    "lip_height": Normal(0.058, 0.012, 0.03, 0.09, male=-0.010),
    "lip_red": Normal(0.35, 0.15, 0.0, 0.9, male=-0.22),
    "hairline": Normal(-0.56, 0.07, -0.74, -0.38, male=-0.03),
    "parting": Uniform(-0.5, 0.5),
    "hair_volume": Normal(0.13, 0.05, 0.04, 0.28, male=-0.03),
    "blush": Normal(0.10, 0.08, 0.0, 0.3, male=-0.04),
    "ear": Uniform(0.05, 0.11),
    "mole_x": Uniform(-0.5, 0.5),
    "mole_y": Uniform(0.0, 0.6),
    "age": Uniform(0.0, 1.0),  # depth of the folds beside the mouth
    "long_hair": Chance(female=0.86, male=0.12),
    "hair_length": Uniform(0.35, 1.1),
    "bearded": Chance(female=0.0, male=0.55),
    "beard": Uniform(0.15, 0.85),  # its density
    "bald": Chance(female=0.0, male=0.10),
    "mole": Chance(female=0.30, male=0.30),
    "glasses": Chance(female=0.15, male=0.15),
}
# Angles in radians.
VIEW: dict[str, Distribution] = {
    "yaw": Normal(0.0, 0.25, -0.6, 0.6),
    "pitch": Normal(0.0, 0.10, -0.25, 0.25),
    "roll": Normal(0.0, 0.07, -0.2, 0.2),
    "scale": Normal(0.80, 0.03, 0.72, 0.88),
    "shift_x": Normal(0.0, 0.03, -0.08, 0.08),
    "shift_y": Normal(0.05, 0.03, -0.03, 0.12),
    "smile": Uniform(-0.2, 1.0),
    "mouth_opening": Uniform(-1.2, 1.0),  # closed below 0
    "gaze": Normal(0.0, 0.25, -0.6, 0.6),
    "light_x": Uniform(-0.8, 0.8),
    "light_y": Uniform(-0.8, 0.2),
    "ambient": Uniform(0.45, 0.75),
    "gain": Uniform(0.75, 1.15),
    "warmth": Uniform(-0.08, 0.08),
    "backdrop": Colour(),
    "stripes": Colour(),
    "stripe_angle": Uniform(0.0, 2 * math.pi),
    "stripe_count": Uniform(1.0, 5.0),
    "shirt": Colour(),
    "noise": Uniform(0.0, 0.025),  # standard deviation of pixel noise
    "noise_seed": Uniform(0.0, 2.0**31),
}


class Parameters(SimpleNamespace):
    """Named parameters of N faces: tensors ``(N, 1, 1)``, colours ``(N, 3, 1, 1)``."""

    def __len__(self) -> int:
        return len(next(iter(vars(self).values())))

    def rows(self, rows: Tensor | slice) -> Parameters:
        """Return the parameters of the faces ``rows``."""
        return Parameters(**{name: values[rows] for name, values in vars(self).items()})


def _draw(
    distributions: Mapping[str, Distribution], sex: Tensor, generator: torch.Generator
) -> Parameters:
    """Draw one value of every distribution for each face; face i uses row i of the random numbers.

    Values are float64, so that rounding, which depends on the position in a batch, has no effect.
    """
    widths = [d.draws for d in distributions.values()]
    uniform = torch.rand(len(sex), sum(widths), generator=generator, dtype=torch.float64)
    values = {}
    for (name, distribution), u in zip(
        distributions.items(), uniform.split(widths, dim=1), strict=True
    ):
        drawn = distribution.quantile(u if distribution.draws > 1 else u[:, 0], sex)
        values[name] = drawn.view(len(sex), *((3,) if drawn.dim() > 1 else ()), 1, 1)
    return Parameters(**values)


def draw_identities(count: int, generator: torch.Generator) -> tuple[Parameters, Tensor]:
    """Draw ``count`` people and their int64 labels ``(count,)``: alternately women (0) and men (1).

    The first people are the same for any ``count``.
    """
    labels = torch.arange(count) % 2
    people = _draw(TRAITS, labels.double() * 2 - 1, generator)
    people.beard = people.beard * people.bearded
    return people, labels


def draw_views(count: int, generator: torch.Generator) -> Parameters:
    """Draw ``count`` views of a face: pose, expression, light, background and a seed for noise."""
    views = _draw(VIEW, torch.zeros(count, dtype=torch.float64), generator)
    views.mouth_opening = views.mouth_opening.clamp(min=0) * 0.055
    for angle in ("yaw", "pitch", "roll", "stripe_angle"):
        for name in ("cos", "sin"):
            setattr(views, f"{name}_{angle}", getattr(torch, name)(getattr(views, angle)))
    return views
