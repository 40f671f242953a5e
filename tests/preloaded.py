"""Snakemake in a fork of a process that has imported it: it starts in half the time.

The fork has the typeone of this checkout; the copies in which tests plan jobs have the same.
"""

import atexit
import os
import subprocess
import sys
from multiprocessing import get_context
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1]))  # a fork imports this file by its name
FORKS = get_context("forkserver")
FORKS.set_forkserver_preload(
    [
        "snakemake.cli",
        "snakemake.dag",
        "typeone.workflow.settings.whole",
        "typeone.workflow.dry_run",
    ]
)
ASKS = {"-n", "--dry-run", "--summary", "--list-target-rules"}  # no job runs


def call(arguments, folder, environment, output):
    """Run Snakemake's main function in ``folder``; what it prints goes into the file ``output``."""
    file = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(file, 1)
    os.dup2(file, 2)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    sys.argv = ["snakemake", *arguments]
    from snakemake.cli import main

    try:
        main()
    finally:
        atexit._run_exitfuncs()  # which multiprocessing leaves out
        sys.stdout.flush()


def run(arguments, *, folder, environment, output, timeout):
    """Return the result of Snakemake with ``arguments``, as `subprocess.run` does."""
    process = FORKS.Process(target=call, args=(arguments, folder, environment, output))
    process.start()
    process.join(timeout)
    if process.is_alive():
        process.kill()
        process.join()
        raise subprocess.TimeoutExpired(["snakemake", *arguments], timeout)
    return subprocess.CompletedProcess(arguments, process.exitcode, output.read_text())
