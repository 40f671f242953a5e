"""All settings of a run."""

from typing import Annotated, Self

from pydantic import Field, model_validator

from typeone.workflow.settings.attacks import OwnAttack, SvaeAttack
from typeone.workflow.settings.audit import Audit
from typeone.workflow.settings.digit_settings import attacks_f1
from typeone.workflow.settings.face_attacks import FaceSvaeAttack
from typeone.workflow.settings.face_settings import FaceSettings
from typeone.workflow.settings.model import Count, Model, Pair, Wrong, setting
from typeone.workflow.settings.rivals import Baseline


class Figures(Model):
    """Settings of figures."""

    dpi: Annotated[int, Field(ge=30, le=1200)] = setting("Dots per inch of the PNG files.", 150)
    columns: Annotated[int, Field(ge=3)] = setting("Images in a filmstrip.", 9)


class Report(Model):
    """The page results/report/index.html."""

    examples: Count = setting(
        "Number of attacked examples per variant and target on the page, the first ones.", 80
    )
    frames: Pair = setting("Maximum number of frames in a filmstrip on the page.", 24)


class Settings(FaceSettings):
    """All settings of a run."""

    figures: Figures = Figures()
    report: Report = Report()
    audit: Audit = Audit()

    @model_validator(mode="after")
    def kits_can_be_made(self) -> Self:
        """Refuse attacks of a kit that another network cannot be attacked with."""
        for name in self.audit.attacks:
            attack = self.attacks.get(name)
            plain = not isinstance(attack, OwnAttack) and attack is not None
            if isinstance(attack, SvaeAttack):
                plain = attack.keep and not attack.evade_squeezing and attack.original == "grey"
            if isinstance(attack, Baseline):
                plain = attack.settings.method != "diffusion"
            if not plain:
                raise Wrong(
                    f"`.audit.attacks` names {name!r}; needs one of `.attacks` with `kind` svae "
                    "(and `keep: true`, `evade_squeezing: false`, `original: grey`), baseline "
                    "(other than diffusion, whose model is not part of a kit) or type2"
                )
        kinds = [
            getattr(self.face_attacks.attacks.get(n), "kind", "") for n in self.audit.faces.attacks
        ]
        if "type2" in kinds and "svae" not in kinds:
            raise Wrong(
                f"`.audit.faces.attacks` is {self.audit.faces.attacks}; needs an attack of kind "
                "svae, the headline of a card"
            )
        for name in self.audit.faces.attacks:
            of_faces = self.face_attacks.attacks.get(name)
            fits = of_faces is not None
            if isinstance(of_faces, FaceSvaeAttack):
                fits = of_faces.keep and of_faces.statistics == "running"
            if not fits:
                raise Wrong(
                    f"`.audit.faces.attacks` names {name!r}; needs one of `.face_attacks.attacks` "
                    "with `kind` type2, or svae with `keep: true` and `statistics: running`"
                )
        return self

    @model_validator(mode="after")
    def study_can_be_made(self) -> Self:
        """Refuse study images that are not made, and names that have another meaning there."""
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
                        f"`.study.{part}.attacks` names {name!r}; needs a Type I attack of "
                        f"`.{where}` (`kind: svae` with `keep: true`)"
                    )
        of_faces = self.study.faces.attacks
        if not set(self.study.pairs.attacks) <= set(of_faces):
            raise Wrong(
                f"`.study.pairs.attacks` is {self.study.pairs.attacks}; needs a subset of "
                f"`.study.faces.attacks`, {of_faces}"
            )
        for name in ("small", "facenet"):
            if name in self.classifiers:
                raise Wrong(
                    f"`.classifiers` contains the name {name!r}, which is that of a recognizer; "
                    "needs another name, because people's labels identify images by it"
                )
        for name in ("same", "different"):
            if name in faces:
                raise Wrong(
                    f"`.face_attacks.attacks` contains the name {name!r}, which is reserved for "
                    "pairs of clean faces; needs another name"
                )
        return self

    @model_validator(mode="after")
    def one_name_is_one_kind(self) -> Self:
        """Refuse an attack on faces with the name of another kind of attack on digits."""
        for name, attack in self.face_attacks.attacks.items():
            other = self.attacks.get(name)
            if other is not None and other.kind != attack.kind:
                raise Wrong(
                    f"`.face_attacks.attacks.{name}.kind` is {attack.kind!r}, but "
                    f"`.attacks.{name}.kind` is {other.kind!r}; needs the same kind, or another "
                    "name"
                )
        return self

    @model_validator(mode="after")
    def judges_are_strangers(self) -> Self:
        """Refuse a seed shared by networks that must be independent."""
        first = self.oracle.seed
        judges = range(first, first + len(self.oracle.members))
        start = self.attackers.seed
        for seed, name in enumerate(self.attackers.members, start):
            if seed in judges:
                raise Wrong(
                    f"`.attackers.seed` is {start}, which gives {name} the seed {seed}, also a "
                    f"seed of the judges ({judges[0]} to {judges[-1]}); needs disjoint seeds"
                )
        held_out = self.density.seed
        attackers = range(start, start + len(self.attackers.members) + 1)
        if held_out in (*self.seeds, *judges, *attackers):
            raise Wrong(
                f"`.density.seed` is {held_out}, also a seed of an attacked network, a judge or an "
                "attacker; needs another, so that the density model is independent of them"
            )
        if self.diffusion.seed in (*judges, held_out):
            raise Wrong(
                f"`.diffusion.seed` is {self.diffusion.seed}, also a seed of a judge or of the "
                "density model; needs another: no attack shares a seed with what judges it"
            )
        for seed in self.seeds:
            if seed in judges:
                raise Wrong(
                    f"`.seeds` contains {seed}, also a seed of the judges: these use {judges[0]} "
                    f"to {judges[-1]}, from `.oracle.seed` on, and must share no seed with the "
                    "networks that they judge"
                )
        return self
