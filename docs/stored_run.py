"""Store what a finished run found: verdicts, settings, times and machine, for the pages.

    ./reproduce check_results --preset full       # are all results those of this code?
    .venv/bin/python docs/stored_run.py RESULTS [--out docs/results/full]
    .venv/bin/python docs/stored_run.py RESULTS --one-seed [--out docs/results/full]

Results must be those of a commit: that of this checkout, or of the one that `--checkout` names.
`verdicts.csv`: results/reproduction.csv, each row with the command that makes it. `tables/`: the
CSV files of results/tables. `settings.yaml`: all settings of the run, of absolute paths the last
part. `times.csv`: jobs, wall-clock and CPU seconds and memory by rule. `seconds.csv`: wall-clock
seconds per attacked digit, the median over the seeds. `run.json`: preset, commit, machine.
With --one-seed, of a run with seed N alone: the rows and tables about digits, in a folder N of
`docs/results/full/seeds`, without attacks on fewer digits than in docs/results/full.
"""

import argparse
import json
import shutil
from pathlib import Path
from typing import Any

import pandas as pd
import yaml
from stored_rows import KEYS, MEASURED, VALUES

from typeone.reporting.report.timings import attack_seconds, benchmarks_by_rule, timings
from typeone.runtime.provenance import UNKNOWN, commit
from typeone.workflow.plan import PAPER

ROOT = Path(__file__).resolve().parents[1]
OF_DIGITS = (  # what the networks of a seed change
    *("mnist.", "table1.", "alp.", "beyond.mnist.", "beyond.table1."),
    *("beyond.detection.", "beyond.strengthening."),
)


def verdicts(results: Path) -> pd.DataFrame:
    """Return the rows of the run with the column ``command``."""
    rows = pd.read_csv(results / "reproduction.csv", dtype=str, keep_default_na=False)
    made = rows["artifact"] != ""
    files = rows["artifact"].str.replace("; ", " ", regex=False)
    command = "./reproduce --preset " + rows["preset"] + " " + files
    return rows.assign(command=command.where(made, ""))


def seconds_per_digit(results: Path) -> pd.DataFrame:
    """Return ``attack``, ``target`` and the wall-clock ``seconds`` per digit of the paper's data.

    The median over the seeds: a job that was interrupted counts from its last start.
    """
    settings = yaml.safe_load((results / "config.yaml").read_text())
    attacks, shards = settings["attacks"], settings["batching"]["shards"]
    runs: dict[tuple[str, str, str], list[Path]] = {}  # all shards of a run
    for path in sorted((results / "benchmarks" / PAPER).glob("attack_*/*.seed*.tsv")):
        attack, target, seed, shard, *_ = path.name.split(".")  # without shards: tsv
        of_run = not shard.isdigit() or int(shard) < shards  # others are of an earlier run
        if attack in attacks and of_run and path.parent.name != "attack_ablations":
            runs.setdefault((attack, target, seed), []).append(path)
    each = attack_seconds([(a, t, attacks[a]["count"], paths) for (a, t, _), paths in runs.items()])
    return pd.DataFrame(each).groupby(["attack", "target"])["seconds"].median().reset_index()


def without_folders(value: Any) -> Any:
    """Return settings with the last part of each absolute path, which means nothing elsewhere."""
    if isinstance(value, dict):
        return {key: without_folders(entry) for key, entry in value.items()}
    if isinstance(value, list):
        return [without_folders(entry) for entry in value]
    absolute = isinstance(value, str) and value.startswith("/")
    return Path(value).name if absolute else value


def commit_of(checkout: Path) -> str:
    """Return the commit of ``checkout``, without changed files."""
    found = commit(checkout)
    if found == UNKNOWN or found.endswith("-dirty"):
        raise SystemExit(
            f"stored_run: the code of {checkout} is {found}; needs a commit without changed files, "
            "so that the run can be repeated: commit them, run again, then store"
        )
    return found


def write(table: pd.DataFrame, path: Path) -> None:
    """Write a table as CSV."""
    path.parent.mkdir(parents=True, exist_ok=True)
    table.to_csv(path, index=False, lineterminator="\n")


def write_run(results: Path, out: Path, preset: list[str], code: str) -> None:
    """Write preset, commit and machine to run.json."""
    run = {
        "preset": preset,
        "commit": code,
        "machine": json.loads((results / "machine.json").read_text()),
    }
    (out / "run.json").write_text(json.dumps(run, indent=2) + "\n")


def store(results: Path, out: Path, checkout: Path = ROOT) -> None:
    """Write what the run in ``results`` found to ``out``; ``checkout`` contains its code."""
    code, rows = commit_of(checkout), verdicts(results)
    datasets = [path.name for path in (results / "data").iterdir()]
    times = pd.DataFrame(timings(benchmarks_by_rule(results / "benchmarks", datasets)))
    write(rows, out / "verdicts.csv")
    write(times.round(1), out / "times.csv")
    write(seconds_per_digit(results).round(3), out / "seconds.csv")
    shutil.rmtree(out / "tables", ignore_errors=True)  # of an earlier run
    tables = shutil.ignore_patterns("*.md", "*.tex", "*.txt")
    shutil.copytree(results / "tables", out / "tables", ignore=tables)
    settings = without_folders(yaml.safe_load((results / "config.yaml").read_text()))
    (out / "settings.yaml").write_text(yaml.safe_dump(settings, sort_keys=False))
    write_run(results, out, rows["preset"].unique().tolist(), code)


def store_seed(results: Path, full: Path, checkout: Path = ROOT) -> None:
    """Write what a run with one seed found of digits to the folder ``full`` / seeds / N."""
    code, rows = commit_of(checkout), verdicts(results)
    settings = yaml.safe_load((results / "config.yaml").read_text())
    if len(settings["seeds"]) != 1:
        raise SystemExit(
            f"stored_run: {results} has seeds {settings['seeds']}; needs a run with one seed"
        )
    stored = yaml.safe_load((full / "settings.yaml").read_text())["attacks"]
    counts = {name: attack["count"] for name, attack in stored.items()}
    attacks = settings["attacks"].items()
    fewer = {name for name, attack in attacks if attack["count"] < counts.get(name, 0)}
    out = full / "seeds" / str(settings["seeds"][0])
    kept = rows["id"].str.startswith(OF_DIGITS) & (rows["ours"] != "")
    kept &= rows["id"].str.split(".").map(fewer.isdisjoint)
    write(rows.loc[kept, ["id", *MEASURED]], out / "verdicts.csv")
    for name, columns in KEYS.items():
        table = pd.read_csv(results / "tables" / f"{name}.csv", dtype=str)
        if "attack" in table:
            table = table[~table["attack"].isin(fewer)]
        write(table[[*columns, *VALUES]], out / "tables" / f"{name}.csv")
    write_run(results, out, rows["preset"].unique().tolist(), code)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("results", type=Path)
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "results" / "full")
    parser.add_argument("--one-seed", action="store_true")
    parser.add_argument("--checkout", type=Path, default=ROOT)
    options = parser.parse_args()
    kept = store_seed if options.one_seed else store
    kept(options.results, options.out, options.checkout)
