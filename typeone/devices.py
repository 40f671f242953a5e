"""Where tensors live, and how many threads a job may take."""

from __future__ import annotations

import logging

import torch

logger = logging.getLogger(__name__)


def compute_device(threads: int, *, gpu: bool = False) -> torch.device:
    """The GPU if asked for and there, else the CPU with ``threads`` threads; set to be repeatable.

    TF32 stays off: float32 means float32 on every machine.
    """
    torch.set_num_threads(threads)
    torch.backends.cudnn.benchmark = False
    torch.backends.cudnn.deterministic = True
    torch.backends.cudnn.allow_tf32 = False
    torch.backends.cuda.matmul.allow_tf32 = False
    if gpu and not torch.cuda.is_available():
        logger.warning("a GPU was asked for and none is visible to torch: running on the CPU")
    return torch.device("cuda" if gpu and torch.cuda.is_available() else "cpu")


def seeded(seed: int, device: torch.device | str = "cpu") -> torch.Generator:
    """A generator on ``device`` that starts at ``seed``."""
    return torch.Generator(device=device).manual_seed(seed)
