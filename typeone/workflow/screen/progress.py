"""Track the progress of a run: running, finished and failed jobs, and the time left."""

import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import wraps
from typing import Concatenate, ParamSpec, TypeVar

from typeone.workflow import cost
from typeone.workflow.screen import stages
from typeone.workflow.screen.times import TimeLeft

ENOUGH = 0.05
NUMBERED = ("seed", "shard")  # wildcards whose values are shown with their names


@dataclass(frozen=True)
class Job:
    """A job that has started.

    Args:
        number: the job id that Snakemake assigned.
        began: seconds since the epoch.
    """

    number: int
    rule: str
    wildcards: Mapping[str, str]
    threads: int
    logs: Sequence[str]
    outputs: Sequence[str]
    began: float

    @property
    def axes(self) -> str:
        """The values of its wildcards: mnist paper mlp seed0."""
        named = ((name if name in NUMBERED else "") + v for name, v in self.wildcards.items())
        return " ".join(filter(None, (text.strip("/") for text in named)))

    @property
    def words(self) -> str:
        """The name of its rule and the values of its wildcards."""
        return f"{self.rule} {self.axes}".rstrip()


@dataclass(frozen=True)
class Stage:
    """The number of jobs of one stage; ``running``: descriptions of those that are running."""

    name: str
    total: int
    done: int
    failed: int
    running: Sequence[str]


P = ParamSpec("P")
R = TypeVar("R")


def alone(
    method: Callable[Concatenate["Progress", P], R],
) -> Callable[Concatenate["Progress", P], R]:
    """Let one thread at a time into the methods of a `Progress` that this decorates."""

    @wraps(method)
    def locked(self: "Progress", /, *args: P.args, **kwargs: P.kwargs) -> R:
        with self._lock:
            return method(self, *args, **kwargs)

    return locked


@dataclass
class Progress:
    """The state of one run, changed by one thread and read by another.

    Args:
        begun: seconds since the epoch.
        plan: the jobs that Snakemake will run, None until they are known.
        totals: the number of jobs by rule.
        failed: jobs that ended with an error and did not succeed in a second attempt.
        interrupted: whether the user stopped the run; jobs that end then are not failures.
    """

    begun: float = field(default_factory=time.time)
    plan: cost.DryRun | None = None
    totals: Counter[str] = field(default_factory=Counter)
    running: dict[int, Job] = field(default_factory=dict)
    seconds: dict[int, float] = field(default_factory=dict)
    failed: dict[int, Job] = field(default_factory=dict)
    core_seconds: float = 0.0
    interrupted: bool = False
    _lock: threading.RLock = field(default_factory=threading.RLock)
    _files: Mapping[str, str] = field(default_factory=dict)
    _planned: set[int] = field(default_factory=set)
    _done: dict[str, list[float]] = field(default_factory=dict)
    _benchmarks: dict[int, float] = field(default_factory=dict)

    @alone
    def follow(self, plan: cost.DryRun, files: Mapping[str, str]) -> None:
        """Set the planned jobs, and the file that declares each rule."""
        self.plan, self._files = plan, files
        self.totals = Counter(job.rule for job in plan.jobs)
        known = (job for job in plan.jobs if job.benchmarks)
        self._benchmarks = {job.number: cost.mean_seconds(job.benchmarks) for job in known}
        self._planned = {job.number for job in plan.jobs}

    @alone
    def expect(self, counts: Mapping[str, int]) -> None:
        """Set the number of jobs of each rule, if there is no plan."""
        if self.plan is None:
            self.totals = Counter({rule: n for rule, n in counts.items() if rule != "total"})

    @property
    def total(self) -> int:
        """The number of jobs."""
        return sum(self.totals.values())

    @property
    def done(self) -> int:
        """The number of jobs that have succeeded."""
        return len(self.seconds)

    def counts(self, number: int) -> bool:
        """Return whether a job is part of the plan; that of the default target is not."""
        return self.plan is None or number in self._planned

    @alone
    def start(self, job: Job) -> None:
        """Record that a job has started, possibly again."""
        if self.counts(job.number):
            self.running[job.number] = job

    @alone
    def finish(self, number: int, now: float) -> Job | None:
        """Record that a job has succeeded; return it, or None if it is not counted."""
        job = self.running.pop(number, None)
        if job is None:
            return None
        self.failed.pop(number, None)
        self.seconds[number] = now - job.began
        self._done.setdefault(job.rule, []).append(now - job.began)
        self.core_seconds += job.threads * (now - job.began)
        return job

    @alone
    def fail(self, number: int) -> Job | None:
        """Record that a job has failed; return it, or None if it is known or was interrupted."""
        job = self.running.pop(number, None)
        if job is None or self.interrupted:
            return None
        self.failed[number] = job
        return job

    @alone
    def stages(self) -> list[Stage]:
        """Return the stages that have jobs, in the order of `stages.place`."""
        running: dict[str, list[str]] = {}
        for job in self.running.values():
            running.setdefault(self._stage(job.rule), []).append(job.words)
        failed = Counter(self._stage(job.rule) for job in self.failed.values())
        done = self._by_stage({rule: len(ended) for rule, ended in self._done.items()})
        totals = self._by_stage(self.totals)
        return [
            Stage(name, totals[name], done[name], failed[name], running.get(name, []))
            for name in sorted(totals, key=stages.place)
        ]

    def _stage(self, rule: str) -> str:
        """Return the stage of a rule."""
        return stages.stage_of(rule, self._files.get(rule))

    def _by_stage(self, counts: Mapping[str, int]) -> Counter[str]:
        """Return the counts of rules, summed by stage."""
        total: Counter[str] = Counter()
        for rule, n in counts.items():
            total[self._stage(rule)] += n
        return total

    @alone
    def left(self, now: float) -> TimeLeft | None:
        """Return an estimate of the time left, None while too little is known.

        The expected time of a job is that of its benchmark, else the mean of its rule in this run,
        else the mean of all jobs. If the mean of all jobs is used for more than half of the jobs
        left, the estimate is a guess, and is returned only when `ENOUGH` of all jobs have ended.
        """
        jobs = self.plan.jobs if self.plan else []
        left = [job for job in jobs if job.number not in self.seconds]
        known = {job.number: s for job in left if (s := self._expected(job)) is not None}
        guess = 2 * len(known) < len(left)
        if not self.plan or not left or (guess and self.done < ENOUGH * self.total):
            return None
        ended = [*self.seconds.values()] or [*known.values()]
        mean = sum(ended) / len(ended)
        expected = {job.number: known.get(job.number, mean) for job in left}
        for number, job in self.running.items():
            expected[number] = max(expected[number] - (now - job.began), 0.0)
        return TimeLeft(cost.wall_time(replace(self.plan, jobs=left), expected), guess)

    def _expected(self, job: cost.Job) -> float | None:
        """Return the expected time of a job, None if it is unknown."""
        if job.number in self._benchmarks:
            return self._benchmarks[job.number]
        alike = self._done.get(job.rule)
        return sum(alike) / len(alike) if alike else None
