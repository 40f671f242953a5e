"""Fig. 5b: image transition of faces by the SVAE alone, to the opposite gender (III-B)."""

import numpy as np

from typeone.data.faces import FEMALE, MALE
from typeone.reporting.plotting import filmstrips, moments, save_figure, style
from typeone.runtime.artifacts import read_parquet
from typeone.runtime.job import job

GENDERS = {FEMALE: "female", MALE: "male"}


def plot_figure5b(*, examples_path, trace_path, figure_paths, faces, columns, dpi, caption):
    """Draw a filmstrip each of the first ``faces`` followed women and as many men."""
    examples, trace = read_parquet(examples_path), read_parquet(trace_path)
    followed = np.unique(trace["position"])
    rows, labels = [], []
    for gender, name in GENDERS.items():
        for position in followed[examples["label"][followed] == gender][:faces]:
            # the original stands first; the start of the trace is already a reconstruction
            walked = np.flatnonzero(trace["position"] == position)
            chosen = walked[moments(trace["image"][walked], columns - 1)]
            row = [(examples["image"][position], "original")]
            rows.append(row + [(trace["image"][i], f"{trace['step'][i]}") for i in chosen])
            labels.append(f"{name} →\n{GENDERS[examples['target_label'][position]]}")
    with style():
        save_figure(filmstrips(rows, labels=labels, caption=caption), figure_paths, dpi=dpi)


if "snakemake" in globals():
    with job(snakemake) as run:
        plot_figure5b(
            examples_path=run.input.examples,
            trace_path=run.input.trace,
            figure_paths=list(run.output),
            faces=run.params.faces,
            columns=run.params.columns,
            dpi=run.params.dpi,
            caption=run.params.caption,
        )
