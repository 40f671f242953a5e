"""Baselines in the latent space: the line to a class's mean latent, and random draws."""

import numpy as np
import pytest
import torch

from typeone.attacks.baselines import Baselines, class_means, interpolate, random_latents
from typeone.models.svae import DigitSVAE
from typeone.runtime.errors import InputError

from ..algorithm2 import F64, ToySvae, f64, seeded


class TwoDimensional(ToySvae):
    """Pixels are the latent, drawn in two dimensions."""

    latent_dim = 2


def below(*edges):
    """A classifier of the first pixel v: class 0 below the first of ``edges``, then in turn 1, 0...

    With one edge it is linear: its logits are edge - v and v - edge.
    """

    def classifier(images):
        value = images.flatten(1)[:, 0]
        sign = torch.stack([value - edge for edge in edges]).prod(dim=0)
        # a product of an even number of differences is positive on the far left
        margin = sign if len(edges) % 2 else -sign
        return torch.stack([-margin, margin], dim=1)

    return classifier


# ---------------------------------------------------------------- the line to a mean latent


def test_the_mean_latent_of_each_class_by_hand():
    latent = f64([1.0, 0.0], [3.0, 8.0], [5.0, -1.0], [2.0, 1.0])
    means = class_means(latent, torch.tensor([2, 0, 2, 1]), classes=3)
    assert means.tolist() == [[3.0, 8.0], [2.0, 1.0], [3.0, -0.5]]


def test_interpolation_ends_at_the_last_point_before_the_boundary():
    # class 0 where z_0 < 0.55: the points of the line are at 0.1, 0.2, ..., 1
    latent = f64([0.0, 0.0], [1.0, 0.0], [0.0, 0.5], [0.9, 0.0])
    goal = f64([1.0, 2.0], [0.0, 4.0], [0.5, 0.0], [1.9, 1.0])
    labels = torch.tensor([0, 1, 0, 0])
    given = latent.clone()
    found = interpolate(ToySvae(), below(0.55), latent, labels, goal, steps=10)
    by_hand = f64(
        [0.5, 1.0],  # five of ten steps
        [0.6, 1.6],  # four of ten, down from class 1
        [0.5, 0.0],  # the goal itself is still of class 0
        [0.9, 0.0],  # class 0 nowhere: the start, which is not of class 0 either
    )
    torch.testing.assert_close(found, by_hand, rtol=0, atol=1e-15)  # a few roundings in float64
    assert torch.equal(found[2], goal[2])  # the last point is the goal to the bit
    assert torch.equal(found[3], given[3])
    assert torch.equal(latent, given)


def test_where_the_label_returns_behind_a_gap_the_furthest_point_counts():
    # class 0 below 0.22, 1 up to 0.55, 0 again up to 0.75, then 1
    classifier = below(0.22, 0.55, 0.75)
    starts = f64([0.0, 0.0], [0.0, 0.0])
    goals = f64([1.0, 0.0], [0.5, 0.0])
    found = interpolate(ToySvae(), classifier, starts, torch.tensor([0, 0]), goals, steps=10)
    # 0.7 of 0.1, ..., 1; and 0.2 of 0.05, 0.1, ..., 0.5
    torch.testing.assert_close(found[:, 0], f64(0.7, 0.2), rtol=0, atol=1e-15)  # float64


def test_the_start_counts_only_where_no_point_does():
    # class 1 in the middle: the start is of class 0, the points at 0.5 and 1 are not both
    classifier = below(0.25, 0.75)
    start, goal = f64([0.0, 0.0]), f64([1.0, 0.0])
    for label, steps, by_hand in [(1, 2, 0.5), (0, 2, 1.0), (0, 1, 1.0), (1, 1, 0.0)]:
        found = interpolate(ToySvae(), classifier, start, torch.tensor([label]), goal, steps=steps)
        assert found.tolist() == [[by_hand, 0.0]]


# ---------------------------------------------------------------------------- lucky draws


def draw(labels, classifier, *, seed=4, draws=40):
    return random_latents(
        TwoDimensional(), classifier, torch.tensor(labels), seeded(seed), draws=draws
    )


def test_each_example_gets_the_next_draw_of_its_label():
    labels = [1, 0, 1, 1, 0]
    found = draw(labels, below(0.0))
    drawn = torch.randn(40, 2, generator=seeded(4))
    low, high = (iter([z for z in drawn if (z[0] > 0) == positive]) for positive in (False, True))
    by_hand = torch.stack([next(high if label else low) for label in labels])
    assert torch.equal(found, by_hand)


def test_chosen_latents_decode_to_the_asked_labels_and_are_all_different():
    labels, classifier = [0, 1] * 30, below(-0.5, 0.3, 0.8)
    found = draw(labels, classifier, draws=2000)
    said = classifier(ToySvae().decode(found)).argmax(dim=1)
    assert said.tolist() == labels
    assert len(found.unique(dim=0)) == len(labels)


def test_same_seed_same_bytes_and_another_seed_other_draws():
    labels, classifier = [0, 1, 1], below(0.0)
    first, again, other = (draw(labels, classifier, seed=seed) for seed in (4, 4, 5))
    assert first.numpy().tobytes() == again.numpy().tobytes()
    assert not (first == other).any()


def test_too_few_draws_are_failures_and_not_gaps():
    # nobody draws beyond 100 deviations: class 1 is asked for in vain
    classifier = below(100.0)
    found = draw([1, 0, 1, 0], classifier)
    drawn = torch.randn(40, 2, generator=seeded(4))
    assert torch.equal(found, drawn[[0, 0, 0, 1]])
    said = classifier(ToySvae().decode(found)).argmax(dim=1)
    assert said.tolist() == [0, 0, 0, 0]


def test_those_that_come_first_get_what_there_is():
    drawn = torch.randn(6, 2, generator=seeded(4))
    # only the two highest of six draws are of class 1, and the first draw is not among them
    order = drawn[:, 0].argsort(descending=True)
    edge = float(drawn[order[1:3], 0].mean())
    lucky = sorted(order[:2].tolist())
    assert 0 not in lucky
    found = draw([1, 1, 1], below(edge), draws=6)
    assert torch.equal(found, drawn[[*lucky, 0]])


@pytest.mark.parametrize("value", [-1.0, 0.29, 0.31, 0.79, 0.81])
def test_the_classifier_of_these_tests_is_what_it_says(value):
    image = torch.full((1, 1, 1, 2), value, dtype=F64)
    assert below(0.3)(image).argmax(dim=1).item() == (value > 0.3)
    assert below(0.3, 0.8)(image).argmax(dim=1).item() == (0.3 < value < 0.8)
    by_hand = np.searchsorted([-0.5, 0.3, 0.8], value) % 2
    assert below(-0.5, 0.3, 0.8)(image).argmax(dim=1).item() == by_hand


def test_a_surplus_example_never_repeats_a_draw_that_f1_accepts():
    labels = torch.tensor([1, 1, 1])
    half = below(0.0)  # class 1 right of 0
    drawn = torch.randn(4, 2, generator=seeded(), dtype=torch.float32)
    right = int((drawn[:, 0] > 0).sum())
    assert 0 < right < 3  # too few of the asked label among the four draws of this seed
    chosen = random_latents(TwoDimensional(), half, labels, seeded(), draws=4)
    assert int((chosen[:, 0] > 0).sum()) == right


def test_draws_that_are_all_of_the_asked_label_and_too_few_are_refused():
    everywhere = below(-99.0)
    with pytest.raises(InputError, match=r"`draws` is 2, all of class 1, of which 3 are needed"):
        random_latents(TwoDimensional(), everywhere, torch.tensor([1, 1, 1]), seeded(), draws=2)


def test_a_class_without_examples_is_named():
    message = r"no example of class 1 among 2; needs at least one of each class"
    with pytest.raises(InputError, match=message):
        class_means(f64([0.0], [1.0]), torch.tensor([0, 0]), classes=2)


# ----------------------------------------------------------------------------- rows


class Sure(torch.nn.Module):
    """Reads the class of an image in its first pixel, with so much certainty that softmax is 1."""

    def forward(self, images):
        place = images.flatten(1)[:, :1] * 10
        return -1000 * (place - torch.arange(10.0)).square()


@pytest.fixture
def baselines():
    svae = DigitSVAE().eval().requires_grad_(False)
    labels = torch.arange(10)
    images = torch.zeros(10, 1, 28, 28)
    images[:, 0, 0, 0] = (labels + 0.1) / 10  # no two other classes are equally near
    train = images.repeat(3, 1, 1, 1), labels.repeat(3)
    return Baselines(svae, Sure(), images, labels, train, seed=1)


def test_where_f1_is_certain_the_level_set_is_walked_and_not_called_blind(baselines):
    how = {"steps": 3, "scale": 0.1, "correction": 0.0, "confidence_drop": 0.5}
    rows = baselines.rows(method="level_set", **how)
    assert not rows["gradient_vanishes"].any()
    assert rows["target_label"].tolist() == [*range(1, 10), 0]
    assert rows["latent_end"].shape == (10, 32)


@pytest.mark.parametrize("method", ["nearest", "invariance_linf", "invariance_l0"])
def test_baselines_that_do_not_follow_f1_say_nothing_of_its_gradient(baselines, method):
    how = {
        "nearest": {},
        "invariance_linf": {"epsilon": 0.3, "shifts": 1, "rotations": 1},
        "invariance_l0": {"draws": 2, "scale": 0.1, "shear": 0.0, "ink": 0.5, "seed": 3},
    }[method]
    still = {} if method == "nearest" else {"shift": 0.0, "rotation": 0.0}
    rows = baselines.rows(method=method, **how, **still)
    assert "gradient_vanishes" not in rows
    seen = rows["adversarial_image"][:, 0, 0, 0] / 25.5
    if method == "nearest":
        assert np.round(seen).tolist() == rows["target_label"].tolist()


def grey(noisy, _sigma, _classes):
    """A diffusion model that draws the grey between black and white."""
    return torch.zeros_like(noisy) + 0.01 * noisy


DIFFUSION = {"method": "diffusion", "steps": 3, "start": 1.0, "class_weight": 1.0, "seed": 4}


@pytest.mark.parametrize("scale", [0.0, 1.0])
def test_diffusion_reports_f1s_gradient_only_where_f1_guides(baselines, scale):
    baselines.denoiser = grey
    rows = baselines.rows(**DIFFUSION, scale=scale)
    assert np.median(rows["adversarial_image"]) in (127, 128)
    assert ("gradient_vanishes" in rows) == (scale > 0)
    assert scale == 0 or not rows["gradient_vanishes"].any()


def test_another_run_draws_another_noise(baselines):
    baselines.denoiser = lambda noisy, *_: noisy
    first, again = (baselines.rows(**DIFFUSION, scale=0.0)["adversarial_image"] for _ in range(2))
    assert (first == again).all()
    baselines.seed = 2
    assert (baselines.rows(**DIFFUSION, scale=0.0)["adversarial_image"] != first).any()


def test_diffusion_without_a_model_is_refused(baselines):
    with pytest.raises(InputError, match="is 'diffusion', which needs a diffusion model; pass"):
        baselines.rows(**DIFFUSION, scale=1.0)


def test_a_baseline_that_does_not_exist_is_named(baselines):
    with pytest.raises(InputError, match="`method` is 'encode'; needs one of nearest, interpol"):
        baselines.rows(method="encode")
