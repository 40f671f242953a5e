"""Settings of user-defined networks; the files are read here, but not run."""

import ast
import difflib
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, Field, model_validator

from typeone.workflow.settings.model import Augmentation, Model, Training, Wrong, setting

HERE = "by its path relative to the folder in which Snakemake runs"


def names_in(tree: ast.AST) -> Iterator[str]:
    """Yield the names that a file defines or imports, at any level."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.Import | ast.ImportFrom):
            yield from (alias.asname or alias.name for alias in node.names)
        elif isinstance(node, ast.Assign):
            yield from (target.id for target in node.targets if isinstance(target, ast.Name))


def parsed(path: Path) -> ast.Module:
    """Return the syntax tree of a file; its imports from the same folder must be Python too.

    Python decodes the bytes: as UTF-8, with or without a byte order mark, or as declared in them.
    """
    queue, seen, trees = [path], set[Path](), []
    while queue:
        file = queue.pop()
        if file in seen or not file.is_file():
            continue
        seen.add(file)
        trees.append(ast.parse(file.read_bytes(), str(file)))
        for node in ast.walk(trees[-1]):
            if isinstance(node, ast.Import):
                queue += [path.with_name(f"{a.name.split('.')[0]}.py") for a in node.names]
            elif isinstance(node, ast.ImportFrom) and node.module:
                queue.append(path.with_name(f"{node.module.split('.')[0]}.py"))
    return trees[0]


def can_be_found(module: str, *, needs: str) -> str:
    """Refuse a function that cannot be found; ``needs``: what it should be."""
    name, _, function = module.rpartition(":")
    path = Path(name).expanduser()
    if not path.is_file():
        raise Wrong(
            f"`.` is {module!r}, and {name!r} is not a file; needs path/to/file.py:function, {HERE}"
        )
    try:
        names = list(names_in(parsed(path)))
    except SyntaxError as error:
        raise Wrong(
            f"`.` is {module!r}, but {error.filename or 'what it imports'} is not Python: line "
            f"{error.lineno}, {error.msg}"
        ) from error
    except ValueError as error:  # a null byte, which is not a SyntaxError before Python 3.12
        raise Wrong(f"`.` is {module!r}, which is not Python: {error}") from error
    if function not in names and "*" not in names:
        close = difflib.get_close_matches(function, names, n=1)
        hint = f"did you mean `{close[0]}`?" if close else "add one"
        raise Wrong(f"`.` is {module!r}, but {name} has no {function!r}; needs {needs}; {hint}")
    return module


def check_arguments(module: str, arguments: dict[str, Any]) -> None:
    """Refuse keyword arguments that the function of an own attack, where it is defined, lacks."""
    name, _, function = module.rpartition(":")
    tree = parsed(Path(name).expanduser())
    defined = (n for n in tree.body if isinstance(n, ast.FunctionDef) and n.name == function)
    if (found := next(defined, None)) is None or found.args.kwarg or found.decorator_list:
        return
    given = [*found.args.posonlyargs, *found.args.args]
    named = {argument.arg for argument in (*found.args.args[4:], *found.args.kwonlyargs)}
    fits = len(given) >= 4 or found.args.vararg
    if not fits or "generator" not in named:
        raise Wrong(f"`.module` is {module!r}, whose arguments differ; needs {ATTACKS}")
    for argument in arguments:
        if argument not in named - {"generator"}:
            allowed = ", ".join(sorted(named - {"generator"})) or "none"
            raise Wrong(
                f"`.arguments` contains {argument!r}, which {module!r} does not take; needs some "
                f"of its keyword arguments: {allowed}"
            )


def is_there(weights: str) -> str:
    """Refuse weights that do not exist."""
    if not Path(weights).expanduser().is_file():
        raise Wrong(f"`.` is {weights!r}, which is not a file; needs a .safetensors file, {HERE}")
    return weights


IN_FILE = Field(pattern=r"^.+\.py:[A-Za-z_][A-Za-z0-9_]*$")
BUILDS = "a function without arguments that returns a torch.nn.Module"
ATTACKS = "a function of (model, inputs, labels, targets, *, generator) that returns images"
Module = Annotated[str, IN_FILE, AfterValidator(partial(can_be_found, needs=BUILDS))]
AttackModule = Annotated[str, IN_FILE, AfterValidator(partial(can_be_found, needs=ATTACKS))]
Weights = Annotated[str, Field(pattern=r"\.safetensors$"), AfterValidator(is_there)]
BUILT_BY = "Function that builds the network, `path/to/file.py:function`; the file is run."


class OwnWeights(Model):
    """A network of your own with its weights."""

    module: Module = setting(BUILT_BY)
    weights: Weights = setting("Its state_dict, a .safetensors file; a pickle is never read.")
    dataset: str = setting(
        "Data set that it was trained on and is attacked on, one of `datasets`.", "mnist"
    )

    @model_validator(mode="before")
    @classmethod
    def is_not_trained(cls, entry: Any) -> Any:
        """Refuse weights together with a training."""
        for key in ("training", "augmentation"):
            if key in entry:
                raise Wrong(
                    f"`.` has `weights` and `{key}`; needs only one of them: weights are used "
                    "unchanged, or the network is trained here"
                )
        return entry


class OwnTrained(Model):
    """A network of your own that is trained here."""

    module: Module = setting(BUILT_BY)
    augmentation: Augmentation | None = setting(
        "Random variations of the training digits, or null for none."
    )
    training: Training = setting("How it is trained.")
