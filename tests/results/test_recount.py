"""Table I counted again from the stored images alone, in NumPy and pandas: no module of typeone.

The network is two products of matrices, the squeezers are a threshold and a sort; the digits that
thresholds are fitted on are drawn anew.
"""

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from safetensors.numpy import load_file

METRICS = {"l1": 1, "l2": 2}
# Softmax in float32 there and in float64 here: scores agree to this, and a digit whose score is so
# near to a threshold may be counted either way.
NEAR = 1e-4


@pytest.fixture(scope="module")
def results(smoke):
    return smoke.root / "results"


@pytest.fixture(scope="module")
def f1(results):
    """The attacked MLP: grey levels 0 to 255 ``(N, 28, 28)`` → probabilities ``(N, 10)``."""
    tensors = load_file(results / "mnist/classifiers/mlp/seed0/model.safetensors")
    weights = [tensors[k].astype(float) for k in sorted(tensors) if k.endswith("weight")]
    biases = [tensors[k].astype(float) for k in sorted(tensors) if k.endswith("bias")]

    def probabilities(images):
        hidden = np.maximum(images.reshape(len(images), -1) / 255 @ weights[0].T + biases[0], 0)
        logits = hidden @ weights[1].T + biases[1]
        shifted = np.exp(logits - logits.max(axis=1, keepdims=True))
        return shifted / shifted.sum(axis=1, keepdims=True)

    return probabilities


def images_of(frame, column):
    pixels = np.frombuffer(b"".join(frame[column]), np.uint8)
    return pixels.reshape(len(frame), 28, 28)


def squeezed(images):
    """One bit a pixel; and the upper median of each pixel with those above and to the left."""
    padded = np.pad(images, ((0, 0), (1, 0), (1, 0)), mode="symmetric")
    windows = [padded[:, 1:, 1:], padded[:, :-1, 1:], padded[:, 1:, :-1], padded[:, :-1, :-1]]
    return np.where(images > 127, 255, 0), np.sort(windows, axis=0)[2]


@pytest.fixture(scope="module")
def frames(results):
    """Attack → its examples on the MLP; under ``clean`` all test digits."""
    found = {"clean": pq.read_table(results / "data/mnist/test.parquet").to_pandas()}
    for folder in sorted((results / "mnist/attacks").iterdir()):
        path = folder / "mlp/seed0/examples.parquet"
        if path.is_file():
            found[folder.name] = pq.read_table(path).to_pandas()
    return found


def counted(frame):
    """Numbers of the digits that an attack of Type II changed for f1; of Type I all."""
    found = frame.get("found_stored", pd.Series(True, index=frame.index))
    return frame.loc[found, "index"].tolist()


@pytest.fixture(scope="module")
def scores(frames, f1):
    """(attack, metric) → the joint detector's score of every image, by the number of its digit."""
    found = {}
    for attack, frame in frames.items():
        images = images_of(frame, "image" if attack == "clean" else "adversarial_image")
        before = f1(images)
        moved = [f1(view) - before for view in squeezed(images)]
        for metric, order in METRICS.items():
            apart = [np.linalg.norm(m, ord=order, axis=1) for m in moved]
            found[attack, metric] = pd.Series(np.max(apart, axis=0), index=frame["index"])
    return found


@pytest.fixture(scope="module")
def halves(frames, f1, smoke_settings):
    """Numbers of the digits that thresholds are fitted on, and of those that they are tested on."""
    clean = frames["clean"]
    right = f1(images_of(clean, "image")).argmax(axis=1) == clean["label"]
    started = set().union(*(f["index"] for name, f in frames.items() if name != "clean"))
    apart = clean["index"][right & ~clean["index"].isin(started)].to_numpy()
    draw = np.random.default_rng(smoke_settings["detection"]["seed"])
    order = draw.permutation(len(apart))
    middle = -(-len(apart) // 2)
    return apart[order[:middle]], apart[order[middle:]]


def test_every_cell_of_table1_follows_from_the_stored_images(results, scores, halves, frames):
    table = pd.read_csv(results / "tables/table1.csv")
    started = sorted(set().union(*(f["index"] for n, f in frames.items() if n != "clean")))
    fit, test = halves
    assert len(table) > 100
    for row in table.itertuples():
        clean = scores["clean", row.metric]
        shown = {"original": clean.loc[started]}.get(row.attack)
        if row.threshold == "zeta":
            zeta = row.nominal
            shown = clean if row.attack == "clean" else shown
        else:
            # as many of the fitted digits as the share allows lie above it, and no more
            ordered = np.sort(clean.loc[fit].to_numpy())
            zeta = ordered[len(fit) - 1 - int(row.nominal * len(fit) + 1e-9)] + NEAR / 2
            shown = clean.loc[test] if row.attack == "clean" else shown
        if shown is None:
            shown = scores[row.attack, row.metric].loc[counted(frames[row.attack])]
        assert row.n == len(shown)
        least, most = (int((shown >= zeta + slack).sum()) for slack in (NEAR, -NEAR))
        assert least <= round(row.value * row.n) <= most, row
        # a table in which everything is near a threshold would say nothing
        assert most - least <= max(2, 0.05 * row.n), row


def test_the_verdict_table_repeats_table1(results):
    table = pd.read_csv(results / "tables/table1.csv")
    verdicts = pd.read_csv(results / "reproduction.csv").set_index("id")
    published = table[table["published"].notna() & (table["metric"] == "l2")]
    assert len(published) > 10
    for row in published.itertuples():
        name = "svae" if row.attack == "paper" else row.attack
        found = verdicts.loc[f"table1.{name}.{row.nominal:.4f}"]
        assert (found["ours"], found["n"]) == (row.value, row.n)
        assert found["published"] == row.published


@pytest.mark.parametrize("metric", METRICS)
def test_the_curves_are_of_digits_that_no_threshold_was_fitted_on(
    results, scores, halves, frames, metric
):
    """Each point counts the tested half and the attacked digits at one threshold."""
    roc = pq.read_table(results / "mnist/detection/roc.parquet").to_pandas()
    roc = roc[(roc["target"] == "mlp") & (roc["squeezer"] == "joint") & (roc["metric"] == metric)]
    negative = np.sort(scores["clean", metric].loc[halves[1]].to_numpy())
    assert len(set(roc["attack"])) == len(scores) // 2 - 1
    for attack, curve in roc.groupby("attack"):
        positive = scores[attack, metric].loc[counted(frames[attack])].to_numpy()
        order = positive[:, None] - negative
        least, most = ((order > slack).mean() for slack in (NEAR, -NEAR))
        assert least <= curve["auc"].iloc[0] <= most
        for fpr, tpr in zip(curve["fpr"], curve["tpr"], strict=True):
            count = round(fpr * len(negative))
            assert fpr == pytest.approx(count / len(negative))
            if 0 < count < len(negative):
                # a threshold between the last negative that it flags and the next one
                flagged, spared = negative[-count], negative[-count - 1]
                assert (positive >= flagged + NEAR).mean() <= tpr
                assert tpr <= (positive >= spared - NEAR).mean()
