"""End a dry run (-n) of Snakemake with what the run will cost."""

import atexit
from pathlib import Path
from typing import Any

from typeone.workflow import cost, graph


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
        jobs = graph.jobs_to_run(workflow)
        if jobs:  # Snakemake says it when there is nothing to be done
            lines = cost.cost_lines(graph.planned(workflow, jobs, config, folder))
            print("\n".join(["", *lines]), flush=True)
