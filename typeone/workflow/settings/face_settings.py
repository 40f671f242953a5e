"""The sections on faces, and the checks between them."""

from typing import Self

from pydantic import model_validator

from typeone.workflow.settings.digit_settings import (
    DigitSettings,
    attacks_f1,
    batches,
    check_shards,
)
from typeone.workflow.settings.face_attacks import FaceAttacks, FaceDetection
from typeone.workflow.settings.faces import FaceAttackers, FaceJudges, Faces, FaceSvae
from typeone.workflow.settings.generators import StyleGan, StyleGenerator
from typeone.workflow.settings.model import Entries, Wrong, setting
from typeone.workflow.settings.recognizers import Lfw, PublishedPairs, Recognizers
from typeone.workflow.settings.strengthened_recognizers import (
    STRENGTHENED_RECOGNIZERS,
    StrengthenedRecognizer,
    Table3,
)


class FaceSettings(DigitSettings):
    """The settings of the run, of digits and of faces."""

    faces: Faces = Faces()
    face_judges: FaceJudges = FaceJudges()
    face_attackers: FaceAttackers = FaceAttackers()
    recognizers: Recognizers = Recognizers()
    lfw: Lfw = Lfw()
    published_pairs: PublishedPairs = PublishedPairs()
    face_svae: FaceSvae = FaceSvae()
    face_attacks: FaceAttacks = FaceAttacks()
    face_detection: FaceDetection = FaceDetection()
    style_generator: StyleGenerator = StyleGenerator()
    stylegan: StyleGan = StyleGan()
    strengthened_recognizers: Entries[StrengthenedRecognizer] = setting(
        "IV-D, Table III: strengthened versions of the attacked recognizer, by name; one table row "
        "each.",
        STRENGTHENED_RECOGNIZERS,
    )
    table3: Table3 = Table3()

    @model_validator(mode="after")
    def faces_are_judged_by_strangers(self) -> Self:
        """Refuse faces without a gender, and seeds shared with the judges."""
        judges, source = self.face_judges, self.faces.source
        if source in ("generated", "lfw") and judges.age_gender.source == "none":
            raise Wrong(
                f"`.face_judges.age_gender.source` is none; with `.faces.source: {source}` it "
                "needs npm or path: that network labels the gender of these faces"
            )
        first, last = judges.seed, judges.seed + len(judges.members) - 1
        attackers = self.face_attackers
        others = range(attackers.seed, attackers.seed + len(attackers.members))
        if first < others.stop and last >= others.start:
            raise Wrong(
                f"`.face_attackers.seed` is {attackers.seed}, so that attackers of faces use "
                f"{others.start} to {others.stop - 1}; needs seeds apart from those of the judges, "
                f"{first} to {last}"
            )
        for seed in self.faces.seeds:
            if first <= seed <= last:
                raise Wrong(
                    f"`.faces.seeds` contains {seed}, also a seed of the face judges: these use "
                    f"{first} to {last}, from `.face_judges.seed` on, and must share no seed with "
                    "the networks that they judge"
                )
        return self

    @model_validator(mode="after")
    def facenet_is_there(self) -> Self:
        """Refuse settings that need FaceNet if it is left out."""
        if self.recognizers.facenet.source != "none":
            return self
        attacked, source = self.faces.recognizer, self.faces.source
        if attacked == "facenet" or (attacked == "auto" and source != "synthetic"):
            raise Wrong(
                f"`.faces.recognizer` is {attacked!r} with `.faces.source` {source!r}, which is "
                "FaceNet, but `.recognizers.facenet.source` is none; set it to wheel or path, or "
                "`.faces.recognizer` to small"
            )
        if self.lfw.source:
            raise Wrong(
                f"`.lfw.source` is {self.lfw.source!r} but `.recognizers.facenet.source` is none, "
                "so there is no network to measure on LFW; change one of the two"
            )
        if self.published_pairs.path:
            raise Wrong(
                f"`.published_pairs.path` is {self.published_pairs.path!r} but "
                "`.recognizers.facenet.source` is none, so there is no network to measure the "
                "pairs with; change one of the two"
            )
        if self.stylegan.source != "none":
            raise Wrong(
                f"`.stylegan.source` is {self.stylegan.source!r} with "
                "`.recognizers.facenet.source: none`; Fig. 9 needs FaceNet: change that source, or "
                "omit Fig. 9 with `.stylegan.source: none`"
            )
        return self

    @model_validator(mode="after")
    def attacks_on_faces_fit(self) -> Self:
        """Refuse more shards than batches, and more faces than there are where that is known."""
        drawn, limit = self.faces.synthetic, self.faces.limit.test
        there = [limit] if limit else []
        if self.faces.source == "synthetic":
            there.append(drawn.identities.test * drawn.images.test)
        for name, attack in self.face_attacks.attacks.items():
            if there and attack.count > min(there):
                raise Wrong(
                    f"`.face_attacks.attacks.{name}.count` is {attack.count}; needs at most "
                    f"{min(there)}, the test faces (`.faces.limit.test`, for synthetic faces "
                    "`.faces.synthetic`: people times images)"
                )
        for name, attack in self.face_attacks.attacks.items():
            if attack.kind == "svae":
                check_shards(
                    self.batching.shards,
                    batches(attack.count, self.face_attacks.chunk),
                    f"of the attack `{name}` on faces (its `count` over `.face_attacks.chunk`)",
                )
        return self

    @model_validator(mode="after")
    def table3_can_be_made(self) -> Self:
        """Refuse strengthened recognizers and tests that Table III cannot show."""
        published = {"by_svae": "retraining", "by_fgsm": "logit_pairing", "by_pgd": "logit_pairing"}
        rows = {"none", "by_none", *(name.removeprefix("by_") for name in published)}
        for name, network in self.strengthened_recognizers.items():
            if name in ("small", "facenet"):
                raise Wrong(
                    f"`.strengthened_recognizers` contains the name {name!r}, which is that of "
                    "a plain recognizer; needs another name"
                )
            if name in rows or f"by_{name}" in self.strengthened_recognizers:
                raise Wrong(
                    f"`.strengthened_recognizers` contains the name {name!r}, which is in the ids "
                    "of another row of Table III; needs another name"
                )
            if network.method != published.get(name, network.method):
                raise Wrong(
                    f"`.strengthened_recognizers.{name}.method` is {network.method!r}; needs "
                    f"{published[name]}, whose accuracies the paper prints"
                )
        table = self.table3
        for column, used in table.old.model_dump().items():
            attack = self.face_attacks.attacks.get(used)
            kind, kept = ("svae", " and `keep: true`") if column == "svae" else ("type2", "")
            fits = attack is not None and attack.kind == kind
            if attack is None or not fits or (kept and not attacks_f1(attack)):
                raise Wrong(
                    f"`.table3.old.{column}` is {used!r}; needs one of `.face_attacks.attacks` "
                    f"with `kind: {kind}`{kept}"
                )
            if table.count > attack.count:
                raise Wrong(
                    f"`.table3.count` is {table.count}; needs at most "
                    f"`.face_attacks.attacks.{used}.count`, {attack.count}"
                )
        check_shards(
            self.batching.shards,
            batches(table.fresh.svae, self.face_attacks.chunk),
            "attacked afresh (`.table3.fresh.svae` over `.face_attacks.chunk`)",
        )
        return self
