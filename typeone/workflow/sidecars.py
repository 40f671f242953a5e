"""Remove the checkpoints that jobs save so that they can resume after a kill."""

from pathlib import Path


def remove_finished(folder: str | Path) -> None:
    """Remove the sidecars of finished jobs, and the folders that are then empty.

    Sidecars of killed jobs that this run did not request are kept.
    """
    folder = Path(folder)
    for mark in [path for path in folder.rglob("finished") if path.is_file()]:
        for kept in (mark, *mark.parent.glob("*.safetensors*")):
            kept.unlink()
    for path in (*sorted(folder.rglob("*"), reverse=True), folder):
        if path.is_dir() and not any(path.iterdir()):
            path.rmdir()
