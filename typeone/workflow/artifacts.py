"""Find the job that makes each table and checkpoint, for the rule that checks them.

That rule compares the code and params recorded in the files with the current ones.
"""

from pathlib import Path
from typing import Any

from snakemake.rules import InputFiles, Wildcards

ENDINGS = ("parquet", "safetensors")


def jobs_of(workflow: Any, path: str) -> dict[str, list[Any]]:
    """Return the rules that can make ``path``, each with the params of that job.

    Several rules may attack the same recognizer with different counts; `ruleorder` selects one.
    """
    jobs = {}
    for rule in workflow.rules:
        if any(output.match(path) for output in rule.output):
            wildcards = Wildcards(fromdict=rule.get_wildcards(path))
            files, _ = rule.expand_output(wildcards)
            params, _ = rule.expand_params(wildcards, InputFiles(), files, None)
            jobs[rule.name] = list(params)
    return jobs


def artifacts_of(workflow: Any, folder: str) -> dict[str, dict[str, list[Any]]]:
    """Return every table and checkpoint under ``folder`` with its `jobs_of`.

    Args:
        workflow: Snakemake's workflow object, with all rules.
        folder: the folder to search; its hidden folders are skipped.
    """
    found = (path for ending in ENDINGS for path in Path(folder).rglob(f"*.{ending}"))
    paths = sorted(str(p) for p in found if not any(part.startswith(".") for part in p.parts))
    return {path: jobs_of(workflow, path) for path in paths}
