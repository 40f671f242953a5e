# What code does a script run? One "path@digest" for the script and each module of typeone that it
# imports, transitively, over syntax trees: an edit of code reruns the jobs that use it, an edit of a
# comment, a docstring or the layout does not. (Snakemake's own `code` trigger looks at the time stamp
# of the script alone and is switched off in profiles/.)
# Of a network of the user's own, the file that builds it and what it imports from beside it count in
# the same way. Other files that a user gives by their path are told apart by content.
# Consumes scripts/ and typeone/; yields `code`, given as params by every rule, `own_files`, `given`, and
# `artifacts`, for the rule that compares what files say of the code and params that made them with
# what these are now.
import ast
import hashlib
from functools import cache
from pathlib import Path

from snakemake.rules import InputFiles, Wildcards


def _says_nothing(statement):
    """Whether a statement is no code: a text that stands alone, or the version number."""
    if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant):
        return isinstance(statement.value.value, str)
    return isinstance(statement, ast.Assign) and ast.unparse(statement.targets) == "__version__"


@cache
def _imports_and_digest(path):
    """Modules that one file imports, and the digest of its code."""
    tree = ast.parse(Path(path).read_text(), str(path))
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            found |= {node.module} | {f"{node.module}.{a.name}" for a in node.names}
        if isinstance(getattr(node, "body", None), list):
            node.body = [n for n in node.body if not _says_nothing(n)]
    digest = hashlib.sha256(ast.dump(tree).encode()).hexdigest()[:12]
    return found, digest


def _of_typeone(modules):
    return {name for name in modules if name.split(".")[0] == "typeone"}


def _files_of(base, module):
    """The files that importing a module runs: its packages' and its own, if it is a module."""
    parts = module.split(".")
    for i in range(1, len(parts) + 1):
        stem = base.joinpath(*parts[:i])
        for candidate in (stem / "__init__.py", stem.with_suffix(".py")):
            if candidate.is_file():
                yield candidate


@cache
def _runs(file, base):
    """The files of typeone that importing what one file imports runs, and the digest of its code."""
    imported, digest = _imports_and_digest(file)
    return [f for module in _of_typeone(imported) for f in _files_of(base, module)], digest


def _digests(files, base):
    """``files`` and every file of typeone that they run, with digests.

    The ``assets`` of a package, pages and style sheets, count as its code.
    """
    digests, queue = {}, list(files)
    while queue:
        file = queue.pop()
        if file in digests:
            continue
        below, digests[file] = _runs(file, base)
        queue += below
        if file.name == "__init__.py":
            digests |= {data: _content(data) for data in sorted(file.parent.glob("assets/*"))}
    return digests


@cache
def modules_of(script, base=None):
    """A file of scripts/ and every file of typeone that it runs, with digests, in order of path."""
    base = Path(base or workflow.basedir)
    digests = _digests([base / "scripts" / script], base)
    return {f.relative_to(base).as_posix(): d for f, d in sorted(digests.items())}


def code(script):
    """What a job of ``script`` runs, one ``path@digest`` a file; given as params."""
    return [f"{path}@{digest}" for path, digest in modules_of(script).items()]


def _beside(path):
    """A user's file and what lies beside it that it imports, transitively; of folders all of it."""
    found, queue = [], [path]
    while queue:
        file = queue.pop()
        if file in found:
            continue
        found.append(file)
        imported, _ = _imports_and_digest(file)
        for name in {module.split(".")[0] for module in imported - _of_typeone(imported)}:
            beside, folder = path.with_name(f"{name}.py"), path.with_name(name)
            queue += [beside] if beside.is_file() else []
            queue += folder.rglob("*.py") if folder.is_dir() else []
    return found


def own_files(module):
    """What building ``module`` (``path/to/file.py:function``) runs, one ``path@digest`` a file.

    Nothing for None; what is not there is left out: the job says so.
    """
    path = Path(module.rpartition(":")[0] if module else "").expanduser()
    if not path.is_file():
        return []
    digests = _digests(_beside(path), Path(workflow.basedir))
    return [f"{file}@{digest}" for file, digest in sorted(digests.items())]


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


def jobs_of(path):
    """The rules that can make ``path``, each with the params of that job.

    Of several, which attack the same recognizer with other counts, `ruleorder` takes one.
    """
    jobs = {}
    for maker in workflow.rules:
        if any(output.match(path) for output in maker.output):
            wildcards = Wildcards(fromdict=maker.get_wildcards(path))
            files, _ = maker.expand_output(wildcards)
            params, _ = maker.expand_params(wildcards, InputFiles(), files, None)
            jobs[maker.name] = list(params)
    return jobs


def artifacts(folder):
    """Every table and checkpoint under ``folder`` with its `jobs_of`; hidden folders are left out."""
    found = (p for end in ("parquet", "safetensors") for p in Path(folder).rglob(f"*.{end}"))
    paths = sorted(str(p) for p in found if not any(part.startswith(".") for part in p.parts))
    return {path: jobs_of(path) for path in paths}
