# What code does a script run? One "path@digest" for the script and each module of typeone that it
# imports, transitively, over syntax trees: an edit of code reruns the jobs that use it, an edit of a
# comment, a docstring or the layout does not. (Snakemake's own `code` trigger looks at the time stamp
# of the script alone and is switched off in profiles/.)
# Files that a user gives by their path are told apart by content likewise.
# Consumes scripts/ and typeone/; yields `code`, given as params by every rule, and `given`.
import ast
import hashlib
from functools import cache
from pathlib import Path


def _says_nothing(statement):
    """Whether a statement is no code: a text that stands alone, or the version number."""
    if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant):
        return isinstance(statement.value.value, str)
    return isinstance(statement, ast.Assign) and ast.unparse(statement.targets) == "__version__"


@cache
def _imports_and_digest(path):
    """Modules of typeone that one file imports, and the digest of its code."""
    tree = ast.parse(Path(path).read_text())
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            found |= {node.module} | {f"{node.module}.{a.name}" for a in node.names}
        if isinstance(getattr(node, "body", None), list):
            node.body = [n for n in node.body if not _says_nothing(n)]
    digest = hashlib.sha256(ast.dump(tree).encode()).hexdigest()[:12]
    return {name for name in found if name.split(".")[0] == "typeone"}, digest


def _files_of(base, module):
    """The files that importing a module runs: its packages' and its own, if it is a module."""
    parts = module.split(".")
    for i in range(1, len(parts) + 1):
        stem = base.joinpath(*parts[:i])
        for candidate in (stem / "__init__.py", stem.with_suffix(".py")):
            if candidate.is_file():
                yield candidate


@cache
def modules_of(script, base=None):
    """A file of scripts/ and every file of typeone that it runs, with digests, in order of path.

    The ``assets`` of a package, pages and style sheets, count as its code.
    """
    base = Path(base or workflow.basedir)
    digests, queue = {}, [base / "scripts" / script]
    while queue:
        file = queue.pop()
        if file in digests:
            continue
        imported, digests[file] = _imports_and_digest(file)
        queue += [f for module in imported for f in _files_of(base, module)]
        if file.name == "__init__.py":
            digests |= {data: _content(data) for data in sorted(file.parent.glob("assets/*"))}
    return {f.relative_to(base).as_posix(): d for f, d in sorted(digests.items())}


def code(script):
    """What a job of ``script`` runs, one ``path@digest`` a file; given as params."""
    return [f"{path}@{digest}" for path, digest in modules_of(script).items()]


HASHED = 256 << 20  # bytes; of larger files, size and time stamp must do
LISTED = 64  # a folder of more is one of images, which a list beside it names


@cache
def _content(path):
    """What tells one version of a file from another."""
    size, changed = path.stat().st_size, path.stat().st_mtime_ns
    if size > HASHED:
        return f"{size} bytes of {changed}"
    return hashlib.sha256(path.read_bytes()).hexdigest()[:12]


def given(*paths):
    """What files a user gave, one ``path@content`` each; given as params.

    ``paths``: files, folders (the files right in them, if they are few), None. What is not there is
    left out: the job says so.
    """
    found = []
    for path in (Path(path).expanduser() for path in paths if path is not None):
        if path.is_dir():
            inside = sorted(file for file in path.iterdir() if file.is_file())
            found += inside if len(inside) <= LISTED else []
        elif path.is_file():
            found.append(path)
    return [f"{file}@{_content(file)}" for file in found]
