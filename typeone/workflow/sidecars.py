"""What jobs keep so that they can go on after a kill, and when it is removed."""

from pathlib import Path


def remove_finished(folder: str | Path) -> None:
    """Remove the sidecars of jobs that have ended, and folders that this leaves empty.

    Sidecars of jobs that a kill stopped, and that were not asked for this time, stay.
    """
    folder = Path(folder)
    for mark in [path for path in folder.rglob("finished") if path.is_file()]:
        for kept in (mark, *mark.parent.glob("*.safetensors*")):
            kept.unlink()
    for path in (*sorted(folder.rglob("*"), reverse=True), folder):
        if path.is_dir() and not any(path.iterdir()):
            path.rmdir()
