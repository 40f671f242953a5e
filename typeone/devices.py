"""Where tensors live, and how many threads a job may take."""

from __future__ import annotations

import logging
import os

import torch

logger = logging.getLogger(__name__)


def compute_device(threads: int, *, gpu: bool = False) -> torch.device:
    """The GPU if asked for and there, else the CPU with ``threads`` threads; set to be repeatable.

    On a GPU torch is told to prefer deterministic kernels (bilinear upsampling has none by default)
    and warns where there is none. TF32 stays off: float32 means float32 on every machine.
    """
    torch.set_num_threads(threads)
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
