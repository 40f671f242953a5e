"""Operating points of an f1 whose margin can be read off an image, counted by hand."""

from functools import partial

import numpy as np
import pytest
import torch

from typeone.evaluation.operating_points import operating_points

from ..first_pixel import judged as judged_as
from ..first_pixel import of_brightness

POSITIVE = 3


class Brightness(torch.nn.Module):
    """Says 3 of an image whose first pixel is above 128/255, else 0; the margin is the distance."""

    def forward(self, images):
        logits = torch.full((len(images), 10), -9.0)
        logits[:, 0] = 0
        logits[:, POSITIVE] = images[:, 0, 0, 0] - 128.5 / 255
        return logits


judged = partial(judged_as, label=POSITIVE)


def evaluated(**attacked):
    clean = torch.from_numpy(of_brightness(200, 220, 100, 50, 130)).float() / 255
    labels = torch.tensor([3, 3, 3, 7, 8])
    figures, curves = operating_points(
        Brightness(),
        clean,
        labels,
        attacked,
        kinds={name: name[:5] for name in attacked},
        positive=POSITIVE,
    )
    values = {name: (value.value, value.n) for name, value, _, _ in figures}
    return values, {(c["attack"][0], c["counted"][0]): c for c in curves if len(c)}


def test_the_operating_point_is_f1s_own_decision():
    values, curves = evaluated()
    assert values["clean.tpr"] == (pytest.approx(2 / 3), 3)
    assert values["clean.fpr"] == (0.5, 2)
    # of six pairs one is in the wrong order: 100 below 130
    assert values["clean.auc"] == (pytest.approx(5 / 6), 2)
    clean = curves["clean", "oracle"]
    assert ((clean["fpr"] == 0) & np.isclose(clean["tpr"], 2 / 3)).any()


def test_type1_images_are_negatives_where_the_oracle_sees_something_else():
    table = judged([200, 210, 140, 90], [8, 8, 8, 3], [True, True, False, True])
    values, _ = evaluated(type1=table)
    assert values["type1.gone"] == (0.5, 4)
    assert values["type1.fpr"] == (1, 2)
    assert values["type1.fpr_with_unclear"] == (1, 3)
    # 220 is above both, 200 ties with one and is below the other, 100 below both
    assert values["type1.auc"] == (pytest.approx(2.5 / 6), 2)


def test_type2_images_are_positives_where_the_oracle_still_sees_the_class():
    table = judged([60, 140, 40, 10], [3, 3, 3, 8], [True, True, False, True])
    values, curves = evaluated(type2=table)
    assert values["type2.still"] == (0.5, 4)
    assert values["type2.tpr"] == (0.5, 2)
    assert values["type2.tpr_with_unclear"] == (pytest.approx(1 / 3), 3)
    assert values["type2.tpr_by_label"] == (0.25, 4)
    # against 50 and 130: 60 is above one, 140 above both, 40 and 10 above none
    assert values["type2.auc"] == (0.75, 2)
    assert values["type2.auc_by_label"] == (pytest.approx(3 / 8), 2)
    assert {("type2", "oracle"), ("type2", "label")} <= set(curves)


def test_only_attacked_images_of_the_class_count():
    table = judged([200, 200], [8, 8], [True, True], label=7)
    values, curves = evaluated(type1=table)
    assert values["type1.fpr"][1] == 0
    assert ("type1", "oracle") not in curves
