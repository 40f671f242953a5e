"""List the artifacts that the workflow would now write differently, according to their stamps."""

from typeone.runtime.artifacts import inspect
from typeone.runtime.errors import InputError
from typeone.runtime.job import job
from typeone.runtime.logs import logger
from typeone.runtime.stamps import digest


def complaint(path, jobs):
    """Return the fault of the artifact at ``path`` of one of ``jobs`` (rule: params), or None."""
    try:
        stamp = inspect(path)
    except InputError as error:
        return str(error)
    if not jobs:
        return f"{path} is not made by any rule with these settings"
    rule = stamp.get("rule", "no rule")
    if rule not in jobs:
        needed = " or ".join(jobs)
        return f"{path} is foreign: its recorded rule is {rule}, needs {needed}"
    if stamp["digest"] != digest(jobs[rule]):
        return f"{path} is stale: the code or settings of {rule} have changed"
    return None


def check_results(*, artifacts):
    """Log each of ``artifacts`` (path: its jobs) that is not right, then raise `InputError`.

    Their inputs are not compared: the results of a stale input are stale too.
    """
    complaints = [text for path, jobs in artifacts.items() if (text := complaint(path, jobs))]
    for text in complaints:
        logger.warning("%s", text)
    if complaints:
        raise InputError(
            f"{len(complaints)} of {len(artifacts)} artifacts are damaged, foreign or stale; "
            "delete them and run again"
        )
    logger.info("%d artifacts match the current code and settings", len(artifacts))


if "snakemake" in globals():
    with job(snakemake) as run:
        check_results(artifacts=run.params.artifacts)
