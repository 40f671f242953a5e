"""Compare two folders of results: every table column by column, every checkpoint tensor by tensor.

    .venv/bin/python tests/compare_results.py BEFORE AFTER [--renamed OLD=NEW ...]

Prints a line for each difference and a summary; ends with status 1 if anything differs. Logs,
timings, the report's page, the machine and the stamps of code are left out: they differ from run to
run.
`--renamed` names columns or folders that have another name in AFTER.
"""

import argparse
import sys
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image
from safetensors.numpy import load_file

LEFT_OUT = (
    "logs",
    "benchmarks",
    "report",
    ".snakemake",
    "machine.json",
    "config.yaml",
    "README.md",
)


def files_in(folder):
    """Relative path → file, of all that a run computes."""
    files = (f for f in sorted(folder.rglob("*")) if f.is_file())
    named = {f.relative_to(folder).as_posix(): f for f in files}
    return {name: f for name, f in named.items() if name.split("/")[0] not in LEFT_OUT}


def columns_of(file):
    """Name → values of a table, or of a checkpoint, or the pixels of a figure."""
    match file.suffix:
        case ".parquet":
            table = pd.read_parquet(file)
        case ".csv":
            table = pd.read_csv(file, keep_default_na=False, dtype=str)
        case ".safetensors":
            return load_file(file)
        case ".png":
            return {"pixels": np.asarray(Image.open(file))}
        case _:
            return {"bytes": np.frombuffer(file.read_bytes(), np.uint8)}
    return {str(name): table[name].to_numpy() for name in table.columns}


def same_cell(first, second):
    """Whether two cells of a column hold the same; lists by value, NaN is like NaN."""
    if isinstance(first, np.ndarray) and isinstance(second, np.ndarray):
        return same(first, second)
    return bool(first == second or (first != first and second != second))


def same(first, second):
    """Whether two columns hold the same values; NaN is like NaN."""
    if first.shape != second.shape or first.dtype != second.dtype:
        return False
    if first.dtype == object:
        return all(same_cell(a, b) for a, b in zip(first, second, strict=True))
    return np.array_equal(first, second, equal_nan=np.issubdtype(first.dtype, np.inexact))


def differences(before, after, renamed):
    """Lines that name what differs, and how many files and columns were compared."""
    lines, columns = [], 0
    old, new = files_in(before), files_in(after)
    moved = {name: "/".join(renamed.get(part, part) for part in name.split("/")) for name in old}
    lines += [f"only before: {name}" for name in old if moved[name] not in new]
    lines += [f"only after: {name}" for name in new.keys() - set(moved.values())]
    for name in (name for name in old if moved[name] in new):
        first, second = columns_of(old[name]), columns_of(new[moved[name]])
        first = {renamed.get(key, key): values for key, values in first.items()}
        if first.keys() != second.keys():
            odd = ", ".join(sorted(first.keys() ^ second.keys()))
            lines.append(f"{name}: columns differ: {odd}")
        for key in first.keys() & second.keys():
            columns += 1
            if not same(np.asarray(first[key]), np.asarray(second[key])):
                lines.append(f"{name}: {key} differs")
    return lines, len(old), columns


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("before", type=Path)
    parser.add_argument("after", type=Path)
    parser.add_argument("--renamed", nargs="*", default=[], metavar="OLD=NEW")
    options = parser.parse_args()
    for folder in (options.before, options.after):
        if not (folder / "reproduction.parquet").is_file():
            parser.error(f"{folder} holds no reproduction.parquet; needs a folder such as results/")
    renamed = dict(pair.split("=", 1) for pair in options.renamed)
    lines, files, columns = differences(options.before, options.after, renamed)
    print("\n".join([*lines, f"{files} files, {columns} columns: {len(lines)} differences"]))
    sys.exit(bool(lines))


if __name__ == "__main__":
    main()
