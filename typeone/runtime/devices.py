"""Device of the tensors of a job, and its number of threads.

A process that sees several GPUs takes one that no other process of ours has. Snakemake does not
assign GPUs, and `./reproduce` runs as many jobs at once as there are GPUs.
"""

from __future__ import annotations

import ctypes
import errno
import logging
import os
import socket
import sys
import time
from collections.abc import Sequence

import torch

from typeone.runtime.errors import InputError

logger = logging.getLogger(__name__)

_claims: list[socket.socket] = []  # held until the process ends


def claim_device(devices: Sequence[str], *, pause: float = 1.0) -> int:
    """Claim the first of ``devices`` that no process has claimed, and return its index.

    Waits while all are taken, and tries again every ``pause`` seconds. A claim is a Unix socket
    with the device's name in Linux's abstract namespace (CUDA runs on Linux only). The kernel frees
    it when the process ends, killed or not, and it is not a file that needs a folder.
    """
    told = False
    while True:
        for position, device in enumerate(devices):
            claim = socket.socket(socket.AF_UNIX)
            try:
                claim.bind(f"\0typeone-device-{device}")
            except OSError as error:
                claim.close()
                if error.errno != errno.EADDRINUSE:
                    raise
            else:
                _claims.append(claim)
                return position
        if not told:
            logger.info("waiting for one of %d GPUs: all are used by other jobs", len(devices))
            told = True
        time.sleep(pause)


def usable_device(device: torch.device | str) -> torch.device:
    """Return the ``device`` that a user names.

    Raises:
        InputError: it is not one that torch knows and finds.
    """
    try:
        found = torch.device(device)
    except (RuntimeError, TypeError):
        raise InputError(f"`device` is {device!r}; needs cpu or cuda") from None
    if found.type == "cuda" and not torch.cuda.is_available():
        raise InputError(f"`device` is {str(device)!r}, but torch finds no GPU here; needs cpu")
    return found


def _keep_freed_memory() -> None:
    """Make glibc keep freed memory instead of returning it to the system.

    Above 128 kB, glibc maps every tensor anew, and the system clears each page again: a fifth of
    the time of Algorithm 2 (tests/benchmarks/attack.py). On other systems this does nothing.
    """
    if not sys.platform.startswith("linux"):
        return
    libc = ctypes.CDLL(None)
    if hasattr(libc, "gnu_get_libc_version"):
        most_maps, trim_threshold = -4, -1  # M_MMAP_MAX, M_TRIM_THRESHOLD of malloc.h
        libc.mallopt(most_maps, 0)
        libc.mallopt(trim_threshold, 2**31 - 1)


def compute_device(threads: int, *, gpu: bool = False) -> torch.device:
    """Return a GPU if asked for and present, else the CPU with ``threads`` threads; deterministic.

    Of several GPUs, it is one that no other job has (`claim_device`).

    On a GPU, torch prefers deterministic kernels (bilinear upsampling has none by default) and
    warns where there is none. TF32 is off: float32 means float32 on every machine.
    """
    torch.set_num_threads(threads)
    _keep_freed_memory()
    torch.backends.cudnn.benchmark = False
    torch.backends.cudnn.deterministic = True
    torch.backends.cudnn.allow_tf32 = False
    torch.backends.cuda.matmul.allow_tf32 = False
    if gpu and not torch.cuda.is_available():
        logger.warning("a GPU was requested but none is visible to torch: running on the CPU")
    if not gpu or not torch.cuda.is_available():
        return torch.device("cpu")
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # read when CUDA starts
    torch.use_deterministic_algorithms(True, warn_only=True)
    # filling costs a kernel for each new tensor; torch's stubs lack the property
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
    count = torch.cuda.device_count()
    if count == 1:
        return torch.device("cuda")
    number = claim_device([str(torch.cuda.get_device_properties(i).uuid) for i in range(count)])
    logger.info("GPU %d of %d", number, count)
    torch.cuda.set_device(number)
    return torch.device("cuda", number)


def seeded(seed: int, device: torch.device | str = "cpu") -> torch.Generator:
    """Return a generator on ``device`` that starts at ``seed``."""
    return torch.Generator(device=device).manual_seed(seed)
