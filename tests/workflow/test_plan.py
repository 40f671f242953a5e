"""Which runs there are, from settings alone."""

import pytest

from typeone.workflow.face_plan import FacePlan
from typeone.workflow.plan import Plan, Run, keys, paths
from typeone.workflow.settings import layers
from typeone.workflow.settings.model import Wrong


def settings(repository, **given):
    return layers.expanded(given, layers.record.read(repository / "config.yaml"))


@pytest.fixture
def plan(repository, tmp_path):
    fashion = {"format": "idx", "path": str(tmp_path)}
    return Plan(settings(repository, datasets={"fashion": fashion}, seeds=[3, 4]))


def test_runs_are_those_of_each_attack_on_each_of_its_targets_with_each_seed(plan):
    runs = plan.runs("fashion")
    expected = {
        ("fashion", name, target, seed)
        for name, attack in plan.settings["attacks"].items()
        for target in attack["targets"]
        for seed in (3, 4)
    }
    assert {(r.dataset, r.attack, r.target, r.seed) for r in runs} == expected
    assert len(runs) == len(expected)


def test_runs_of_some_rows_attacks_and_seeds(plan):
    chosen = plan.runs("mnist", attacks=["fgsm", "ours", "transition"], seeds=[4])
    assert {r.seed for r in chosen} == {4}
    assert [r.attack for r in chosen] == sorted([r.attack for r in chosen])
    assert {plan.row_kind(r.attack) for r in chosen} == {"type2", "type1", "transition"}
    assert {r.attack for r in plan.type1("mnist")}.isdisjoint(plan.of_kind("type2"))


def test_a_run_names_its_files():
    run = Run("fashion", "ours", "mlp", 4)
    assert paths("results/{dataset}/{attack}/{target}/seed{seed}.parquet", [run]) == [
        "results/fashion/ours/mlp/seed4.parquet"
    ]
    assert keys([run]) == [("ours", "mlp", 4)]
    with pytest.raises(AttributeError):
        run.seed = 5


def test_the_set_of_the_paper_has_its_tables_where_they_always_were(plan):
    assert plan.places == ["", "fashion/"]
    assert [plan.dataset_at(place) for place in plan.places] == ["mnist", "fashion"]
    assert plan.caption("", "ours").startswith("Variant ours, target mlp, seed 3")
    assert plan.caption("fashion/", "ours").startswith("Fashion: variant ours, target mlp")


def test_given_weights_are_attacked_on_the_set_that_they_were_trained_on(repository, tmp_path):
    (tmp_path / "net.py").write_text("def build():\n    return None\n")
    (tmp_path / "net.safetensors").write_bytes(b"")
    own = {"module": f"{tmp_path}/net.py:build", "weights": f"{tmp_path}/net.safetensors"}
    plan = Plan(
        settings(
            repository,
            datasets={"fashion": {"format": "idx", "path": str(tmp_path)}},
            classifiers={"mine": own},
            attacks={"ours": {"targets": ["mlp", "mine"]}},
        )
    )
    attacked = {
        name: {r.target for r in plan.runs(name, attacks=["ours"])} for name in plan.datasets
    }
    assert attacked == {"mnist": {"mlp", "mine"}, "fashion": {"mlp"}}
    assert "mine" not in plan.networks("fashion")
    assert "mine" not in {name for name, _ in plan.scored("fashion")}


def test_attackers_look_at_images_where_an_attack_or_its_variants_do(plan):
    assert plan.attackers("paper") == []
    assert plan.attackers("ours") == list(plan.settings["attackers"]["members"])
    changed = plan.settings["ablations"]["attacks"]["paper"]
    looks = any(change.get("image_weight") for change in changed.values())
    assert bool(plan.attackers("paper", ablated=True)) == looks


def test_strengthened_networks_are_shown_old_and_fresh_examples(plan):
    tests = plan.strengthening_tests("lenet")
    assert {t.network for t in tests} == {"lenet", *plan.strengthened_from("lenet")}
    assert all(t.made_against == "lenet" for t in tests if t.when == "old")
    assert all(t.made_against == t.network for t in tests if t.when == "fresh")


def test_only_retraining_learns_from_an_attack(plan):
    assert plan.learnt("lenet_type1") == {"attack": ["paper_lenet"], "target": "lenet"}
    assert plan.learnt("lenet_alp") == {"attack": [], "target": "lenet"}


def test_ablations_of_given_weights_and_another_data_set_do_not_go_together(repository, tmp_path):
    (tmp_path / "net.py").write_text("def build():\n    return None\n")
    (tmp_path / "net.safetensors").write_bytes(b"")
    own = {"module": f"{tmp_path}/net.py:build", "weights": f"{tmp_path}/net.safetensors"}
    given = {"classifiers": {"mine": own}, "ablations": {"target": "mine"}}
    assert Plan(settings(repository, **given)).networks("mnist")[-1] == "mine"
    fashion = {"fashion": {"format": "idx", "path": str(tmp_path)}}
    with pytest.raises(
        Wrong, match=r"`ablations.target` is 'mine', whose weights belong to .* mnist"
    ):
        settings(repository, **given, datasets=fashion)


@pytest.mark.parametrize("source", ["synthetic", "celeba", "lfw", "folder", "generated"])
def test_the_published_network_judges_all_photographs(repository, tmp_path, source):
    """It agrees with a viewer where small networks are deceived, also where it names the gender."""
    own = {"celeba": {"path": str(tmp_path)}, "folder": {"path": str(tmp_path), "csv": "a.csv"}}
    faces = {"source": source, **({source: own[source]} if source in own else {})}
    judges = FacePlan(settings(repository, faces=faces)).judges
    assert judges == ["plain", "wide", *(["age_gender"] if source != "synthetic" else [])]
