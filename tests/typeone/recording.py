"""A CUDA graph on the CPU: operations are recorded with their memory, then replayed.

Whatever Python decided, and each number that it computed, is what it was when recorded; a tensor
put in the place of another is not noticed. As in a capture, recording does no work, and reading a
value is an error.
"""

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

FORBIDDEN = ("aten._local_scalar_dense", "aten.nonzero", "aten.masked_select", "aten.equal")


def _tensors(values):
    return [v for v in tree_leaves(values) if isinstance(v, torch.Tensor)]


class _Recorder(TorchDispatchMode):
    def __init__(self):
        super().__init__()
        self.operations, self.inside, self.before = [], set(), {}

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        if str(function).startswith(FORBIDDEN):
            raise RuntimeError(f"operation not permitted when stream is capturing: {function}")
        writes = function._schema.is_mutable
        if writes:
            for tensor in _tensors((args, kwargs)):
                key = tensor.untyped_storage().data_ptr()
                if key not in self.inside and key not in self.before:
                    self.before[key] = (tensor.untyped_storage(), tensor.untyped_storage().clone())
        given = {t.untyped_storage().data_ptr() for t in _tensors((args, kwargs))}
        result = function(*args, **kwargs)
        made = [t for t in _tensors(result) if t.untyped_storage().data_ptr() not in given]
        self.inside |= {t.untyped_storage().data_ptr() for t in made}
        views = not writes and not made
        if not views:
            self.operations.append((function, args, kwargs, made))
        return result


class RecordedOnCpu:
    """A `typeone.runtime.cuda_graphs.Graph`; ``replays`` counts those of all graphs together."""

    replays = 0

    def warm_up(self, compute):
        return compute()

    def record(self, compute):
        recorder = _Recorder()
        with recorder:
            result = compute()
        for storage, before in recorder.before.values():
            storage.copy_(before)
        self.operations = recorder.operations
        return result

    def replay(self):
        type(self).replays += 1
        with torch.no_grad():
            for function, args, kwargs, made in self.operations:
                again = function(*args, **kwargs)
                for tensor, value in zip(made, _tensors(again) if made else [], strict=True):
                    tensor.copy_(value)
