"""Rows beyond the paper: ids, words and numbers, on frames small enough to count by hand."""

import math

import numpy as np
import pandas as pd
import pytest

from typeone.evaluation.calibration import COLUMNS as CALIBRATION_COLUMNS
from typeone.evaluation.intervals import Rate, mean_interval, pool_seeds, rate_of
from typeone.reporting import beyond, verdicts

Z = 1.959963984540054  # standard normal quantile at 0.975


def numbers(row):
    return row["ours"], row["ci_low"], row["ci_high"], row["n"]


def by_id(rows):
    """Rows by their ids, none of which comes twice; none has a verdict or a published number."""
    assert len({row["id"] for row in rows}) == len(rows)
    for row in rows:
        assert list(row) == list(verdicts.COLUMNS)
        assert math.isnan(row["published"])
        assert row["verdict"] == ""
    return {row["id"]: row for row in rows}


def rates(*rows):
    """Rows of (attack, metric, threshold, nominal, seed, detected, n)."""
    names = ["attack", "metric", "threshold", "nominal", "seed", "detected", "n"]
    frame = pd.DataFrame(rows, columns=names)
    return frame.assign(rate=frame["detected"] / frame["n"], shared=0.25)


# --------------------------------------------------------------------------------- networks


def test_classifier_rows_pool_the_seeds_of_each_classifier():
    checkpoints = {
        "cnn": [
            {"seed": 1, "test_error": 0.01, "test_n": 1000},
            {"seed": 2, "test_error": 0.03, "test_n": 1000},
        ],
        "lenet": [{"seed": 1, "test_error": 0.25, "test_n": 8}],
    }
    rows = by_id(beyond.classifier_rows(checkpoints))
    assert list(rows) == ["beyond.mnist.cnn.test_error", "beyond.mnist.lenet.test_error"]
    cnn, lenet = rows.values()
    assert numbers(cnn) == pool_seeds([rate_of(10, 1000), rate_of(30, 1000)])[:4]
    assert cnn["seed_sd"] == pytest.approx(0.01 * math.sqrt(2))
    assert numbers(lenet) == rate_of(2, 8)[:4]
    assert (cnn["seeds"], lenet["seeds"]) == (2, 1)
    assert cnn["description"] == "test error of cnn"


def test_weights_that_a_user_gave_are_one_network_however_many_seeds_attack_it():
    stored = [{"seed": None, "test_error": 0.25, "test_n": 8}] * 3
    [row] = beyond.classifier_rows({"mine": stored})
    assert (row["id"], row["seeds"]) == ("beyond.mnist.mine.test_error", 1)
    assert numbers(row) == rate_of(2, 8)[:4]


def test_oracle_rows_are_one_a_judge_and_input():
    evaluation = pd.DataFrame(
        [("plain", "test", 0.1, 10), ("ensemble", "decoded", 0.5, 4)],
        columns=["judge", "input", "test_error", "n"],
    )
    rows = by_id(beyond.oracle_rows(evaluation))
    assert {name: numbers(row) for name, row in rows.items()} == {
        "beyond.mnist.oracle.plain.test.test_error": rate_of(1, 10)[:4],
        "beyond.mnist.oracle.ensemble.decoded.test_error": rate_of(2, 4)[:4],
    }
    text = rows["beyond.mnist.oracle.ensemble.decoded.test_error"]["description"]
    assert text == "test error of the oracle's ensemble on decoded digits"


def test_the_discriminator_judged_every_digit_twice():
    checkpoints = [
        {"discriminator_balanced_accuracy": accuracy, "test_n": 50} for accuracy in (0.6, 0.8)
    ]
    row = beyond.discriminator_row(checkpoints)
    assert numbers(row) == pool_seeds([rate_of(60, 100), rate_of(80, 100)])[:4]
    assert row["seeds"] == 2
    assert row["id"] == "beyond.mnist.svae.discriminator_balanced_accuracy"


# ---------------------------------------------------------------------------------- attacks


def by_name(rows):
    """Rows by the last part of their id; all ids must start alike."""
    assert len({row["id"].rsplit(".", 1)[0] for row in rows}) == 1
    return {row["id"].rsplit(".", 1)[1]: row for row in rows}


def test_type_1_rows_count_every_view():
    examples = pd.DataFrame(
        # label, f1 after, f2 of the latent; success under f2, the oracle, the oracle when it is
        # clear, the oracle when the image is clean as well, the oracle seeing the target
        [
            (4, 4, 5, True, True, True, True, True),
            (4, 4, 5, True, True, True, True, False),
            (4, 4, 5, True, True, True, False, False),
            (4, 4, 5, True, True, False, False, False),
            (4, 4, 5, True, False, False, False, False),
            (4, 7, 5, False, False, False, False, False),
        ],
        columns=[
            *("label", "f1_label_after", "f2_latent_label", "type1_success_f2"),
            *("type1_success_oracle", "type1_success_clear", "type1_success_clean"),
            "type1_targeted_oracle",
        ],
    ).assign(
        seed=[0, 0, 0, 1, 1, 1],
        index=[7, 8, 9, 7, 8, 9],
        f1_confidence_after=[0.9, 0.8, 0.7, 0.6, 0.5, 0.1],
    )
    examples = examples.assign(odd=[True] + [False] * 5, noisy=[True, True] + [False] * 4)
    rows = beyond.type1_rows("paper", "mlp", examples)
    assert all(row["id"].startswith("beyond.mnist.paper.mlp.") for row in rows)
    found = by_name(rows)
    counts = {
        "f1_kept": 5,
        "f2_latent_success": 5,  # the last one's f2 has moved, but f1 has too
        "f2_success": 5,
        "true_success": 4,
        "clear_success": 3,
        "clean_success": 2,
        "targeted_success": 1,
        "odd_share": 1,
        "noisy_share": 2,
    }
    for name, successes in counts.items():
        assert found[name]["ours"] == pytest.approx(successes / 6), name
    assert found.keys() == counts.keys() | {"confidence"}
    assert found["confidence"]["ours"] == pytest.approx(0.6, abs=1e-12)  # float64
    assert found["confidence"]["unit"] == "probability"
    assert {row["seeds"] for row in rows} == {2}
    assert {row["verdict"] for row in rows} == {""}
    assert len({row["description"] for row in rows}) == len(rows)


def type1_examples(**columns):
    """Examples of which every one succeeds, with ``columns`` beside."""
    frame = pd.DataFrame(columns)
    return frame.assign(
        **{"label": 4, "f1_label_after": 4, "f2_latent_label": 5, "f1_confidence_after": 0.9},
        **{"odd": False, "noisy": False},
        **dict.fromkeys(
            [
                *("type1_success_f2", "type1_success_oracle", "type1_success_clear"),
                *("type1_success_clean", "type1_targeted_oracle"),
            ],
            True,
        ),
    )


def test_steps_are_counted_in_steps_and_not_cut_to_1():
    # seed 0: 100 and 300, mean 200, standard error 100; seed 1: 400 and 400
    examples = type1_examples(seed=[0, 1, 0, 1], index=[7, 7, 8, 8], steps=[100, 400, 300, 400])
    row = by_id(beyond.type1_rows("paper", "mlp", examples))["beyond.mnist.paper.mlp.steps"]
    # mean of 200 and 400, standard error over the seeds 100; ends on average 100 Z / 2 away
    half = math.hypot(100 * Z / 2, 100 * Z)
    assert numbers(row) == pytest.approx((300, 300 - half, 300 + half, 2), rel=1e-12)  # float64
    assert row["seed_sd"] == pytest.approx(100 * math.sqrt(2))
    assert (row["unit"], row["seeds"]) == ("steps", 2)
    assert row["description"] == "mean updates of z until an example left"


def test_steps_of_one_seed_have_the_interval_of_their_mean():
    examples = type1_examples(seed=[3, 3], steps=[100, 300])
    row = by_id(beyond.type1_rows("ours", "cnn", examples))["beyond.mnist.ours.cnn.steps"]
    assert numbers(row) == mean_interval(np.array([100.0, 300.0]))[:4]
    assert row["seeds"] == 1


def test_the_share_that_converged_is_counted():
    examples = type1_examples(seed=[0, 0, 0, 0], converged=[True, True, True, False])
    row = by_id(beyond.type1_rows("ours", "mlp", examples))["beyond.mnist.ours.mlp.converged"]
    assert numbers(row) == pytest.approx(rate_of(3, 4)[:4])


def test_what_takes_no_steps_has_no_row_of_them():
    rows = by_id(beyond.type1_rows("nearest", "mlp", type1_examples(seed=[0, 0])))
    assert "beyond.mnist.nearest.mlp.true_success" in rows
    assert "beyond.mnist.nearest.mlp.steps" not in rows


def test_transition_rows_say_what_the_oracle_sees():
    examples = pd.DataFrame({"label": 4, "target_label": 5, "judge_label": [5, 5, 5, 4, 9]})
    examples = examples.assign(odd=[True] + [False] * 4, noisy=[True, True] + [False] * 3)
    rows = beyond.transition_rows("transition", "mlp", examples.assign(seed=0))
    found = by_name(rows)
    assert numbers(found["oracle_target"]) == rate_of(3, 5)[:4]
    assert numbers(found["oracle_label"]) == rate_of(1, 5)[:4]
    assert numbers(found["odd_share"]) == rate_of(1, 5)[:4]
    assert numbers(found["noisy_share"]) == rate_of(2, 5)[:4]
    assert rows[0]["id"] == "beyond.mnist.transition.mlp.oracle_target"


def test_type_2_rows_count_before_and_after_storage():
    examples = pd.DataFrame(
        {
            "found": [True, True, True, False],
            "found_stored": [True, True, False, False],
            "type2_success_oracle": [True, False, False, False],
            "seed": [0, 0, 1, 1],
            "index": [7, 8, 9, 7],
        }
    )
    rows = beyond.type2_rows("ead", "lenet", examples)
    found = by_name(rows)
    assert {name: row["ours"] for name, row in found.items()} == {
        "found": 0.75,
        "found_stored": 0.5,
        "true_success": 0.25,
    }
    assert rows[0]["id"] == "beyond.mnist.ead.lenet.found"
    assert {row["seeds"] for row in rows} == {2}


def blind_examples(blind, count):
    """``count`` examples of any attack, the first ``blind`` without a gradient of f1."""
    columns = {"seed": [0, 1] * (count // 2), "gradient_vanishes": np.arange(count) < blind}
    columns["index"] = np.arange(count)
    return type1_examples(**columns, steps=[9] * count, converged=[False] * count).assign(
        found=False, found_stored=False, type2_success_oracle=False, variant="full"
    )


ROWS_OF_ATTACKS = {
    "type1": lambda examples: beyond.type1_rows("ours", "mine", examples),
    "type2": lambda examples: beyond.type2_rows("fgsm", "mine", examples),
    "ablations": lambda examples: beyond.ablation_rows("ours", examples),
}


@pytest.mark.parametrize("rows_of", ROWS_OF_ATTACKS.values(), ids=ROWS_OF_ATTACKS)
def test_an_attack_without_a_gradient_reports_no_robustness(rows_of):
    rows, plain = rows_of(blind_examples(11, 100)), rows_of(blind_examples(0, 100))
    assert {row["note"] for row in plain} == {""}
    for row, usual in zip(rows, plain, strict=True):
        why = "the gradient vanishes at 11 of 100 images"
        assert row["note"] == f"not measured: {why}"
        assert row["verdict"] == f"not run: {why}"
        assert math.isnan(row["ours"])
        assert row["n"] == 0
        assert list(row) == list(verdicts.COLUMNS)
        assert all(row[k] == usual[k] for k in ("id", "description", "unit", "seeds"))


@pytest.mark.parametrize("rows_of", ROWS_OF_ATTACKS.values(), ids=ROWS_OF_ATTACKS)
def test_a_few_images_without_a_gradient_are_a_note(rows_of):
    rows, plain = rows_of(blind_examples(10, 100)), rows_of(blind_examples(0, 100))
    note = "the gradient vanishes at 10 of 100 images"
    assert rows == [row | {"note": note} for row in plain]


def test_detection_rows_are_those_that_table_1_has_not():
    frame = rates(
        ("reconstruction", "l2", "zeta", 0.251, 0, 1, 10),
        ("reconstruction", "l2", "zeta", 0.251, 1, 4, 10),
        ("reconstruction", "l1", "zeta", 0.251, 0, 9, 10),
        ("fgsm", "l2", "zeta", 0.251, 0, 9, 10),  # in Table I
        ("paper", "l2", "zeta", 0.251, 0, 9, 10),  # in Table I as svae
        ("paper", "l2", "false_positive_rate", 0.05, 0, 2, 10),
    )
    known = {"table1.fgsm.0.2510", "table1.svae.0.2510"}
    rows = {row["id"]: row for row in beyond.detection_rows(frame, known, ours={"svae": "paper"})}
    assert rows.keys() == {
        "beyond.table1.reconstruction.0.2510",
        "beyond.table1.paper.fpr0.05",
    }
    assert (
        numbers(rows["beyond.table1.reconstruction.0.2510"])
        == (pool_seeds([rate_of(1, 10), rate_of(4, 10)], shared=0.25)[:4])
    )
    assert rows["beyond.table1.reconstruction.0.2510"]["seeds"] == 2
    assert "zeta 0.251" in rows["beyond.table1.reconstruction.0.2510"]["description"]
    assert numbers(rows["beyond.table1.paper.fpr0.05"]) == rate_of(2, 10)[:4]
    assert "fitted to 5% clean" in rows["beyond.table1.paper.fpr0.05"]["description"]


# ------------------------------------------------------------------------------------ realism


def realism_frame(*rows):
    return pd.DataFrame(
        rows, columns=["attack", "target", "seed", "measure", "value", "low", "high", "n"]
    )


def test_realism_rows_are_one_an_attack_target_and_measure():
    frame = realism_frame(
        ("clean", "", 0, "kernel_distance", -0.01, -0.03, 0.01, 500),
        ("paper", "mlp", 0, "kernel_distance", 2.0, 1.5, 2.5, 64),
        ("paper", "lenet", 0, "discriminator", 0.25, 0.125, 0.5, 64),
        ("paper", "mlp", 0, "discriminator", 0.75, 0.5, 0.875, 64),
    )
    rows = by_id(beyond.realism_rows(frame))
    assert {name: numbers(row) for name, row in rows.items()} == {
        # of clean digits, whom nobody targets
        "beyond.mnist.clean.kernel_distance": (-0.01, -0.03, 0.01, 500),
        "beyond.mnist.paper.mlp.kernel_distance": (2.0, 1.5, 2.5, 64),
        "beyond.mnist.paper.lenet.discriminator": (0.25, 0.125, 0.5, 64),
        "beyond.mnist.paper.mlp.discriminator": (0.75, 0.5, 0.875, 64),
    }
    said = {name.rsplit(".", 1)[1]: (r["description"], r["unit"]) for name, r in rows.items()}
    assert said == {
        "kernel_distance": (
            "kernel distance to real digits in a judge's features",
            "squared MMD",
        ),
        "discriminator": ("mean f_dis(z) at the end", "probability"),
    }
    assert {row["seeds"] for row in rows.values()} == {1}


def test_realism_is_pooled_over_seeds_and_only_shares_end_at_0_and_1():
    frame = realism_frame(
        ("paper", "mlp", 0, "kernel_distance", 2.0, 1.5, 2.25, 64),
        ("paper", "mlp", 0, "discriminator", 0.5, 0.4, 0.6, 64),
        ("paper", "mlp", 1, "kernel_distance", 4.0, 3.5, 4.25, 60),
        ("paper", "mlp", 1, "discriminator", 1.0, 0.9, 1.0, 60),
    )
    rows = by_id(beyond.realism_rows(frame))
    distance = rows["beyond.mnist.paper.mlp.kernel_distance"]
    # standard error over the seeds 1
    low, high = 3 - math.hypot(0.5, Z), 3 + math.hypot(0.25, Z)
    assert numbers(distance) == pytest.approx((3, low, high, 62), rel=1e-12)  # float64
    assert distance["seed_sd"] == pytest.approx(math.sqrt(2))
    odd = rows["beyond.mnist.paper.mlp.discriminator"]
    low = 0.75 - math.hypot(0.1, 0.25 * Z)
    assert numbers(odd) == pytest.approx((0.75, low, 1.0, 62), rel=1e-12)  # float64
    assert distance["seeds"] == odd["seeds"] == 2


# ---------------------------------------------------------------------------------- ablations


def test_ablation_rows_count_true_clear_and_clean_success_of_each_variant():
    examples = pd.DataFrame(
        [
            ("no_k", True, False, False),
            ("unchanged", True, True, True),
            ("no_k", True, False, False),
            ("unchanged", False, False, False),
            ("no_k", True, True, False),
        ],
        columns=[
            *("variant", "type1_success_oracle", "type1_success_clear", "type1_success_clean"),
        ],
    )
    rows = by_id(beyond.ablation_rows("paper", examples))
    # variants in the order in which they come
    assert {name: numbers(row) for name, row in rows.items()} == {
        "beyond.ablation.paper.no_k.true_success": rate_of(3, 3)[:4],
        "beyond.ablation.paper.no_k.clear_success": rate_of(1, 3)[:4],
        "beyond.ablation.paper.no_k.clean_success": rate_of(0, 3)[:4],
        "beyond.ablation.paper.unchanged.true_success": rate_of(1, 2)[:4],
        "beyond.ablation.paper.unchanged.clear_success": rate_of(1, 2)[:4],
        "beyond.ablation.paper.unchanged.clean_success": rate_of(1, 2)[:4],
    }
    assert next(iter(rows)) == "beyond.ablation.paper.no_k.true_success"
    assert [row["description"] for row in rows.values()][:2] == [
        "Type I success, oracle judging, paper with no k",
        "the same, unclear images counted as failures, paper with no k",
    ]
    assert {row["seeds"] for row in rows.values()} == {1}


# -------------------------------------------------------------------------------- calibration


def test_what_people_say_is_told_as_it_was_calibrated():
    share = rate_of(9, 10)
    calibration = pd.DataFrame(
        [
            ("agreement", "oracle agrees", *share[:4]),
            ("agreement_clear", "when clear", 1, 0.7, 1, 8),
        ],
        columns=list(CALIBRATION_COLUMNS),
    )
    rows = by_id(beyond.calibration_rows(calibration))
    assert {name: numbers(row) for name, row in rows.items()} == {
        "beyond.oracle.people.agreement": share[:4],
        "beyond.oracle.people.agreement_clear": Rate(1, 0.7, 1, 8)[:4],
    }
    assert [row["description"] for row in rows.values()] == ["oracle agrees", "when clear"]


def test_where_nobody_was_asked_one_row_says_why():
    nobody = pd.DataFrame({k: pd.Series(dtype=v) for k, v in CALIBRATION_COLUMNS.items()})
    (row,) = beyond.calibration_rows(nobody)
    assert list(row) == list(verdicts.COLUMNS)
    assert row["verdict"] == "not run: no annotations given (config key `annotations`)"
    assert row["id"] == "beyond.oracle.people.agreement"
    assert all(math.isnan(row[k]) for k in ("published", "ours", "ci_low", "ci_high", "seed_sd"))
    assert row["n"] == 0


def test_detection_on_other_classifiers_has_fitted_thresholds_and_l2_only():
    frame = pd.DataFrame(
        [
            (target, "ours", metric, threshold, nominal, seed, share, 50, 0.25)
            for target, share in (("cnn", 0.9), ("lenet", 0.4))
            for metric in ("l1", "l2")
            for threshold, nominal in (("zeta", 0.5), ("false_positive_rate", 0.05))
            for seed in (0, 1)
        ],
        columns=[
            *("target", "attack", "metric", "threshold", "nominal", "seed", "rate", "n", "shared")
        ],
    )
    rows = {row["id"]: row for row in beyond.fitted_detection_rows(frame)}
    assert {name: row["ours"] for name, row in rows.items()} == {
        "beyond.detection.cnn.ours.fpr0.05": 0.9,
        "beyond.detection.lenet.ours.fpr0.05": 0.4,
    }
    row = rows["beyond.detection.cnn.ours.fpr0.05"]
    assert (row["n"], row["seeds"]) == (80, 2)  # a quarter of 2 x 50 counts twice
    # the seeds agree
    low = 0.9 - math.sqrt(1.25 / 2) * (0.9 - rate_of(45, 50).low)
    assert row["ci_low"] == pytest.approx(low)
    assert "on cnn, ours" in row["description"]
    assert "5% clean" in row["description"]
