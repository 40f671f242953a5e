"""Make the last lines of a run: verdicts, key numbers, paths of the results and cost of the run."""

import csv
import re
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from typeone.workflow.cost import spelled
from typeone.workflow.screen.progress import Progress

MOST_ITEMS = 12  # items of the paper with a line each, so that everything fits in 25 lines
MOST_FAILURES = 10  # failed jobs listed at the end
WIDTH = 79
NUMBERS = {
    "mnist.mlp.test_error": "test error of the attacked MLP",
    "beyond.mnist.paper.mlp.clean_success": "clean Type I success as published (`paper`)",
    "beyond.mnist.ours.mlp.clean_success": "clean Type I success of our variant (`ours`)",
}
"""Ids of results/reproduction.csv that are printed last, because they are decisive: whether f1
matches the paper's, and whether the attack works as published, or as our variant."""

Row = Mapping[str, str]


def item(name: str) -> str:
    """Return the full name of an item of the paper: IV-A is Section IV-A."""
    if re.match(r"[IVX]+-[A-Z]\b", name):
        return f"Section {name.replace(' / ', ', ')}"
    return {"SM": "Supplement"}.get(name, name)


def rank_of(name: str) -> int:
    """Return the sort key of an item: tables, figures, sections, the rest."""
    kinds = ("Table", "Fig.", "Section")
    return next((i for i, kind in enumerate(kinds) if item(name).startswith(kind)), len(kinds))


def verdicts(rows: Sequence[Row]) -> str:
    """Return the verdicts of some rows with their counts, and why some were not run."""
    counts = Counter(row["verdict"].partition(":")[0] for row in rows)
    text = ", ".join(f"{n} {verdict}" for verdict, n in sorted(counts.items(), key=rank))
    reasons = {row["verdict"].partition(": ")[2] for row in rows} - {""}
    return f"{text} ({reasons.pop()})" if len(reasons) == 1 else text


def rank(counted: tuple[str, int]) -> int:
    """Return the sort key of a verdict among those of one item."""
    order = ("reproduced", "not reproduced", "inconsistent as stated", "not run")
    return order.index(counted[0]) if counted[0] in order else len(order)


def items(rows: Sequence[Row]) -> Iterator[str]:
    """Yield one line per item of the paper; items beyond `MOST_ITEMS` share one line."""
    grouped: dict[str, list[Row]] = {}
    for row in rows:
        if row["paper_item"]:
            grouped.setdefault(row["paper_item"], []).append(row)
    ranked = sorted(grouped.items(), key=lambda pair: rank_of(pair[0]))
    shown = ranked[: MOST_ITEMS if len(grouped) <= MOST_ITEMS else MOST_ITEMS - 1]
    for name, own in shown:
        yield f"  {item(name):<20}{verdicts(own)}"
    if rest := [row for _, own in ranked[len(shown) :] for row in own]:
        yield f"  {f'{len(ranked) - len(shown)} further items':<20}{verdicts(rest)}"
    if beyond := sum(not row["paper_item"] for row in rows):
        yield f"  {'Beyond the paper':<20}numbers without a published one: {beyond}"


def value(number: str, unit: str) -> str:
    """Return a number as text, fractions in per cent."""
    return f"{100 * float(number):.3g} %" if unit == "fraction" else f"{float(number):.4g}"


def numbers(rows: Sequence[Row]) -> Iterator[str]:
    """Yield a line for each of `NUMBERS` that was measured, with its 95 % interval."""
    found = {row["id"]: row for row in rows if row["ours"]}
    for name, text in NUMBERS.items():
        if row := found.get(name):
            ours, low, high = (value(row[k], row["unit"]) for k in ("ours", "ci_low", "ci_high"))
            published = value(row["published"], row["unit"]) if row["published"] else ""
            paper = f"  paper: {published}" if published else ""
            yield f"  {text:<38}{ours:>7}  [{low.removesuffix(' %')}, {high}]{paper}"


def clipped(line: str) -> str:
    """Return a line cut to `WIDTH` columns."""
    return line if len(line) <= WIDTH else f"{line[: WIDTH - 4]} ..."


def took(progress: Progress) -> str:
    """Return the number of jobs of a run and the time they took."""
    if not progress.done:
        return "Nothing to be done"
    jobs = f"{progress.done} job{'s' if progress.done > 1 else ''}"
    after = spelled(time.time() - progress.begun)
    return f"{jobs} in {after}, {progress.core_seconds:,.0f} core-seconds"


def places(results: Path, shown: Path) -> Iterator[str]:
    """Yield lines with the paths of the results; ``shown`` is the printed name of their folder."""
    if (results / "report" / "index.html").is_file():
        yield f"Report: {shown / 'report' / 'index.html'}"
    if (results / "tables" / "reproduction.txt").is_file():
        yield f"Every number: {shown / 'tables' / 'reproduction.txt'}"
    yield f"Figures and tables: {shown / 'figures'}, {shown / 'tables'}"


def summary(results: Path, *, remade: bool) -> list[str]:
    """Return the lines on the verdicts in a folder of results; none if there are no verdicts.

    Args:
        results: the folder.
        remade: whether this run wrote the verdicts.
    """
    table = results / "reproduction.csv"
    if not table.is_file():
        return []
    with table.open(encoding="utf-8", newline="") as file:
        rows = [*csv.DictReader(file)]
    presets = {row["preset"] for row in rows if row["preset"]}
    preset = f", preset {presets.pop()}" if len(presets) == 1 else ""
    unchanged = "" if remade else ", not updated by this run"
    lines = [f"Verdicts on the paper's numbers{preset}{unchanged}", *items(rows)]
    found = [*numbers(rows)]
    return [clipped(line) for line in [*lines, *([""] if found else []), *found]]


def lines(results: Path, shown: Path, progress: Progress | None, *, remade: bool) -> list[str]:
    """Return the last lines of a successful run, see `summary`; ``progress`` may be None."""
    verdict = summary(results, remade=remade)
    cost = [] if progress is None else [f"{took(progress)}."]
    return ["", *verdict, *([""] if verdict else []), *places(results, shown), *cost]


def stopped(progress: Progress) -> list[str]:
    """Return the last lines of a run that stopped early; none if no job had started."""
    if not progress.total:
        return []
    failed = [job.words for job in progress.failed.values()]
    count = f", {len(failed)} failed" if failed else ""
    names = [f"failed: {words}" for words in failed[:MOST_FAILURES]] if len(failed) > 1 else []
    after = spelled(time.time() - progress.begun)
    line = f"stopped after {after}: {progress.done} of {progress.total} jobs done{count}"
    return [*names, f"{line}; run again to continue from here"]
