"""Parse the IDX format of MNIST and similar data sets: unsigned bytes of any shape."""

from __future__ import annotations

import math
import struct

import numpy as np

from typeone.runtime.errors import InputError

MAX_AXES, MAX_VALUES = 8, 2**40


def parse_idx(data: bytes, name: str) -> np.ndarray:
    """Parse an IDX file of unsigned bytes to a read-only uint8 array of the shape in its header.

    ``name``: name of the file in error messages.

    Raises:
        InputError: there is no IDX header, the element type is not unsigned byte, or the length
            does not match the header.
    """
    if len(data) < 4 or data[:2] != b"\0\0":
        raise InputError(f"{name} is not an IDX file (it starts with {data[:4]!r}); fetch it again")
    if data[2] != 0x08:
        raise InputError(f"{name} has IDX type 0x{data[2]:02X}, needs 0x08 (unsigned byte)")
    start = 4 + 4 * data[3]
    if len(data) < start:
        raise InputError(
            f"{name} is truncated: its header needs {start} bytes, the file has {len(data)} "
            "bytes; fetch it again"
        )
    shape = struct.unpack(f">{data[3]}I", data[4:start])
    vast = math.prod(size for size in shape if size) > MAX_VALUES
    if len(shape) > MAX_AXES or (vast and 0 in shape):  # NumPy does not support such shapes
        raise InputError(
            f"{name} has a header of {len(shape)} axes, the largest {max(shape)}; needs at most "
            f"{MAX_AXES} axes and {MAX_VALUES} values; fetch it again"
        )
    if len(data) != start + math.prod(shape):
        raise InputError(
            f"{name} is {'truncated' if len(data) < start + math.prod(shape) else 'too long'}: "
            f"its header says {start + math.prod(shape)} bytes ({'x'.join(map(str, shape))} "
            f"values), the file has {len(data)} bytes; fetch it again"
        )
    return np.frombuffer(data, dtype=np.uint8, offset=start).reshape(shape)
