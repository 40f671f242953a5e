"""Read the jobs that Snakemake will run.

The only module that reads Snakemake's job graph, which has no public interface.
"""

from pathlib import Path
from typing import Any

from typeone.workflow import causes, cost
from typeone.workflow.settings import record


def jobs_to_run(workflow: Any) -> list[Any]:
    """Return the jobs that Snakemake will run, sorted by number, without the default target."""
    needed = workflow.dag.needrun_jobs(exclude_finished=False)
    return sorted((job for job in needed if not job.is_norun), key=workflow.dag.jobid)


def planned(workflow: Any, jobs: list[Any], config: dict[str, Any], folder: Path) -> cost.DryRun:
    """Return Snakemake's ``jobs`` with their causes and benchmarks."""
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


def announce(workflow: Any, config: dict[str, Any], folder: Path) -> None:
    """Pass the jobs that are about to run to those Snakemake loggers that can follow a plan."""
    followers = [h for h in workflow.logger_manager.get_log_handlers() if hasattr(h, "follow")]
    if followers:  # our logger, if ./reproduce started Snakemake
        plan = planned(workflow, jobs_to_run(workflow), config, folder)
        files = {rule.name: str(rule.snakefile) for rule in workflow.rules}
        for handler in followers:
            handler.follow(plan, files)
