"""Provenance of results: the machine that ran a job, and the commit of a folder."""

from __future__ import annotations

import os
import platform
import subprocess
from pathlib import Path

UNKNOWN = "unknown"


def machine() -> dict[str, str]:
    """Describe this machine: system, processor, cores, memory, GPU, Python, torch."""
    import torch  # only this function needs it

    pages = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    gpus = [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())]
    return {
        "system": f"{platform.system()} {platform.release()}, {platform.machine()}",
        "processor": processor(),
        "cores": str(os.cpu_count()),
        "memory": f"{pages / 2**30:.0f} GiB",
        "gpu": ", ".join(gpus) or "none",
        "python": platform.python_version(),
        "torch": torch.__version__,
    }


def processor(table: str | os.PathLike[str] = "/proc/cpuinfo") -> str:
    """Return the processor's name from Linux's ``table``, or from Python on other systems."""
    if Path(table).is_file():
        for line in Path(table).read_text().splitlines():
            name, _, value = line.partition(":")
            if name.strip() == "model name":
                return value.strip()
    return platform.processor() or platform.machine() or UNKNOWN


def commit(folder: str | os.PathLike[str]) -> str:
    """Return the commit of the repository whose top is ``folder``, by ``git describe``.

    It is "unknown" if there is no such repository or no git.
    """
    folder = Path(folder).resolve()
    # ignore a repository that contains the folder
    outside = os.environ | {"GIT_CEILING_DIRECTORIES": str(folder.parent)}
    call = ["git", "-C", str(folder), "describe", "--always", "--tags", "--dirty"]
    try:
        told = subprocess.run(call, env=outside, capture_output=True, text=True, check=True)
    except (FileNotFoundError, subprocess.CalledProcessError):
        return UNKNOWN
    return told.stdout.strip()
