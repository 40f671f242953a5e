"""Render synthetic faces, so that the pipeline has identities and genders without a download.

A face is rendered from its person (`draw_identities`), its view (`draw_views`) and noise; the first
two are drawn in `typeone.data.face_traits`. Not in the paper, whose faces are CelebA's (Section
IV): results on these faces test the pipeline and do not apply to photographs.

Two frames are used. The head's frame has u to the right and v down, in units of half the image,
with the head upright. The frontal frame gives the same point as (a, b), without yaw and pitch.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from types import SimpleNamespace

import torch
import torch.nn.functional as F
from torch import Tensor

from typeone.data.face_traits import Parameters
from typeone.data.shapes import FACE_SHAPE

SIZE = FACE_SHAPE[-1]
_FINER = 2  # pixels are means of 2x2 samples
_BATCH = 8  # faces rendered at once; more do not fit in a core's cache

_RED = (0.80, 0.22, 0.22)
_EYE_WHITE = (0.95, 0.94, 0.93)
_TEETH = (0.93, 0.91, 0.88)


def render(people: Parameters, views: Parameters) -> Iterator[Tensor]:
    """Render N people in N views; yield batches of float32 ``(M, 3, 64, 64)`` in [0, 1].

    A face depends only on its person and its view.
    """
    for start in range(0, len(people), _BATCH):
        cut = slice(start, start + _BATCH)
        seeds = [int(seed) for seed in views.noise_seed[cut].flatten()]
        yield _render(_single(people.rows(cut)), _single(views.rows(cut)), seeds)


def _single(parameters: Parameters) -> Parameters:
    return Parameters(**{name: values.float() for name, values in vars(parameters).items()})


def _render(person: Parameters, view: Parameters, noise_seeds: Sequence[int]) -> Tensor:
    place = _geometry(person, view)
    image = _background(view, place)
    _paint_behind(image, person, view, place)
    face = _features(person, view, place)
    light = _light(person, view, place)
    texture = _hair_texture(person, place)
    face.lerp_(person.hair * texture[:, None], _hair_on_face(person, place)[:, None])
    face *= light[:, None]
    image.lerp_(face, place.head[:, None])
    # hair above the skull
    top = _ellipse(
        place.u, place.v + 0.02, person.face_width + person.hair_volume * 0.8, place.crown
    )
    above = _inside(top * 0.6, 3) * (1 - place.head) * _edge(-0.02 - place.v, 25)
    above *= 1 - person.bald
    shaded = texture.mul_(light.clamp(0.6, 1.0))
    image.lerp_(person.hair * shaded[:, None], above[:, None])
    warmth = torch.cat([1 + view.warmth, torch.ones_like(view.warmth), 1 - view.warmth], dim=1)
    image *= (view.gain * warmth)[..., None]
    image = F.avg_pool2d(image, _FINER)
    for picture, strength, seed in zip(image, view.noise, noise_seeds, strict=True):
        generator = torch.Generator().manual_seed(seed)
        picture += strength * torch.randn(FACE_SHAPE, generator=generator)
    return image.clamp_(0, 1)


def _inside(distance: Tensor, softness: float = 1.5) -> Tensor:
    """Soft mask: 1 where ``distance`` is negative, else 0, with an edge of ``softness`` samples."""
    return torch.sigmoid(distance * (-SIZE * _FINER / softness))


def _edge(distance: Tensor, steepness: float) -> Tensor:
    """Soft step from 0 to 1 where ``distance`` becomes positive."""
    return (distance * steepness).sigmoid_()


def _bump(*offsets: Tensor) -> Tensor:
    """exp(-sum of squared offsets): 1 at the centre of a spot, 0 far from it."""
    total = offsets[0].square()
    for offset in offsets[1:]:
        total.addcmul_(offset, offset)
    return total.neg_().exp_()


def _ellipse(x: Tensor, y: Tensor, radius_x: Tensor, radius_y: Tensor) -> Tensor:
    """Distance to an ellipse in units of its radii, negative inside."""
    total = (x / radius_x).square()
    scaled = y / radius_y
    return total.addcmul_(scaled, scaled).clamp_(min=1e-6).sqrt_().sub_(1)


def _tint(image: Tensor, colour: Tensor | Sequence[float], cover: Tensor) -> None:
    """Blend ``colour`` into ``image`` ``(M, 3, S, S)`` in place by mask ``cover`` ``(M, S, S)``."""
    if not isinstance(colour, Tensor):
        colour = torch.tensor(colour).view(1, 3, 1, 1)
    image.lerp_(colour, cover[:, None])


def _geometry(person: Parameters, view: Parameters) -> SimpleNamespace:
    """Coordinates of each sample in the image, head and frontal frames, ``(M, S, S)`` each."""
    side = SIZE * _FINER
    ticks = (torch.arange(side) + 0.5) / side * 2 - 1
    y, x = ticks.view(1, side, 1), ticks.view(1, 1, side)
    across, down = (x - view.shift_x) / view.scale, (y - view.shift_y) / view.scale
    u = view.cos_roll * across + view.sin_roll * down
    v = view.cos_roll * down - view.sin_roll * across
    width, height = person.face_width, person.face_height
    on_width, on_height = u / width, v / height
    # outline: an ellipse above, a super-ellipse that narrows to the chin below
    lower = v > 0.1
    taper = on_height.clamp(0, 1).square_().mul_(-0.572 / person.jaw).add_(1)
    across_jaw = on_width.div(taper).abs_().clamp_(min=1e-4)
    tall = on_height.abs().clamp_(min=1e-4)
    radius = across_jaw.pow(torch.where(lower, person.jaw, 2.0))
    radius += tall.pow(torch.where(lower, 2.1, 2.0))
    head = _inside((radius.sqrt() - 1) * 0.6, 2)
    depth = (1 - radius).clamp_(min=1e-4).sqrt_()
    # a point of the surface, turned back by yaw and pitch
    near = depth * 0.85
    a = view.cos_yaw * u - view.sin_yaw * width * near
    turned = view.sin_yaw / width * u + view.cos_yaw * near
    b = view.cos_pitch * v - view.sin_pitch * height * turned
    return SimpleNamespace(
        **{"x": x, "y": y, "u": u, "v": v, "a": a, "b": b, "aside": a.abs(), "side": a.sign()},
        **{"on_width": on_width, "on_height": on_height, "depth": depth, "head": head},
        crown=height + person.hair_volume,
    )


def _background(view: Parameters, place: SimpleNamespace) -> Tensor:
    """Draw stripes between two colours, and shoulders, ``(M, 3, S, S)``."""
    along = view.cos_stripe_angle * place.x + view.sin_stripe_angle * place.y
    wave = (view.stripe_count * along + view.stripe_angle).sin_().mul_(0.5).add_(0.5)
    image = torch.lerp(view.backdrop, view.stripes, wave[:, None])
    _tint(image, view.shirt * 0.8, _inside(1.12 - place.v + 0.28 * place.u.square()))
    return image


def _paint_behind(
    image: Tensor, person: Parameters, view: Parameters, place: SimpleNamespace
) -> None:
    """Paint long hair, neck and ears, behind the head, in place."""
    u, v, long = place.u, place.v, person.long_hair
    width = person.face_width
    spread = (u / (width + person.hair_volume + 0.02)).abs_().pow_(2.4)
    rise = ((v + 0.10) / place.crown).clamp_(max=0).abs_().pow_(2.2)
    outline = (spread + rise).clamp_(min=1e-6).pow_(0.45) - 1
    outline = torch.maximum(outline, (v - person.hair_length * 0.9) * 2)
    _tint(image, person.hair * 0.75, _inside(outline, 3) * long)
    neck = torch.maximum((u - 0.04 * view.yaw).abs_() - 0.33 / 0.7 * width, 0.35 - v)
    _tint(image, person.skin * 0.78, _inside(neck, 3) * (v < 1.25))
    ear = _ellipse(u.abs() - (width + 0.01), v + 0.02, person.ear, torch.tensor(0.16))
    seen = (u.sign() * view.yaw < 0.25) * (1 - 0.9 * long)
    _tint(image, person.skin * 0.86, _inside(ear * 0.08, 2) * seen)


def _features(person: Parameters, view: Parameters, place: SimpleNamespace) -> Tensor:
    """Draw the face without light and hair on the whole image, ``(M, 3, S, S)``."""
    side = SIZE * _FINER
    face = person.skin.expand(-1, 3, side, side).clone()
    blush = _bump((place.aside - 0.36) / 0.16, (place.b - 0.26) / 0.13)
    red = torch.tensor(_RED).view(1, 3, 1, 1)
    _tint(face, person.skin * 0.75 + red * 0.25, blush * (person.blush * 2))
    _paint_beard(face, person, place)
    face *= _creases(person, place)[:, None]
    _paint_eyes(face, person, view, place)
    _paint_mouth(face, person, view, place)
    return face


def _paint_beard(face: Tensor, person: Parameters, place: SimpleNamespace) -> None:
    """Paint beard and moustache in place; ``person.beard`` is 0 without one."""
    a, b, aside = place.a, place.b, place.aside
    below_mouth = (b > person.mouth_y).float()
    cheeks = _edge(b - 0.34 - 0.10 * torch.cos(a * 4), 14)
    cheeks *= torch.sigmoid((aside * 0.9 + b * 0.35 - 0.22) * 14 + 5 * below_mouth)
    moustache = _bump((b - (person.mouth_y - 0.115)) / 0.05) * _edge(0.26 - aside, 30)
    cover = torch.maximum(cheeks, moustache).mul_(person.beard).clamp_(0, 0.95)
    _tint(face, person.hair * 0.8 + person.skin * 0.1, cover)


def _creases(person: Parameters, place: SimpleNamespace) -> Tensor:
    """Light factor of nose, nostrils, folds beside the mouth and a mole, ``(M, S, S)``."""
    b, aside = place.b, place.aside
    tip = person.eye_y + person.nose_length + 0.12
    shadow = _bump((b - (tip + 0.03)) / 0.022) * _edge(person.nose_width - aside, 45)
    light = 1 - 0.32 * shadow
    light *= 1 - 0.55 * _bump((aside - person.nose_width * 0.55) / 0.026, (b - tip) / 0.018)
    fold = _bump((aside - person.mouth_width - 0.1 * b) / 0.02, (b - 0.40) / 0.10)
    light *= 1 - 0.15 * person.age * fold
    mole = _bump((place.a - person.mole_x) * 30.15, (b - person.mole_y) * 30.15)
    light *= 1 - 0.6 * person.mole * mole
    return light


def _paint_eyes(face: Tensor, person: Parameters, view: Parameters, place: SimpleNamespace) -> None:
    """Paint both eyes, symmetric except for the gaze, brows and glasses in place."""
    size, opening = person.eye_size, person.eye_opening
    outward, below = place.aside - person.eye_x, place.b - person.eye_y
    tilted = below + person.eye_tilt * outward
    socket = _bump(outward / (size * 1.6), (tilted + 0.01) / (size * 1.1))
    face *= (1 - 0.22 * socket)[:, None]
    eye = _inside(_ellipse(outward, tilted, size, size * opening) * 0.06)
    _tint(face, _EYE_WHITE, eye)
    gaze = outward - place.side * (view.gaze * size * 0.5)
    from_centre = gaze.square_().addcmul_(tilted, tilted).clamp_(min=1e-7).sqrt_()
    _tint(face, person.iris, _inside(from_centre - size * 0.50) * eye)
    pupil = _inside(from_centre - size * 0.24) * eye
    lid_y = tilted + size * opening * (1 - 0.6 * (outward / size).square_())
    lid = _bump(lid_y / 0.016) * _edge(size * 1.15 - outward.abs(), 60)
    face *= ((1 - 0.88 * pupil) * (1 - 0.75 * lid))[:, None]
    height = place.b - person.brow_y + person.brow_slope * 0.1925 * outward
    height.addcmul_(outward, outward, value=0.9)
    brow = _edge(person.brow_thickness - height.abs_(), 90)
    brow *= _edge(person.brow_length - outward.abs(), 45)
    _tint(face, person.hair * 0.7, brow * 0.9)
    lens = _ellipse(outward, below, torch.tensor(0.165), torch.tensor(0.135))
    frame = _inside(lens.abs_() * 0.15 - 0.012) * person.glasses
    face *= (1 - 0.85 * frame)[:, None]


def _paint_mouth(
    face: Tensor, person: Parameters, view: Parameters, place: SimpleNamespace
) -> None:
    """Paint lips, and teeth or the line between closed lips, in place."""
    a, smile, opening = place.a, view.smile, view.mouth_opening
    curve = (smile * 1.44) * a.square()
    curve += place.b - person.mouth_y - smile * 0.03
    width = person.mouth_width * (1 + 0.15 * smile)
    lips = _ellipse(a, curve, width, person.lip_height + opening)
    red = torch.tensor(_RED).view(1, 3, 1, 1)
    lip_red = person.lip_red[:, None]
    colour = person.skin * (0.80 - 0.25 * lip_red) + red * (0.12 + 0.45 * lip_red)
    _tint(face, colour, _inside(lips * 0.06))
    is_open = (opening > 0.012).float()
    teeth = _ellipse(a, curve, width * 0.8, opening + 0.001)
    _tint(face, _TEETH, _inside(teeth * 0.05) * is_open)
    closed = _bump(curve / 0.013) * _edge(width * 0.95 - place.aside, 50)
    face *= (1 - 0.6 * (1 - is_open) * closed)[:, None]


def _light(person: Parameters, view: Parameters, place: SimpleNamespace) -> Tensor:
    """Ambient and Lambertian light on the head and its nose, ``(M, S, S)``."""
    ridge = _bump(place.a / (person.nose_width * 0.8), (place.b - 0.12) / 0.16)
    ridge *= (place.a / person.nose_width).clamp_(-1.5, 1.5)
    normal_x = (place.on_width * 0.9).add_(ridge, alpha=0.55)
    normal_y, normal_z = place.on_height * 0.75, place.depth
    length = (normal_x.square() + 1e-4).addcmul_(normal_y, normal_y)
    length.addcmul_(normal_z, normal_z).sqrt_()
    bright = (view.light_x.square() + view.light_y.square() + 1).sqrt()
    lambert = normal_x.mul_(view.light_x / bright).add_(normal_y.mul_(view.light_y / bright))
    lambert.add_(normal_z / bright).div_(length).clamp_(min=0)
    return lambert.mul_(1.12 - view.ambient).add_(view.ambient)


def _hair_texture(person: Parameters, place: SimpleNamespace) -> Tensor:
    """Brightness factor of strands of hair, around 1, ``(M, S, S)``."""
    wave = torch.sin(5 * place.b).mul_(8).add_(38 * place.a).add_(person.parting * 20)
    return wave.sin_().mul_(0.16).add_(1)


def _hair_on_face(person: Parameters, place: SimpleNamespace) -> Tensor:
    """Mask of hair on the head: a fringe with a parting, and sides of long hair, ``(M, S, S)``."""
    a, b = place.a, place.b
    line = (a - person.parting * 0.3).abs_().pow_(1.6).mul_(0.55)
    line += torch.sin(9 * a + person.parting * 9).mul_(0.05)
    fringe = _edge(line + person.hairline - b, 40)
    start = torch.where(person.long_hair > 0, 0.80, 0.93) * person.face_width
    reach = person.long_hair * person.hair_length - 0.02
    sides = _edge(place.aside - start, 40) * _edge(reach - b, 20)
    return torch.maximum(fringe, sides) * (1 - person.bald)
