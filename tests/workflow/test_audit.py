"""`typeone audit` with the kit of the smoke run: a card of a network of the user's, or one line."""

import json
import re
import subprocess
import sys

import pytest

from typeone.evaluation.audit.kit import file_sha256, load_kit
from typeone.reporting.card.contents import CardContents
from typeone.reporting.card.faces import FaceCardContents
from typeone.workflow import auditing
from typeone.workflow.options import Refused

NET = """
from torch import nn
def build():
    return nn.Sequential(nn.Flatten(), nn.Linear(784, 128), nn.ReLU(), nn.Linear(128, 10))
def fails():
    raise RuntimeError("no disk")
"""
ATTACK = """
def attack(model, inputs, labels, targets, *, generator):
    return (inputs * 0.9).clamp(0, 1)
def less(model, inputs, labels, targets, *, generator):
    return (inputs * 0.5).clamp(0, 1)
"""


def typeone(folder, *arguments):
    return subprocess.run(
        [sys.executable, "-m", "typeone.workflow", "audit", *map(str, arguments)],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=600,
    )


@pytest.fixture(scope="module")
def kit(smoke):
    return smoke.root / "results" / "mnist" / "kit" / "kit.safetensors"


@pytest.fixture(scope="module")
def folder(smoke, tmp_path_factory):
    """The MLP of the smoke run as a network of the user's, and two attacks."""
    folder = tmp_path_factory.mktemp("audit")
    trained = smoke.root / "results" / "mnist" / "classifiers" / "mlp" / "seed0"
    (folder / "mlp.safetensors").symlink_to(trained / "model.safetensors")
    (folder / "net.py").write_text(NET)
    (folder / "shrink.py").write_text(ATTACK)
    return folder


def test_a_kit_is_the_networks_and_settings_of_the_run(smoke, kit, smoke_settings):
    found = load_kit(kit)
    note = json.loads(kit.with_name("kit.json").read_text())
    assert note.pop("sha256") == file_sha256(kit)
    assert note == found.note
    assert found.judges == list(smoke_settings["oracle"]["members"])
    ours = {a["name"]: a for a in note["attacks"]}["ours_runner_up"]
    wanted = smoke_settings["attacks"]["ours_runner_up"]
    assert ours["aim"] == "runner_up"
    assert all(wanted[name] == value for name, value in ours["settings"].items())
    assert list(ours["settings"])
    assert note["images"]["validation"] == 500


def test_a_network_gets_a_card(folder, kit):
    result = typeone(
        *(folder, "net.py:build", "--kit", kit, "--kit-sha256", file_sha256(kit)),
        *("--weights", "mlp.safetensors", "--attack", "shrink.py:attack"),
        *("--attack", "shrink.py:less", "--count", 6, "--name", "perceptron", "--out", "cards/a"),
    )
    assert result.returncode == 0, result.stderr
    lines = result.stdout.splitlines()
    assert lines[-1] == "card: cards/a/card.html"
    contents = CardContents.model_validate_json((folder / "cards/a/card.json").read_text())
    assert contents.network == "perceptron"
    assert [a.name for a in contents.attacks][-2:] == ["shrink_attack", "shrink_less"]
    assert {a.measures["kept"].n for a in contents.attacks if a.kind != "type2"} == {6}
    assert contents.clean_error.value < 0.3
    assert contents.source.kit_sha256 == file_sha256(kit)
    head = next(i for i, line in enumerate(lines) if line.startswith("attack "))
    told = {line.split()[0]: line for line in lines[head + 1 :] if line}
    paper = next(a for a in contents.attacks if a.name == "paper").measures
    assert told["paper"].split()[1:5] == [
        f"{paper[name].value:.2f}" for name in ("kept", "true", "clear", "clean")
    ]
    assert "<title>perceptron" in (folder / "cards/a/card.html").read_text()


def test_a_recognizer_gets_a_card(smoke, folder):
    kit = smoke.root / "results" / "faces" / "kit" / "kit.safetensors"
    trained = smoke.root / "results/faces/recognizers/small/seed0/model.safetensors"
    code = f"""
from typeone.models.recognizers import load_recognizer
def build():
    return load_recognizer({str(trained)!r})
"""
    (folder / "recognizer.py").write_text(code)
    result = typeone(
        *(folder, "recognizer.py:build", "--threshold", 1.0, "--kit", kit),
        *("--count", 4, "--out", "cards/faces"),
    )
    assert result.returncode == 0, result.stderr
    card = FaceCardContents.model_validate_json((folder / "cards/faces/card.json").read_text())
    assert card.threshold == 1.0
    assert card.faces == "synthetic"
    assert list(card.accepted) == ["same", "different", "opposite"]
    assert card.accepted["same"].value > card.accepted["different"].value
    assert [a.name for a in card.attacks][:3] == ["ours_attackers", "ours", "paper"]
    assert card.attacks[0].measures["kept"].n == 4
    assert "smoke, for tests" in (folder / "cards/faces/card.html").read_text()


MISTAKES = {
    "faces as digits": (
        ["net.py:build", "--threshold", "1.0"],
        "is a kit for classifiers (rule make_kit; no threshold); needs a kit for recognizers (rule",
    ),
    "data of a kit": (
        ["net.py:build", "--data", "digits"],
        "--data is given with --kit; needs one",
    ),
    "a threshold below 0": (
        ["net.py:build", "--threshold", "-1"],
        "--threshold is -1; needs a distance above 0",
    ),
    "digits with a threshold": (
        ["net.py:build", "--threshold", "1", "--data", "digits"],
        "--data is 'digits'; with --threshold it needs faces, lfw, or a .yaml file",
    ),
    "an own attack of faces": (
        ["net.py:build", "--threshold", "1", "--attack", "shrink.py:less"],
        "--attack is given with --threshold; needs one of them",
    ),
    "faces without a threshold": (
        ["net.py:build", "--data", "lfw"],
        "--data is 'lfw', which is not a folder; needs digits, fashion, or a folder of IDX files; "
        "faces need --threshold",
    ),
    "no network": ([], "the network is missing; needs path/to/file.py:function"),
    "no function": (["net.py"], "the network is 'net.py'; needs path/to/file.py:function"),
    "no file": (["nte.py:build"], "'nte.py' is not a file; needs path/to/file.py:function"),
    "another function": (["net.py:biuld"], "net.py has no function 'biuld'; needs"),
    "code that fails": (["net.py:fails"], "whose code fails at net.py, line 6 (RuntimeError: no"),
    "an option": (["net.py:build", "--wieghts", "a"], "unknown option '--wieghts'"),
    "no number": (["net.py:build", "--count", "x"], "argument --count: invalid int value: 'x'"),
    "too few": (["net.py:build", "--count", "0"], "--count is 0; needs at least 1"),
    "too many": (
        ["net.py:build", "--weights", "mlp.safetensors", "--count", "1000"],
        "`count` is 1000, but of 1000 test images",
    ),
    "no training": (["net.py:build"], "of the clean test images of mnist wrong; needs at most 50%"),
    "twice": (
        ["net.py:build", "--attack", "shrink.py:less", "--attack", "shrink.py:less"],
        "--attack names the same function twice",
    ),
    "a file": (["net.py:build", "--out", "net.py"], "--out is 'net.py', which is a file"),
    "a preset of a kit": (["net.py:build", "--preset", "quick"], "--preset is given with --kit"),
    "another preset": (["net.py:build", "--preset", "fast"], "argument --preset: invalid choice"),
    "no weights": (["net.py:build", "--weights", "w"], "--weights is 'w', which is not a file"),
    "other weights": (["net.py:build", "--weights", "net.py"], "not a safetensors file"),
    "no data": (["net.py:build", "--data", "digts"], "--data is 'digts', which is not a folder"),
    "another kit": (["net.py:build", "--kit-sha256", "0" * 64], "; needs 0000"),
    "no attack": (["net.py:build", "--attack", "shrink.py:atack"], "no function 'atack'"),
}


@pytest.mark.parametrize(("arguments", "message"), MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_is_one_line(folder, kit, arguments, message):
    result = typeone(folder, *arguments, "--kit", kit)
    assert result.returncode in (1, 2)
    assert result.stderr.startswith("typeone: ")
    assert result.stderr.count("\n") == 1
    assert message in result.stderr


def test_the_help_names_every_option(folder):
    result = typeone(folder, "--help")
    assert (result.returncode, result.stderr) == (0, "")
    for name in vars(auditing.parsed(["a.py:b"])):
        if name != "network":
            assert f"--{name.replace('_', '-')} " in result.stdout


# ------------------------------------------------------------------- a kit that is not there


class Run:
    """A stand-in for `typeone reproduce`: writes what it was called with, and the kit if it may."""

    def __init__(self, root, makes):
        code = (
            "import json, pathlib, sys, yaml; a = sys.argv[1:]; t = pathlib.Path(a[-1]);"
            "s = [yaml.safe_load(open(f)) for f in a if f.endswith('.yaml')];"
            "json.dump([a, s], open('called.json', 'w'));"
            f"{makes} and (t.parent.mkdir(parents=True, exist_ok=True), t.write_text('kit'),"
            " t.with_name('kit.json').write_text(json.dumps({'preset': a[2]})))"
        )
        self.root, self.command = root, ["env", "-C", str(root), sys.executable, "-c", code]

    def kit(self, *arguments):
        args = auditing.parsed(["net.py:build", *map(str, arguments)])
        return auditing.make_kit(self.command, self.root, args)

    @property
    def called(self):
        return json.loads((self.root / "called.json").read_text())


def test_a_kit_is_made_once(tmp_path, capsys):
    run = Run(tmp_path, True)
    target = "results/mnist/kit/kit.safetensors"
    assert run.kit("--preset", "smoke") == tmp_path / target
    assert run.called == [["reproduce", "--preset", "smoke", "--", target], []]
    assert "no kit of mnist yet" in capsys.readouterr().err
    (tmp_path / "called.json").unlink()
    assert run.kit() == tmp_path / target
    assert capsys.readouterr().out == f"kit: {tmp_path / target}, preset smoke\n"
    with pytest.raises(Refused, match=r"--preset is quick, but .* is of preset smoke; remove that"):
        run.kit("--preset", "quick")
    assert not (tmp_path / "called.json").exists()


def test_a_kit_of_fashion_has_its_preset(tmp_path):
    (tmp_path / "presets").mkdir()
    (tmp_path / "presets" / "fashion.yaml").write_text("a: 1")
    run = Run(tmp_path, True)
    assert run.kit("--data", "fashion") == tmp_path / "results/fashion/kit/kit.safetensors"
    assert run.called[0][3:5] == ["--configfile", "presets/fashion.yaml"]


@pytest.mark.parametrize(
    ("folder", "name"),
    [("My Letters", "my_letters"), ("2024-run", "data_2024_run"), ("mnist", "mnist")],
)
def test_a_folder_becomes_a_data_set(tmp_path, folder, name):
    kits = []
    for parent in "ab":  # folders of one name are different data
        data = tmp_path / parent / folder
        data.mkdir(parents=True)
        run = Run(tmp_path, True)
        kits.append(run.kit("--data", data))
        dataset = kits[-1].parts[-3]
        assert re.fullmatch(rf"{name}_[0-9a-f]{{8}}", dataset)
        assert kits[-1] == tmp_path / f"results/{dataset}/kit/kit.safetensors"
        assert run.called[1] == [{"datasets": {dataset: {"format": "idx", "path": str(data)}}}]
    assert kits[0] != kits[1]


def test_the_kit_of_a_folder_is_left_to_the_run(tmp_path):
    run = Run(tmp_path, True)
    data = tmp_path / "letters"
    data.mkdir()
    kit = run.kit("--data", data, "--preset", "smoke")
    (tmp_path / "called.json").unlink()
    assert run.kit("--data", data) == kit
    assert run.called[0][:3] == ["reproduce", "--preset", "smoke"]
    with pytest.raises(Refused, match=r"--preset is quick, but .* is of preset smoke; remove that"):
        run.kit("--data", data, "--preset", "quick")


def test_a_kit_of_faces_is_of_the_faces_that_are_named(tmp_path):
    run = Run(tmp_path, True)
    kit = run.kit("--threshold", 1.0, "--data", "lfw")
    assert kit == tmp_path / "results/faces/kit/kit.safetensors"
    assert run.called[1] == [{"faces": {"source": "lfw"}}]
    kit.with_name("kit.json").write_text(json.dumps({"preset": "quick", "source": "lfw"}))
    assert run.kit("--threshold", 1.0, "--data", "lfw") == kit
    with pytest.raises(Refused, match=r"faces of source synthetic, but .* of source lfw; name it"):
        run.kit("--threshold", 1.0, "--data", "faces")
    # the run itself compares all that a file describes
    own = tmp_path / "celeba.yaml"
    own.write_text("faces: {source: celeba, celeba: {path: there}}")
    (tmp_path / "called.json").unlink()
    assert run.kit("--threshold", 1.0, "--data", own) == kit
    assert run.called[1] == [{"faces": {"source": "celeba", "celeba": {"path": "there"}}}]
    own.write_text("seeds: [1]")
    with pytest.raises(Refused, match="which has no section faces; needs settings of faces"):
        run.kit("--threshold", 1.0, "--data", own)


def test_a_run_that_fails_leaves_one_line(tmp_path):
    with pytest.raises(Refused, match="the kit was not made, see above; run the same command"):
        Run(tmp_path, False).kit()
