"""The verdict table: one row a published number, and ours where the paper has no number."""

import pandas as pd

from typeone.reporting.reproduction import Artifact, Sources, reproduction_table, table_of_set
from typeone.reporting.reproduction_text import as_markdown, as_text
from typeone.runtime.artifacts import read_model_metadata, read_parquet, write_rows
from typeone.runtime.atomic_files import atomic_path
from typeone.runtime.job import job


def table(path, **columns):
    """The table at ``path`` with further ``columns``."""
    return Artifact(path, read_parquet(path).frame().assign(**columns))


def checkpoints(paths):
    """What the checkpoints at ``paths`` say of themselves."""
    return [Artifact(path, read_model_metadata(path)) for path in paths]


def tabulate_reproduction(*, sources, dataset, runs, others, ablated, faces, paths, **how):
    """Write the table as Parquet and CSV, as Markdown for a page and as text for a terminal.

    ``sources``: paths by the fields of `Sources`, and ``published``; an empty one is not there.
    ``runs``: (attack, kind, classifier, seed) of the examples; ``others``: name of each of the
    other classifiers, seed by seed; ``ablated``: name of each ablation.
    """
    examples, classifiers = {}, {}
    for (*run, seed), path in zip(runs, sources["examples"], strict=True):
        examples.setdefault(tuple(run), []).append(table(path, seed=seed))
    for name, checkpoint in zip(others, checkpoints(sources["others"]), strict=True):
        classifiers.setdefault(name, []).append(checkpoint)
    read = Sources(
        **{k: checkpoints(sources[k]) for k in ("f1", "svae")},
        **{"others": classifiers, "examples": examples},
        ablations=dict(zip(ablated, map(table, sources["ablations"]), strict=True)),
        measurements=[table(path) for path in sources["measurements"]],
        **{k: table(sources[k]) for k in ("rates", "oracle", "realism")},
        **{k: table(sources[k]) if sources[k] else None for k in ("calibration", "people")},
    )
    if sources["published"]:
        published = pd.read_csv(sources["published"], keep_default_na=False)
        verdicts = reproduction_table(published, read, faces=faces, **how)
    else:
        verdicts = table_of_set(read, dataset=dataset, **how)
    write_rows(paths["parquet"], verdicts)
    with atomic_path(paths["csv"]) as path:
        verdicts.to_csv(path, index=False, float_format="%.6g")
    with atomic_path(paths["markdown"]) as path:
        path.write_text(as_markdown(verdicts))
    with atomic_path(paths["text"]) as path:
        path.write_text(as_text(verdicts))


if "snakemake" in globals():
    with job(snakemake) as run:
        tabulate_reproduction(
            sources=dict(run.input.items()),
            **{
                k: run.params[k]
                for k in ("dataset", "runs", "others", "ablated", "target", "faces", "preset")
            },
            paths=dict(run.output),
        )
