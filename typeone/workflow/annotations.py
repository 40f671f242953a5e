"""List the files in which people saved their answers to the study sheet."""

from collections.abc import Iterable
from glob import glob


def annotation_files(patterns: Iterable[str]) -> list[str]:
    """Return the files that match the paths and patterns of `annotations`, each once."""
    files = (file for pattern in patterns for file in sorted(glob(pattern)))
    return list(dict.fromkeys(files))
