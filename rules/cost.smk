# What will it cost, and why? Every dry run (-n) ends with the jobs that would run, by rule, what makes each
# run again, and how long they take by the benchmarks of earlier runs in this folder.
# Consumes the graph of jobs, results/benchmarks and results/config.yaml; yields lines on the screen.
import ast
import atexit
import json
import re
from datetime import datetime
from functools import cache

from typeone.workflow.settings import record

MOST_CAUSES = 3  # of a rule that are named; what follows is counted


@cache
def flat_settings():
    """The settings of this run, and those of the last one."""
    return record.flat(config), record.recorded(WORKDIR)


def recorded_value(text):
    """What Snakemake has recorded of a param, or its text where that is no plain value."""
    try:
        return ast.literal_eval(text)
    except ValueError:  # a range, for instance
        return text


def settings_behind(name, job, new, old):
    """«key old → new» of the settings that a changed param comes from, or what is known of it.

    ``old`` holds the value that the job's results were made with, if that is known.
    """
    now, before = flat_settings()
    found = [
        key
        for key, value in now.items()
        if f".{key}".endswith(f".{name}") and [value] == new and before.get(key) != value
    ]
    if old:
        found = [key for key in found if before.get(key, old[0]) == old[0]]
    own = [key for key in found if set(key.split(".")) & set(map(str, job.wildcards))] or found
    key, old = (own[0], old or [before.get(own[0])]) if len(own) == 1 else (name, old)
    shown = [json.dumps(value[0], default=str) if value else "unset" for value in (old, new)]
    plain = len(own) == 1 or not any(isinstance(value, (list, tuple)) for value in old + new)
    return f"{key} {' → '.join(shown)}" if plain and max(map(len, shown)) < 40 else f"{key} changed"


def changed_settings(job, change):
    """The settings that differ from what the job's results were made with, as `settings_behind`."""
    recorded = [recorded_value(p) for p in sorted(change.only_old)]
    for name, value in job.params.items():
        if repr(value) not in change.only_new:
            continue
        # what is recorded has no name: it is of the same kind, and of settings has most in common
        alike = [p for p in recorded if type(p) is type(value)]
        if not isinstance(value, dict):
            yield settings_behind(name, job, [value], alike if len(alike) == 1 else [])
            continue
        now = {key: [v] for key, v in record.flat(value).items()}
        was = [{key: [v] for key, v in record.flat(p).items()} for p in alike]
        if not was:
            yield f"{name} changed"
            continue
        before = max(was, key=lambda p: sum(p.get(key) == v for key, v in now.items()))
        for key in sorted(now.keys() | before.keys()):
            if now.get(key) != before.get(key):
                yield settings_behind(key, job, now.get(key, []), before.get(key, []))


def causes(job):
    """Why a job would run: what was edited or is missing, nothing when it only follows others."""
    reason = workflow.dag.reason(job)
    newer = sorted(reason.updated_input - reason.updated_input_run)
    told = {
        "forced": reason.forced,
        "not made yet": reason.missing_output,
        "was interrupted": reason.incomplete_output,
        f"newer: {', '.join(newer)}": newer,
        "other input files": reason.input_changed,
        "another conda environment": reason.software_stack_changed,
    }
    found = [cause for cause, holds in told.items() if holds]
    if change := reason.params_changed:
        said = [re.fullmatch(r"'(.+\.py)@\w+'", p) for p in change.only_old | change.only_new]
        files = {match[1] for match in said if match}
        found += [f"{file} changed" for file in sorted(files)]
        found += changed_settings(job, change)
    return found


def benchmarks_of(job):
    """Files with the seconds of this job in an earlier run, else those of other jobs of its rule."""
    own = WORKDIR / job.benchmark
    if own.is_file():
        return [own]
    return sorted(WORKDIR.glob(re.sub(r"\{[^}]*\}", "*", job.rule.benchmark)))


def seconds_in(files):
    """The mean of what benchmarks measured."""
    rows = [row for f in files for row in csv.DictReader(f.open(newline=""), delimiter="\t")]
    return sum(float(row["s"]) for row in rows) / len(rows)


def spelled(seconds):
    """A time as a reader says it: 40 s, 12 min, 3 h 5 min."""
    if seconds < 99.5:
        return f"{seconds:.0f} s"
    hours, minutes = divmod(round(seconds / 60), 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min"


def wall_time(jobs, seconds):
    """The least time that jobs of known ``seconds`` take: longest chain, all cores busy, all GPUs."""
    dependencies = workflow.dag.dependencies

    @cache
    def chain(job):
        before = [chain(d) for d in dependencies[job] if d in jobs]
        return seconds.get(job, 0.0) + max(before, default=0.0)

    limits = workflow.resource_settings
    bounds = [max(map(chain, jobs))]
    if limits.cores:
        bounds.append(sum(s * job.threads for job, s in seconds.items()) / limits.cores)
    if gpus_there := workflow.global_resources.get("gpu"):
        on_gpu = sum(s * job.resources.get("gpu", 0) for job, s in seconds.items())
        bounds.append(on_gpu / gpus_there.value)
    return max(bounds)


def estimate(jobs, files, seconds):
    """A line on how long all jobs take, and from which runs that is known."""
    unknown = sorted({job.rule.name for job in jobs} - {job.rule.name for job in seconds})
    if not seconds:
        return (
            "No estimate of the time: no earlier run in this folder has benchmarks of these rules."
        )
    stamps = [datetime.fromtimestamp(f.stat().st_mtime) for of in files.values() for f in of]
    first, last = (f"{stamp:%Y-%m-%d %H:%M}" for stamp in (min(stamps), max(stamps)))
    when = first if first == last else f"{first} to {last}"
    _, before = flat_settings()
    preset = f", the last with preset {before['preset']}" if "preset" in before else ""
    cores = workflow.resource_settings.cores
    where = f" on {cores} core{'s' if cores > 1 else ''}" if cores else ""
    line = (
        f"Time: about {spelled(wall_time(jobs, seconds))}{where}, {spelled(sum(seconds.values()))} of "
        f"work; an estimate from runs in this folder ({when}{preset})."
    )
    return line + (f" Not in it, as they never ran: {', '.join(unknown)}." if unknown else "")


def cost_lines(jobs):
    """What a dry run ends with: a row a rule in the order of the workflow, then the estimate."""
    files = {job: found for job in jobs if job.benchmark and (found := benchmarks_of(job))}
    seconds = {job: seconds_in(found) for job, found in files.items()}
    asked = {job.rule.name for job in jobs}
    width = max(map(len, asked))
    yield f"{len(jobs)} job{'s' if len(jobs) > 1 else ''} would run:"
    yield ""
    yield f"{'jobs':>5}  {'work':>10}  {'rule':<{width}}  why"
    for name in (r.name for r in workflow.rules if r.name in asked):
        own = [job for job in jobs if job.rule.name == name]
        known = [seconds[job] for job in own if job in seconds]
        work = spelled(sum(known)) if known else "?"
        why = list(dict.fromkeys(cause for job in own for cause in causes(job)))
        rest = [f"and {len(why) - MOST_CAUSES} more"] if len(why) > MOST_CAUSES else []
        told = "; ".join(why[:MOST_CAUSES] + rest) or "follows from the above"
        yield f"{len(own):>5}  {work:>10}  {name:<{width}}  {told}"
    yield ""
    yield estimate(jobs, files, seconds)


def tell_cost():
    """Print what a dry run that came to its end has found; no other call of Snakemake."""
    if workflow.dryrun and workflow.scheduler:
        needed = workflow.dag.needrun_jobs(exclude_finished=False)
        jobs = sorted((job for job in needed if not job.is_norun), key=workflow.dag.jobid)
        if jobs:  # Snakemake says it when there is nothing to be done
            print("\n".join(["", *cost_lines(jobs)]), flush=True)


atexit.register(tell_cost)  # Snakemake's hooks leave dry runs out
