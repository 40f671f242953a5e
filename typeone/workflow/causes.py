"""Explain why a job would run again: what was edited or is missing, by its name in the settings."""

import ast
import json
import re
from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass
from typing import Any, Protocol

from typeone.workflow.settings import record

CODE = re.compile(r"'(.+\.py)@\w+'")  # a digest of `digests`, as Snakemake records it
LONGEST = 40  # characters of a value that is printed


class Change(Protocol):
    """The params, as their ``repr``, that only the results have, or that only the job has now."""

    only_old: set[str]
    only_new: set[str]


class Reason(Protocol):
    """Snakemake's reasons why a job would run."""

    forced: bool
    missing_output: Set[str]
    incomplete_output: Set[str]
    updated_input: Set[str]
    updated_input_run: Set[str]
    input_changed: bool
    software_stack_changed: bool
    params_changed: Change | None


@dataclass(frozen=True)
class Edits:
    """The settings of this run and those of the last one, by dotted keys."""

    now: Mapping[str, Any]
    before: Mapping[str, Any]

    def behind(self, name: str, new: list[Any], old: list[Any], wildcards: Set[str]) -> str:
        """Return "key old → new" for the setting that a changed param comes from, or its name.

        Args:
            name: the name of the param, or the last keys of a setting.
            new: its value in a list; empty if the job has none.
            old: the value that the job's results were made with; empty if it is unknown.
            wildcards: the values of the job's wildcards.
        """
        keys = [
            key
            for key, value in self.now.items()
            if f".{key}".endswith(f".{name}") and [value] == new and self.before.get(key) != value
        ]
        if old:
            keys = [key for key in keys if self.before.get(key, old[0]) == old[0]]
        keys = [key for key in keys if set(key.split(".")) & wildcards] or keys
        alone = len(keys) == 1
        if alone:
            name, old = keys[0], old or [self.before.get(keys[0])]
        values = [json.dumps(v[0], default=str) if v else "unset" for v in (old, new)]
        plain = alone or not any(isinstance(value, list | tuple) for value in old + new)
        short = max(map(len, values)) < LONGEST
        return f"{name} {' → '.join(values)}" if plain and short else f"{name} changed"

    def changed(
        self, params: Mapping[str, Any], change: Change, wildcards: Set[str]
    ) -> Iterator[str]:
        """Yield the settings that differ from those of the job's results, formatted by `behind`."""
        recorded = [recorded_value(param) for param in sorted(change.only_old)]
        for name, value in params.items():
            if repr(value) not in change.only_new:
                continue
            # recorded params have no names: match by type, and by the most settings in common
            alike = [old for old in recorded if type(old) is type(value)]
            if isinstance(value, dict):
                yield from self.changed_section(name, value, alike, wildcards)
            else:
                yield self.behind(name, [value], alike if len(alike) == 1 else [], wildcards)

    def changed_section(
        self,
        name: str,
        section: dict[str, Any],
        alike: list[dict[str, Any]],
        wildcards: Set[str],
    ) -> Iterator[str]:
        """Yield the differences between a section of settings and the closest recorded one."""
        now = {key: [value] for key, value in record.flat(section).items()}
        were = [{key: [value] for key, value in record.flat(old).items()} for old in alike]
        if not were:
            yield f"{name} changed"
            return
        before = max(were, key=lambda old: sum(old.get(key) == v for key, v in now.items()))
        for key in sorted(now.keys() | before.keys()):
            if now.get(key) != before.get(key):
                yield self.behind(key, now.get(key, []), before.get(key, []), wildcards)


def recorded_value(text: str) -> Any:
    """Return the value that Snakemake recorded for a param, or its text if it is not a literal."""
    try:
        return ast.literal_eval(text)
    except ValueError:  # a range, for instance
        return text


def edited_code(change: Change) -> list[str]:
    """Return the files whose digests differ, sorted by path."""
    matches = map(CODE.fullmatch, change.only_old | change.only_new)
    return sorted({match[1] for match in matches if match})


def causes(
    reason: Reason, edits: Edits, params: Mapping[str, Any], wildcards: Set[str]
) -> list[str]:
    """Return why a job would run; an empty list if it only depends on other jobs that run.

    Args:
        reason: Snakemake's reason.
        edits: the edits of the settings.
        params: the named params of the job.
        wildcards: the values of the job's wildcards.
    """
    newer = sorted(reason.updated_input - reason.updated_input_run)
    holds = {
        "forced": reason.forced,
        "not made yet": reason.missing_output,
        "was interrupted": reason.incomplete_output,
        f"newer: {', '.join(newer)}": newer,
        "input files changed": reason.input_changed,
        "conda environment changed": reason.software_stack_changed,
    }
    found = [cause for cause, value in holds.items() if value]
    if change := reason.params_changed:
        found += [f"{file} changed" for file in edited_code(change)]
        found += edits.changed(params, change, wildcards)
    return found
