"""Parse Python files for their imports and the digests of their code, cached between runs.

Parsing 250 files takes seconds, and every start of the workflow needs all of them. Results are
cached by the content of a file, so that they do not depend on time stamps.
"""

import ast
import hashlib
import json
import os
import sys
import tempfile
from contextlib import suppress
from functools import cache
from pathlib import Path

CodeOf = tuple[frozenset[str], str]  # the modules that a file imports, the digest of its code


class ParsedCode:
    """The parsed files of a checkout.

    Args:
        folder: the cache folder; None disables the cache.
    """

    def __init__(self, folder: Path | None) -> None:
        self.folder = folder

    def of(self, file: Path) -> CodeOf:
        """Return the modules that one file imports, and the digest of its code."""
        source = file.read_bytes()
        if self.folder is None:
            return imports_and_digest(source, str(file))
        kept = self.folder / hashlib.sha256(parser() + source).hexdigest()
        with suppress(OSError, ValueError, TypeError):
            imported, digest = json.loads(kept.read_bytes())
            return frozenset(imported), str(digest)
        imported, digest = imports_and_digest(source, str(file))
        _write(kept, json.dumps([sorted(imported), digest]))
        return imported, digest


@cache
def parser() -> bytes:
    """Return what digests depend on besides the content: this module and the Python version."""
    return Path(__file__).read_bytes() + repr(sys.version_info).encode()


@cache
def imports_and_digest(source: bytes, path: str) -> CodeOf:
    """Return the result of `ParsedCode.of` for the content of a file; its path is for errors.

    Python decodes the bytes as those of a module: as UTF-8, unless the file declares another
    encoding.
    """
    tree = ast.parse(source, path)
    imported: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            imported |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            imported |= {node.module} | {f"{node.module}.{a.name}" for a in node.names}
        body = getattr(node, "body", None)
        if isinstance(body, list):
            body[:] = [statement for statement in body if not is_no_code(statement)]
    digest = hashlib.sha256(ast.dump(tree).encode()).hexdigest()[:12]
    return frozenset(imported), digest


def is_no_code(statement: ast.stmt) -> bool:
    """Return whether a statement is a bare string, or sets the version number."""
    if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant):
        return isinstance(statement.value.value, str)
    if not isinstance(statement, ast.Assign):
        return False
    return [ast.unparse(target) for target in statement.targets] == ["__version__"]


def _write(file: Path, text: str) -> None:
    """Cache a result; if that fails, the next run parses the file again."""
    with suppress(OSError):
        file.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile("w", dir=file.parent, delete=False) as new:
            new.write(text)
        os.replace(new.name, file)
