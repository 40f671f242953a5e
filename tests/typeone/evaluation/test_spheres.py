"""Attacks on the spheres are counted where their points land."""

import numpy as np
import pandas as pd
import pytest

from typeone.evaluation.spheres import type1_figures, type1_measurements, type2_measurements

ORIGINAL = np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 0.0], [0.0, -1.0]])
INSIDE = np.full(4, -1.0)


def rows(adversarial, found=(True,) * 4, steps=(1, 2, 3, 6)):
    return {
        "original": ORIGINAL,
        "adversarial": np.array(adversarial),
        "found": np.array(found),
        "steps": np.array(steps),
    }


# the third stops short of the outer sphere, f1 notices the last
TYPE1 = rows([[2.0, 0.0], [0.0, 2.0], [1.5, 0.0], [0.0, -2.0]]), INSIDE, np.array([-1, -1.2, -1, 1])


def test_type1_succeeds_on_the_outer_sphere_with_f1s_class_kept():
    figures = type1_figures(*TYPE1, outer=2.0, tolerance=1e-6)
    values = {name: (value.value, value.n, unit) for name, (value, _, unit) in figures.items()}
    assert values == {
        "success": (0.5, 4, "fraction"),
        "shift": (pytest.approx((0.2 + 2) / 4), 4, "logits"),
        "radius": (pytest.approx(7.5 / 4), 4, "norm"),
        "distance": (pytest.approx(3.5 / 4), 4, "L2"),
    }


def test_the_analytic_attacks_success_is_the_published_one_and_tells_the_printed():
    nothing = rows(ORIGINAL), INSIDE, INSIDE
    attacked = {("analytic", "inner"): TYPE1, ("printed", "inner"): nothing}
    attacked |= {("walk", "inner"): TYPE1}
    found = pd.DataFrame(type1_measurements(attacked, seed=0, outer=2.0, tolerance=1e-6))
    found = found.set_index("id")
    assert found.loc["sphere.type1_success", "value"] == 0.5
    assert found.loc["sphere.type1_success", "note"].endswith("beyond.sphere.printed.success")
    assert "beyond.sphere.analytic.success" not in found.index
    assert found.loc["beyond.sphere.printed.success", "value"] == 0
    assert found.loc["beyond.sphere.walk.steps", "value"] == 3


def test_type2_needs_a_changed_class_but_for_the_nearest_flip():
    after = np.array([1.0, -1.0, 1.0, -1.0])
    moved = rows(ORIGINAL * 1.5, found=(True, True, False, True))
    attacked = {(name, "outer"): (moved, INSIDE, after) for name in ("pgd.0.1", "nearest")}
    found = pd.DataFrame(type2_measurements(attacked | {("walk", "inner"): TYPE1}, seed=0))
    values = found.set_index("id")["value"].to_dict()
    assert values == {
        "beyond.sphere.pgd.0.1.outer.success": 0.25,
        "beyond.sphere.nearest.outer.success": 0.75,  # at a flip f1 is 0: its sign is rounding
        "beyond.sphere.nearest.outer.distance": pytest.approx(0.5),
    }
