"""Table III: what strengthened recognizers get right, published beside ours (IV-D)."""

import pandas as pd

from typeone.evaluation.measurements import pooled
from typeone.reporting.tables import write_table
from typeone.runtime.artifacts import read_parquet
from typeone.runtime.job import job

COLUMNS = {
    ("lfw", ""): "LFW",
    ("pairs", ""): "pairs of faces",
    ("svae", "old"): "Type I (SVAE)",
    ("fgsm", "old"): "FGSM",
    ("pgd", "old"): "PGD",
    ("svae", "fresh"): "Type I (SVAE), afresh",
    ("fgsm", "fresh"): "FGSM, afresh",
    ("pgd", "fresh"): "PGD, afresh",
}
THRESHOLDS = {"paper": "paper", "far": "fitted"}  # «fitted»: few false accepts, see the caption


def caption(rows, variant, source, recognizer, preset, false_accepts):
    """What stands under the table."""
    seeds = rows["seeds"].max()
    counts = rows.groupby(["what", "when"])["n"].min()
    sizes = ", ".join(f"{COLUMNS[key]} {counts[key]}" for key in COLUMNS if key in counts.index)
    return (
        f"Ours: {source} faces, recognizer {recognizer}, Type I by variant {variant}, preset "
        f"{preset}, {seeds} seed{'s' if seeds > 1 else ''}, Wilson 95 % intervals; images or pairs "
        f"behind a figure: {sizes}. A figure is the share of right answers to «one person?» "
        "(distance at most the threshold). Pairs of faces and LFW: half of them are one person. "
        "Type I: the example and its original are two. FGSM, PGD: they are one. No person of a "
        "test was learnt; examples are tested whether or not they fooled anybody. Afresh: made "
        "against the recognizer of the row, else against the plain one. Fitted thresholds: "
        f"{false_accepts:.0%} false accepts of validation pairs. Published: FaceNet, CelebA."
    )


def tabulate_table3(
    *,
    measurements_path,
    published_path,
    names,
    labels,
    variant,
    source,
    recognizer,
    preset,
    false_accepts,
    table_paths,
):
    """Write the pooled accuracies as CSV, and the table of the paper beside ours.

    ``names``: networks and how ids call them, in order; ``labels``: what the table calls these.
    """
    frame = read_parquet(measurements_path).frame()
    published = pd.read_csv(published_path).set_index("id")["published"]
    columns = ["network", "what", "when", "threshold", "limit"]
    known = frame.drop_duplicates("id").set_index("id")[columns]
    limits = frame.groupby("id")["limit"].mean()
    rows = pd.DataFrame(
        {
            **known.loc[found.id].to_dict(),
            **{"limit": limits[found.id], **found.value._asdict(), "seeds": found.seeds},
        }
        for found in pooled(frame)
    )
    cells = rows.set_index(["network", "threshold", "what", "when"]).sort_index()
    body = []
    for threshold, text in THRESHOLDS.items():
        for network, name in names.items():
            label = labels.get(name, name)
            mine = cells.loc[network, threshold]
            limit = f"{mine['limit'].iloc[0]:.3f}, {text}"
            ours, theirs = {"strengthened": label, "threshold": limit}, {}
            for (what, when), head in COLUMNS.items():
                if (what, when) in mine.index:
                    r = mine.loc[what, when]
                    ours[head] = f"{r['value']:.3f} [{r['low']:.3f}, {r['high']:.3f}]"
                value = published.get(f"table3.{name}.{what}")
                if when != "fresh" and value is not None:
                    theirs[head] = f"{value:.3f}"
            body.append(ours)
            if theirs and threshold == "paper":
                body.append({"strengthened": f"{label}, published", "threshold": limit} | theirs)
    heads = ["strengthened", "threshold", *COLUMNS.values()]
    table = pd.DataFrame([{h: row.get(h, "") for h in heads} for row in body], columns=heads)
    told = caption(rows, variant, source, recognizer, preset, false_accepts)
    write_table(table_paths, rows, table, caption=told)


if "snakemake" in globals():
    with job(snakemake) as run:
        tabulate_table3(
            measurements_path=run.input.measurements,
            published_path=run.input.published,
            names=run.params.names,
            labels=run.params.labels,
            variant=run.params.variant,
            source=run.params.source,
            recognizer=run.params.recognizer,
            preset=run.params.preset,
            false_accepts=run.params.false_accepts,
            table_paths=dict(run.output),
        )
