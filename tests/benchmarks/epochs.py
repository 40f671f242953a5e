"""Would longer trainings change what is reported? Errors and rates against epochs.

    epochs.py train mlp|lenet|svae --results results --out FOLDER [--epochs N ...]
    epochs.py plot --out FOLDER --figure docs/figures/epochs.png

`train mlp` and `train lenet` train once, with the published settings but the epochs, and measure
after every epoch: the test error and how many clean digits squeezing rejects at the thresholds of
Table I. After the epochs in `ATTACKED` they run `paper` from 4 to 5, for f1's confidence of Fig. 6.
`train svae` trains one SVAE for each number of epochs (its schedule depends on it; the run's own is
taken as it is) and runs `paper` on the run's MLP: f2's error, the rates of the Type I row, Fig. 6.
A training that is stored is not made again. `plot` marks the epochs of preset full.
"""

import argparse
from pathlib import Path

import matplotlib.pyplot as plt
import pandas as pd
import torch
import yaml
from attack import attacked_by_paper

from typeone.data.digits import read_digits
from typeone.detectors.squeezing import scores
from typeone.models.classifiers import build_classifier, load_classifier, reset_parameters
from typeone.models.predictions import labels_of, predict
from typeone.models.svae import DigitSVAE, load_svae
from typeone.reporting.plotting import COLOURS, save_figure, style
from typeone.runtime.artifacts import read_parquet, write_parquet
from typeone.runtime.devices import seeded
from typeone.training.algorithm1 import f2_error, labelled_at, train_stage1, train_stage2
from typeone.training.error_rates import error_rate
from typeone.training.loop import TrainingSettings, train
from typeone.training.objectives.classification import classification
from typeone.workflow.settings import layers

ROOT = Path(__file__).parents[2]
THRESHOLDS = (0.2510, 0.6089, 0.9353)
EPOCHS = {"mlp": [600], "lenet": [120], "svae": [6, 12, 25, 50]}
ATTACKED = {"mlp": (2, 4, 8, 16, 32, 64, 150, 300, 600), "lenet": (3, 7, 15, 30, 60, 120)}
ERROR, CONFIDENCE = "test error", "f1's confidence in 4 (Fig. 6)"


def full():
    """Settings of preset full."""
    return layers.of_files(ROOT, "presets/full.yaml")


def rejected(f1, images):
    """Share of ``images`` that squeezing rejects, by threshold (joint detector, L2)."""
    distance = scores(f1, images, bits=1, median=2)["joint", "l2"]
    return {f"rejected at {zeta:.4f}": float((distance > zeta).mean()) for zeta in THRESHOLDS}


def attacked(f1, svae, images, labels, steps):
    """Results of `paper` of quick: (attacked images, f1's confidence in the old label)."""
    ends = attacked_by_paper(f1, svae, images, labels, steps=steps)
    sure = predict(f1, ends).softmax(1).gather(1, labels[:, None])[:, 0]
    return ends, sure


def of_digit(digits, digit, count):
    images, labels = digits
    rows = (labels == digit).nonzero()[:count, 0]
    return images[rows], labels[rows]


def train_f1(name, epochs, options, save):
    data = options.results / "data/mnist"
    digits, test = read_digits(data / "train.parquet"), read_digits(data / "test.parquet")
    svae = load_svae(options.results / f"mnist/svae/seed{options.seed}/stage2.safetensors")
    fours = of_digit(test, 4, options.fours)
    model, done = build_classifier(name), 0
    reset_parameters(model, seeded(options.seed))

    def measured():
        nonlocal done
        done += 1
        values = {ERROR: error_rate(model, *test), **rejected(model, test[0])}
        if done in ATTACKED[name]:
            sure = attacked(model, svae, *fours, options.steps)[1]
            values |= {CONFIDENCE: float(sure.median())}
        save(done, values)
        return {}

    training = full()["classifiers"][name]["training"] | {"epochs": epochs}
    train(
        *(model, classification(model, *digits)),
        name=name,
        count=len(digits[0]),
        settings=TrainingSettings(**training),
        seed=options.seed,
        generator=seeded(options.seed),
        evaluate=measured,
    )


def trained_svae(epochs, options):
    """Return an SVAE of ``epochs`` epochs and the test digits that it reads."""
    data, settings = options.results / "data/mnist", full()["svae"]
    stage1, stage2 = settings["stage1"], settings["stage2"]
    svae = DigitSVAE(latent_dim=settings["latent_dim"])
    train_data, validation, test = (
        labelled_at(svae, data / f"{split}.parquet") for split in ("train", "validation", "test")
    )
    stage1["training"]["epochs"] = epochs
    if yaml.safe_load((options.results / "config.yaml").read_text())["svae"] == settings:
        stored = options.results / f"mnist/svae/seed{options.seed}/stage2.safetensors"
        return load_svae(stored), test
    loss = {k: v for k, v in stage1.items() if k != "training"}
    how = stage1["training"]
    train_stage1(svae, train_data, validation, loss=loss, training=how, seed=options.seed)
    train_stage2(svae, train_data, training=stage2["training"], seed=options.seed)
    return svae, test


def train_svae(_name, epochs, options, save):
    f1 = load_classifier(
        options.results / f"mnist/classifiers/mlp/seed{options.seed}/model.safetensors"
    )
    svae, test = trained_svae(epochs, options)
    digits = read_digits(options.results / "data/mnist/test.parquet")
    right = labels_of(predict(f1, digits[0])) == digits[1]
    digits = tuple(part[right] for part in digits)
    ends, _ = attacked(f1, svae, *(part[: options.count] for part in digits), options.steps)
    sure = attacked(f1, svae, *of_digit(digits, 4, options.fours), options.steps)[1]
    values = {ERROR: f2_error(svae, test), **rejected(f1, ends), CONFIDENCE: float(sure.median())}
    save(epochs, values)


def run(options):
    for epochs in options.epochs or EPOCHS[options.network]:
        path = options.out / f"{options.network}{epochs}.parquet"
        if path.exists():
            continue
        rows = []

        def save(done, values, rows=rows):
            rows += [{"epochs": done, "measure": k, "value": v} for k, v in values.items()]

        {"svae": train_svae}.get(options.network, train_f1)(options.network, epochs, options, save)
        frame = pd.DataFrame(rows)
        columns = {name: frame[name].to_numpy() for name in frame}
        columns["measure"] = columns["measure"].astype(str)
        write_parquet(path, columns, metadata={"network": options.network})


TITLES = {"mlp": "MLP", "lenet": "LeNet", "svae": "SVAE, attack paper on the MLP"}


@style()
def plot(options):
    figure, axes = plt.subplots(3, 3, figsize=(7, 4.5), sharex="col")
    for column, (network, title) in zip(axes.T, TITLES.items(), strict=True):
        paths = sorted(options.out.glob(f"{network}*.parquet"))
        column[0].set_title(title)
        column[-1].set_xlabel("epochs")
        if not paths:
            continue
        rows = pd.concat([read_parquet(path).frame() for path in paths]).sort_values("epochs")
        mark = "." if network == "svae" else ""
        for ax, start in zip(column, (ERROR, "rejected", CONFIDENCE), strict=True):
            chosen = rows[rows.measure.str.startswith(start)]
            for colour, (measure, values) in zip(COLOURS, chosen.groupby("measure"), strict=False):
                zeta = measure.split()[-1] if start == "rejected" else None
                shown = "." if start == CONFIDENCE else mark
                ax.plot(values.epochs, values.value, color=colour, label=zeta, marker=shown)
            used = full()["svae"]["stage1"] if network == "svae" else full()["classifiers"][network]
            ax.axvline(used["training"]["epochs"], color="0.7", linewidth=0.8, zorder=0)
            ax.set_xscale("log")
    axes[1, -1].legend(title="threshold", title_fontsize=7)
    for ax, label in zip(axes[:, 0], ("test error", "rejected", "confidence"), strict=True):
        ax.set_ylabel(label)
    figure.align_ylabels()
    figure.tight_layout()
    save_figure(figure, [options.figure], dpi=150)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    actions = parser.add_subparsers(dest="what", required=True)
    trains, plots = actions.add_parser("train"), actions.add_parser("plot")
    trains.add_argument("network", choices=EPOCHS)
    trains.add_argument("--results", type=Path, required=True, help="of a run with MLP and SVAE")
    trains.add_argument("--epochs", type=int, nargs="+")
    trains.add_argument("--count", type=int, default=200, help="digits of the Type I row")
    trains.add_argument("--fours", type=int, default=64, help="digits from 4 to 5, for Fig. 6")
    trains.add_argument("--steps", type=int, default=1000, help="of the attack")
    trains.add_argument("--seed", type=int, default=1)
    plots.add_argument("--figure", type=Path, required=True)
    for part in (trains, plots):
        part.add_argument("--out", type=Path, required=True, help="folder of the measurements")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(1)
    {"train": run, "plot": plot}[options.what](options)
