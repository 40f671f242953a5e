"""Set the environment of a run: the code and caches of this checkout, whatever the caller set."""

import atexit
import os
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from itertools import takewhile
from pathlib import Path

# Python's environment variables that change neither which code runs nor what it computes.
KEPT = {
    *("PYTHONDONTWRITEBYTECODE", "PYTHONFAULTHANDLER", "PYTHONPYCACHEPREFIX", "PYTHONUNBUFFERED"),
}


def isolated(environment: Mapping[str, str]) -> dict[str, str]:
    """Return ``environment`` without variables that change which code runs or how it reads files.

    PYTHONPATH, for instance, may name another checkout, MPLBACKEND a module that Jupyter has and
    .venv lacks, and MATPLOTLIBRC a style for all figures. Files are read as UTF-8 in any locale.
    """
    own = {
        name: value
        for name, value in environment.items()
        if name in KEPT or (not name.startswith("PYTHON") and name != "MATPLOTLIBRC")
    }
    return own | {"PYTHONUTF8": "1", "MPLBACKEND": "agg"}


def isolate(python: str, root: Path) -> None:
    """Set the environment variables of this process and of the jobs that it starts.

    Args:
        python: the path of the Python that runs the jobs; its folder comes first on PATH.
        root: the checkout. Snakemake, matplotlib and torch would write to the home folder or /tmp;
            here they write to .snakemake, see `cache_folder`. pip keeps using the user's cache.
    """
    own = isolated(os.environ)
    home = own.get("XDG_CACHE_HOME") or os.path.join(own.get("HOME") or str(root), ".cache")
    cache = cache_folder(root)
    own |= {
        "PATH": os.pathsep.join([os.path.dirname(python), own.get("PATH", os.defpath)]),
        "PIP_CACHE_DIR": own.get("PIP_CACHE_DIR") or os.path.join(home, "pip"),
        "XDG_CACHE_HOME": cache,
        "MPLCONFIGDIR": f"{cache}/matplotlib",
        "TORCHINDUCTOR_CACHE_DIR": f"{cache}/torchinductor",
    }
    for name in os.environ.keys() - own.keys():
        del os.environ[name]
    os.environ.update(own)


def cache_folder(root: Path) -> str:
    """Return the cache folder: in the checkout, or temporary if the checkout is read-only."""
    if os.access(root, os.W_OK):
        return f"{root}/.snakemake/cache"
    folder = tempfile.mkdtemp(prefix="typeone-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def visible_gpus() -> int:
    """Return how many GPUs are visible, as CUDA counts them: up to the first negative number."""
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    if visible is not None:
        names = takewhile(lambda name: not name.startswith("-"), visible.split(","))
        return sum(1 for name in names if name.strip())
    try:
        listed = subprocess.run(["nvidia-smi", "-L"], capture_output=True, text=True, check=False)
    except OSError:  # there is no such program
        return 0
    return sum(line.startswith("GPU ") for line in listed.stdout.splitlines())
