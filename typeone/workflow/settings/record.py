"""Flatten settings to dotted keys, and record the settings of a run with its results."""

from pathlib import Path
from typing import Any

import yaml

RECORD = Path("results/config.yaml")


def flat(value: Any, path: str = "") -> dict[str, Any]:
    """Return every value that is not a mapping, by its dotted key."""
    if not isinstance(value, dict):
        return {path: value}
    inner: dict[str, Any] = {}
    for key, below in value.items():
        inner |= flat(below, f"{path}.{key}" if path else str(key))
    return inner


def read(path: Path) -> Any:
    """Return the content of a YAML file."""
    return yaml.safe_load(path.read_text())


def recorded(folder: Path) -> dict[str, Any]:
    """Return the settings of the last run in ``folder``, by dotted keys; none before the first."""
    record = folder / RECORD
    return flat(read(record)) if record.is_file() else {}


def write(settings: dict[str, Any], folder: Path) -> None:
    """Record all settings of a run that starts in ``folder``."""
    record = folder / RECORD
    record.parent.mkdir(parents=True, exist_ok=True)
    part = record.with_name(f".{record.name}.part")
    part.write_text(yaml.safe_dump(settings, sort_keys=False))
    part.replace(record)
