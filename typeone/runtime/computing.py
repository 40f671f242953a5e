"""A job that computes: its device, and the sidecar that it resumes from after a kill."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property

import torch

from typeone.runtime.checkpoints import Checkpoint
from typeone.runtime.devices import compute_device
from typeone.runtime.job import Task, job
from typeone.runtime.stamps import digest


class Computation:
    """Context of a job that computes.

    Attributes:
        input, output, params, wildcards: of the task.
        device: device of the computation.
    """

    def __init__(self, task: Task, device: torch.device) -> None:
        self.input, self.output = task.input, task.output
        self.params, self.wildcards = task.params, task.wildcards
        self.device = device

    @cached_property
    def checkpoint(self) -> Checkpoint:
        """The sidecar in ``params.resume``, of these settings, code, inputs and device."""
        settled = digest(list(self.params), self.device.type, files=list(self.input))
        return Checkpoint(self.params.resume, settled)


@contextmanager
def computing_job(task: Task, *, gpu: bool = False) -> Iterator[Computation]:
    """Run a block as the job that ``task`` describes, on its threads or on a GPU.

    The sidecar is marked as finished at the end of the block, after its results are written.

    Args:
        gpu: whether a GPU helps; the job takes one if its ``resources`` have any.
    """
    with job(task):
        given = bool(gpu and task.resources.get("gpu", 0))
        computation = Computation(task, compute_device(task.threads, gpu=given))
        yield computation
        if "checkpoint" in vars(computation):
            computation.checkpoint.finish()
