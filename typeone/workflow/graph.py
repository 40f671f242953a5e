"""Read which jobs Snakemake has found to run.

The only module that looks into Snakemake's graph of jobs, which has no published interface.
"""

from pathlib import Path
from typing import Any

from typeone.workflow import causes, cost
from typeone.workflow.settings import record


def jobs_to_run(workflow: Any) -> list[Any]:
    """Return Snakemake's jobs that run, by their numbers; the default target runs nothing."""
    needed = workflow.dag.needrun_jobs(exclude_finished=False)
    return sorted((job for job in needed if not job.is_norun), key=workflow.dag.jobid)


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


def announce(workflow: Any, config: dict[str, Any], folder: Path) -> None:
    """Tell those of Snakemake's loggers that can follow a plan which jobs are about to run."""
    followers = [h for h in workflow.logger_manager.get_log_handlers() if hasattr(h, "follow")]
    if followers:  # ours, when ./reproduce has started Snakemake
        plan = planned(workflow, jobs_to_run(workflow), config, folder)
        files = {rule.name: str(rule.snakefile) for rule in workflow.rules}
        for handler in followers:
            handler.follow(plan, files)
