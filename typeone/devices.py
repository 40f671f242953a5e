"""Where tensors live, and how many threads a job may take."""

from __future__ import annotations

import ctypes
import logging
import os
import sys

import torch

logger = logging.getLogger(__name__)


def _keep_freed_memory() -> None:
    """Tell glibc to keep what is freed instead of handing it back to the system.

    Above 128 kB, glibc takes every tensor afresh from the system, which clears each page again:
    a fifth of the time of Algorithm 2 (tests/benchmarks/attack.py). Elsewhere nothing happens.
    """
    if not sys.platform.startswith("linux"):
        return
    libc = ctypes.CDLL(None)
    if hasattr(libc, "gnu_get_libc_version"):
        most_maps, trim_threshold = -4, -1  # M_MMAP_MAX, M_TRIM_THRESHOLD of malloc.h
        libc.mallopt(most_maps, 0)
        libc.mallopt(trim_threshold, 2**31 - 1)


def compute_device(threads: int, *, gpu: bool = False) -> torch.device:
    """The GPU if asked for and there, else the CPU with ``threads`` threads; set to be repeatable.

    On a GPU torch is told to prefer deterministic kernels (bilinear upsampling has none by default)
    and warns where there is none. TF32 stays off: float32 means float32 on every machine.
    """
    torch.set_num_threads(threads)
    _keep_freed_memory()
    torch.backends.cudnn.benchmark = False
    torch.backends.cudnn.deterministic = True
    torch.backends.cudnn.allow_tf32 = False
    torch.backends.cuda.matmul.allow_tf32 = False
    if gpu and not torch.cuda.is_available():
        logger.warning("a GPU was asked for and none is visible to torch: running on the CPU")
    if not gpu or not torch.cuda.is_available():
        return torch.device("cpu")
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # read when CUDA starts
    torch.use_deterministic_algorithms(True, warn_only=True)
    return torch.device("cuda")


def seeded(seed: int, device: torch.device | str = "cpu") -> torch.Generator:
    """A generator on ``device`` that starts at ``seed``."""
    return torch.Generator(device=device).manual_seed(seed)
