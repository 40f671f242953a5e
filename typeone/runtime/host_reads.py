"""Operations of a step that wait for a tensor's value: a CUDA graph cannot contain them."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode


class HostReads(TorchDispatchMode):
    """Record operations that wait for a tensor's value on the host, or copy between devices.

    Attributes:
        found: names of the operations, in order.
    """

    _READERS = frozenset(
        f"aten.{name}"
        for name in (
            *("_local_scalar_dense", "item", "nonzero", "masked_select", "is_nonzero", "equal"),
            *("_unique2", "unique_dim", "unique_consecutive", "bincount", "repeat_interleave"),
        )
    )

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def __torch_dispatch__(
        self, function: Any, types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        result = function(*args, **(kwargs or {}))
        name = str(function).rsplit(".", 1)[0]
        devices = {t.device.type for t in (*args, result) if isinstance(t, Tensor)}
        copies = name in ("aten._to_copy", "aten.copy_") and len(devices) > 1
        by_mask = name in ("aten.index", "aten.index_put_") and any(
            isinstance(t, Tensor) and t.dtype in (torch.bool, torch.uint8) for t in args[1]
        )
        if name in self._READERS or copies or by_mask:
            self.found.append(name)
        return result
