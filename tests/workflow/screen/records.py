"""Records as Snakemake's logger gives them to its plugins."""

import logging

from snakemake_interface_logger_plugins.common import LogEvent


def record(event=None, message=None, *, at=0.0, level=logging.INFO, **fields):
    """One record, ``at`` seconds since the epoch."""
    made = logging.LogRecord("snakemake.logging", level, __file__, 1, message, None, None)
    vars(made).update(fields, event=event, created=at)
    return made


def begins(number, rule, *, at=0.0, log=(), output=(), threads=1, **wildcards):
    """A job begins."""
    files = {"log": [*map(str, log)], "output": [*map(str, output)]}
    told = {"jobid": number, "rule_name": rule, "wildcards": wildcards, "threads": threads}
    return record(LogEvent.JOB_INFO, at=at, **told, **files)


def ends(number, *, at=0.0):
    """A job has ended well."""
    return record(LogEvent.JOB_FINISHED, at=at, job_id=number)


def fails(number, rule="a", *, at=0.0):
    """A job has ended with an error."""
    told = {"jobid": number, "rule_name": rule}
    return record(LogEvent.JOB_ERROR, at=at, level=logging.ERROR, **told)


def says(message, level=logging.INFO, **fields):
    """Snakemake says something."""
    event = LogEvent.ERROR if "exception" in fields else None
    return record(event, message, level=level, **fields)
