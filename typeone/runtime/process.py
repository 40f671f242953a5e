"""Settings of the whole process that user code may change when it is imported."""

from __future__ import annotations

import os
import random
import warnings
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

import numpy as np
import torch


def _set_environment(before: dict[str, str]) -> None:
    for name in os.environ.keys() - before.keys():
        del os.environ[name]
    os.environ.update(before)


def _set_deterministic(before: tuple[bool, bool]) -> None:
    if _deterministic() != before:  # setting it imports a compiler
        torch.use_deterministic_algorithms(before[0], warn_only=before[1])


def _deterministic() -> tuple[bool, bool]:
    return (
        torch.are_deterministic_algorithms_enabled(),
        torch.is_deterministic_algorithms_warn_only_enabled(),
    )


def _set_device(before: torch.device) -> None:
    if torch.get_default_device() != before:  # None removes the device that the code has set
        torch.set_default_device(None)
    if torch.get_default_device() != before:
        torch.set_default_device(before)


def _cudnn() -> tuple[bool, ...]:
    cudnn = torch.backends.cudnn
    return cudnn.enabled, cudnn.benchmark, cudnn.deterministic, cudnn.allow_tf32


def _set_cudnn(before: tuple[bool, ...]) -> None:
    names = ("_enabled", "_benchmark", "_deterministic", "_allow_tf32")
    torch.backends.cudnn.set_flags(**dict(zip(names, before, strict=True)))


SETTINGS: tuple[tuple[Callable[[], object], Callable[..., object]], ...] = (
    (torch.is_grad_enabled, torch.set_grad_enabled),
    (torch.get_default_dtype, torch.set_default_dtype),
    (torch.get_default_device, _set_device),
    (torch.get_num_threads, torch.set_num_threads),
    (torch.get_float32_matmul_precision, torch.set_float32_matmul_precision),
    (torch.is_anomaly_enabled, torch.autograd.set_detect_anomaly),
    (_deterministic, _set_deterministic),
    (_cudnn, _set_cudnn),
    (random.getstate, random.setstate),
    (np.random.get_state, np.random.set_state),
    (os.getcwd, os.chdir),
    (lambda: dict(os.environ), _set_environment),
)
"""Getter and setter of each setting."""


@contextmanager
def settings_kept() -> Iterator[None]:
    """Restore process-wide settings that the block changed.

    These are random number generators, gradients, dtype, device, threads and precision of torch,
    filters of warnings, the environment and the current folder.
    """
    with ExitStack() as stack:
        stack.enter_context(torch.random.fork_rng(devices=[]))
        stack.enter_context(warnings.catch_warnings())
        for current, change in SETTINGS:
            stack.callback(change, current())
        yield
