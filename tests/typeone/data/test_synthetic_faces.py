"""Drawn faces: the same for the same seed, whoever else is drawn, and telling who is who."""

import numpy as np
import pytest
import torch

from typeone.data import synthetic_faces
from typeone.data.face_traits import Chance, Normal, Parameters, draw_identities, draw_views
from typeone.data.synthetic_faces import render
from typeone.runtime.devices import seeded


def faces(people, views):
    return torch.cat(list(render(people, views)))


@pytest.fixture(scope="module")
def drawn():
    """Twenty people, each in a view of its own."""
    people, labels = draw_identities(20, seeded(3))
    views = draw_views(20, seeded(4))
    return people, views, labels, faces(people, views)


def plain(views):
    """The same views without pixel noise."""
    return Parameters(**{**vars(views), "noise": torch.zeros_like(views.noise)})


def test_faces_are_images(drawn):
    *_, images = drawn
    assert images.shape == (20, 3, 64, 64)
    assert images.dtype == torch.float32
    assert images.min() >= 0
    assert images.max() <= 1
    assert images.flatten(1).std(dim=1).min() > 0.05


def test_the_same_seed_gives_the_same_bytes(drawn):
    _, _, _, images = drawn
    again = faces(draw_identities(20, seeded(3))[0], draw_views(20, seeded(4)))
    assert torch.equal(images, again)


def test_another_seed_gives_another_face(drawn):
    _, views, _, images = drawn
    others = faces(draw_identities(20, seeded(5))[0], views)
    assert (images - others).abs().mean(dim=(1, 2, 3)).min() > 0.01


def test_a_face_is_the_same_alone_and_in_any_batch(drawn):
    people, views, _, images = drawn
    alone = [faces(people.rows(slice(i, i + 1)), views.rows(slice(i, i + 1))) for i in range(20)]
    assert torch.equal(images, torch.cat(alone))
    order = torch.randperm(20, generator=seeded(0))
    assert torch.equal(images[order], faces(people.rows(order), views.rows(order)))


def test_the_first_people_do_not_depend_on_how_many_there_are(drawn):
    people, _, labels, _ = drawn
    more, more_labels = draw_identities(33, seeded(3))
    for name, values in vars(people).items():
        assert torch.equal(values, getattr(more, name)[:20]), name
    assert torch.equal(labels, more_labels[:20])


def test_women_and_men_take_turns(drawn):
    *_, labels, _ = drawn
    assert labels.tolist() == [0, 1] * 10


def test_a_normal_has_its_mean_its_deviation_and_its_bounds():
    u = torch.rand(100_000, generator=seeded(0), dtype=torch.float64)
    sex = torch.ones_like(u)
    wide = Normal(2.0, 0.5, -100.0, 100.0, male=0.25)
    drawn = wide.quantile(u, -sex)
    # standard errors of mean and deviation are below 0.002; four of them
    assert drawn.mean().item() == pytest.approx(1.75, abs=0.008)
    assert drawn.std().item() == pytest.approx(0.5, abs=0.008)
    assert wide.quantile(torch.tensor([0.5]), torch.tensor([1.0])).item() == pytest.approx(2.25)
    cut = Normal(2.0, 0.5, 1.8, 2.1).quantile(u, sex)
    assert (cut.min(), cut.max()) == (1.8, 2.1)


def test_a_chance_is_that_of_the_sex():
    u = (torch.arange(1000, dtype=torch.float64) + 0.5) / 1000
    chance = Chance(female=0.86, male=0.12)
    assert chance.quantile(u, -torch.ones(1000)).sum() == 860
    assert chance.quantile(u, torch.ones(1000)).sum() == 120


def test_only_men_have_beards_and_some_of_them():
    people, labels = draw_identities(2000, seeded(1))
    beard = people.beard.flatten()
    assert beard[labels == 0].max() == 0
    # 1,000 men, 55 %: a standard error of 0.016; four of them
    assert (beard[labels == 1] > 0).double().mean().item() == pytest.approx(0.55, abs=0.064)


def test_two_views_of_one_person_are_nearer_than_two_people_in_one_view():
    """Without noise and with one background, in the middle of the face."""
    people, _ = draw_identities(40, seeded(7))
    views = plain(draw_views(2, seeded(8)))
    for name in ("backdrop", "stripes", "light_x", "light_y", "ambient", "gain", "warmth"):
        getattr(views, name)[1] = getattr(views, name)[0]
    for name in ("yaw", "pitch"):  # a slight turn
        for trig in ("cos", "sin"):
            getattr(views, f"{trig}_{name}")[:] = {"cos": 1.0, "sin": 0.0}[trig]
    first, second = (faces(people, views.rows(torch.full((40,), i))) for i in (0, 1))
    middle = (slice(None), slice(None), slice(16, 56), slice(16, 48))
    first, second = first[middle].flatten(1), second[middle].flatten(1)
    distance = torch.cdist(first, second)
    nearest = distance.argmin(dim=1)
    assert (nearest == torch.arange(40)).double().mean() > 0.5  # by chance 1 in 40


def test_noise_has_its_strength():
    people, _ = draw_identities(2, seeded(3))
    views = draw_views(2, seeded(4))
    # in the middle of the range, so that nothing is cut off at 0 or 1
    views.gain[:] = 0.75
    quiet = faces(people, plain(views))
    views.noise[:] = 0.02
    grain = (faces(people, views) - quiet)[(quiet > 0.1) & (quiet < 0.9)]
    assert grain.std().item() == pytest.approx(0.02, rel=0.05)
    assert abs(grain.mean().item()) < 0.001


def test_a_yaw_moves_the_nose_to_that_side():
    """What lies on the frontal face at a = 0 is seen right of the middle after a turn to there."""
    people, _ = draw_identities(1, seeded(3))
    views = draw_views(1, seeded(4))
    for name, value in (("shift_x", 0.0), ("sin_roll", 0.0), ("cos_roll", 1.0)):
        getattr(views, name)[:] = value
    columns = []
    for yaw in (-0.4, 0.0, 0.4):
        views.cos_yaw[:], views.sin_yaw[:] = np.cos(yaw), np.sin(yaw)
        place = synthetic_faces._geometry(*(synthetic_faces._single(p) for p in (people, views)))
        middle = place.a[0, 70].abs()
        middle[place.head[0, 70] < 0.5] = torch.inf
        columns.append(int(middle.argmin()))
    assert columns[0] < columns[1] < columns[2]
    assert abs(columns[1] - 63.5) <= 1
