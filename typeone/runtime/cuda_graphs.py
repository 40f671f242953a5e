"""CUDA graphs of a loop's step: one call starts hundreds of small kernels.

A step of Algorithm 2 on 500 digits, or of a training on 64, is hundreds of kernels of a few
microseconds each. Started one by one, they leave a GPU waiting for Python. A CUDA graph (PyTorch's
documentation, "CUDA Graphs") records the kernels of a step once, with the memory that they read and
write, and starts them together.

The code of a step is the same with and without a graph. The CPU has no graphs. A graph has two
requirements: tensors that outlive the step keep their memory (they are changed in place), and
Python decides nothing by a tensor's value. A step that violates one is not recorded: `HostReads`
finds it beforehand, and the first replay must give the same result as the step itself.
"""

from __future__ import annotations

import contextlib
import functools
import gc
import logging
from collections import Counter
from collections.abc import Callable, Hashable, Iterator, Sequence
from typing import Any, Protocol

import torch
from torch import Tensor

from typeone.runtime.host_reads import HostReads

logger = logging.getLogger(__name__)

WARM_UP = 3  # plain steps of a key before it is recorded: libraries load, allocators fill
SETTLED = 30  # plain steps after `clear`: where examples leave all the time, recording does not pay
ALIKE = 1e-3  # relative; kernels without a deterministic variant add up in another order each time


class Graph(Protocol):
    """Work that is recorded once and replayed: `CudaGraph`, or a substitute in tests."""

    def warm_up(self, compute: Callable[[], Any]) -> Any:
        """Run ``compute`` once in the place of the later recording; return its tensors."""
        ...

    def record(self, compute: Callable[[], Any]) -> Any:
        """Record the work of ``compute`` without running it; return its tensors, not yet filled."""
        ...

    def replay(self) -> None:
        """Run the work again, on the same memory."""
        ...


class CudaGraph:
    """A CUDA graph. Graphs that share a ``pool`` are replayed in the order of their recording.

    ``generators`` are those that the work draws from: a replay draws the next numbers.
    """

    def __init__(
        self, pool: Any, stream: torch.cuda.Stream, generators: Sequence[torch.Generator] = ()
    ) -> None:
        self.graph, self.pool, self.stream = torch.cuda.CUDAGraph(), pool, stream
        for generator in generators:
            self.graph.register_generator_state(generator)

    def warm_up(self, compute: Callable[[], Any]) -> Any:
        # libraries allocate a workspace for each stream: here it is not yet a part of the graph
        self.stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(self.stream):
            result = compute()
        torch.cuda.current_stream().wait_stream(self.stream)
        return result

    def record(self, compute: Callable[[], Any]) -> Any:
        # not `torch.cuda.graph`, which collects garbage and frees all cached memory each time
        torch.cuda.synchronize()
        with _no_garbage_collection(), torch.cuda.stream(self.stream):
            self.graph.capture_begin(pool=self.pool)
            try:
                result = compute()
            except BaseException:
                try:
                    self.graph.capture_end()
                except RuntimeError:  # the error of `compute` is more specific
                    self._leave_pool()
                raise
            self.graph.capture_end()
        torch.cuda.current_stream().wait_stream(self.stream)
        return result

    def _leave_pool(self) -> None:
        """Release the allocator after a failed capture, where `capture_end` does not."""
        with contextlib.suppress(RuntimeError, AttributeError):
            torch._C._cuda_endAllocateToPool(self.stream.device_index, self.pool)
            torch._C._cuda_releasePool(self.stream.device_index, self.pool)

    def replay(self) -> None:
        self.graph.replay()


@functools.cache
def _stream(device: torch.device) -> torch.cuda.Stream:
    """Return the stream of all captures: libraries keep memory for each stream that they use."""
    return torch.cuda.Stream(device)


@contextlib.contextmanager
def _no_garbage_collection() -> Iterator[None]:
    """Disable Python's garbage collector: freeing an older graph would end a recording."""
    collects = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collects:
            gc.enable()


def reads_cheaply(device: torch.device) -> bool:
    """Return whether Python may read a tensor's value in a step: on the CPU it need not wait."""
    return device.type == "cpu"


def graphs_on(
    device: torch.device, generators: Sequence[torch.Generator] = ()
) -> Callable[[], Graph] | None:
    """Return a function that creates graphs which share memory; None on a device without graphs."""
    if device.type != "cuda" or not torch.cuda.is_available():
        return None
    pool = torch.cuda.graph_pool_handle()
    return lambda: CudaGraph(pool, _stream(device), generators)


@contextlib.contextmanager
def stream_of_graphs(device: torch.device) -> Iterator[None]:
    """Run all work on the stream of recordings, where steps change leaves of autograd.

    Autograd runs the last part of a backward pass on the stream on which a leaf was first used.
    """
    if device.type != "cuda":
        yield
        return
    stream, before = _stream(device), torch.cuda.current_stream(device)
    stream.wait_stream(before)
    try:
        with torch.cuda.stream(stream):
            yield
    finally:
        before.wait_stream(stream)


class _Recorded:
    """The two graphs of a step, and the terms that the first one returns."""

    def __init__(self, evaluation: Graph, update: Graph, terms: Any) -> None:
        self.evaluation, self.update, self.terms = evaluation, update, terms


class GraphedStep:
    """A step in two parts, `evaluate` and `update`, which are recorded after a warm-up.

    Between the two the caller may read the terms and the state. Terms are valid until the next call
    of `evaluate`.

    Args:
        state: the tensors that steps change, always on the same memory until `clear`.
        new_graph: see `graphs_on`; None runs every step without a graph.
        name: of the loop, for the log.
        generators: those that steps draw from, the same that `graphs_on` was given.
    """

    def __init__(
        self,
        state: Callable[[], Sequence[Tensor]],
        new_graph: Callable[[], Graph] | None,
        *,
        name: str,
        generators: Sequence[torch.Generator] = (),
    ) -> None:
        self.state, self.new_graph, self.name = state, new_graph, name
        self.generators = generators
        self.seen: Counter[Hashable] = Counter()
        self.recorded: dict[Hashable, _Recorded] = {}
        self.current: _Recorded | None = None
        self.wait = 0  # plain steps that remain before anything is recorded

    def clear(self) -> None:
        """Delete all recordings, because the state has new tensors."""
        recorded = bool(self.recorded)
        self.seen.clear()
        self.recorded.clear()
        self.current = None
        self.wait = SETTLED
        if recorded and torch.cuda.is_available():
            torch.cuda.empty_cache()  # a graph keeps its memory until the cache is emptied

    def evaluate(
        self, key: Hashable, compute: Callable[[], Any], update: Callable[[Any], None]
    ) -> Any:
        """Return the terms of ``compute``.

        Args:
            key: all values by which Python decides in this step; steps of one key have the same
                kernels.
            compute: function from the state to terms, a tuple of tensors.
            update: changes the state by the terms; see `update`.
        """
        self.current = self.recorded.get(key)
        if self.current is None and self.new_graph is not None:
            self.seen[key] += 1
            self.wait -= 1
            if self.seen[key] > WARM_UP and self.wait < 0:
                self.current = self._record(self.new_graph, compute, update)
                if self.current is not None:
                    self.recorded[key] = self.current
        if self.current is None:
            return compute()
        self.current.evaluation.replay()
        return self.current.terms

    def update(self, terms: Any, update: Callable[[Any], None]) -> None:
        """Change the state by ``terms``, those that `evaluate` returned last."""
        if self.current is None:
            update(terms)
        else:
            self.current.update.replay()

    def _record(
        self,
        new_graph: Callable[[], Graph],
        compute: Callable[[], Any],
        update: Callable[[Any], None],
    ) -> _Recorded | None:
        """Record both graphs and restore the state; return None, and disable graphs, on failure."""
        before = _Before(self.state(), self.generators)
        evaluation, change = new_graph(), new_graph()
        with HostReads() as reads:
            terms = evaluation.warm_up(compute)
            expected = _copies(terms)
            change.warm_up(lambda: update(terms))
        expected += _copies(before.state)
        before.restore()
        if reads.found:
            self._refuse(f"a step waits for the host ({reads.found[0]})")
            return None
        try:
            terms = evaluation.record(compute)
            change.record(lambda: update(terms))
            before.restore()
            evaluation.replay()
            got = _copies(terms)
            change.replay()
        except RuntimeError as error:
            before.restore()
            self._refuse(f"recording fails ({' '.join(str(error).split())[:200]})")
            return None
        got += _copies(before.state)
        before.restore()
        if not all(_alike(a, b) for a, b in zip(got, expected, strict=True)):
            self._refuse("a replay gives other results than the step")
            return None
        return _Recorded(evaluation, change, terms)

    def _refuse(self, reason: str) -> None:
        logger.warning("%s runs without a CUDA graph, kernel by kernel: %s", self.name, reason)
        self.new_graph = None
        self.recorded.clear()


def _copies(tensors: Sequence[Tensor]) -> list[Tensor]:
    return [tensor.detach().clone() for tensor in tensors]


class _Before:
    """What a step changes, as it was."""

    def __init__(self, state: Sequence[Tensor], generators: Sequence[torch.Generator]) -> None:
        self.state, self.generators = list(state), generators
        self._values = _copies(state)
        self._draws = [generator.get_state() for generator in generators]

    @torch.no_grad()
    def restore(self) -> None:
        for tensor, value in zip(self.state, self._values, strict=True):
            tensor.copy_(value)
        for generator, state in zip(self.generators, self._draws, strict=True):
            generator.set_state(state)


def _alike(got: Tensor, expected: Tensor) -> bool:
    """Return whether two tensors are equal up to rounding; NaN equals NaN."""
    if not got.is_floating_point():
        return torch.equal(got, expected)
    size = expected.nan_to_num().abs().amax() if expected.numel() else 0
    return torch.allclose(got, expected, rtol=0, atol=ALIKE * float(size), equal_nan=True)
