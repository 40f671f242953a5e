"""Key numbers that are shown as soon as a job ends, read from its log and its outputs."""

import csv
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from typeone.workflow.screen.progress import Job

LINE = re.compile(r"^\S+ \S+ INFO typeone: (.*)$", re.M)  # in a job's log, see runtime.job
TYPE1 = ("paper", "ours")  # the attacks whose success is a headline


@dataclass(frozen=True)
class Headline:
    """A number that some jobs log.

    Args:
        line: regular expression of the whole line; its groups fill ``text``.
        text: the text that is shown, with the job's axes as ``{axes}``.
        wildcards: wildcards that the job must have, with their values; empty allows any value.
    """

    line: str
    text: str
    wildcards: Mapping[str, Sequence[str]] = field(default_factory=dict)

    def of(self, job: Job, lines: Sequence[str]) -> Iterator[str]:
        """Yield the headlines found in the lines of a job's log."""
        for name, values in self.wildcards.items():
            if name not in job.wildcards or (values and job.wildcards[name] not in values):
                return
        for match in filter(None, (re.fullmatch(self.line, line) for line in lines)):
            yield self.text.format(axes=job.axes, **match.groupdict())


HEADLINES = (
    Headline(r".*: test error (?P<value>[\d.]+) %", "{axes}: test error {value} %", {"target": ()}),
    Headline(
        r"type1_success_oracle: (?P<value>[\d.]+) %",
        "{axes}: Type I success {value} %, by the judges",
        {"attack": TYPE1, "target": ()},
    ),
    Headline(
        r"\S+\.success_rate, seed (?P<seed>\d+): (?P<share>[\d.]+) of (?P<n>\d+)",
        "faces, seed {seed}: Type I success {share} of {n}",
    ),
)


def headlines(job: Job) -> list[str]:
    """Return the headlines of a job that has ended."""
    lines = [line for log in job.logs for line in LINE.findall(text_of(Path(log)))]
    found = [text for headline in HEADLINES for text in headline.of(job, lines)]
    tables = (Path(name) for name in job.outputs if Path(name).name == "table1.csv")
    return found + [text for table in tables for text in detection(table)]


def detection(table: Path) -> Iterator[str]:
    """Yield the share of Type I examples that Table I's first threshold detects, by attack."""
    rows = csv.DictReader(text_of(table).splitlines())
    by_zeta = [row for row in rows if (row["metric"], row["threshold"]) == ("l2", "zeta")]
    for attack in TYPE1:
        for row in [row for row in by_zeta if row["attack"] == attack][:1]:
            share = f"{100 * float(row['value']):.1f} %"
            yield f"Table I: {share} of {attack} detected at zeta {row['nominal']}"


def text_of(path: Path) -> str:
    """Return the text of a file, empty if it cannot be read."""
    try:
        return path.read_text(errors="replace")
    except OSError:
        return ""
