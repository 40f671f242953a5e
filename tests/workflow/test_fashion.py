"""Fashion-MNIST is an entry of the configuration: its own networks, attacks, tables and figures."""

from pathlib import Path

import pandas as pd
import pytest
import yaml

from typeone.evaluation.audit.kit import load_kit
from typeone.runtime.artifacts import read_parquet

FASHION = "presets/fashion.yaml"
# what several classifiers are attacked with, on one: the other data set has a run of its own
SEVERAL = ("ours", "ours_runner_up", "ours_adaptive", "reconstruction")
LESS = {"attacks": {attack: {"targets": ["mlp"]} for attack in SEVERAL}}
KIT = "results/fashion/kit/kit.safetensors"


def path_of(preset):
    return Path(yaml.safe_load(preset.read_text())["datasets"]["fashion"]["path"])


@pytest.fixture(scope="module")
def fashion(repository, checkout, smoke_files, tmp_path_factory):
    """A copy in which Fashion-MNIST, and nothing else, has run at smoke size."""
    folder = path_of(repository / FASHION)
    if not folder.is_dir():
        pytest.skip(f"{folder} is not there: apt-get install dataset-fashion-mnist")
    less = tmp_path_factory.mktemp("less") / "less.yaml"
    less.write_text(yaml.safe_dump(LESS))
    workflow = checkout("fashion", (*smoke_files, FASHION, str(less)))
    result = workflow.run("fashion", KIT, timeout=3000)
    assert result.returncode == 0, result.stdout[-3000:]
    return workflow.root / "results"


def test_it_alone_is_made(fashion):
    made = {path.name for path in fashion.iterdir() if path.is_dir() and path.name[0] != "."}
    assert made == {"data", "fashion", "logs", "benchmarks"}
    assert [path.name for path in (fashion / "data").iterdir()] == ["fashion"]


def test_it_has_a_kit_of_its_own(fashion):
    kit = load_kit(fashion.parent / KIT)
    assert kit.note["dataset"] == "fashion"
    _, labels = kit.images("test", "cpu")
    assert set(labels.tolist()) == set(range(10))


def test_it_has_the_tables_and_figures_of_small_images(fashion):
    own = fashion / "fashion"
    figures = ("figure1", "figure5a", "figure6", "figure7a", "figure7a_ours", "table1_roc")
    for name in (*figures, "variants", "ablations"):
        assert (own / "figures" / f"{name}.png").stat().st_size > 5000
    for name in ("table1", "strengthening", "reproduction"):
        assert (own / "tables" / f"{name}.md").read_text().count("\n") > 3
    assert "published" not in (own / "tables" / "table1.md").read_text()


def test_its_verdict_table_has_our_numbers_and_no_verdict(fashion):
    table = pd.read_csv(fashion / "fashion" / "reproduction.csv")
    assert table["id"].str.startswith("fashion.").all()
    assert table["id"].is_unique
    assert table["published"].isna().all()
    assert table["verdict"].isna().all()
    assert not table["description"].str.contains("digit").any()
    examples = read_parquet(fashion / "fashion/attacks/ours/mlp/seed0/examples.parquet")
    row = table.set_index("id").loc["fashion.ours.mlp.true_success"]
    assert row["ours"] == pytest.approx(examples["type1_success_oracle"].mean(), abs=1e-5)
    assert row["n"] == len(examples)


def test_its_images_are_aimed_at_the_next_class(fashion):
    examples = read_parquet(fashion / "fashion/attacks/paper/mlp/seed0/examples.parquet")
    assert (examples["target_label"] == (examples["label"] + 1) % 10).all()
    data = read_parquet(fashion / "data/fashion/test.parquet", shapes={"image": (1, 28, 28)})
    shown = read_parquet(
        fashion / "fashion/examples/mlp/seed0/examples.parquet", shapes={"image": (1, 28, 28)}
    )
    assert (shown["image"] == data["image"][shown["index"]]).all()
