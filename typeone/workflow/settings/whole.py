"""All settings of a run."""

from typing import Annotated, Self

from pydantic import Field, model_validator

from typeone.workflow.settings.attacks import Baseline
from typeone.workflow.settings.digit_settings import attacks_f1
from typeone.workflow.settings.face_settings import FaceSettings
from typeone.workflow.settings.model import Count, Model, Pair, Wrong, setting


class Figures(Model):
    """How figures look."""

    dpi: Annotated[int, Field(ge=30, le=1200)] = setting("Dots an inch of the PNG files.", 150)
    columns: Annotated[int, Field(ge=3)] = setting("Images in a filmstrip.", 9)


class Report(Model):
    """The page results/report/index.html."""

    examples: Count = setting(
        "Attacked examples of a variant and target on the page, the first.", 80
    )
    frames: Pair = setting("Moments in a filmstrip of the page, at most.", 24)


class Settings(FaceSettings):
    """All settings of a run."""

    figures: Figures = Figures()
    report: Report = Report()

    @model_validator(mode="after")
    def study_can_be_made(self) -> Self:
        """Refuse images for people that are not made, and names that mean something else there."""
        faces = self.face_attacks.attacks
        for part, known, where in (
            ("digits", self.attacks, "attacks"),
            ("faces", faces, "face_attacks.attacks"),
            ("pairs", faces, "face_attacks.attacks"),
        ):
            for name in getattr(self.study, part).attacks:
                attack = known.get(name)
                if not (attacks_f1(attack) or isinstance(attack, Baseline)):
                    raise Wrong(
                        f"`.study.{part}.attacks` names {name!r}; needs one of `.{where}` of Type "
                        "I (`kind: svae` with `keep: true`)"
                    )
        shown = self.study.faces.attacks
        if not set(self.study.pairs.attacks) <= set(shown):
            raise Wrong(
                f"`.study.pairs.attacks` is {self.study.pairs.attacks}; needs some of "
                f"`.study.faces.attacks`, {shown}"
            )
        for name in ("small", "facenet"):
            if name in self.classifiers:
                raise Wrong(
                    f"`.classifiers` holds the name {name!r}, that of a recognizer; needs another, "
                    "for people's labels tell images apart by it"
                )
        for name in ("same", "different"):
            if name in faces:
                raise Wrong(
                    f"`.face_attacks.attacks` holds the name {name!r}, which stands for pairs of "
                    "faces that nothing attacked; needs another"
                )
        return self

    @model_validator(mode="after")
    def one_name_is_one_kind(self) -> Self:
        """Refuse an attack on faces whose name is that of another kind of attack on digits."""
        for name, attack in self.face_attacks.attacks.items():
            other = self.attacks.get(name)
            if other is not None and other.kind != attack.kind:
                raise Wrong(
                    f"`.face_attacks.attacks.{name}.kind` is {attack.kind!r}, and that of "
                    f"`.attacks.{name}` {other.kind!r}; needs one kind, or another name"
                )
        return self

    @model_validator(mode="after")
    def judges_are_strangers(self) -> Self:
        """Refuse networks that must be strangers and share a seed."""
        first = self.oracle.seed
        judges = range(first, first + len(self.oracle.members))
        start = self.attackers.seed
        for seed, name in enumerate(self.attackers.members, start):
            if seed in judges:
                raise Wrong(
                    f"`.attackers.seed` is {start}, which gives {name} {seed}, also a seed of the "
                    f"judges ({judges[0]} to {judges[-1]}); they must share none"
                )
        for seed in self.seeds:
            if seed in judges:
                raise Wrong(
                    f"`.seeds` holds {seed}, also a seed of the judges: they have {judges[0]} to "
                    f"{judges[-1]}, from `.oracle.seed` on, and must share none with what they "
                    "judge"
                )
        return self
