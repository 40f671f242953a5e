"""A network and an attack of the reader's own: their pages work, and every mistake is a line.

What the page says runs on the smoke results: its library example, then its two entries in the
configuration, one with the weights that the example saved and one that is trained.
"""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
import yaml
from PIL import Image
from safetensors.torch import save_file

from typeone.runtime.artifacts import read_model_metadata, read_parquet
from typeone.workflow.digests import Digests
from typeone.workflow.settings import layers, record
from typeone.workflow.settings.model import Wrong
from typeone.workflow.settings.own import BUILDS, can_be_found

# what follows from new examples on a target that is in no figure but that of the variants
POOLED = {
    *("evaluate_detection", "tabulate_table1", "tabulate_attacks", "plot_table1_roc"),
    *("evaluate_realism", "calibrate_oracle", "tabulate_reproduction"),
    "render_report",
}


@pytest.fixture(scope="module")
def page(repository):
    """The page's settings, and the examples that it links; of seed 0, the one that smoke has."""
    text = (repository / "docs" / "your-classifier.md").read_text()
    links = re.findall(r"\]\((examples/\w+\.py)\)", text)
    python = {
        Path(link).stem: (repository / "docs" / link).read_text().replace("/seed1/", "/seed0/")
        for link in links
    }
    text += (repository / "docs" / "your-attack.md").read_text()
    return {"python": python, "yaml": re.findall(r"^```yaml\n(.*?)^```$", text, re.M | re.S)}


def run(workflow, folder, *arguments):
    result = subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        env=workflow.environment() | {"OMP_NUM_THREADS": "1"},  # tests share the machine
        capture_output=True,
        text=True,
    )
    assert result.returncode == 0, result.stderr
    return result.stdout


@pytest.fixture(scope="module")
def example(page, smoke, tmp_path_factory):
    """A folder in which the page's example from Python ran, and what it printed."""
    folder = tmp_path_factory.mktemp("example")
    (folder / "results").symlink_to(smoke.root / "results")
    for name in ("my_net", "attack_mine"):
        (folder / f"{name}.py").write_text(page["python"][name])
    return folder, run(smoke, folder, "attack_mine.py")


@pytest.fixture(scope="module")
def attacked(example, page, smoke, tmp_path_factory, repository):
    """A copy of the smoke run in which the page's configurations ran, and that configuration."""
    folder, _ = example
    workflow = smoke.copy(tmp_path_factory.mktemp("own"))
    net = (folder / "my_net.py").read_text().replace("12, 24, 5", "12, WIDTH, 5")
    net = net.replace("24 * 4 * 4", "WIDTH * 4 * 4")
    (workflow.root / "my_net.py").write_text(f"from widths import WIDTH\n{net}")
    (workflow.root / "widths.py").write_text("WIDTH = 24\n")
    shutil.copy(folder / "my_net.safetensors", workflow.root)
    shutil.copy(repository / "docs/examples/my_attack.py", workflow.root)
    given, trained, attack = map(yaml.safe_load, page["yaml"])
    config = {key: given[key] | trained[key] for key in ("classifiers", "attacks")}
    config["attacks"] |= attack["attacks"]
    result = workflow.run(config=yaml.safe_dump(config), timeout=600)
    assert result.returncode == 0, result.stdout
    yield workflow, yaml.safe_dump(config)
    shutil.rmtree(workflow.root)


# the library


def test_the_example_of_the_page_changes_digits_and_keeps_labels(example):
    folder, said = example
    found = re.fullmatch(
        r"your network keeps (\d+) of 16 labels\nthe judges see another digit in (\d+) of these\n",
        said,
    )
    assert found, said
    kept, changed = map(int, found.groups())
    # 60 steps and networks of 3000 digits; the quick ones give 16 and 16
    assert kept >= 8
    assert changed >= 8
    with Image.open(folder / "my_net.png") as picture:
        assert picture.width > 1000


def test_the_example_of_a_recognizer_runs(example, page, smoke):
    folder, _ = example
    said = run(smoke, folder, "-c", page["python"]["attack_recognizer"])
    assert re.fullmatch(r"the same person in \d of 8, f2 sees the other gender in \d\n", said), said


# the workflow


def test_its_numbers_stand_in_the_verdict_table(attacked):
    root = attacked[0].root
    table = pd.read_csv(root / "results/reproduction.csv").set_index("id")
    examples = read_parquet(root / "results/mnist/attacks/ours/mine/seed0/examples.parquet")
    assert len(examples) == 40
    kept = examples["f1_label_after"] == examples["label"]
    true = (kept & (examples["judge_label"] != examples["label"])).mean()
    assert true > 0
    assert table.loc["beyond.mnist.ours.mine.true_success", "ours"] == pytest.approx(true, abs=1e-5)
    checkpoint = root / "results/mnist/classifiers/{}/seed0/model.safetensors".format("mine")
    known = read_model_metadata(checkpoint)
    row = table.loc["beyond.mnist.mine.test_error"]
    assert row["ours"] == pytest.approx(known["test_error"], abs=1e-5)
    assert (row["n"], row["seeds"]) == (1000, 1)
    assert 0 < row["ours"] < 0.3
    assert 0 < table.loc["beyond.mnist.trained.test_error", "ours"] < 0.5
    assert table.loc["beyond.mnist.fgsm.trained.found", "n"] == 40


def test_an_attack_of_the_readers_is_tabulated_like_ours(attacked):
    root = attacked[0].root
    rows = read_parquet(root / "results/mnist/attacks/my_attack/mlp/seed0/examples.parquet")
    assert len(rows) == 40
    kept = rows["f1_label_after"] == rows["label"]
    assert kept.mean() > 0.5  # it descends until f1 sees the label
    assert rows["noisy"].mean() > 0.9  # it blends noise into the image
    table = pd.read_csv(root / "results/tables/attacks.csv").set_index(["attack", "measure"])
    assert table.loc[("my_attack", "kept"), "value"] == pytest.approx(kept.mean(), abs=1e-5)
    assert 0 <= table.loc[("my_attack", "found"), "value"] <= 1
    row = pd.read_csv(root / "results/reproduction.csv").set_index("id")
    assert row.loc["beyond.mnist.my_attack.mlp.f1_kept", "n"] == 40


def test_its_examples_are_squeezed_and_drawn(attacked, smoke):
    root = attacked[0].root
    scores = read_parquet(root / "results/mnist/detection/mine/seed0/scores.parquet")
    assert set(scores["attack"]) == {"clean", "ours"}
    rates = read_parquet(root / "results/mnist/detection/rates.parquet")
    assert {"mine", "trained"} <= set(rates["target"])
    name = "results/figures/variants.png"
    with Image.open(root / name) as wider, Image.open(smoke.root / name) as narrower:
        assert wider.width > narrower.width + 20  # two columns more


def test_weights_that_were_given_are_those_that_are_attacked(attacked, example):
    import torch
    from safetensors.torch import load_file

    theirs = load_file(example[0] / "my_net.safetensors")
    path = "results/mnist/classifiers/{}/seed0/model.safetensors"
    mine, trained = (load_file(attacked[0].root / path.format(n)) for n in ("mine", "trained"))
    assert theirs.keys() == mine.keys() == trained.keys()
    assert all(torch.equal(theirs[k], mine[k]) for k in theirs)
    assert not any(torch.equal(theirs[k], trained[k]) for k in theirs)


def test_nothing_but_what_is_new_ran(attacked, smoke):
    """And nothing is left to do."""
    workflow, config = attacked
    assert workflow.pending(config) == set()
    same = (
        *("results/mnist/attacks/ours/mlp/seed0/examples.parquet", "results/toy/curves.parquet"),
        *("results/mnist/classifiers/mlp/seed0/model.safetensors", "results/figures/figure1.png"),
    )
    for name in same:
        if (smoke.root / name).exists():
            before, after = ((w.root / name).stat().st_mtime_ns for w in (smoke, workflow))
            assert before == after, name


OF_MINE = {
    *("prepare_classifier mine.seed0", "sample_examples mine.seed0", "plot_variants"),
    *("attack_svae ours.mine.seed0.0", "judge_svae ours.mine.seed0"),
    *("score_detection mine.seed0", "render_study"),
} | POOLED
OF_TRAINED = {
    *("train_classifier trained.seed0", "sample_examples trained.seed0"),
    *("attack_type2 fgsm.trained.seed0", "judge_type2 fgsm.trained.seed0"),
    "score_detection trained.seed0",
} | POOLED - {"evaluate_realism", "calibrate_oracle"}
OF_ATTACK = {
    *("attack_own my_attack.mlp.seed0.0", "judge_own my_attack.mlp.seed0"),
    "score_detection mlp.seed0",
} | POOLED
EDITS = {
    "a comment in the attack": ("my_attack.py", lambda text: f"# mine\n{text}", set()),
    "the attack": ("my_attack.py", lambda text: text.replace("0.02", "0.01"), OF_ATTACK),
    "a comment": ("my_net.py", lambda text: f"# mine\n{text}", set()),
    "the network": (
        "my_net.py",
        lambda text: text.replace("nn.Flatten()", "nn.Flatten(1)"),
        OF_MINE | OF_TRAINED,
    ),
    "what it imports": (
        "widths.py",
        lambda text: text.replace("24", "24 + 0"),
        OF_MINE | OF_TRAINED,
    ),
    "what it does not": ("other.py", lambda text: "WIDTH = 3\n", set()),
}


@pytest.mark.parametrize("edit", EDITS.values(), ids=EDITS)
def test_an_edit_of_the_file_reruns_what_depends_on_it(attacked, edit):
    workflow, config = attacked
    name, change, jobs = edit
    path = workflow.root / name
    before = path.read_text() if path.exists() else ""
    path.write_text(change(before))
    try:
        assert workflow.pending(config) == jobs
    finally:
        path.write_text(before)


def test_edited_weights_rerun_what_depends_on_them(attacked):
    workflow, config = attacked
    path = workflow.root / "my_net.safetensors"
    before = path.read_bytes()
    path.write_bytes(before[:-1] + bytes([before[-1] ^ 1]))
    try:
        assert workflow.pending(config) == OF_MINE
    finally:
        path.write_bytes(before)


def test_a_network_that_no_attack_can_use_is_one_line_of_its_job(attacked):
    workflow, config = attacked
    path = workflow.root / "my_net.py"
    before = path.read_text()
    path.write_text(before.replace("WIDTH * 4 * 4, 10)", "WIDTH * 4 * 4, 10), nn.Softmax(1)"))
    try:
        model = "results/mnist/classifiers/mine/seed0/model.safetensors"
        result = workflow.run(model, config=config)
    finally:
        path.write_text(before)
    assert result.returncode == 1
    line = (
        "[prepare_classifier] `classifiers.mine.module` is 'my_net.py:build', which returns "
        "probabilities; needs logits: remove its softmax or sigmoid"
    )
    assert result.stdout.splitlines().count(line) == 1, result.stdout
    assert "Traceback" not in result.stdout


# mistakes in the configuration


MISTAKES = {
    "no file": (
        "{module: my_nt.py:build, weights: w.safetensors}",
        "`classifiers.mine.module` is 'my_nt.py:build', and 'my_nt.py' is not a file; needs path",
    ),
    "no function": (
        "{module: net.py:biuld, weights: w.safetensors}",
        "`classifiers.mine.module` is 'net.py:biuld', but net.py has no 'biuld'; needs a function "
        "without arguments that returns a torch.nn.Module; did you mean `build`?",
    ),
    "no colon": (
        "{module: net.py, weights: w.safetensors}",
        "`classifiers.mine.module` is 'net.py'; needs path/to/file.py:function (see config.yaml",
    ),
    "no Python": (
        "{module: broken.py:build, weights: w.safetensors}",
        "`classifiers.mine.module` is 'broken.py:build', but broken.py is not Python: line 2, ",
    ),
    "an import that is not Python": (
        "{module: imports.py:build, weights: w.safetensors}",
        "`classifiers.mine.module` is 'imports.py:build', but broken.py is not Python: line 2, ",
    ),
    "a pickle": (
        "{module: net.py:build, weights: w.pt}",
        "`classifiers.mine.weights` is 'w.pt'; needs a file whose name ends in .safetensors, which",
    ),
    "a pickle, and no file": (
        "{module: absent.py:build, weights: w.pt}",
        "`classifiers.mine.weights` is 'w.pt'; needs a file whose name ends in .safetensors, which",
    ),
    "no weights there": (
        "{module: net.py:build, weights: absent.safetensors}",
        "`classifiers.mine.weights` is 'absent.safetensors', which is not a file; needs a .safeten",
    ),
    "weights and training": (
        "{module: net.py:build, weights: w.safetensors, augmentation: null}",
        "`classifiers.mine` has `weights` and `augmentation`; needs only one of them: weights",
    ),
    "neither": (
        "{module: net.py:build}",
        "`classifiers.mine` lacks `augmentation` and `training` (see config.yaml",
    ),
    "weights alone": ("{weights: w.safetensors}", "`classifiers.mine` lacks `module` (see config"),
    "misspelt": (
        "{modul: net.py:build, weights: w.safetensors}",
        "`classifiers.mine.modul` is not a setting; did you mean `module`?",
    ),
    "both": (
        "{architecture: lenet, module: net.py:build}",
        "`classifiers.mine.module` is not a setting; needs one of architecture, augment",
    ),
}


@pytest.fixture
def beside(tmp_path, monkeypatch):
    """The folder that Snakemake would run in, with files of every kind."""
    (tmp_path / "net.py").write_text("def build():\n    pass\n")
    (tmp_path / "broken.py").write_text("\ndef build(:\n")
    (tmp_path / "imports.py").write_text("import os, broken\n\ndef build():\n    pass\n")
    for name in ("w.safetensors", "w.pt"):
        save_file({}, tmp_path / name)
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize(("entry", "message"), MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_is_refused_with_one_line(beside, repository, entry, message):
    given = yaml.safe_load(f"classifiers: {{mine: {entry}}}")
    with pytest.raises(Wrong) as refused:
        layers.expanded(given, record.read(repository / "config.yaml"))
    assert str(refused.value).startswith(message)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("entry", "added"),
    [
        ({"module": "net.py:build", "weights": "w.safetensors"}, ["dataset"]),
        ({"module": "net.py:build", "augmentation": None, "training": {"epochs": 1}}, []),
    ],
    ids=["weights", "training"],
)
def test_an_entry_has_the_keys_that_it_was_given(beside, repository, entry, added):
    """Rules tell a network that is trained from one that is not by them."""
    given = {"classifiers": {"mine": entry}}
    found = layers.expanded(given, record.read(repository / "config.yaml"))["classifiers"]["mine"]
    assert list(found) == [*entry, *added]


ENCODED = {
    "a byte order mark": "# é\ndef build():\n    pass\n".encode("utf-8-sig"),
    "a named encoding": "# coding: latin-1\n# é\ndef build():\n    pass\n".encode("latin-1"),
    "lines of Windows": b"def build():\r\n    pass\r\n",
}


@pytest.mark.parametrize("source", ENCODED.values(), ids=ENCODED)
def test_a_file_is_read_as_python_reads_it(beside, source):
    Path("net.py").write_bytes(source)
    assert can_be_found("net.py:build", needs=BUILDS) == "net.py:build"


UNREADABLE = {
    "bytes of no encoding": (b"x = '\xff'\ndef build():\n    pass\n", "is not Python: line "),
    "a null byte": (b"def build():\n    pass\n\0", "is not Python: "),
}


@pytest.mark.parametrize(("source", "message"), UNREADABLE.values(), ids=UNREADABLE)
def test_a_file_that_python_cannot_read_is_one_line(beside, source, message):
    Path("net.py").write_bytes(source)
    with pytest.raises(Wrong) as refused:
        can_be_found("net.py:build", needs=BUILDS)
    assert message in str(refused.value)
    assert "\n" not in str(refused.value)


def test_code_that_a_digest_must_see_is_found(repository, tmp_path):
    """What a user's file runs: itself, what it imports from beside it, that of typeone, no more."""
    own_files = Digests(repository).own_files
    files = {
        "net.py": "import torch, layers\n"
        "from blocks.one import f\nfrom typeone.training.losses import kl",
        "layers.py": "import deeper",
        "deeper.py": "",
        "blocks/one.py": "from .two import g",
        "blocks/two.py": "",
        "unused.py": "",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    found = {line.split("@")[0] for line in own_files(f"{tmp_path}/net.py:build")}
    own = {str(tmp_path / name) for name in files if name != "unused.py"}
    assert own <= found
    theirs = {Path(f).relative_to(repository).as_posix() for f in found - own}
    assert {"typeone/training/losses.py", "typeone/__init__.py"} <= theirs
    assert all(name.startswith("typeone/") for name in theirs)
    assert own_files(None) == own_files("absent.py:build") == []
