"""docs/stored_run.py keeps what a run of one commit found, and refuses anything else."""

import importlib.util
import json
import subprocess
import sys

import pandas as pd
import pytest
import yaml

from typeone.workflow.settings import layers

ROWS = (
    "id,published,ours,verdict,artifact,preset\n"
    "mnist.mlp.test_error,0.0273,0.02,reproduced,results/a.parquet; results/b.parquet,full\n"
    "faces.success_rate,0.698,,not run: needs CelebA,,full\n"
)
CONFIG = "preset: full\nattacks: {paper: {count: 10}}\nbatching: {shards: 2}\n"
CONFIG += "people: {l0: {path: /home/me/l0.npz}}\nreplies: [/home/me/a.csv, replies/b.csv]\n"
BENCHMARK = "s\tcpu_time\tmax_rss\n{}\t{}\t100\n"


def git(folder, *arguments):
    who = ["-c", "user.name=a", "-c", "user.email=a@b.c"]
    git = ["git", "-C", str(folder), *who, *arguments]
    return subprocess.run(git, check=True, capture_output=True, text=True).stdout.strip()


@pytest.fixture
def stored_run(repository):
    sys.path.append(str(repository / "docs"))  # stored_rows.py
    path = repository / "docs" / "stored_run.py"
    spec = importlib.util.spec_from_file_location("stored_run", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def run(tmp_path):
    """A checkout with the results of a run, which git ignores."""
    git(tmp_path, "init", "-q")
    (tmp_path / ".gitignore").write_text("results\nout\n")
    git(tmp_path, "add", ".gitignore")
    git(tmp_path, "commit", "-qm", "one")
    results = tmp_path / "results"
    for path, text in {
        "reproduction.csv": ROWS,
        "config.yaml": CONFIG,
        "machine.json": '{"cores": "2"}',
        "benchmarks/mnist/train_classifier/mlp.seed1.tsv": BENCHMARK.format(10, 9),
        "benchmarks/mnist/train_classifier/mlp.seed2.tsv": BENCHMARK.format(20, 19),
        "benchmarks/attack_sphere/seed1.tsv": BENCHMARK.format(3, 2),
        "benchmarks/mnist/attack_svae/paper.mlp.seed1.0.tsv": BENCHMARK.format(4, 4),
        "benchmarks/mnist/attack_svae/paper.mlp.seed1.1.tsv": BENCHMARK.format(8, 4),
        "benchmarks/mnist/attack_svae/paper.mlp.seed1.2.tsv": BENCHMARK.format(50, 4),  # earlier
        "benchmarks/mnist/attack_svae/paper.mlp.seed2.0.tsv": BENCHMARK.format(30, 4),
        "benchmarks/mnist/attack_svae/paper.mlp.seed3.0.tsv": BENCHMARK.format(1, 4),
        "benchmarks/mnist/attack_ablations/paper.mlp.seed1.0.tsv": BENCHMARK.format(90, 4),
        "tables/attacks.csv": "target,attack\nmlp,paper\n",
        "tables/attacks.md": "| target | attack |\n",
        "data/mnist/train.parquet": "",
    }.items():
        (results / path).parent.mkdir(parents=True, exist_ok=True)
        (results / path).write_text(text)
    return tmp_path


def test_a_run_is_stored_with_the_command_of_each_row_and_its_commit(stored_run, run):
    stored_run.store(run / "results", run / "out", run)
    rows = pd.read_csv(run / "out/verdicts.csv", keep_default_na=False).set_index("id")
    made = "./reproduce --preset full results/a.parquet results/b.parquet"
    assert rows["command"].to_dict() == {"mnist.mlp.test_error": made, "faces.success_rate": ""}
    times = pd.read_csv(run / "out/times.csv").set_index("rule")
    assert times.loc["train_classifier", ["jobs", "seconds", "cpu"]].tolist() == [2, 30, 28]
    assert times.loc["attack_sphere", "jobs"] == 1
    settings = yaml.safe_load((run / "out/settings.yaml").read_text())
    assert settings == yaml.safe_load(CONFIG.replace("/home/me/", ""))  # of paths the last part
    # 12, 30 and 1 seconds for ten digits: the median, with all shards and without ablations
    assert (run / "out/seconds.csv").read_text() == "attack,target,seconds\npaper,mlp,1.2\n"
    (run / "out/tables/old.csv").write_text("of an earlier run")
    stored_run.store(run / "results", run / "out", run)
    assert [path.name for path in (run / "out/tables").iterdir()] == ["attacks.csv"]
    assert (run / "out/tables/attacks.csv").read_text() == "target,attack\nmlp,paper\n"
    stored = json.loads((run / "out/run.json").read_text())
    commit = git(run, "describe", "--always")
    assert stored == {"preset": ["full"], "commit": commit, "machine": {"cores": "2"}}


def test_of_a_run_with_one_seed_rows_and_tables_about_digits_are_stored(stored_run, run):
    """Without attacks on fewer digits than in the run with the other seed."""
    (run / "out").mkdir()
    (run / "out/settings.yaml").write_text("attacks: {paper: {count: 10}, slow: {count: 10}}\n")
    heads = "id,ours,ci_low,ci_high,n,verdict,artifact,preset\n"
    rows = "mnist.mlp.test_error,0.02,0.01,0.03,10,reproduced,results/a.parquet,full\n"
    fewer = "beyond.mnist.slow.mlp.true_success,0.5,0.4,0.6,9,,,full\n"
    others = "beyond.mnist.unmade,,,,0,,,full\nfaces.success_rate,0.5,0.4,0.6,9,,,full\n"
    (run / "results/reproduction.csv").write_text(heads + rows + fewer + others)
    attacks = "{paper: {count: 10}, slow: {count: 9}, more: {count: 1}}"
    (run / "results/config.yaml").write_text(f"seeds: [4]\nattacks: {attacks}\n")
    rates = "mlp,paper,true,0.5,0.4,0.6,10,\nmlp,slow,true,0.7,0.6,0.8,9,\n"
    for name, table in {
        "attacks": f"target,attack,measure,value,low,high,n,seed_sd\n{rates}",
        "table1": "attack,metric,threshold,nominal,value,low,high,n,published\n"
        "clean,l1,zeta,0.251,0.25,0.2,0.3,9,0.234\n",
        "strengthening": "network,what,value,low,high,n,seeds\nlenet,clean,0.75,0.7,0.8,9,1\n",
    }.items():
        (run / f"results/tables/{name}.csv").write_text(table)
    stored_run.store_seed(run / "results", run / "out", run)
    stored = {path.name: path.read_text() for path in (run / "out/seeds/4").rglob("*.*")}
    about = {"preset": ["full"], "commit": git(run, "describe", "--always")}
    assert json.loads(stored.pop("run.json")) == {**about, "machine": {"cores": "2"}}
    assert stored == {
        "verdicts.csv": "id,ours,ci_low,ci_high,n,verdict\n"
        "mnist.mlp.test_error,0.02,0.01,0.03,10,reproduced\n",
        "attacks.csv": "target,attack,measure,value,low,high,n\nmlp,paper,true,0.5,0.4,0.6,10\n",
        "table1.csv": "attack,metric,threshold,nominal,value,low,high,n\n"
        "clean,l1,zeta,0.251,0.25,0.2,0.3,9\n",
        "strengthening.csv": "network,what,value,low,high,n\nlenet,clean,0.75,0.7,0.8,9\n",
    }
    (run / "results/config.yaml").write_text("seeds: [4, 5]\n")
    with pytest.raises(SystemExit, match=r"has seeds \[4, 5\]; needs a run with one seed"):
        stored_run.store_seed(run / "results", run / "out", run)


def test_other_seeds_are_trained_and_attacked_as_in_full(repository):
    """Where both run an attack, with as many digits; networks and SVAE by the same settings."""
    full = layers.of_files(repository, "presets/full.yaml")
    seeds = layers.of_files(repository, "docs/results/full/seeds/settings.yaml")
    for section in ("svae", "oracle", "density", "attackers", "strengthened", "examples", "limit"):
        assert seeds[section] == full[section], section
    for name, network in seeds["classifiers"].items():
        assert network == full["classifiers"][name], name
    fewer = {"ours_adaptive", "invariance_linf", "invariance_l0"}
    same = seeds["attacks"].keys() & full["attacks"].keys() - fewer
    assert len(same) > 20
    for name in same:
        assert seeds["attacks"][name] == full["attacks"][name], name


@pytest.mark.parametrize("state", ["dirty", "unknown"])
def test_a_run_of_edited_or_unknown_code_is_not_stored(stored_run, run, state):
    checkout = run if state == "dirty" else run / "results"
    (run / ".gitignore").write_text("results\nout\n# edited\n")
    with pytest.raises(SystemExit, match=rf"is (\w+-)?{state}; needs a commit without changed"):
        stored_run.store(run / "results", run / "out", checkout)
    assert not (run / "out").exists()
