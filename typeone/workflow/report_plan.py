"""List what the report shows: captions, runs, walks and detectors, in the order of the page."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from functools import cached_property
from typing import Any

from typeone.workflow.face_plan import FacePlan
from typeone.workflow.labels import ATTACK_LABELS, FACE_LABELS
from typeone.workflow.plan import PAPER, TABLE_TARGET, Plan, Run

Shown = tuple[str, str, str]
"""Kind of the images (digits or faces), title and caption of one part of the page."""


class ReportPlan:
    """The contents of the report, derived from the settings of a run of the workflow.

    Type I attacks come before Type II ones. Digits and faces are those of the first seed.
    """

    def __init__(self, settings: Mapping[str, Any], plan: Plan, faces: FacePlan) -> None:
        self.settings, self.plan, self.faces = settings, plan, faces
        self.preset: str = settings["preset"]

    @cached_property
    def of_digits(self) -> str:
        """Seeds and preset of the digits, for captions."""
        return f"seeds {', '.join(map(str, self.plan.seeds))}, preset {self.preset}"

    @cached_property
    def of_faces(self) -> str:
        """Source, recognizer, seeds and preset of the faces, for captions."""
        return (
            f"{self.faces.source.capitalize()} faces, recognizer {self.faces.recognizer}, seeds "
            f"{', '.join(map(str, self.faces.seeds))}, preset {self.preset}"
        )

    @cached_property
    def digit_runs(self) -> list[Run]:
        """The runs on digits whose examples are shown."""
        runs = self.plan.runs(PAPER, seeds=self.plan.seeds[:1])
        return sorted(runs, key=lambda run: self.plan.row_kind(run.attack) == "type2")

    @cached_property
    def face_attacks(self) -> list[str]:
        """The attacks on faces whose examples are shown."""
        attacks = self.faces.attacks
        return sorted(attacks, key=lambda name: attacks[name]["kind"] == "type2")

    @cached_property
    def walked_runs(self) -> list[Run]:
        """The runs on digits whose walks are shown."""
        attacks = self.settings["attacks"]
        return [run for run in self.digit_runs if attacks[run.attack].get("steps")]

    @cached_property
    def walked_faces(self) -> list[str]:
        """The attacks on faces whose walks are shown."""
        return [name for name in self.faces.of_kind("svae") if self.faces.attacks[name]["steps"]]

    @cached_property
    def detected_targets(self) -> list[str]:
        """The classifiers whose detectors are shown, that of Table I first."""
        targets = dict(self.plan.scored(PAPER))
        return sorted(targets, key=lambda target: target != TABLE_TARGET)

    def runs(self) -> list[Shown]:
        """Return the title and caption of each run with examples."""
        digits = [
            (
                "digits",
                f"digits: {run.attack} on {run.target}",
                f"{ATTACK_LABELS.get(run.attack, run.attack)}, target {run.target}, seed "
                f"{run.seed}, preset {self.preset}.",
            )
            for run in self.digit_runs
        ]
        faces = [
            (
                "faces",
                f"faces: {name} on {self.faces.recognizer}",
                f"{FACE_LABELS.get(name, name)}, {self.faces.source} faces, recognizer "
                f"{self.faces.recognizer}, seed {self.faces.seeds[0]}, preset {self.preset}.",
            )
            for name in self.face_attacks
        ]
        return digits + faces

    def walks(self) -> list[tuple[str, str]]:
        """Return the kind of images and the title of each walk."""
        digits = [("digits", f"digits: {run.attack} on {run.target}") for run in self.walked_runs]
        recognizer = self.faces.recognizer
        return digits + [("faces", f"faces: {name} on {recognizer}") for name in self.walked_faces]

    def detectors(self) -> list[tuple[str, str, str, dict[str, str], list[float]]]:
        """Return title and caption, columns that select the scores, thresholds of each detector."""
        digits = [
            (
                "digits",
                f"digits: {target}, {metric.upper()}",
                f"Joint detector, target {target}, {metric.upper()}, seed {self.plan.seeds[0]}.",
                {"squeezer": "joint", "metric": metric},
                self.settings["detection"]["zetas"],
            )
            for target in self.detected_targets
            for metric in ("l2", "l1")
        ]
        detection, recognizer = self.settings["face_detection"], self.faces.recognizer
        faces = [
            (
                "faces",
                f"faces: {recognizer}, median {size}\N{MULTIPLICATION SIGN}{size}",
                f"{self.faces.source.capitalize()} faces, recognizer {recognizer}, seed "
                f"{self.faces.seeds[0]}.",
                {"squeezer": f"median_{size}x{size}"},
                [detection["zeta"]],
            )
            for size in detection["medians"]
        ]
        return digits + faces

    def scores(self, of_digits: str, of_faces: str) -> list[str]:
        """Return the tables of scores of `detectors`, from the patterns of their paths."""
        seed = self.plan.seeds[0]
        first = {"target": self.faces.recognizer, "seed": self.faces.seeds[0]}
        digits = [
            of_digits.format(dataset=PAPER, target=target, seed=seed)
            for target in self.detected_targets
            for _ in ("l2", "l1")
        ]
        medians = self.settings["face_detection"]["medians"]
        return digits + [of_faces.format(**first)] * len(medians)

    def timed(self, **benchmarks: str) -> list[tuple[str, str, int, list[str]]]:
        """Return attack, target, number of digits and benchmark tables of each attack on digits.

        ``benchmarks``: pattern of their paths, by kind of attack.
        """
        attacks, shards = self.settings["attacks"], range(self.settings["batching"]["shards"])
        entries: dict[tuple[str, str], list[str]] = {}
        for run in self.plan.runs(PAPER):
            pattern = benchmarks[attacks[run.attack]["kind"]]
            tables = dict.fromkeys(pattern.format(**asdict(run), shard=s) for s in shards)
            entries.setdefault((run.attack, run.target), []).extend(tables)
        count = len(self.plan.seeds)
        return [
            (attack, target, attacks[attack]["count"] * count, tables)
            for (attack, target), tables in entries.items()
        ]

    def captions(self) -> dict[str, Any]:
        """Return the description of the run, and the caption of the ablations."""
        ablations = self.settings["ablations"]
        return {
            "run": {
                "preset": self.preset,
                "seeds of digits": ", ".join(map(str, self.plan.seeds)),
                "seeds of faces": ", ".join(map(str, self.faces.seeds)),
                "faces": f"{self.faces.source}, recognizer {self.faces.recognizer}",
            },
            "ablations": f"One setting changed at a time, target {ablations['target']}, seed "
            f"{self.plan.seeds[0]}, preset {self.preset}, n = {ablations['count']} a "
            "variant; Wilson 95 % intervals, in brackets the mean steps.",
        }
