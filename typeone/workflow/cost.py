"""Estimate the cost of a run: its jobs by rule, why they run, and their time by benchmarks."""

import csv
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path

MOST_CAUSES = 3  # listed for each rule; the others are counted


@dataclass(frozen=True)
class Job:
    """A job that would run.

    Args:
        number: its number, by which other jobs refer to it.
        after: numbers of the jobs whose outputs it uses.
        gpus: number of GPUs that it requests.
        benchmarks: files with the seconds of earlier runs.
        causes: why it would run; empty if it only depends on other jobs that run.
    """

    number: int
    rule: str
    after: Sequence[int]
    threads: int
    gpus: int
    benchmarks: Sequence[Path]
    causes: Sequence[str]


@dataclass(frozen=True)
class DryRun:
    """The jobs that would run, at least one, and what they run on.

    Args:
        rules: names of all rules, in the order of the workflow.
        cores: number of cores; None on a cluster.
        gpus: number of GPUs; None if no limit is set.
        last_preset: preset of the last run in this folder, if there was one.
    """

    jobs: Sequence[Job]
    rules: Sequence[str]
    cores: int | None
    gpus: int | None
    last_preset: str | None


def benchmarks_of(folder: Path, own: str | None, of_rule: str | None) -> list[Path]:
    """Return the benchmark of a job's earlier run, else those of other jobs of its rule.

    Args:
        folder: the folder of the run.
        own: the benchmark of the job, None if it has none.
        of_rule: the same path with wildcards in braces.
    """
    if own is None or of_rule is None:
        return []
    if (folder / own).is_file():
        return [folder / own]
    return sorted(folder.glob(re.sub(r"\{[^}]*\}", "*", of_rule)))


def mean_seconds(benchmarks: Sequence[Path]) -> float:
    """Return the mean of the seconds in benchmark files."""
    seconds = []
    for benchmark in benchmarks:
        with benchmark.open(encoding="utf-8", newline="") as file:
            seconds += [float(row["s"]) for row in csv.DictReader(file, delimiter="\t")]
    return sum(seconds) / len(seconds)


def spelled(seconds: float) -> str:
    """Return a duration as text: 40 s, 12 min, 3 h 5 min."""
    if seconds < 99.5:
        return f"{seconds:.0f} s"
    hours, minutes = divmod(round(seconds / 60), 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min"


def wall_time(run: DryRun, seconds: dict[int, float]) -> float:
    """Return a lower bound on the time of a run: its longest chain, or all cores or GPUs busy.

    Args:
        run: the jobs that would run.
        seconds: the known times of jobs, by job number.
    """
    jobs = {job.number: job for job in run.jobs}

    @cache
    def chain(number: int) -> float:
        before = [chain(other) for other in jobs[number].after if other in jobs]
        return seconds.get(number, 0.0) + max(before, default=0.0)

    bounds = [max(map(chain, jobs))]
    if run.cores:
        bounds.append(sum(s * jobs[number].threads for number, s in seconds.items()) / run.cores)
    if run.gpus:
        bounds.append(sum(s * jobs[number].gpus for number, s in seconds.items()) / run.gpus)
    return max(bounds)


def estimate(run: DryRun, seconds: dict[int, float]) -> str:
    """Return a line with the time of all jobs and the runs that the estimate is based on."""
    if not seconds:
        return "No time estimate: no earlier run in this folder has benchmarks for these rules."
    known = {job.rule for job in run.jobs if job.number in seconds}
    unknown = sorted({job.rule for job in run.jobs} - known)
    files = [file for job in run.jobs for file in job.benchmarks]
    stamps = [datetime.fromtimestamp(file.stat().st_mtime) for file in files]
    first, last = (f"{stamp:%Y-%m-%d %H:%M}" for stamp in (min(stamps), max(stamps)))
    when = first if first == last else f"{first} to {last}"
    preset = "" if run.last_preset is None else f", the last with preset {run.last_preset}"
    where = f" on {run.cores} core{'s' if run.cores > 1 else ''}" if run.cores else ""
    line = (
        f"Time: about {spelled(wall_time(run, seconds))}{where}, {spelled(sum(seconds.values()))} "
        f"of work; estimated from runs in this folder ({when}{preset})."
    )
    return line + (f" Not included, as they never ran: {', '.join(unknown)}." if unknown else "")


def cost_lines(run: DryRun) -> Iterator[str]:
    """Yield a row for each rule in the order of the workflow, then the estimate."""
    seconds = {job.number: mean_seconds(job.benchmarks) for job in run.jobs if job.benchmarks}
    asked = {job.rule for job in run.jobs}
    width = max(map(len, asked))
    yield f"{len(run.jobs)} job{'s' if len(run.jobs) > 1 else ''} would run:"
    yield ""
    yield f"{'jobs':>5}  {'work':>10}  {'rule':<{width}}  why"
    for rule in (rule for rule in run.rules if rule in asked):
        own = [job for job in run.jobs if job.rule == rule]
        known = [seconds[job.number] for job in own if job.number in seconds]
        work = spelled(sum(known)) if known else "?"
        why = list(dict.fromkeys(cause for job in own for cause in job.causes))
        rest = [f"and {len(why) - MOST_CAUSES} more"] if len(why) > MOST_CAUSES else []
        causes = "; ".join(why[:MOST_CAUSES] + rest) or "follows from the above"
        yield f"{len(own):>5}  {work:>10}  {rule:<{width}}  {causes}"
    yield ""
    yield estimate(run, seconds)
