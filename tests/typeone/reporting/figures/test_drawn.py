"""What a figure draws are the rows that it was given: lines, bars, points and images, read back."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_hex

from typeone.reporting import plotting
from typeone.reporting.figures.ablations import ablations
from typeone.reporting.figures.figure1 import figure1
from typeone.reporting.figures.figure2 import figure2
from typeone.reporting.figures.figure3 import figure3
from typeone.reporting.figures.figure6 import figure6
from typeone.reporting.figures.figure7b import figure7b
from typeone.reporting.figures.figure8 import figure8
from typeone.reporting.figures.figure9 import figure9
from typeone.reporting.figures.figure9_small import figure9_small
from typeone.reporting.figures.table1_roc import table1_roc
from typeone.reporting.figures.variants import variants
from typeone.reporting.figures.walks import figure5a, figure7a
from typeone.runtime.artifacts import Records


@pytest.fixture(autouse=True)
def closed():
    yield
    plt.close("all")


def points(line):
    return list(zip(*map(list, line.get_data()), strict=True))


def caption(figure):
    (text,) = (t.get_text() for t in figure.texts if t.get_gid() == plotting.CAPTION)
    return " ".join(text.split())


def levels(*values, side=28, channels=1):
    """Images of one grey level each."""
    stored = np.array(values, dtype=np.uint8)[:, None, None, None]
    return stored * np.ones((channels, side, side), np.uint8)


def level(image):
    """The one grey level of an image."""
    assert image.get_clim() == (0, 255)
    (value,) = np.unique(image.get_array())
    return int(value)


def shown(figure):
    """Levels and titles of all images, row by row from the left."""
    panels = [axes for axes in figure.axes if axes.get_images()]
    if len(panels) == 1 and len(panels[0].get_images()) > 1:
        return strips(panels[0])
    place = {axes: axes.get_position() for axes in panels}
    panels.sort(key=lambda axes: (-round(place[axes].y0, 3), place[axes].x0))
    return [(level(*axes.get_images()), axes.get_title()) for axes in panels]


def row_labels(figure):
    """What stands left of the rows of a filmstrip, from above."""
    texts = [text for text in figure.axes[0].texts if text.get_ha() == "right"]
    return [t.get_text() for t in sorted(texts, key=lambda text: -text.get_position()[1])]


def strips(axes):
    """The same of images that share one panel; a title is centred above its image."""
    titles = {tuple(np.round(text.get_position(), 3)): text.get_text() for text in axes.texts}
    found = []
    for image in axes.get_images():
        left, right, bottom, top = image.get_extent()
        title = titles[round((left + right) / 2, 3), round(top + 0.02, 3)]
        found.append((-round(bottom, 3), left, level(image), title))
    return [image[2:] for image in sorted(found)]


# -------------------------------------------------------------------------------------- curves


def roc_rows(attack, metric, seed, fpr, tpr, auc, squeezer="joint", target="mlp"):
    rows = {"fpr": fpr, "tpr": tpr, "auc": auc, "attack": attack, "metric": metric}
    return pd.DataFrame(rows | {"seed": seed, "squeezer": squeezer, "target": target})


def test_table1_roc_draws_false_positives_against_true_ones():
    x, y = [0.0, 0.1, 0.4, 1.0], [0.0, 0.6, 0.9, 1.0]
    curves = pd.concat(
        [
            roc_rows("paper", "l1", 0, x, y, 0.8),
            roc_rows("paper", "l1", 1, x, [0.0, 0.5, 0.7, 1.0], 0.6),
            roc_rows("paper", "l2", 0, x, [0.0, 0.2, 0.3, 1.0], 0.5),
            roc_rows("pgd", "l2", 0, x, [0.0, 0.1, 0.8, 1.0], 0.65),
            roc_rows("paper", "l2", 0, y, x, 0.1, squeezer="bit_depth_1"),
            roc_rows("paper", "l2", 0, y, x, 0.1, target="cnn"),
        ]
    )
    names = {"paper": "Type I", "pgd": "PGD"}
    figure = table1_roc(curves, target="mlp", names=names, caption="Few.")
    l2, l1 = figure.axes
    assert (l2.get_title(), l1.get_title()) == ("L2 distance of softmax", "L1 distance of softmax")
    assert l1.get_xlabel() == l2.get_xlabel() == "clean images rejected"
    assert l2.get_ylabel() == "attacked images rejected"
    drawn = {
        axes: [points(line) for line in axes.lines if len(line.get_xdata()) > 2]
        for axes in (l1, l2)
    }
    assert drawn[l1] == [
        [(0, 0), (0.1, 0.6), (0.4, 0.9), (1, 1)],
        [(0, 0), (0.1, 0.5), (0.4, 0.7), (1, 1)],
    ]
    assert drawn[l2] == [
        [(0, 0), (0.1, 0.2), (0.4, 0.3), (1, 1)],
        [(0, 0), (0.1, 0.1), (0.4, 0.8), (1, 1)],
    ]
    texts = [[t.get_text() for t in axes.get_legend().get_texts()] for axes in (l1, l2)]
    # the mean over seeds; an attack without curves has none
    assert texts[0][0] == "Type I 0.700"
    assert texts[1] == ["Type I 0.500", "PGD 0.650"]


def test_figure1_moves_the_operating_point_down_and_to_the_right():
    curves = pd.DataFrame(
        [
            {"attack": name, "counted": counted, "seed": seed, "fpr": fpr, "tpr": tpr}
            for name, counted, seed, ends in (
                ("clean", "oracle", 1, [(0.0, 0.5), (1.0, 0.9)]),
                ("clean", "oracle", 2, [(0.3, 0.3), (0.4, 0.4)]),
                ("paper", "oracle", 1, [(0.2, 0.6), (0.9, 1.0)]),
                ("ead", "oracle", 1, [(0.1, 0.2), (0.8, 0.7)]),
                ("pgd", "label", 1, [(0.5, 0.1), (0.6, 0.2)]),
                ("pgd", "oracle", 1, [(0.7, 0.1), (0.7, 0.2)]),
            )
            for fpr, tpr in ends
        ]
    )
    values = {
        **{"clean.fpr": 0.01, "clean.tpr": 0.95, "clean.auc": 0.99},
        **{"paper.fpr": 0.8, "paper.auc": 0.7, "ead.tpr": 0.15, "ead.auc": 0.6},
        **{"pgd.auc_by_label": 0.55, "paper.gone": 0.5, "ead.still": 0.9},
    }
    measurements = pd.DataFrame(
        {"id": f"beyond.fig1.{k}", "value": v, "low": v - 0.01, "high": v + 0.01, "n": 9, "seed": 1}
        for k, v in values.items()
    )
    table = {"label": np.array([3]), "index": np.array([7]), "image": levels(10)}
    table |= {"f1_label_before": np.array([3]), "judge_clear": np.array([True])}
    one = table | {"adversarial_image": levels(20), "judge_label": np.array([8])}
    two = table | {"adversarial_image": levels(30), "judge_label": np.array([3])}
    figure = figure1(
        curves,
        measurements,
        (
            Records(one | {"type1_success_clear": [True], "f1_label_after": np.array([3])}, {}),
            Records(two | {"type2_success_oracle": [True], "f1_label_after": np.array([5])}, {}),
        ),
        **{"positive": 3, "type1": ["paper"], "type2": ["ead", "pgd"], "seed": 1, "preset": "p"},
    )
    for axes in figure.axes[:2]:
        lines = {line.get_label().split(",")[0]: line for line in axes.lines[:4]}
        assert points(lines["test images"])[1:] == [(1.0, 0.9)]
        assert lines["test images"].get_ydata()[0] == 0.5
        assert points(lines["negatives by Type I (paper)"]) == [(0.2, 0.6), (0.9, 1.0)]
        assert points(lines["positives by Type II (ead)"]) == [(0.1, 0.2), (0.8, 0.7)]
        assert points(lines["the same (pgd"]) == [(0.5, 0.1), (0.6, 0.2)]
        assert points(axes.lines[4]) == [(0.01, 0.95)]  # f1's own decision
        arrows = [t for t in axes.texts if t.arrow_patch is not None]
        assert {tuple(a.xy) for a in arrows} == {(0.8, 0.95), (0.01, 0.15)}
        assert {tuple(a.xyann) for a in arrows} == {(0.01, 0.95)}
        assert axes.get_xlabel() == "false positive rate"
    assert figure.axes[0].get_ylabel() == "true positive rate"
    insets = figure.axes[0].child_axes
    found = {level(*axes.get_images()): axes.get_xlabel().replace("\n", " ") for axes in insets}
    assert found == {
        10: "a 3, f1 says 3",
        20: "Type I: now a 8, f1 says 3",
        30: "Type II: still a 3, f1 says 5",
    }
    assert "true positives 0.950 [0.940, 0.960] of 9" in caption(figure)


def walked(label):
    """The trace of an example of class 7 and of one of ``label``."""
    return {
        "label": np.array([label, 7, label, label]),
        "step": np.array([0, 5, 10, 20]),
        "j1": np.array([0.5, 9.0, 0.4, 0.3]),
        "j2": np.array([3.0, 9.0, 2.0, 1.0]),
        "penalty": np.array([0.0, 9.0, 0.02, 0.01]),
        "f1_confidence": np.array([0.9, 0.1, 0.95, 0.97]),
        "image": levels(10, 11, 12, 13),
    }


def test_figure6_draws_the_losses_of_the_four():
    figure = figure6(walked(4), columns=2, published=0.9941, caption="Few.")
    assert shown(figure) == [(10, "step 0"), (13, "step 20")]
    curves = figure.axes[-1]
    assert (curves.get_xlabel(), curves.get_ylabel()) == ("step", "loss")
    assert curves.get_yscale() == "log"
    drawn = {line.get_label(): points(line) for line in curves.lines}
    assert drawn == {
        "f2, target 5": [(0, 3.0), (10, 2.0), (20, 1.0)],
        "f1, original 4": [(0, 0.5), (10, 0.4), (20, 0.3)],
        "discriminator": [(0, 1e-6), (10, 0.02), (20, 0.01)],  # 0 has no logarithm
    }
    assert caption(figure) == "Few. f1's confidence in 4 at the end: 0.9700; published 0.9941."


def test_figure6_of_other_data_tells_no_published_value():
    figure = figure6(walked(4), columns=2, published=None, caption="Few.")
    assert caption(figure) == "Few. f1's confidence in 4 at the end: 0.9700."


def test_figure6_follows_the_first_class_where_there_is_no_four():
    figure = figure6(walked(2), columns=2, published=0.9941, caption="Few.")
    assert shown(figure) == [(10, "step 0"), (13, "step 20")]
    assert [line.get_label() for line in figure.axes[-1].lines] == [
        "f2, target 3",
        "f1, original 2",
        "discriminator",
    ]
    assert caption(figure) == (
        "Few. f1's confidence in 2 at the end: 0.9700; "
        "f1 gets no example of the paper's class, 4, right."
    )


def test_ablations_draw_shares_with_their_intervals():
    kept = np.array([3, 3, 3, 0, 0, 0, 0, 3])
    table = pd.DataFrame(
        {
            "variant": ["unchanged"] * 4 + ["no_guide"] * 4,
            "label": 3,
            "f1_label_after": kept,
            "type1_success_oracle": [True, True, False, False] + [False] * 4,
            "type1_success_clear": [True, False, False, False] + [False] * 4,
            "type1_success_clean": [False] * 8,
            "steps": [10, 20, 30, 40] + [5] * 4,
        }
    )
    figure = ablations({"paper": table}, caption="Few.")
    (axes,) = figure.axes
    assert [t.get_text() for t in axes.get_yticklabels()] == ["unchanged (25)", "no guide (5)"]
    shares = {c.get_label(): c for c in axes.containers}
    expected = {
        "f1 keeps the label": [0.75, 0.25],
        "… and the oracle leaves it": [0.5, 0.0],
        "… and is sure": [0.25, 0.0],
        "… and the image is clean": [0.0, 0.0],
    }
    assert {k: list(c.lines[0].get_xdata()) for k, c in shares.items()} == expected
    for container in shares.values():
        assert np.round(container.lines[0].get_ydata()).tolist() == [0, 1]
        for (value, _), segment in zip(
            points(container.lines[0]), container.lines[2][0].get_segments(), strict=True
        ):
            low, high = segment[:, 0]
            # Wilson (1927): its ends are where |share - p| is 1.96 standard deviations
            for end in (low, high):
                assert (value - end) ** 2 == pytest.approx(1.959964**2 * end * (1 - end) / 4)
    assert axes.get_xlabel() == "share of the examples"
    assert "n = 4 per line" in caption(figure)


def test_figure2_draws_the_sample_and_its_two_moves():
    draw = np.random.default_rng(0)
    samples = pd.DataFrame(draw.uniform(-1, 1, (6, 3)), columns=["x1", "x2", "x3"])
    samples = samples.assign(y=[1, 1, -1, -1, 1, -1], split="train", seed=0)
    samples.loc[5, "split"] = "test"
    plane = {"classifier": "f1", "w1": 1.0, "w2": 0.0, "w3": 2.0, "bias": 0.5, "seed": 0}
    start = {"x1": 0.5, "x2": 0.4, "x3": 0.3}
    ends = {1: {"x1_end": 0.5, "x2_end": -0.9, "x3_end": 0.3}}
    ends |= {2: {"x1_end": 0.5, "x2_end": 0.4, "x3_end": -0.8}}
    moves = [
        {"classifier": "f1", "seed": 0, "sample": 4, "type": k, **start, **e}
        for k, e in ends.items()
    ]
    # a longer move that leaves the cube is not the one that is shown
    far = {"x1_end": 0.5, "x2_end": -9.0, "x3_end": 0.3}
    moves += [
        {"classifier": "f1", "seed": 0, "sample": 5, "type": k, **start, **e}
        for k, e in ((1, far), (2, ends[2]))
    ]
    figure = figure2(
        *(samples, pd.DataFrame([plane]), pd.DataFrame(moves)),
        **{"seed": 0, "half_width": 2.0, "shown": 4, "preset": "p"},
    )
    (axes,) = figure.axes
    assert (axes.get_xlabel(), axes.get_ylabel(), axes.get_zlabel()) == ("x(1)", "x(2)", "x(3)")
    f2, f1, positive, negative, to2, to1, first = axes.collections
    for scatter, y in ((positive, 1), (negative, -1)):
        wanted = samples[:4][samples["y"][:4] == y]
        found = np.array(scatter._offsets3d)  # 3-d artists give no public access
        np.testing.assert_allclose(found.T, wanted[["x1", "x2", "x3"]])
    assert np.array(first._offsets3d).T.tolist() == [[0.5, 0.4, 0.3]]
    for arrow, kind in ((to2, 2), (to1, 1)):
        shaft, *head = arrow._segments3d
        np.testing.assert_allclose(shaft, [[*ends[kind].values()], [*start.values()]])
        for barb in head:
            np.testing.assert_allclose(barb[0], shaft[0])  # the tip
    for surface, weights, bias in ((f2, (1, 1, 0), 0), (f1, (1, 0, 2), 0.5)):
        corners = surface._faces.reshape(-1, 3)
        np.testing.assert_allclose(corners @ weights + bias, 0, atol=1e-9)  # float64
        assert np.abs(corners).max() <= 2
    assert "4 of the 5 points" in caption(figure)


def test_figure3_draws_the_walks_and_the_errors():
    walks = pd.DataFrame(
        [
            {"position": p, "step": t, "seen": 0.6 - 0.1 * t, "missing": 0.5 + 0.2 * t + 0.01 * p}
            for p in (0, 1)
            for t in range(3)
        ]
    ).assign(radius=lambda w: np.hypot(w.seen, w.missing), value=-0.3, boundary=0.9)
    curves = {
        seed: pd.DataFrame({"step": [1, 10, 20], "error": [0.5, 0.1, 0.01 + seed / 100]})
        for seed in (0, 1)
    }
    measurements = pd.DataFrame(
        [
            {"id": "beyond.sphere.floor", "value": 1e-4, "low": 1e-4, "high": 1e-4, "n": 1},
            {"id": "sphere.error_rate", "value": 0.02, "low": 0.01, "high": 0.04, "n": 900},
            {"id": "sphere.error_rate", "value": 0.03, "low": 0.02, "high": 0.05, "n": 800},
        ]
    )
    how = {"published": 0.002, "inner": 0.8, "outer": 1.0, "preset": "p"}
    figure = figure3(walks, curves, measurements, **how)
    spheres, walk, errors, value = figure.axes
    lines = [points(line) for line in spheres.lines]
    for position, rows in walks.groupby("position"):
        wanted = list(zip(rows["seen"], rows["missing"], strict=True))
        assert lines.count(wanted) == (2 if position == 0 else 1)  # the first one again, in green
    radii = [np.hypot(*np.array(line).T) for line in lines if len(line) == 200]
    assert [r.round(12).tolist() for r in radii] == [[0.8] * 200, [1.0] * 200]
    assert spheres.get_xlabel() == "norm of what $f_1$ sees of $x$"
    first = walks[walks["position"] == 0]
    assert [(0, r) for r in first["radius"][:1]] == points(walk.lines[2])[:1]
    assert points(walk.lines[2]) == list(zip(first["step"], first["radius"], strict=True))
    assert points(value.lines[0]) == list(zip(first["step"], first["value"], strict=True))
    assert [points(line) for line in errors.lines[:2]] == [
        list(zip(c["step"], c["error"], strict=True)) for c in curves.values()
    ]
    (bars,) = errors.containers
    assert list(bars.lines[0].get_ydata()) == [0.02, 0.03]
    ends = [segment[:, 1].tolist() for segment in bars.lines[2][0].get_segments()]
    assert ends == [pytest.approx([0.01, 0.04]), pytest.approx([0.02, 0.05])]
    level_lines = [line.get_ydata()[0] for line in errors.lines[3:]]
    assert level_lines == [0.002, 1e-4]


# -------------------------------------------------------------------------------------- images


def test_figure5a_draws_a_filmstrip_a_class():
    trace = {
        "position": np.array([0, 0, 0, 1, 1, 1]),
        "label": np.array([9, 9, 9, 2, 2, 2]),
        "step": np.array([0, 10, 20] * 2),
        "image": levels(10, 20, 30, 40, 50, 60),
    }
    figure = figure5a(Records(trace, {}), columns=3, caption="Few.")
    assert row_labels(figure) == ["2 → 3", "9 → 0"]
    assert shown(figure) == [
        *((40, "0"), (50, "10"), (60, "20")),
        *((10, "0"), (20, "10"), (30, "20")),
    ]


def test_figure7a_draws_the_original_before_the_walk():
    examples = {
        "label": np.array([9, 2]),
        "target_label": np.array([0, 3]),
        "image": levels(1, 2),
        "f1_confidence_before": np.array([0.81, 0.82]),
        "judge_label": np.array([0, 4]),
        "judge_clear": np.array([True, False]),
    }
    trace = {
        "position": np.array([0, 0, 1, 1]),
        "image": levels(10, 30, 40, 60),
        "f1_confidence": np.array([0.5, 0.6, 0.7, 0.99]),
    }
    figure = figure7a(Records(examples, {}), Records(trace, {}), columns=3, caption="Few.")
    assert row_labels(figure) == ["2 → 3\noracle 4?", "9 → 0\noracle 0"]
    assert shown(figure) == [
        *((2, "0.82"), (40, "0.70"), (60, "0.99")),
        *((1, "0.81"), (10, "0.50"), (30, "0.60")),
    ]


def attacked(first, label, judge, clear, kept, confidence):
    n = len(label)
    return Records(
        {
            "label": np.array(label),
            "target_label": (np.array(label) + 1) % 10,
            "image": levels(*range(first, first + n)),
            "adversarial_image": levels(*range(first + 100, first + 100 + n)),
            "judge_label": np.array(judge),
            "judge_clear": np.array(clear),
            "f1_label_after": np.where(kept, label, 0),
            "f1_confidence_after": np.array(confidence),
        },
        {},
    )


def test_variants_draw_what_each_made_of_the_same_digit():
    yes, no = True, False
    paper = attacked(10, [5, 3, 5], [6, 4, 6], [yes, no, yes], [yes, no, yes], [0.9, 0.2, 0.5])
    ours = attacked(10, [5, 3, 5], [6, 4, 6], [no, yes, yes], [yes, yes, yes], [0.7, 0.8, 0.6])
    ours.columns["adversarial_image"] = levels(201, 202, 203)
    other = attacked(50, [1, 5], [2, 6], [yes, yes], [yes, yes], [0.4, 0.3])
    rival = attacked(30, [5], [6], [yes], [yes], [0.95])  # attacked one example only
    figure = variants(
        paper, {"mlp": ours, "cnn": other}, {"real digit": rival}, shown="mlp", preset="p"
    )
    found = shown(figure)
    # of class 3, then of class 5, the first example each; the other target has no 3
    assert [value for value, _ in found] == [11, 111, 202, 0, 0, 0, 10, 110, 201, 130, 51, 151]
    titles = [title.split("\n")[-1] for _, title in found]
    assert titles[:6] == ["", "4?  left", "4  0.80", "none", "none", ""]
    assert titles[6:] == ["", "6  0.90", "6?  0.70", "6  0.95", "", "6  0.30"]
    heads = [title.split("\n")[0] for _, title in found[:6]]
    assert heads == ["x", "paper", "ours", "real", "x", "ours"]


def faces_of(distances, same=True):
    n = len(distances)
    return {
        "image": levels(*range(10, 10 + n), side=64, channels=3),
        "adversarial_image": levels(*range(110, 110 + n), side=64, channels=3),
        "distance": np.array(distances),
    }


def test_figure7b_draws_pairs_and_says_which_failed():
    rows = faces_of([0.5, 1.3, 0.6, 0.7])
    rows |= {"shows_class": np.array([True, True, False, True])}
    rows |= {"gender_changed": np.array([True, True, True, False])}
    figure = figure7b(Records(rows, {}), pairs=3, threshold=1.1, caption="Few.")
    assert shown(figure) == [
        *((10, "0.500"), (110, "")),
        *((11, "1.300  other person"), (111, "")),
        *((12, "0.600  no face"), (112, "")),
    ]
    assert "Of all 4, 25.0% succeed" in caption(figure)


def test_figure8_draws_pairs_and_marks_success():
    rows = {
        "variant": np.array(["a", "a", "b"]),
        "label": np.array([1, 2, 1]),
        "image": levels(10, 11, 12),
        "adversarial_image": levels(20, 21, 22),
        "f1_label_before": np.array([1, 2, 1]),
        "f1_label_after": np.array([1, 2, 5]),
        "judge_label": np.array([7, 2, 1]),
        "judge_clear": np.array([True, False, True]),
        **{f"type1_success_{k}": np.array([True, False, False]) for k in ("oracle", "clear")},
        **{f"type2_success_{k}": np.array([False, False, True]) for k in ("oracle", "clear")},
    }
    figure = figure8(Records(rows, {}), {"a": "type1", "b": "type2"}, pairs=2, caption="Few.")
    assert shown(figure) == [
        *((10, "f1 1"), (20, "f1 1"), (11, "f1 2"), (21, "f1 2")),
        *((12, "f1 1"), (22, "f1 5")),
    ]
    below = [t.get_text() for axes in figure.axes for t in axes.texts]
    assert below == ["oracle 7", "oracle 2?", "oracle 1"]
    colours = {
        (level(*a.get_images()), a.get_title()): to_hex(a.title.get_color())
        for a in figure.axes
        if a.get_images()
    }
    succeeded = plotting.COLOURS[1].lower()
    assert colours[20, "f1 1"] == colours[22, "f1 5"] == succeeded
    assert colours[21, "f1 2"] != succeeded
    names = [axes.get_ylabel() for axes in figure.axes if axes.get_ylabel()]
    assert [name.split("\n")[:1] + name.split("\n")[1].split(" [")[:1] for name in names] == [
        ["a", "50 %"],
        ["b", "100 %"],
    ]


def test_figure9_draws_the_way_and_the_distance_of_its_ends():
    walks = []
    for row, distance in enumerate((0.91234, 1.05)):
        example = {"distance": np.array([distance]), "latent_distance": np.array([20.0 + row])}
        frames = levels(*(10 * row + np.arange(3)), side=64, channels=3)
        step = np.array([0, 50, 100])
        walks.append((Records(example, {}), Records({"image": frames, "step": step}, {})))
    measurements = pd.DataFrame(
        [
            {"id": "beyond.fig9.strangers.distance", "value": 1.4, "n": 64},
            {"id": "beyond.fig9.strangers.same", "value": 0.02, "n": 64},
            {"id": "beyond.fig9.strangers.fair_threshold", "value": 0.875, "n": 64},
        ]
    )
    figure = figure9(walks, measurements, name="A", threshold=1.1, caption="Few.")
    titles = ["step 0", "step 50", "step 100"]
    assert shown(figure) == list(zip((0, 1, 2, 10, 11, 12), titles * 2, strict=True))
    assert [t.get_text() for axes in figure.axes for t in axes.texts] == ["0.9123", "1.0500"]
    assert "z' ends 20.5 away from z" in caption(figure)
    assert "5 % of these pairs are nearer than 0.875; Few." in caption(figure)


def test_figure9_small_draws_pairs_and_counts_all_distances():
    rows = faces_of([0.1, 0.2, 1.5, 0.1]) | {
        "stranger_distance": np.array([1.9, 1.1, 1.1, 1.1]),
        "hinge": np.array([0.0, 0.5, 0.0, -0.1]),
    }
    figure = figure9_small(Records(rows, {"threshold_distance": 1.0}), pairs=2, caption="Few.")
    insets = figure.axes[0].child_axes
    assert [level(*axes.get_images()) for axes in insets] == [10, 110, 11, 111]
    assert [axes.get_xlabel() for axes in insets] == ["", "0.10", "", "0.20"]
    above, below = insets[0].get_position(), insets[1].get_position()
    assert (above.x0, above.y0 > below.y0) == (below.x0, True)
    histogram = figure.axes[1]
    for patch, column in zip(histogram.patches, ("distance", "stranger_distance"), strict=True):
        outline = patch.get_xy()
        counts, edges = np.histogram(rows[column], bins=[i / 15 for i in range(31)])
        heights = {(round(x, 6), y) for x, y in outline}
        for count, edge in zip(counts, edges[:-1], strict=True):
            assert (round(edge, 6), count) in heights
    (limit,) = histogram.lines
    assert limit.get_xdata()[0] == 1.0
    assert histogram.get_xlabel() == "distance of the embeddings"
    assert "50 % [" in caption(figure)  # close and far enough in the latent space: two of four
