"""Describe the machine that runs the jobs, for captions."""

import json

from typeone.runtime.atomic_files import atomic_path
from typeone.runtime.job import job
from typeone.runtime.logs import logger
from typeone.runtime.provenance import machine


def describe_machine(*, path):
    """Write the description as one JSON object of texts."""
    found = machine()
    with atomic_path(path) as temporary:
        temporary.write_text(json.dumps(found, indent=2) + "\n")
    logger.info("%s", ", ".join(found.values()))


if "snakemake" in globals():
    with job(snakemake) as run:
        describe_machine(path=run.output.machine)
