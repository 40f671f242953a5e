"""Draw the images of a study from the examples of attacks, mixed with controls.

Each condition has its own number of items: an attack on a target, unattacked images, and
reconstructions by the SVAE alone. Digits that no item shows yet come first, so that few people see
one both before and after an attack. The draw does not depend on the predictions of f1 or a judge.
"""

from __future__ import annotations

import hashlib
import heapq
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from typeone.evaluation.people.annotations import DIFFERENT, FACES, SAME, picture_digest
from typeone.runtime.artifacts import Records

DIGITS = [str(digit) for digit in range(10)]
CLEAN, RECONSTRUCTION = "clean", "reconstruction"
CONTROLS = (CLEAN, RECONSTRUCTION, SAME, DIFFERENT)
"""Conditions other than an attack on a target."""


class Run(NamedTuple):
    """Key of a table of examples: attack, target (classifier, recognizer), seed of its networks."""

    attack: str
    target: str
    seed: int

    def name(self, position: int) -> str:
        """Return the name of one of its images in files of people's labels."""
        return f"{self.attack}/{self.target}/seed{self.seed}/{position}"


@dataclass(frozen=True)
class Item:
    """One question of the sheet.

    Attributes:
        question: a key of `typeone.evaluation.people.annotations.LABELS`.
        image: name of the image; of a pair, that of the right one.
        condition: ``{attack}/{target}`` or one of `CONTROLS`.
        truth: the label that a careful person gives, empty if it is not known.
        pictures: uint8 ``(C, H, W)`` each, one, or two shown side by side.
    """

    question: str
    image: str
    condition: str
    truth: str
    pictures: tuple[np.ndarray, ...]

    @property
    def digest(self) -> str:
        """`picture_digest` of the pictures."""
        return picture_digest(*self.pictures)

    def number(self, seed: int) -> str:
        """Return the id in the sheet, ten hexadecimal digits that do not reveal the condition."""
        return hashlib.sha256(f"{seed}:{self.question}:{self.image}".encode()).hexdigest()[:10]


Tables = Mapping[Run, Records]


def _draw(
    tables: Tables, count: int, used: Counter[int], rng: np.random.Generator
) -> list[tuple[Run, int]]:
    """Draw ``count`` rows (or all) of the tables together, at random among those ``used`` least."""
    rows = [(run, row) for run, table in tables.items() for row in range(len(table))]
    queue = [(0, rank, *rows[i]) for rank, i in enumerate(rng.permutation(len(rows)).tolist())]
    chosen: list[tuple[Run, int]] = []
    while queue and len(chosen) < count:
        times, rank, run, row = heapq.heappop(queue)
        index = int(tables[run]["index"][row])
        if times < used[index]:  # drawn since it was queued
            heapq.heappush(queue, (used[index], rank, run, row))
            continue
        used[index] += 1
        chosen.append((run, row))
    return chosen


QUESTIONS = {"digit": "digits", "face": "faces", "person": "pairs"}
"""Section of the settings for each question."""


def by_condition(examples: Iterable[tuple[Run, Records]]) -> tuple[dict[str, Tables], Tables]:
    """Group examples of attacks by condition and run, and those of the reconstruction by run."""
    attacks: dict[str, dict[Run, Records]] = {}
    controls = {}
    for run, table in examples:
        if run.attack == RECONSTRUCTION:
            controls[run] = table
        else:
            attacks.setdefault(f"{run.attack}/{run.target}", {})[run] = table
    return {**attacks}, controls


def draw_study(
    digits: Iterable[tuple[Run, Records]],
    faces: Iterable[tuple[Run, Records]],
    settings: Mapping[str, Any],
) -> list[Item]:
    """Draw all items of a sheet: digits, faces, and pairs of faces.

    ``settings``: seed and, by section, the numbers of items that `draw_items` and `draw_pairs`
    take.
    """
    rng = np.random.default_rng(settings["seed"])
    of_digits, of_faces = by_condition(digits), by_condition(faces)
    shares = {
        part: {k: settings[part][k] for k in ("count", "clean", "reconstruction")}
        for part in QUESTIONS.values()
    }
    return [
        *draw_items("digit", *of_digits, DIGITS, **shares["digits"], rng=rng),
        *draw_items("face", *of_faces, FACES, **shares["faces"], rng=rng),
        *draw_pairs(*of_faces, **shares["pairs"], rng=rng),
    ]


def draw_items(
    question: str,
    attacks: Mapping[str, Tables],
    controls: Tables,
    labels: Sequence[str],
    *,
    count: int,
    clean: int,
    reconstruction: int,
    rng: np.random.Generator,
) -> list[Item]:
    """Draw items that show one image: ``count`` per condition of ``attacks``, and controls.

    ``attacks``: examples by condition and run. ``controls``: examples of the reconstruction by run;
    their originals are the clean items. ``labels``: people's names of label 0, 1, ... Columns used:
    position, index (of the image in its split), label, image, adversarial_image.
    """
    used: Counter[int] = Counter()
    items = []

    def add(condition: str, tables: Tables, number: int, column: str, known: bool = False) -> None:
        for run, row in _draw(tables, number, used, rng):
            table = tables[run]
            named = run._replace(attack=CLEAN) if condition == CLEAN else run
            truth = labels[int(table["label"][row])] if known else ""
            name = named.name(int(table["position"][row]))
            items.append(Item(question, name, condition, truth, (table[column][row],)))

    for condition, tables in attacks.items():
        add(condition, tables, count, "adversarial_image")
    add(RECONSTRUCTION, controls, reconstruction, "adversarial_image")
    add(CLEAN, controls, clean, "image", known=True)
    return items


def draw_pairs(
    attacks: Mapping[str, Tables],
    controls: Tables,
    *,
    count: int,
    clean: int,
    reconstruction: int,
    rng: np.random.Generator,
) -> list[Item]:
    """Draw items that show two faces and ask whether they are the same person.

    An item shows an original and its attacked version, for ``count`` items per condition and for
    the reconstruction. ``clean`` items show two faces of one person, and as many show two different
    people, as far as there are such pairs. Columns as in `draw_items`, and identity.
    """
    used: Counter[int] = Counter()
    items = []
    shown = [*((name, tables, count) for name, tables in attacks.items())]
    for condition, tables, number in (*shown, (RECONSTRUCTION, controls, reconstruction)):
        for run, row in _draw(tables, number, used, rng):
            pictures = tables[run]["image"][row], tables[run]["adversarial_image"][row]
            name = run.name(int(tables[run]["position"][row]))
            items.append(Item("person", name, condition, "", pictures))
    for condition in (SAME, DIFFERENT):
        found = 0
        for run, row in _draw(controls, sum(map(len, controls.values())), used, rng):
            table = controls[run]
            alike = (table["identity"] == table["identity"][row]) == (condition == SAME)
            others = np.flatnonzero(alike & (table["index"] != table["index"][row]))
            if found == clean or not len(others):
                continue
            found += 1
            pictures = table["image"][rng.choice(others)], table["image"][row]
            name = run._replace(attack=condition).name(int(table["position"][row]))
            items.append(Item("person", name, condition, condition, pictures))
    return items
