"""Run Algorithm 2 with its published schedule on a GPU, on the networks of a finished run.

    published_schedule.py attack --results results --out FOLDER [--seconds 90]
    published_schedule.py judge --results results --out FOLDER

`attack` makes 20,000 steps on all digits of the MLP's examples: first with the SVAE of the run,
then with an SVAE that is trained here with the published settings, for about `--seconds`. `judge`
sets their success beside that of the run's own attack `paper`, by the run's judges, on a CPU.
"""

import argparse
import time
from pathlib import Path

import numpy as np
import torch
from attack import settings_of, table

from typeone.attacks.criteria import label_criterion
from typeone.attacks.shards import attack_shard
from typeone.data.digits import read_examples
from typeone.evaluation.intervals import rate
from typeone.evaluation.judging import Classifier, judge
from typeone.evaluation.panels import load_panel
from typeone.models.classifiers import load_classifier
from typeone.models.svae import DigitSVAE, load_svae
from typeone.runtime.artifacts import read_model_metadata, read_parquet, save_model, write_parquet
from typeone.runtime.devices import compute_device
from typeone.training.algorithm1 import f2_error, labelled_at, train_stage1, train_stage2
from typeone.workflow.settings import layers

ROOT = Path(__file__).parents[2]
JUDGES = ("plain", "wide", "residual")
SUCCESS = ("type1_success_f2", "type1_success_oracle", "type1_success_clear")
PROBE = 2  # epochs that tell how many fit into the time


def published():
    """Settings of preset paper."""
    return layers.of_files(ROOT, "presets/paper.yaml")


def trained_svae(results, device, seconds, seed):
    """An SVAE trained with the published settings, except that the epochs fit into ``seconds``."""
    settings = published()["svae"]
    train, validation = (
        labelled_at(DigitSVAE(), results / f"data/mnist/{split}.parquet", device)
        for split in ("train", "validation")
    )

    def stage1(epochs):
        svae = DigitSVAE(latent_dim=settings["latent_dim"])
        loss = {k: v for k, v in settings["stage1"].items() if k != "training"}
        how = settings["stage1"]["training"] | {"epochs": epochs}
        started = time.monotonic()
        train_stage1(svae, train, validation, loss=loss, training=how, seed=seed)
        return svae, time.monotonic() - started

    _, first = stage1(PROBE)
    _, second = stage1(2 * PROBE)
    epoch = max(second - first, 1e-9) / PROBE
    epochs = max(1, int((seconds - first - second) / epoch))
    print(f"SVAE, stage 1: {epoch:.2f} s an epoch, {epochs} epochs", flush=True)
    svae, taken = stage1(epochs)
    error = f2_error(svae, validation)
    second_stage = settings["stage2"]["training"] | {"epochs": max(1, epochs // 4)}
    begun = time.monotonic()
    train_stage2(svae, train, training=second_stage, seed=seed)
    print(
        f"SVAE: stage 1 {taken:.1f} s, f2's validation error {error:.2%}; stage 2 "
        f"{second_stage['epochs']} epochs, {time.monotonic() - begun:.1f} s",
        flush=True,
    )
    return svae, {"epochs": epochs, "stage2_epochs": second_stage["epochs"], "f2_error": error}


def run_attacks(results, out, seconds, seed, device):
    entry = published()["attacks"]["paper"]
    settings = settings_of(entry)
    f1 = load_classifier(results / f"mnist/classifiers/mlp/seed{seed}/model.safetensors", device)
    examples = results / f"mnist/examples/mlp/seed{seed}/examples.parquet"
    index, images, labels = read_examples(
        examples, entry["count"], device, original=entry["original"]
    )
    path = results / f"mnist/svae/seed{seed}/stage2.safetensors"

    def attacked(name, svae, note):
        started = time.monotonic()
        rows, _ = attack_shard(
            *(svae, images, labels, settings),
            keep=label_criterion(f1, []),
            chunk=len(images),
        )
        note = note | {"seconds": time.monotonic() - started, "steps": settings.steps}
        rows |= {"index": index[rows["position"]]}
        write_parquet(out / f"{name}.parquet", rows, metadata=note)
        print(f"{name}: {len(images)} digits x {settings.steps} steps in {note['seconds']:.1f} s")

    attacked("published_schedule", load_svae(path, device), read_model_metadata(path))
    svae, note = trained_svae(results, device, seconds, seed)
    save_model(out / "svae.safetensors", svae, metadata={**svae.description, **note})
    attacked("published_svae", svae, note)


def show_success(results, out, seed):
    at = results / "mnist"
    own = at / f"attacks/paper/mlp/seed{seed}/examples.parquet"
    f1 = Classifier(
        load_classifier(at / f"classifiers/mlp/seed{seed}/model.safetensors"), batch=500
    )
    panel = load_panel([at / f"oracle/{name}/model.safetensors" for name in JUDGES])
    quick = at / f"svae/seed{seed}/stage2.safetensors"
    every = {"scaled schedule, SVAE of the run": (own, quick)}
    every["published schedule, SVAE of the run"] = (out / "published_schedule.parquet", quick)
    every["published schedule, longer SVAE"] = (
        out / "published_svae.parquet",
        out / "svae.safetensors",
    )
    lines = []
    for name, (path, svae) in every.items():
        rows = read_parquet(path)
        if "judge_label" not in rows.columns:
            rows = judge(
                rows.columns,
                f1=f1,
                svae=load_svae(svae),
                panel=panel,
                members=JUDGES,
                clear_confidence=0.9,
                device=torch.device("cpu"),
            )
        rows = getattr(rows, "columns", rows)
        kept = np.asarray(rows["f1_label_after"]) == np.asarray(rows["label"])
        rates = [rate(kept), *(rate(np.asarray(rows[column])) for column in SUCCESS)]
        shown = [f"{r.value:.3f} [{r.low:.3f}, {r.high:.3f}]" for r in rates]
        lines.append((name, len(kept), *shown, f"{np.mean(rows['distance_l2']):.2f}"))
    head = (
        "`paper` on the MLP",
        "n",
        "f1 keeps y",
        "f2, image encoded again",
        "judges: true",
        "clear",
        "L2",
    )
    table("Published and scaled schedule", head, lines)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=["attack", "judge"])
    parser.add_argument("--results", type=Path, required=True, help="of a finished run")
    parser.add_argument("--out", type=Path, required=True, help="folder of the attacked digits")
    parser.add_argument("--seconds", type=float, default=90, help="of the SVAE's stage 1")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    if options.what == "judge":
        show_success(options.results, options.out, options.seed)
    else:
        device = compute_device(torch.get_num_threads(), gpu=True)
        run_attacks(options.results, options.out, options.seconds, options.seed, device)
