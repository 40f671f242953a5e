"""Runs ./reproduce as a reader does, on a small folder of finished results.

The repository is a copy whose .venv passes on to this Python, so that nothing is installed. Every
run has a folder of its own (--directory) with the same results in it, made by hand here: the real
kinds of files, of networks that learnt nothing.
"""

import hashlib
import os
import re
import shutil
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import yaml
from torch import nn

from typeone.models.classifiers import build_classifier
from typeone.runtime.artifacts import save_model, write_parquet
from typeone.workflow.settings import layers

from ..standin import make_venv

ROOT = Path(__file__).parents[2]
SMOKE = "presets/smoke.yaml"
ANEW = ("logs", "benchmarks", "config.yaml")  # what every run writes


@dataclass(frozen=True)
class Outcome:
    """How one run ended.

    Attributes:
        status: of ./reproduce.
        seconds: that it took.
        screen: all that it printed; paths as the run's folder has them, ports left out.
        changed: files among the earlier results that are other files now, or gone.
        strays: files that it left elsewhere in its folder.
    """

    status: int
    seconds: float
    screen: str
    changed: list[str]
    strays: list[str]

    def answers(self, case):
        """Lines that answer as ``case`` says, but for the log of a failed job, which repeats it."""
        told = re.sub(r"^Logfile .*?^=+\n.*?^=+\n", "", self.screen, flags=re.M | re.S)
        lines = [re.sub(r"^(\[\w+\]|reproduce:) ", "", line) for line in told.splitlines()]
        return [line for line in lines if re.match(case.says, line)]


def shown_runs():
    """(folder, attack, target) of every attack whose images people see, and of the control."""
    config = layers.of_files(ROOT, SMOKE)
    runs = []
    for folder, attacks in (
        ("mnist", config["attacks"]),
        ("faces", config["face_attacks"]["attacks"]),
    ):
        for name, attack in attacks.items():
            kept = attack["kind"] != "type2" and attack.get("keep", True)
            if kept or name == "reconstruction":
                runs += [(folder, name, t) for t in attack.get("targets", ["small"])]
    return runs


def write_results(results):
    """What the rules that are broken here start from, each file newer than what it is made of."""
    rng = np.random.default_rng(0)
    torch.manual_seed(0)

    def digits(count):
        images = rng.integers(0, 256, (count, 1, 28, 28), dtype=np.uint8)
        return {
            "index": np.arange(count, dtype=np.int32),
            "image": images,
            "label": images[:, 0, 0, 0] % 10,
        }

    for split in ("train", "validation", "test"):
        write_parquet(results / f"data/mnist/{split}.parquet", digits(60))
    mlp = {"architecture": "mlp", "seed": 0}
    save_model(
        results / "mnist/classifiers/mlp/seed0/model.safetensors",
        build_classifier("mlp"),
        metadata=mlp,
    )
    write_parquet(results / "mnist/examples/mlp/seed0/examples.parquet", digits(40))
    save_model(
        results / "faces/recognizers/facenet/model.safetensors", nn.Linear(2, 2), metadata={}
    )
    judged = {
        "position": np.arange(3),
        "judge_label": np.array([1, 2, 3]),
        "judge_confidence": np.array([0.9, 0.8, 0.7]),
        "judge_clear": np.array([True, True, False]),
    }
    for folder, attack, target in shown_runs():
        shape = (3, 1, 28, 28) if folder == "mnist" else (3, 3, 64, 64)
        write_parquet(
            results / f"{folder}/attacks/{attack}/{target}/seed0/examples.parquet",
            judged | {"adversarial_image": rng.integers(0, 256, shape, dtype=np.uint8)},
        )
    (results / "study").mkdir()
    (results / "study/index.html").touch()
    columns = ("number", "question", "image", "condition", "truth", "digest")
    write_parquet(results / "study/key.parquet", dict.fromkeys(columns, np.array(["0"])))
    (results / "tables").mkdir()
    (results / "tables/table1.md").write_text("| Table I |\n")
    stages = ("data", "classifiers", "examples", "recognizers", "attacks", "study", "tables")
    for path in results.rglob("*.*"):
        stage = next(i for i, name in enumerate(stages) if name in path.relative_to(results).parts)
        os.utime(path, (1_700_000_000 + stage, 1_700_000_000 + stage))


def contents(folder):
    """File → SHA-256 of all results but what every run writes anew."""
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.relative_to(folder).parts[0] not in ANEW
    }


def elsewhere(here):
    """Files in a run's folder that belong neither to the results nor to Snakemake."""
    own = ("results", ".snakemake")
    names = {path.relative_to(here) for path in here.rglob("*") if path.is_file()}
    return {name.as_posix() for name in names if name.parts[0] not in own}


class Sandbox:
    """A copy of the repository in ``folder``, and the finished results."""

    def __init__(self, folder):
        self.folder, self.root = folder, folder / "repository"
        listed = subprocess.run(
            ["git", "ls-files", "-coz", "--exclude-standard"],
            cwd=ROOT,
            capture_output=True,
            check=True,
        )
        for name in filter(None, listed.stdout.decode().split("\0")):
            if (ROOT / name).is_file():
                (self.root / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(ROOT / name, self.root / name)
        make_venv(self.root)
        self.results = folder / "results"
        write_results(self.results)

    def run(self, case):
        """What ./reproduce does with the broken input of ``case``."""
        here = self.folder / "runs" / re.sub(r"\W+", "-", f"{case.group} {case.given}")
        shutil.copytree(self.results, here / "results")
        config = case.breaks(here) if callable(case.breaks) else case.breaks
        arguments = [word.format(here=here) for word in case.arguments]
        if config is not None:
            text = yaml.safe_dump(config) if isinstance(config, dict) else config
            file = here / "mine.yaml"
            file.write_bytes(text if isinstance(text, bytes) else text.encode())
            arguments += ["--configfile", str(file)]
        before, there = contents(here / "results"), elsewhere(here)
        inherited = {k: v for k, v in os.environ.items() if not k.startswith("SNAKEMAKE")}
        environment = {
            "OMP_NUM_THREADS": "1",
            "no_proxy": "127.0.0.1",
        }
        begun = time.monotonic()
        result = subprocess.run(
            [self.root / "reproduce", *arguments],
            cwd=self.folder,
            env=inherited | environment | case.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            timeout=600,
        )
        seconds = time.monotonic() - begun
        after = contents(here / "results")
        changed = [name for name in before if after.get(name) != before[name]]
        strays = sorted(elsewhere(here) - there)
        shutil.rmtree(here)
        screen = result.stdout
        for folder in (here, self.root, self.folder):
            screen = screen.replace(f"{folder}/", "").replace(str(folder), ".")
        screen = re.sub(r"(127\.0\.0\.1):\d+", r"\1:PORT", screen)
        return Outcome(result.returncode, seconds, screen, changed, strays)
