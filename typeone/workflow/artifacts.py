"""Which job makes each table and checkpoint, for the rule that checks them.

It compares what the files say of the code and params that made them with what these are now.
"""

from pathlib import Path
from typing import Any

from snakemake.rules import InputFiles, Wildcards

ENDINGS = ("parquet", "safetensors")


def jobs_of(workflow: Any, path: str) -> dict[str, list[Any]]:
    """Return the rules that can make ``path``, each with the params of that job.

    Of several, which attack the same recognizer with other counts, `ruleorder` takes one.
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
        workflow: Snakemake's, with all rules.
        folder: its hidden folders are left out.
    """
    found = (path for ending in ENDINGS for path in Path(folder).rglob(f"*.{ending}"))
    paths = sorted(str(p) for p in found if not any(part.startswith(".") for part in p.parts))
    return {path: jobs_of(workflow, path) for path in paths}
