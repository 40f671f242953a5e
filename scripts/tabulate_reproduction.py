"""The verdict table: one row a published number, and ours where the paper has no number."""

import pandas as pd

from typeone import verdicts
from typeone.artifacts import atomic_path, read_model_metadata, read_parquet, write_parquet
from typeone.logs import job_log


def collect_rows(
    *,
    published,
    f1,
    others,
    svae,
    oracle,
    attacks,
    rates,
    target,
    published_n,
    published_test_n,
):
    """Every row of the table.

    ``f1`` and ``svae``: checkpoints' metadata, one a seed; ``others``: those of the classifiers
    that the paper gives no error of; ``oracle``: the frame of `evaluate_oracle`. ``attacks``:
    (name, kind of rows, target, examples of all seeds). ``rates``: the joint detector's on
    ``target``.
    """
    entries = {row["id"]: row for row in published.to_dict("records")}
    paper = next(e for name, _, t, e in attacks if (name, t) == ("paper", target))
    known = {
        "mnist.mlp.test_error": lambda e: verdicts.test_error(e, f1, published_n=published_test_n),
        "mnist.svae.test_error": lambda e: verdicts.test_error(
            e, svae, published_n=published_test_n
        ),
        "mnist.fig6.confidence": lambda e: verdicts.figure6(e, paper),
    }
    in_table1 = published[published["id"].str.startswith("table1.")]
    table1 = verdicts.table1(in_table1, rates, published_n=published_n)
    done = {row["id"]: row for row in table1} | {k: f(entries[k]) for k, f in known.items()}
    rows = [
        done.get(name) or verdicts.not_run(entry, verdicts.NOT_BUILT[name.split(".")[0]])
        for name, entry in entries.items()
    ]
    kinds = {
        "type1": verdicts.type1_rows,
        "transition": verdicts.transition_rows,
        "type2": verdicts.type2_rows,
    }
    rows += [*verdicts.classifier_rows(others), *verdicts.oracle_rows(oracle)]
    rows.append(verdicts.discriminator_row(svae))
    for name, kind, attacked, examples in attacks:
        rows += kinds[kind](name, attacked, examples)
    return rows + verdicts.detection_rows(rates, set(entries))


def as_text(table):
    """The table for a terminal, rows that were not run as one line each reason."""
    ran = table[~table["verdict"].str.startswith("not run")]
    lines = [f"{'':50}{'published':>10}{'ours':>9}  95 % interval      verdict"]
    for row in ran.itertuples():
        published = "" if pd.isna(row.published) else f"{row.published:.4g}"
        interval = f"[{row.ci_low:.4f}, {row.ci_high:.4f}]"
        lines.append(f"{row.id:50}{published:>10}{row.ours:>9.4f}  {interval:18} {row.verdict}")
    missing = table[table["verdict"].str.startswith("not run")]
    for why, group in missing.groupby("verdict", sort=False):
        lines.append(f"{why} ({len(group)} rows: {group['id'].iloc[0]} ... {group['id'].iloc[-1]})")
    return "\n".join(lines) + "\n"


def as_markdown(table):
    """The table for a page: a row a number that ran, reasons for those that did not below it."""
    ran = table[~table["verdict"].str.startswith("not run")]
    shown = pd.DataFrame(
        {
            "number": [f"`{name}`" for name in ran["id"]],
            "published": ["" if pd.isna(p) else f"{p:.4g}" for p in ran["published"]],
            "ours": [f"{ours:.3f}" for ours in ran["ours"]],
            "95 % interval": [
                f"[{low:.3f}, {high:.3f}]"
                for low, high in zip(ran["ci_low"], ran["ci_high"], strict=True)
            ],
            "n": ran["n"],
            "verdict": ran["verdict"],
            "note": ran["note"],
        }
    )
    missing = table[table["verdict"].str.startswith("not run")]
    reasons = [
        f"- {why}: {', '.join(f'`{name}`' for name in group['id'])}"
        for why, group in missing.groupby("verdict", sort=False)
    ]
    return "\n".join([shown.to_markdown(index=False, disable_numparse=True), "", *reasons, ""])


def tabulate_reproduction(*, rows, preset, paths):
    """Write the table as Parquet and CSV, as Markdown for a page and as text for a terminal."""
    table = pd.DataFrame(rows, columns=list(verdicts.COLUMNS)).assign(preset=preset)
    table["seeds"] = pd.to_numeric(table["seeds"], errors="coerce").fillna(0).astype(int)
    write_parquet(paths["parquet"], {name: table[name].to_numpy() for name in table})
    with atomic_path(paths["csv"]) as path:
        table.to_csv(path, index=False, float_format="%.6g")
    with atomic_path(paths["markdown"]) as path:
        path.write_text(as_markdown(table))
    with atomic_path(paths["text"]) as path:
        path.write_text(as_text(table))


if "snakemake" in globals():
    with job_log(snakemake.log[0], snakemake.rule):
        examples = {}
        for (name, kind, target, seed), path in zip(
            snakemake.params.runs, snakemake.input.examples, strict=True
        ):
            frame = read_parquet(path).frame().assign(seed=seed, artifact=path)
            examples.setdefault((name, kind, target), []).append(frame)
        rates = read_parquet(snakemake.input.rates).frame()
        target = snakemake.params.target
        tabulate_reproduction(
            rows=collect_rows(
                published=pd.read_csv(snakemake.input.published, keep_default_na=False).astype(
                    {"published": float}
                ),
                f1=[read_model_metadata(path) for path in snakemake.input.f1],
                others=[read_model_metadata(path) for path in snakemake.input.others],
                svae=[read_model_metadata(path) for path in snakemake.input.svae],
                oracle=read_parquet(snakemake.input.oracle).frame(),
                attacks=[(*key, pd.concat(frames)) for key, frames in examples.items()],
                rates=rates[(rates["squeezer"] == "joint") & (rates["target"] == target)],
                target=target,
                **snakemake.params.settings,
            ),
            preset=snakemake.params.preset,
            paths=dict(snakemake.output),
        )
