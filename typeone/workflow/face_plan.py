"""List the runs on faces, their judges, and the ids of their numbers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from typeone.data.face_tables import named_images
from typeone.data.layouts import CELEBA_LISTS, celeba_images, celeba_places, lfw_images
from typeone.data.published_pairs import pair_files
from typeone.workflow.digests import Digests
from typeone.workflow.labels import FACE_LABELS
from typeone.workflow.plan import FACES, Run
from typeone.workflow.settings.face_attacks import FaceAlgorithm2

TABLE2_ZETA = 1.2
"""Threshold of Table II; at another one no rate has a published id."""


class FacePlan:
    """The runs on faces, derived from the settings of a run of the workflow.

    Args:
        settings: all settings, expanded.

    Attributes:
        source: the source of the faces.
        recognizer: the attacked f1 of IV-B; ``auto`` is FaceNet for photographs.
        members: the judges that are trained here.
        photographs: whether the faces are photographs.
        judges: the panel; with age_gender unless the faces are drawn, for networks trained on a few
            thousand faces see another gender where a viewer does not.
    """

    def __init__(self, settings: Mapping[str, Any]) -> None:
        self.settings = settings
        faces, judges = settings["faces"], settings["face_judges"]
        self.source: str = faces["source"]
        self.seeds: list[int] = faces["seeds"]
        self.attacks: Mapping[str, Any] = settings["face_attacks"]["attacks"]
        self.strengthened: Mapping[str, Any] = settings["strengthened_recognizers"]
        automatic = "small" if self.source == "synthetic" else "facenet"
        named = faces["recognizer"]
        self.recognizer: str = automatic if named == "auto" else named
        self.members = list(judges["members"])
        self.photographs = self.source in ("celeba", "lfw", "folder")
        published = self.source != "synthetic" and judges["age_gender"]["source"] != "none"
        self.judges = [*self.members, *(["age_gender"] if published else [])]

    def named(self, name: str) -> str:
        """Return the id of a number: the published id only for FaceNet on CelebA."""
        as_published = (self.source, self.recognizer) == ("celeba", "facenet")
        return name if as_published else f"beyond.{self.source}.{name}"

    def in_table2(self) -> dict[str, str]:
        """Return the names in the published ids of Table II by the name of the images."""
        as_published = self.settings["face_detection"]["zeta"] == TABLE2_ZETA
        return {"clean": "clean", "paper": "svae", "pgd": "pgd"} if as_published else {}

    def given_faces(self, digests: Digests) -> list[str]:
        """Return digests of user-supplied faces: their lists and the images in these lists."""
        own = self.settings["faces"].get(self.source)
        if self.source == "celeba":
            folder = Path(own["path"]).expanduser()
            lists = [folder / name for name in CELEBA_LISTS]
            places = [celeba_images(folder)] if folder.is_dir() else celeba_places(folder)
            return digests.given(*lists, *places)
        if self.source == "lfw":
            return self._given_lfw(own, digests)
        if self.source == "folder":
            images = named_images(own["path"], own["csv"])
            return [*digests.given(own["csv"]), *digests.together(own["path"], images)]
        return []

    def given_lfw(self, digests: Digests) -> list[str]:
        """Return digests of a user-supplied copy of LFW and of its pairs."""
        own = self.settings["lfw"]
        images = self._given_lfw(own, digests)
        folder = own["source"] == "folder" and Path(own["path"]).expanduser()
        return [*digests.given(folder / "pairs.txt"), *images] if folder else images

    @staticmethod
    def _given_lfw(own: Mapping[str, Any], digests: Digests) -> list[str]:
        """Return digests of the images of a user-supplied copy of LFW."""
        if own["source"] != "folder":
            return []
        folder = Path(own["path"]).expanduser()
        images = lfw_images(folder)
        below = images.glob("*/*.jpg") if images else ()
        return digests.together(folder, [file.relative_to(folder).as_posix() for file in below])

    def given_pairs(self, digests: Digests) -> list[str]:
        """Return digests of the authors' attacked pairs."""
        folder = Path(self.settings["published_pairs"]["path"] or "").expanduser()
        if not self.settings["published_pairs"]["path"] or not folder.is_dir():
            return []
        return digests.together(folder, [file.name for file in pair_files(folder)])

    def pair_panels(self) -> dict[str, list[str]]:
        """Return the judges of the authors' pairs by panel, the deciding panel last.

        Judges that are trained here know photographs only if they were trained on some.
        """
        published = self.settings["face_judges"]["age_gender"]["source"] != "none"
        panels = {"age_gender": ["age_gender"]} if published else {}
        return panels | ({"panel": self.judges} if self.photographs else {})

    def of_kind(self, kind: str) -> list[str]:
        """Return the names of the attacks of one kind."""
        return [name for name, attack in self.attacks.items() if attack["kind"] == kind]

    def runs(self, attacks: Iterable[str] | None = None) -> list[Run]:
        """Return the runs on the recognizer, of all ``attacks`` by default."""
        names = self.attacks if attacks is None else attacks
        return [Run(FACES, name, self.recognizer, seed) for name in names for seed in self.seeds]

    def afresh(self, attack: str, recognizer: str, seed: int) -> dict[str, Any]:
        """Return the names in the paths of an attack's examples against one recognizer."""
        walked = self.attacks[attack]["kind"] == "svae"
        shards = list(range(self.settings["batching"]["shards"])) if walked else [0]
        return {"attack": attack, "target": recognizer, "seed": seed, "shard": shards}

    def looked_at(self) -> list[str]:
        """Return the attacks that the study may show to people: those that keep f1's answer."""
        return [n for n, a in self.attacks.items() if a.get("keep") or n == "reconstruction"]

    def shown(self, attack: str) -> Run:
        """Return the run of an attack that figures show."""
        return Run(FACES, attack, self.recognizer, self.seeds[0])

    def algorithm2(self, attack: str) -> dict[str, Any]:
        """Return the settings of Algorithm 2 of an attack."""
        return {name: self.attacks[attack][name] for name in FaceAlgorithm2.model_fields}

    def attackers(self, attack: str) -> list[str]:
        """Return the networks that read the face inside an attack; none if it uses only latents."""
        used = self.attacks[attack]["image_weight"] > 0
        return list(self.settings["face_attackers"]["members"]) if used else []

    def kit_attackers(self) -> list[str]:
        """Return the networks that read the face inside an attack of a kit."""
        walks = set(self.of_kind("svae")) & set(self.settings["audit"]["faces"]["attacks"])
        return max((self.attackers(name) for name in walks), key=len, default=[])

    def kit(self) -> dict[str, Any]:
        """Return the description of a kit without its networks; see `evaluation.audit.face_kit`."""
        audit, own = self.settings["audit"]["faces"], self.settings["face_attacks"]
        attacks = [
            {
                "name": name,
                "kind": self.attacks[name]["kind"],
                "label": FACE_LABELS.get(name, name),
                "settings": self.algorithm2(name)
                if self.attacks[name]["kind"] == "svae"
                else self.attacks[name]["settings"],
            }
            for name in audit["attacks"]
        ]
        return {
            **{"dataset": FACES, "source": self.source, "preset": self.settings["preset"]},
            "clear_confidence": self.settings["face_judges"]["clear_confidence"],
            **{"attacks": attacks, "threshold": own["threshold"], "count": audit["count"]},
        }

    def how(self, attack: str) -> dict[str, Any]:
        """Return the settings of an attack besides those of its algorithm."""
        own = {name: self.attacks[attack][name] for name in ("count", "keep", "statistics")}
        shared = self.settings["face_attacks"]
        return own | {name: shared[name] for name in ("threshold", "followed")}

    def learnt(self, target: str) -> list[str]:
        """Return the attack whose examples a strengthened recognizer is trained on, if any."""
        retrained = self.strengthened[target]["method"] == "retraining"
        return [self.settings["table3"]["old"]["svae"]] if retrained else []

    def strengthening(self, target: str) -> dict[str, Any]:
        """Return the training settings of a strengthened recognizer for the attacked network."""
        network = self.strengthened[target]
        return {
            "method": network["method"],
            "settings": network.get("settings", {}),
            "how": network[self.recognizer],
            **{name: self.settings["table3"][name] for name in ("count", "half_seed")},
        }

    def caption(self, attack: str) -> str:
        """Return the caption of Fig. 7b: source of the faces, attack, seed and preset."""
        return (
            f"{self.source.capitalize()} faces, variant {attack} on {self.recognizer}, seed "
            f"{self.seeds[0]}, preset {self.settings['preset']}."
        )

    def detection_caption(self) -> str:
        """Return the note of Table II: source of the faces, recognizer and fitted thresholds."""
        fitted = self.settings["face_detection"]["false_positive_rate"]
        return (
            f"Ours: {self.source} faces, recognizer {self.recognizer}, preset "
            f"{self.settings['preset']}, {len(self.seeds)} seed(s), Wilson 95 % intervals, n "
            f"images per row. Thresholds are fitted to reject {100 * fitted:g}% of clean "
            "validation faces; the first row shows their rejection rate on clean test faces. "
            "Published: FaceNet, CelebA, n = 1000." + self._pairs_caption()
        )

    def _pairs_caption(self) -> str:
        given = self.settings["published_pairs"]["path"]
        preprocessing = self.settings["recognizers"]["facenet"]["preprocessing"]
        text = f" The authors' pairs: their pixels of CelebA, FaceNet with {preprocessing} input."
        return text if given else ""
