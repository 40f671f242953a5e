"""The verdict table: one row a published number, and ours where the paper has no number."""

import pandas as pd

from typeone.evaluation.intervals import Rate
from typeone.evaluation.measurements import pooled
from typeone.evaluation.people.success import FAILURE
from typeone.reporting import beyond, verdicts
from typeone.runtime.artifacts import read_model_metadata, read_parquet, write_rows
from typeone.runtime.atomic_files import atomic_path
from typeone.runtime.job import job

OURS = {"svae": "paper"}  # Table I's Type I row is the variant that follows the text
NOT_RUN = {
    "alp": "no example against the base fooled it",
    "faces": "needs CelebA",
    "faces.recognizer": "needs FaceNet and LFW (config keys `recognizers` and `lfw`)",
    "faces.published_pairs": "needs the authors' 979 attacked pairs",
    "table2": "needs CelebA",
    "table3": "needs CelebA",
    "fig9": "`stylegan.source` is none",
}
"""Why a published number may lack one of ours, by the longest prefix of its id."""


def of(paths, rows):
    """``rows`` that say which artifacts they were measured on."""
    return [row | {"artifact": "; ".join(paths)} for row in rows]


def missing(entry, measured, faces):
    """The row of a published number that nothing measured; ``faces`` says on which ours were."""
    prefix = max((p for p in NOT_RUN if entry["id"].startswith(f"{p}.")), key=len)
    reason = NOT_RUN[prefix]
    if faces == "celeba" and reason == "needs CelebA":
        reason = "settings leave it out (`faces.recognizer`, `lfw`, `table3.old`)"
    row = verdicts.not_run(entry, reason)
    like = f"beyond.{faces}.{entry['id']}"
    return row | ({"note": f"{faces} faces: `{like}`"} if like in measured else {})


def collect_rows(*, sources, runs, others, ablated, target, faces):
    """Every row of the table.

    ``sources``: paths by what they hold: published, rates, oracle, realism, calibration, people,
    and lists f1, others, svae (one a seed), examples (one for each of ``runs``: attack, kind of
    rows, classifier, seed), ablations (one for each of ``ablated``) and measurements (one an
    experiment). ``others``: the classifiers of the list of this name, seed by seed.
    """
    entries = {
        row["id"]: row
        for row in pd.read_csv(sources["published"], keep_default_na=False)
        .astype({"published": float})
        .to_dict("records")
    }
    f1, svae = ([read_model_metadata(path) for path in sources[k]] for k in ("f1", "svae"))
    trained = {}
    for name, path in zip(others, sources["others"], strict=True):
        trained.setdefault(name, []).append(read_model_metadata(path))
    rates = read_parquet(sources["rates"]).frame()
    rates = rates[rates["squeezer"] == "joint"]
    elsewhere, rates = rates[rates["target"] != target], rates[rates["target"] == target]
    examples = {}
    for (name, kind, attacked, seed), path in zip(runs, sources["examples"], strict=True):
        paths, frames = examples.setdefault((name, kind, attacked), ([], []))
        paths.append(path)
        frames.append(read_parquet(path).frame().assign(seed=seed))
    paper_paths, paper = examples["paper", "type1", target]

    in_table1 = [entry for name, entry in entries.items() if name.startswith("table1.")]
    errors = [("mnist.mlp.test_error", "f1", f1), ("mnist.svae.test_error", "svae", svae)]
    measured = [
        *(
            row
            for name, source, found in errors
            for row in of(sources[source], [verdicts.test_error(entries[name], found)])
        ),
        *of(paper_paths, [verdicts.figure6(entries["mnist.fig6.confidence"], pd.concat(paper))]),
        *of(
            [sources["rates"]],
            verdicts.table1(in_table1, rates, ours=OURS),
        ),
    ]
    for path in sources["measurements"]:
        for found in pooled(read_parquet(path).frame()):
            row = verdicts.from_measurement(found, entries.get(found.id))
            measured += of([path], [row])
    done = {row["id"]: row for row in measured}
    rows = [done.pop(name, None) or missing(entry, done, faces) for name, entry in entries.items()]
    rows += of(sources["others"], beyond.classifier_rows(trained))
    rows += of([sources["oracle"]], beyond.oracle_rows(read_parquet(sources["oracle"]).frame()))
    rows += of(sources["svae"], [beyond.discriminator_row(svae)])
    kinds = {
        "type1": beyond.type1_rows,
        "transition": beyond.transition_rows,
        "type2": beyond.type2_rows,
    }
    for (name, kind, attacked), (paths, frames) in examples.items():
        rows += of(paths, kinds[kind](name, attacked, pd.concat(frames)))
    rows += of([sources["rates"]], beyond.detection_rows(rates, set(entries), ours=OURS))
    rows += of([sources["rates"]], beyond.fitted_detection_rows(elsewhere))
    measures = {"realism": beyond.realism_rows, "calibration": beyond.calibration_rows}
    for key, rows_of in measures.items():
        rows += of([sources[key]], rows_of(read_parquet(sources[key]).frame()))
    for name, path in zip(ablated, sources["ablations"], strict=True):
        rows += of([path], beyond.ablation_rows(name, read_parquet(path).frame()))
    rows += done.values()
    people = read_parquet(sources["people"]).frame()
    people = people[people["unclear"] == FAILURE].set_index("id")
    return [
        verdicts.beside_people(row, seen_by(people.loc[row["id"]]), entries.get(row["id"]))
        if row["id"] in people.index
        else row
        for row in rows
    ]


def seen_by(row):
    """The figure in a row about what people see."""
    return Rate(row["value"], row["low"], row["high"], int(row["n"]))


def figure(value, digits):
    """``value`` with ``digits`` decimals, or as a power of ten where these would show nothing."""
    shows = value == 0 or abs(value) >= 10.0**-digits
    return f"{value:.{digits}f}" if shows else f"{value:.1e}"


def interval(row, digits):
    """The 95 % interval of a row; nothing where there is none."""
    if pd.isna(row.ci_low):
        return ""
    return f"[{figure(row.ci_low, digits)}, {figure(row.ci_high, digits)}]"


def by_people(row):
    """What people see, with its interval and the number of images; nothing if nobody was asked."""
    if pd.isna(row.people):
        return ""
    ends = f"[{figure(row.people_low, 3)}, {figure(row.people_high, 3)}]"
    return f"{figure(row.people, 3)} {ends} of {row.people_n:.0f}"


def as_text(table):
    """The table for a terminal, rows that were not run as one line each reason."""
    ran = table[~table["verdict"].str.startswith("not run")]
    lines = [f"{'':56}{'published':>10}{'ours':>9}  95 % interval      verdict"]
    for row in ran.itertuples():
        if row.id.startswith("beyond.") and "beyond the paper" not in lines:
            lines += ["", "beyond the paper"]
        published = "" if pd.isna(row.published) else f"{row.published:.4g}"
        ours = f"{figure(row.ours, 4):>9}  {interval(row, 4):18}"
        line = f"{row.id:56}{published:>10}{ours} {row.verdict}"
        lines.append(line.rstrip())
    asked = table[table["people"].notna()]
    if len(asked):
        lines += ["", "by people (interval over images and people)"]
        lines += [f"  {row.id:54}{'':10}{by_people(row)}" for row in asked.itertuples()]
    without = table[table["verdict"].str.startswith("not run")]
    for why, group in without.groupby("verdict", sort=False):
        first, last = group["id"].iloc[[0, -1]]
        which = f"{len(group)} rows: {first} ... {last}" if len(group) > 1 else first
        lines.append(f"{why} ({which})")
    return "\n".join(lines) + "\n"


def as_markdown(table):
    """The table for a page: a row a number that ran, reasons for those that did not below it."""
    ran = table[~table["verdict"].str.startswith("not run")]
    shown = pd.DataFrame(
        {
            "number": [f"`{name}`" for name in ran["id"]],
            "published": ["" if pd.isna(p) else f"{p:.4g}" for p in ran["published"]],
            "ours": [figure(ours, 3) for ours in ran["ours"]],
            "95 % interval": [interval(row, 3) for row in ran.itertuples()],
            "people": [by_people(row) for row in ran.itertuples()],
            "unit": ran["unit"],
            "n": ran["n"],
            "seeds": ran["seeds"],
            "verdict": ran["verdict"],
            "note": ran["note"],
        }
    )
    if ran["people"].isna().all():
        shown = shown.drop(columns="people")
    new = ran["id"].str.startswith("beyond.").to_numpy()
    published = shown[~new].to_markdown(index=False, disable_numparse=True)
    beyond_it = (
        shown[new]
        .drop(columns=["published", "verdict"])
        .to_markdown(index=False, disable_numparse=True)
    )
    without = table[table["verdict"].str.startswith("not run")]
    reasons = [
        f"- {why}: {', '.join(f'`{name}`' for name in group['id'])}"
        for why, group in without.groupby("verdict", sort=False)
    ]
    return "\n".join([published, "", *reasons, "", "## Beyond the paper", "", beyond_it, ""])


def tabulate_reproduction(*, rows, preset, paths):
    """Write the table as Parquet and CSV, as Markdown for a page and as text for a terminal."""
    table = pd.DataFrame(rows, columns=list(verdicts.COLUMNS)).assign(preset=preset)
    table["seeds"] = pd.to_numeric(table["seeds"], errors="coerce").fillna(0).astype(int)
    write_rows(paths["parquet"], table)
    with atomic_path(paths["csv"]) as path:
        table.to_csv(path, index=False, float_format="%.6g")
    with atomic_path(paths["markdown"]) as path:
        path.write_text(as_markdown(table))
    with atomic_path(paths["text"]) as path:
        path.write_text(as_text(table))


if "snakemake" in globals():
    with job(snakemake) as run:
        tabulate_reproduction(
            rows=collect_rows(
                sources=dict(run.input.items()),
                runs=run.params.runs,
                others=run.params.others,
                ablated=run.params.ablated,
                target=run.params.target,
                faces=run.params.faces,
            ),
            preset=run.params.preset,
            paths=dict(run.output),
        )
