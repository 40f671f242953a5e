"""Functions in a user's Python file: networks and attacks.

`user_function` runs the code in the named file without restriction. The path comes from the
caller's settings and never from a checkpoint, which contains tensors and text only.
"""

from __future__ import annotations

import importlib.util
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch

from typeone.runtime.errors import InputError
from typeone.runtime.process import settings_kept


@contextmanager
def _imports_from(folder: Path) -> Iterator[None]:
    """Append ``folder`` to the import path; on exit, remove it and the modules imported from it.

    Otherwise a module of the same name in the folder of another network would not be imported.
    """
    path, known = list(sys.path), set(sys.modules)
    sys.path.append(str(folder))
    try:
        yield
    finally:
        sys.path[:] = path
        for name in set(sys.modules) - known:
            top, module = name.partition(".")[0], sys.modules[name]
            file = getattr(module, "__file__", None)
            places = [*([file] if file else []), *getattr(module, "__path__", [])]
            beside = folder / f"{top}.py", folder / top
            if top not in known and any(Path(p).is_relative_to(b) for p in places for b in beside):
                del sys.modules[name]


@contextmanager
def user_function(
    module: str, *, key: str, needs: str, seed: int = 0
) -> Iterator[Callable[..., Any]]:
    """Import a user's function for the block; modules in the same folder can be imported there.

    The settings of the process that the file may change, and the states of the global random
    generators of the CPU, are restored afterwards.

    Args:
        module: ``path/to/file.py:function``.
        key: name of the setting in error messages.
        needs: what the function must be, for the error if there is none.
        seed: of torch's global generator, before the import.

    Raises:
        InputError: the file or function does not exist, or the code of the file fails.
    """
    name, _, function = module.rpartition(":")
    path = Path(name).expanduser()
    who = f"`{key}` is {module!r}"
    if not path.is_file():
        raise InputError(f"{who}, and {name!r} is not a file; needs path/to/file.py:function")
    spec = importlib.util.spec_from_file_location(f"own_{path.stem}", path)
    if spec is None or spec.loader is None:
        raise InputError(f"{who}, and {name!r} is not Python; needs path/to/file.py:function")
    code = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = code  # dataclasses look up the module there
    with _imports_from(path.parent.resolve()), settings_kept():
        torch.manual_seed(seed)
        try:
            spec.loader.exec_module(code)
        except ImportError as error:
            raise InputError(
                f"{who}, whose import fails ({error}); its imports must be in the same folder or "
                "installed"
            ) from error
        except (Exception, SystemExit) as error:  # user code can raise anything
            raise failure(error, module, key=key) from error
        if not callable(getattr(code, function, None)):
            raise InputError(f"{who}, but {name} has no function {function!r}; needs {needs}")
        yield getattr(code, function)


def failure(error: BaseException, module: str, *, key: str) -> InputError:
    """Return an `InputError` for an ``error`` of the user code in ``module``, with its line.

    ``key``: name of the setting.
    """
    path = Path(module.rpartition(":")[0]).expanduser()
    place, reason = path.name, "".join(str(error).splitlines()[:1])
    frames = reversed(traceback.extract_tb(error.__traceback__))
    line = next((f.lineno for f in frames if Path(f.filename) == path.absolute()), None)
    if isinstance(error, SyntaxError):
        place, line, reason = Path(error.filename or path).name, error.lineno, error.msg
    said = f"{type(error).__name__}: {reason}" if reason else type(error).__name__
    where = f"{place}, line {line}" if line else place
    return InputError(
        f"`{key}` is {module!r}, whose code fails at {where} ({said}); needs a file that "
        "can be imported, and a function that can be called"
    )
