"""Would longer trainings change what is reported? Errors and rates against epochs.

    epochs.py train mlp|lenet|svae --results results [--epochs N ...] [--out FOLDER]
    epochs.py plot --figure docs/figures/epochs.png [--out FOLDER]

`train mlp` and `train lenet` train once, with the published settings but the epochs, and measure
after every epoch: the test error and how many clean digits squeezing rejects at the thresholds of
Table I. After the epochs in `ATTACKED` they run `paper` from 4 to 5, for f1's confidence of Fig. 6.
`train svae` trains one SVAE for each number of epochs (its schedule depends on it; the run's own is
taken as it is) and runs `paper` on the run's MLP: f2's error, the rates of the Type I row, Fig. 6.
A training that is stored is not made again. `plot` draws the networks that were measured, marks the
epochs of preset full, and dots the published values.
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
from typeone.runtime.devices import seeded
from typeone.training.algorithm1 import f2_error, labelled_at, train_stage1, train_stage2
from typeone.training.error_rates import error_rate
from typeone.training.loop import TrainingSettings, train
from typeone.training.objectives.classification import classification
from typeone.workflow.published import published_value
from typeone.workflow.settings import layers

ROOT = Path(__file__).parents[2]
STORED = ROOT / "docs" / "results" / "epochs"
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
        path = options.out / f"{options.network}{epochs}.csv"
        if path.exists():
            continue
        rows = []

        def save(done, values, rows=rows):
            rows += [{"epochs": done, "measure": k, "value": v} for k, v in values.items()]

        {"svae": train_svae}.get(options.network, train_f1)(options.network, epochs, options, save)
        pd.DataFrame(rows).to_csv(path, index=False, float_format="%.6g", lineterminator="\n")


TITLES = {"mlp": "MLP", "lenet": "LeNet", "svae": "SVAE, variant paper on the MLP"}
PUBLISHED = {  # ids of the published values, by network and measure
    **{("mlp", f"rejected at {zeta:.4f}"): f"table1.clean.{zeta:.4f}" for zeta in THRESHOLDS},
    **{("svae", f"rejected at {zeta:.4f}"): f"table1.svae.{zeta:.4f}" for zeta in THRESHOLDS},
    **{(network, ERROR): f"mnist.{network}.test_error" for network in ("mlp", "svae")},
    **{(network, CONFIDENCE): "mnist.fig6.confidence" for network in ("mlp", "svae")},
}
ROWS = {ERROR: "test error", "rejected": "rejected", CONFIDENCE: "confidence"}


def draw(axes, network, rows):
    """Draw one column: each measure of ``network`` against the epochs."""
    for ax, start in zip(axes, ROWS, strict=True):
        chosen = rows[rows.measure.str.startswith(start)]
        for colour, (measure, values) in zip(COLOURS, chosen.groupby("measure"), strict=False):
            mark = "." if network == "svae" or start == CONFIDENCE else ""
            name = measure.split()[-1] if start == "rejected" else None
            ax.plot(values.epochs, values.value, color=colour, label=name, marker=mark)
            if (network, measure) in PUBLISHED:
                told = published_value(ROOT, PUBLISHED[network, measure])
                ax.axhline(told, color=colour, linestyle=":", linewidth=0.8, zorder=0)
        used = full()["svae"]["stage1"] if network == "svae" else full()["classifiers"][network]
        ax.axvline(used["training"]["epochs"], color="0.7", linewidth=0.8, zorder=0)
        ax.set_xscale("log")
    ticks = [n for n in (1, 6, 12, 25, 60, 150, 600) if rows.epochs.min() <= n <= rows.epochs.max()]
    axes[-1].set_xticks(ticks, map(str, ticks))
    axes[-1].minorticks_off()
    axes[0].set_title(TITLES[network])
    axes[-1].set_xlabel("epochs")


@style()
def plot(options):
    paths = {network: sorted(options.out.glob(f"{network}*.csv")) for network in TITLES}
    measured = {network: pd.concat(map(pd.read_csv, p)) for network, p in paths.items() if p}
    figure, axes = plt.subplots(3, len(measured), figsize=(7, 4.5), sharex="col", squeeze=False)
    for column, (network, rows) in zip(axes.T, measured.items(), strict=True):
        draw(column, network, rows.sort_values("epochs"))
    axes[1, 0].legend(title="threshold", title_fontsize=7, fontsize=7)
    for ax, label in zip(axes[:, 0], ROWS.values(), strict=True):
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
        part.add_argument("--out", type=Path, default=STORED, help="folder of the measurements")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(1)
    {"train": run, "plot": plot}[options.what](options)
