# What the entry of a network of the user's own must fulfil beyond the schema, read without running it.
# Consumes config and files that it names; yields validate_own, with one line on the first violation.
import ast
import difflib
from pathlib import Path


def names_in(tree):
    """What a file defines or imports, on whatever level."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.Import | ast.ImportFrom):
            yield from (alias.asname or alias.name for alias in node.names)
        elif isinstance(node, ast.Assign):
            yield from (target.id for target in node.targets if isinstance(target, ast.Name))


def validate_module(key, module):
    """Stop with one line where the function that builds a network cannot be found."""
    name, _, function = module.rpartition(":")
    path = Path(name).expanduser()
    if not path.is_file():
        raise WorkflowError(
            f"`{key}` is {module!r}, and {name!r} is no file; needs path/to/file.py:function, by a "
            "path from the folder that Snakemake runs in"
        )
    try:
        own_files(module)
        names = list(names_in(ast.parse(path.read_text())))
    except SyntaxError as error:
        raise WorkflowError(
            f"`{key}` is {module!r}, but {error.filename or 'what it imports'} is no Python: line "
            f"{error.lineno}, {error.msg}"
        ) from error
    if function not in names and "*" not in names:
        close = difflib.get_close_matches(function, names, n=1)
        hint = f"did you mean `{close[0]}`?" if close else "write one"
        raise WorkflowError(
            f"`{key}` is {module!r}, but {name} has no {function!r}; needs a function without arguments "
            f"that returns a torch.nn.Module; {hint}"
        )


def validate_own(config):
    """Stop with one line where a network of the user's own is not there, or given twice."""
    for name, network in config["classifiers"].items():
        key = f"classifiers.{name}"
        if "module" not in network:
            continue
        validate_module(f"{key}.module", network["module"])
        weights = network.get("weights")
        if weights is None:
            continue
        for setting in ("training", "augmentation"):
            if setting in network:
                raise WorkflowError(
                    f"`{key}` has `weights` and `{setting}`; needs one of them: weights are taken as "
                    "they are, or the network is trained here"
                )
        if not Path(weights).expanduser().is_file():
            raise WorkflowError(
                f"`{key}.weights` is {weights!r}, which is no file; needs a .safetensors file, by a path "
                "from the folder that Snakemake runs in"
            )
