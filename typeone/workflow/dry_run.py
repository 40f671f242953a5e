"""Read what a dry run (-n) of Snakemake has found, and end it with what the run will cost.

The only module that looks into Snakemake's graph of jobs, which has no published interface.
"""

import atexit
from pathlib import Path
from typing import Any

from typeone.workflow import causes, cost
from typeone.workflow.settings import record


def end_with_cost(workflow: Any, config: dict[str, Any]) -> None:
    """Print the cost when this process ends, if it was a dry run that came to its end.

    Args:
        workflow: Snakemake's, whose Snakefile is being read.
        config: the settings of the run.
    """
    # Snakemake's hooks leave dry runs out; and before this process ends, it leaves the folder
    atexit.register(print_cost, workflow, config, Path.cwd())


def print_cost(workflow: Any, config: dict[str, Any], folder: Path) -> None:
    """Print what a dry run in ``folder`` has found; nothing after any other call of Snakemake."""
    if workflow.dryrun and workflow.scheduler:
        needed = workflow.dag.needrun_jobs(exclude_finished=False)
        jobs = sorted((job for job in needed if not job.is_norun), key=workflow.dag.jobid)
        if jobs:  # Snakemake says it when there is nothing to be done
            lines = cost.cost_lines(planned(workflow, jobs, config, folder))
            print("\n".join(["", *lines]), flush=True)


def planned(workflow: Any, jobs: list[Any], config: dict[str, Any], folder: Path) -> cost.DryRun:
    """Return some of Snakemake's jobs with their causes and benchmarks."""
    dag = workflow.dag
    before = record.recorded(folder)
    edits = causes.Edits(record.flat(config), before)
    read = [
        cost.Job(
            number=dag.jobid(job),
            rule=job.rule.name,
            after=[dag.jobid(other) for other in dag.dependencies[job]],
            threads=job.threads,
            gpus=job.resources.get("gpu", 0),
            benchmarks=cost.benchmarks_of(folder, job.benchmark, job.rule.benchmark),
            causes=causes.causes(
                dag.reason(job), edits, dict(job.params.items()), set(map(str, job.wildcards))
            ),
        )
        for job in jobs
    ]
    gpus = workflow.global_resources.get("gpu")
    return cost.DryRun(
        jobs=read,
        rules=[rule.name for rule in workflow.rules],
        cores=workflow.resource_settings.cores,
        gpus=gpus.value if gpus else None,
        last_preset=before.get("preset"),
    )
