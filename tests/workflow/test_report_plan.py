"""The report lists each run once, Type I first, with the files that belong to it."""

import pytest

from typeone.workflow.face_plan import FacePlan
from typeone.workflow.plan import PAPER, TABLE_TARGET, Plan
from typeone.workflow.report_plan import ReportPlan
from typeone.workflow.settings import layers, record


@pytest.fixture(scope="module")
def plans(repository):
    quick = record.read(repository / "config.yaml")
    settings = layers.expanded({"seeds": [3, 4]}, quick)
    plan, faces = Plan(settings), FacePlan(settings)
    return plan, faces, ReportPlan(settings, plan, faces)


def test_each_run_of_the_first_seed_is_shown_once_and_type1_comes_first(plans):
    plan, faces, report = plans
    digits = [shown for shown in report.runs() if shown[0] == "digits"]
    titles = [title for _, title, _ in digits]
    assert len(set(titles)) == len(titles)
    wanted = {f"digits: {r.attack} on {r.target}" for r in plan.runs(PAPER) if r.seed == 3}
    assert set(titles) == wanted
    kinds = [plan.row_kind(run.attack) == "type2" for run in report.digit_runs]
    assert kinds == sorted(kinds)
    assert all("seed 3" in caption for _, _, caption in digits)
    of_faces = [title for kind, title, _ in report.runs() if kind == "faces"]
    assert sorted(of_faces) == sorted(
        f"faces: {name} on {faces.recognizer}" for name in faces.attacks
    )


def test_a_walk_has_steps_and_its_run_is_shown(plans):
    _, _, report = plans
    shown = {title for _, title, _ in report.runs()}
    assert {title for _, title in report.walks()} <= shown
    assert "digits: paper on mlp" in {title for _, title in report.walks()}
    assert "digits: reconstruction on mlp" not in {title for _, title in report.walks()}


def test_each_detector_has_the_scores_of_its_classifier(plans):
    _, faces, report = plans
    scores = report.scores("{dataset}/{target}/{seed}", "faces/{target}/{seed}")
    detectors = report.detectors()
    assert len(scores) == len(detectors)
    assert detectors[0][1] == f"digits: {TABLE_TARGET}, L2"
    for (kind, title, caption, _, thresholds), path in zip(detectors, scores, strict=True):
        target, seed = path.split("/")[1:]
        assert f": {target}, " in title
        assert seed == (str(faces.seeds[0]) if kind == "faces" else "3")
        assert f"seed {seed}" in caption
        assert thresholds


def test_the_seconds_of_an_attack_are_those_of_all_its_seeds_and_shards(plans):
    plan, faces, _ = plans
    settings = layers.expanded(
        {
            "batching": {"chunk": 4, "shards": 2},
            "ablations": {"chunk": 4},
            "face_attacks": {"chunk": 4},
        },
        plan.settings,
    )
    report = ReportPlan(settings, plan, faces)
    patterns = {
        "svae": "svae/{attack}.{target}.{seed}.{shard}",
        **dict.fromkeys(("baseline", "type2", "own"), "other/{attack}.{target}.{seed}"),
    }
    timed = {(attack, target): rest for attack, target, *rest in report.timed(**patterns)}
    assert len(timed) == len(plan.runs(PAPER)) / 2  # two seeds
    images, tables = timed["paper", "mlp"]
    assert images == 2 * settings["attacks"]["paper"]["count"]
    assert tables == [f"svae/paper.mlp.{seed}.{shard}" for seed in (3, 4) for shard in (0, 1)]
    assert timed["ead", "mlp"][1] == ["other/ead.mlp.3", "other/ead.mlp.4"]


def test_captions_name_all_seeds(plans):
    _, faces, report = plans
    assert report.of_digits == "seeds 3, 4, preset quick"
    assert report.captions()["run"]["seeds of digits"] == "3, 4"
    assert report.of_faces.startswith(f"{faces.source.capitalize()} faces, recognizer")
