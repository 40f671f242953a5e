"""Store what a finished run found: verdicts, settings, times and machine, for the pages.

    ./reproduce check_results --preset full       # are all results those of this code?
    .venv/bin/python docs/stored_run.py RESULTS [--out docs/results/full]
    .venv/bin/python docs/stored_run.py RESULTS --one-seed docs/results/full/seeds

Run both in the checkout that made the results, at the same commit. Writes a folder.
`verdicts.csv`: results/reproduction.csv, each row with the command that makes it. `tables/`: the
CSV files of results/tables. `settings.yaml`: all settings of the run, of absolute paths the last
part. `times.csv`: jobs, wall-clock and CPU seconds and memory by rule. `seconds.csv`: wall-clock
seconds per attacked digit, the median over the seeds. `run.json`: preset, commit, machine.
With --one-seed, of a run with one seed: the rows about digits alone, as `seedN.csv`.
"""

import argparse
import json
import shutil
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

from typeone.reporting.report.timings import attack_seconds, benchmarks_by_rule, timings
from typeone.runtime.provenance import UNKNOWN, commit
from typeone.workflow.plan import PAPER

ROOT = Path(__file__).resolve().parents[1]
OF_DIGITS = (  # what the networks of a seed change
    *("mnist.", "table1.", "alp.", "beyond.mnist.", "beyond.table1."),
    *("beyond.detection.", "beyond.strengthening."),
)
OF_SEED = ["id", "ours", "ci_low", "ci_high", "n", "verdict", "commit"]


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


def this_commit() -> str:
    """Return the commit of this checkout, without changed files."""
    found = commit(ROOT)
    if found == UNKNOWN or found.endswith("-dirty"):
        raise SystemExit(
            f"stored_run: the code of {ROOT} is {found}; needs a commit without changed files, so "
            "that the run can be repeated: commit them, run again, then store"
        )
    return found


def store(results: Path, out: Path) -> None:
    """Write what the run in ``results`` found to the folder ``out``."""
    code, rows = this_commit(), verdicts(results)
    datasets = [path.name for path in (results / "data").iterdir()]
    times = pd.DataFrame(timings(benchmarks_by_rule(results / "benchmarks", datasets)))
    machine = json.loads((results / "machine.json").read_text())
    presets = rows["preset"].unique().tolist()
    out.mkdir(parents=True, exist_ok=True)
    rows.to_csv(out / "verdicts.csv", index=False, lineterminator="\n")
    times.round(1).to_csv(out / "times.csv", index=False, lineterminator="\n")
    seconds = seconds_per_digit(results).round(3)
    seconds.to_csv(out / "seconds.csv", index=False, lineterminator="\n")
    shutil.rmtree(out / "tables", ignore_errors=True)  # of an earlier run
    tables = shutil.ignore_patterns("*.md", "*.tex", "*.txt")
    shutil.copytree(results / "tables", out / "tables", ignore=tables)
    settings = without_folders(yaml.safe_load((results / "config.yaml").read_text()))
    (out / "settings.yaml").write_text(yaml.safe_dump(settings, sort_keys=False))
    run = {"preset": presets, "commit": code, "machine": machine}
    (out / "run.json").write_text(json.dumps(run, indent=2) + "\n")


def store_seed(results: Path, folder: Path) -> None:
    """Write the rows about digits of a run with one seed to ``seedN.csv`` in ``folder``."""
    code, rows = this_commit(), verdicts(results)
    seeds = yaml.safe_load((results / "config.yaml").read_text())["seeds"]
    if len(seeds) != 1:
        raise SystemExit(f"stored_run: {results} has seeds {seeds}; needs a run with one seed")
    rows = rows[rows["id"].str.startswith(OF_DIGITS) & (rows["ours"] != "")].assign(commit=code)
    folder.mkdir(parents=True, exist_ok=True)
    rows[OF_SEED].to_csv(folder / f"seed{seeds[0]}.csv", index=False, lineterminator="\n")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("results", type=Path)
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "results" / "full")
    parser.add_argument("--one-seed", type=Path, metavar="FOLDER")
    options = parser.parse_args()
    if options.one_seed:
        store_seed(options.results, options.one_seed)
    else:
        store(options.results, options.out)
