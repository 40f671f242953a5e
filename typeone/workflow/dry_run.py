"""Print the expected cost of a run at the end of a Snakemake dry run (-n)."""

import atexit
from pathlib import Path
from typing import Any

from typeone.workflow import cost, graph


def end_with_cost(workflow: Any, config: dict[str, Any]) -> None:
    """Print the cost when this process ends, if it was a dry run that completed.

    Args:
        workflow: Snakemake's workflow object, whose Snakefile is being read.
        config: the settings of the run.
    """
    # Snakemake's hooks do not cover dry runs; it changes the folder before this process ends
    atexit.register(print_cost, workflow, config, Path.cwd())


def print_cost(workflow: Any, config: dict[str, Any], folder: Path) -> None:
    """Print the cost found by a dry run in ``folder``; do nothing after other Snakemake calls."""
    if workflow.dryrun and workflow.scheduler:
        jobs = graph.jobs_to_run(workflow)
        if jobs:  # Snakemake prints a message when there is nothing to be done
            lines = cost.cost_lines(graph.planned(workflow, jobs, config, folder))
            print("\n".join(["", *lines]), flush=True)
