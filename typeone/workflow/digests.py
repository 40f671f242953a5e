"""Digests of code and of a user's files, which rules take as params: an edit reruns the jobs.

One ``path@digest`` for a script and each module of typeone that it imports, transitively, over
syntax trees: an edit of code reruns the jobs that use it, an edit of a comment, a docstring or the
layout does not. (Snakemake's own `code` trigger looks at the time stamp of the script alone and is
switched off in profiles/.) Of a network of the user's own, the file that builds it and what it
imports from beside it count in the same way. Other files of the user count by their content
(`typeone.workflow.contents`).
"""

import os
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from typeone.workflow.contents import Contents, hashed
from typeone.workflow.parsed_code import ParsedCode

LISTED = 64  # files of a folder that count one by one; more count together


class Digests:
    """Digests of the files in a checkout, and of those that a user gave. Each is read once."""

    def __init__(self, base: str | Path, remembered: str | Path | None = None) -> None:
        """Read nothing yet.

        Args:
            base: the folder with scripts/ and typeone/.
            remembered: the folder that keeps digests of a user's files between runs; None: nothing
                is kept, of ``base`` either.
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
        """Return ``path@digest`` of a file of scripts/ and of each file of typeone that it runs."""
        return list(self._code(script))

    def own_files(self, module: str | None) -> list[str]:
        """Return ``path@digest`` of each file that building a network of the user's runs.

        Args:
            module: ``path/to/file.py:function``. Without a module, or where there is no such file,
                the list is empty: the job reports it.
        """
        path = Path(module.rpartition(":")[0] if module else "").expanduser()
        if not path.is_file():
            return []
        digests = self._digests(self._imported_beside(path))
        return [f"{file}@{digest}" for file, digest in sorted(digests.items())]

    def given(self, *paths: str | Path | None) -> list[str]:
        """Return ``path@digest`` of each file that a user gave.

        Args:
            paths: files, and folders, of which the files right in them count. What does not exist
                any more is what it was when it did, or left out: the job reports it.
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
        """Return one ``folder@digest`` of the files ``names`` in a folder; see `given`."""
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

        The ``assets`` of a package, pages and style sheets, count as its code.
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
        """Return the files of typeone that the imports of one file run."""
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
        """Return a user's file and the files beside it that it imports, transitively.

        Of a folder that it imports, every file counts.
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
    """Return those of ``modules`` that are of typeone."""
    return {name for name in modules if name.split(".")[0] == "typeone"}
