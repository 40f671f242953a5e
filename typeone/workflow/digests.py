"""Compute digests of code and user files, which rules take as params, so that edits rerun jobs.

There is one ``path@digest`` for a script and for each module of typeone that it imports,
transitively. Digests are computed from syntax trees: an edit of code reruns the jobs that use it,
an edit of a comment, a docstring or the layout does not. (Snakemake's own `code` trigger checks
only the time stamp of the script and is switched off in profiles/.) For a user-defined network, the
file that builds it and its imports from the same folder are treated in the same way. Other user
files count by their content (`typeone.workflow.contents`).
"""

import os
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from typeone.workflow.contents import Contents, hashed
from typeone.workflow.parsed_code import ParsedCode

LISTED = 64  # files of a folder that get one digest each; more get a common one


class Digests:
    """Digests of the files in a checkout, and of user-supplied files. Each file is read once."""

    def __init__(self, base: str | Path, remembered: str | Path | None = None) -> None:
        """Set up the caches without reading any file.

        Args:
            base: the folder with scripts/ and typeone/.
            remembered: the folder that keeps digests of user files between runs; None disables all
                caches, also that of ``base``.
        """
        self.base = Path(base)
        self.contents = Contents(remembered)
        kept = None if remembered is None else self.base / ".snakemake" / "code"
        self._parsed = cache(ParsedCode(kept).of)
        self._content = cache(hashed)
        self._below = cache(self._find_below)
        self._files = cache(self._files_of)
        self._code = cache(self._find_code)

    def code(self, script: str) -> list[str]:
        """Return ``path@digest`` for a file of scripts/ and each file of typeone that it runs."""
        return list(self._code(script))

    def own_files(self, module: str | None) -> list[str]:
        """Return ``path@digest`` for each file that runs when a user-defined network is built.

        Args:
            module: ``path/to/file.py:function``. Without a module, or if the file does not exist,
                the list is empty, and the job reports the error.
        """
        path = Path(module.rpartition(":")[0] if module else "").expanduser()
        if not path.is_file():
            return []
        digests = self._digests(self._imported_beside(path))
        return [f"{file}@{digest}" for file, digest in sorted(digests.items())]

    def given(self, *paths: str | Path | None) -> list[str]:
        """Return ``path@digest`` for each user-supplied file.

        Args:
            paths: files and folders; of a folder, the files directly in it are used. A path that no
                longer exists keeps its last digest, if there is one; the job reports the error.
        """
        lines: list[str] = []
        for path in (Path(path).expanduser() for path in paths if path is not None):
            if path.is_dir():
                inside = sorted(entry.name for entry in os.scandir(path) if entry.is_file())
                together = len(inside) > LISTED
                lines += (self.contents.together if together else self.contents.each)(path, inside)
            elif path.is_file():
                lines += self.contents.each(path, [""])
            else:
                lines += self.contents.last(path)
        return lines

    def together(self, folder: str | Path, names: Iterable[str]) -> list[str]:
        """Return one ``folder@digest`` for the files ``names`` in a folder; see `given`."""
        folder = Path(folder).expanduser()
        if not folder.is_dir():
            return self.contents.last(folder)
        return self.contents.together(folder, sorted(names))

    def _find_code(self, script: str) -> tuple[str, ...]:
        digests = self._digests([self.base / "scripts" / script])
        files = sorted(digests.items())
        return tuple(f"{file.relative_to(self.base).as_posix()}@{d}" for file, d in files)

    def _digests(self, files: Iterable[Path]) -> dict[Path, str]:
        """Return the digests of ``files`` and of every file of typeone that they run.

        The ``assets`` of a package (pages and style sheets) count as its code.
        """
        digests: dict[Path, str] = {}
        queue = list(files)
        while queue:
            file = queue.pop()
            if file in digests:
                continue
            _, digests[file] = self._parsed(file)
            queue += self._below(file)
            if file.name == "__init__.py":
                assets = sorted(file.parent.glob("assets/*"))
                digests |= {asset: self._content(asset) for asset in assets}
        return digests

    def _find_below(self, file: Path) -> list[Path]:
        """Return the files of typeone that run when one file is imported."""
        imported, _ = self._parsed(file)
        return [f for module in of_typeone(imported) for f in self._files(module)]

    def _files_of(self, module: str) -> list[Path]:
        """Return the files that importing a module runs: those of its packages, and its own."""
        package = module.rpartition(".")[0]
        stem = self.base.joinpath(*module.split("."))
        own = (stem / "__init__.py", stem.with_suffix(".py"))
        above = self._files(package) if package else []
        return [*above, *(file for file in own if file.is_file())]

    def _imported_beside(self, path: Path) -> list[Path]:
        """Return a user's file and the files that it imports from its folder, transitively.

        If it imports a package, every Python file of that package is included.
        """
        files: list[Path] = []
        queue = [path]
        while queue:
            file = queue.pop()
            if file in files:
                continue
            files.append(file)
            imported, _ = self._parsed(file)
            for name in {module.split(".")[0] for module in imported - of_typeone(imported)}:
                beside, folder = path.with_name(f"{name}.py"), path.with_name(name)
                queue += [beside] if beside.is_file() else []
                queue += folder.rglob("*.py") if folder.is_dir() else []
        return files


def of_typeone(modules: Iterable[str]) -> set[str]:
    """Return those ``modules`` that belong to typeone."""
    return {name for name in modules if name.split(".")[0] == "typeone"}
