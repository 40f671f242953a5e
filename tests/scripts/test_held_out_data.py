"""No weight depends on data that it is tested on: trained with other ones it has the same bytes."""

import runpy
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from safetensors.numpy import load_file
from snakemake.iocontainers import InputFiles, OutputFiles, Params, Wildcards

from typeone.models.classifiers import build_classifier, reset_parameters
from typeone.models.svae import DigitSVAE
from typeone.runtime.artifacts import save_model, write_parquet
from typeone.runtime.devices import seeded

from ..typeone.small_faces import write_faces

SCRIPTS = Path(__file__).parents[2] / "scripts"
TRAINING = {"epochs": 1, "batch_size": 10, "lr": 0.01, "beta1": 0.9, "schedule": "constant"}
COUNT = 40


@dataclass(frozen=True)
class Trained:
    """A script that trains a network.

    Attributes:
        reads: its inputs that are tables of data; the first is what it learns from.
        params: all but the seed and the place of the sidecar.
        named: wildcards.
        given: from a folder to further inputs, made there.
        faces: whether the tables are of faces.
    """

    reads: tuple[str, ...]
    params: dict
    named: dict
    given: object = lambda folder: {}
    faces: bool = False


def base(folder):
    path = folder / "base.safetensors"
    network = build_classifier("mlp")
    reset_parameters(network, seeded(0))
    save_model(path, network, metadata={"architecture": "mlp"})
    return {"base": str(path)}


def stage1(folder):
    path = folder / "stage1.safetensors"
    svae = DigitSVAE(latent_dim=4)
    svae.reset_parameters(seeded(0))
    save_model(path, svae, metadata=svae.description)
    return {"stage1": str(path)}


ALL = ("train", "validation", "test")
PAIRS = {"epsilon": 0.3, "steps": 1, "step_size": 0.1, "epsilon_warmup": 0.0}
WEIGHTS = {"clean_weight": 1.0, "adversarial_weight": 1.0, "pairing_weight": 1.0}
CRITIC = {"critic_steps": 1, "penalty_weight": 10.0, "classifier_weight": 1.0, "average_decay": 0.9}
SCRIPT = {
    "train_classifier": Trained(
        *(ALL, {"settings": {"architecture": "mlp", "training": TRAINING}, "augmentation": None}),
        {"target": "mlp"},
    ),
    "train_svae_stage1": Trained(
        ALL,
        {
            "architecture": "svae-28x28",
            "sizes": {"latent_dim": 4},
            "settings": {"kl_warmup": 1.0, "training": TRAINING},
        },
        {},
    ),
    "train_svae_stage2": Trained(
        ("train", "test"), {"settings": {"training": TRAINING}}, {}, given=stage1
    ),
    "train_generator": Trained(
        ("train", "test"),
        {
            "settings": {
                **{"latent_dim": 4, "channels": 2, "objective": CRITIC},
                "training": TRAINING,
            }
        },
        {},
    ),
    "strengthen_classifier": Trained(
        ALL,
        {
            "module": None,
            "network": {
                **{"method": "logit_pairing", "start": "base", "training": TRAINING},
                "settings": PAIRS | WEIGHTS,
            },
        },
        {"target": "mlp_alp"},
        given=base,
    ),
    "train_recognizer": Trained(
        ("train", "validation"),
        {
            "settings": {
                **{"settings": {"channels": 2, "dim": 4}, "training": TRAINING},
                "loss": {"scale": 16.0, "margin": 0.35},
                "augmentation": {"shift": 2, "light": 0.2},
            }
        },
        {},
        faces=True,
    ),
    "train_face_judge": Trained(
        ("faces", "validation"),
        {"settings": {"architecture": "plain", "training": TRAINING}},
        {"judge": "plain"},
        faces=True,
    ),
}


def write_digits(path, seed):
    draw = np.random.default_rng(seed)
    write_parquet(
        path,
        {
            "index": np.arange(COUNT, dtype=np.int32),
            "image": draw.integers(0, 256, (COUNT, 1, 28, 28), np.uint8),
            "label": draw.permutation(np.arange(COUNT) % 10),
        },
    )


def weights(script, folder, seeds):
    """The bytes of every tensor that is stored, trained on tables of these ``seeds`` by name."""
    network = SCRIPT[script]
    folder.mkdir()
    for name, seed in seeds.items():
        path = folder / f"{name}.parquet"
        if network.faces:
            write_faces(path, COUNT, 8, seed)
        else:
            write_digits(path, seed)
    tables = {name: str(folder / f"{name}.parquet") for name in seeds}
    model = str(folder / "model.safetensors")
    inputs = InputFiles(fromdict=tables | network.given(folder))
    inputs.examples = []  # that logit pairing does not need
    params = {**network.params, "seed": 7, "resume": str(folder / "resume")}
    task = SimpleNamespace(
        rule=script,
        log=[str(folder / "log")],
        input=inputs,
        output=OutputFiles(fromdict={"model": model, "curve": str(folder / "curve.parquet")}),
        params=Params(fromdict=params),
        wildcards=Wildcards(fromdict=network.named),
        threads=1,
        resources={},
    )
    runpy.run_path(str(SCRIPTS / f"{script}.py"), {"snakemake": task})
    return {name: tensor.tobytes() for name, tensor in load_file(model).items()}


@pytest.fixture(scope="module")
def once(tmp_path_factory):
    """A script's name → its weights on tables that are numbered in the order that it reads them."""
    found = {}

    def trained(script):
        if script not in found:
            seeds = {name: i for i, name in enumerate(SCRIPT[script].reads)}
            found[script] = weights(script, tmp_path_factory.mktemp(script) / "run", seeds), seeds
        return found[script]

    return trained


@pytest.mark.parametrize(
    ("script", "held_out"),
    [(script, name) for script, network in SCRIPT.items() for name in network.reads[1:]],
)
def test_no_weight_depends_on_held_out_data(once, tmp_path, script, held_out):
    before, seeds = once(script)
    assert weights(script, tmp_path / "other", seeds | {held_out: 99}) == before


@pytest.mark.parametrize("script", SCRIPT)
def test_weights_depend_on_the_data_that_they_are_trained_on(once, tmp_path, script):
    before, seeds = once(script)
    learnt = SCRIPT[script].reads[0]
    assert weights(script, tmp_path / "other", seeds | {learnt: 99}) != before
