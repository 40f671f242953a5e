"""Read the constants of a frozen TensorFlow graph without TensorFlow (IV-B, FaceNet).

A GraphDef is a protocol-buffer message: nested fields, each with a number and a wire type. Only the
fields for the name, inputs and attributes of a node and for the values of constants are read.
Source: tensorflow/core/framework/{graph,node_def,attr_value,tensor,tensor_shape}.proto, and the
wire format of protocol buffers.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from typeone.runtime.errors import InputError

# types.proto; tensors of other types are not read
_DTYPES = {1: np.float32, 2: np.float64, 3: np.int32, 4: np.uint8, 9: np.int64, 10: np.bool_}
_MAX_VALUES = 1 << 28  # values in a tensor; more than a gigabyte is not a supported network
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5  # wire types

Field = tuple[int, "int | memoryview"]


class Node(NamedTuple):
    """One operation of a graph.

    Attributes:
        name: name of the node, used in the ``inputs`` of other nodes.
        op: for instance ``Const`` or ``Conv2D``.
        inputs: names of the input nodes.
        attributes: numbers, strings, lists of numbers or arrays, by name.
    """

    name: str
    op: str
    inputs: list[str]
    attributes: dict[str, Any]


class _MalformedError(Exception):
    """The bytes are not a protocol-buffer message of the expected kind."""


def read_graph(data: bytes, name: str) -> list[Node]:
    """Parse the nodes of the GraphDef in ``data``; errors refer to it by ``name``.

    Arrays are read-only views of ``data`` if the graph stores them as bytes.

    Raises:
        InputError: the bytes are truncated, of another format, or contain no node.
    """
    try:
        nodes = [_node(_message(v)) for number, v in _fields(memoryview(data)) if number == 1]
    except (_MalformedError, IndexError, OverflowError, ValueError, struct.error) as error:
        raise InputError(
            f"{name} is not a frozen TensorFlow graph, or a truncated one ({error}); fetch it again"
        ) from error
    if not any(node.name and node.op for node in nodes):
        raise InputError(f"{name} is not a frozen TensorFlow graph (it names no operation)")
    return nodes


def constants(nodes: Sequence[Node]) -> dict[str, np.ndarray]:
    """Return the values of the constants of a graph by node name."""
    return {
        node.name: node.attributes["value"]
        for node in nodes
        if node.op == "Const" and isinstance(node.attributes.get("value"), np.ndarray)
    }


def _varint(data: memoryview, at: int) -> tuple[int, int]:
    """Decode the varint at ``at``, seven bits a byte, least first; return it and its end."""
    value = 0
    for shift in range(0, 70, 7):
        if at >= len(data):
            raise _MalformedError("it ends within a number")
        byte, at = data[at], at + 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value & (2**64 - 1), at
    raise _MalformedError("a number has more than ten bytes")


def _fields(data: memoryview) -> Iterator[Field]:
    """Yield (number, value) of every field; a value is an integer or bytes."""
    at = 0
    while at < len(data):
        key, at = _varint(data, at)
        kind = key & 7
        if kind == _VARINT:
            value, at = _varint(data, at)
            yield key >> 3, value
            continue
        if kind == _BYTES:
            size, at = _varint(data, at)
        elif kind in (_FIXED64, _FIXED32):
            size = 8 if kind == _FIXED64 else 4
        else:
            raise _MalformedError(f"wire type {kind}")
        if at + size > len(data):
            raise _MalformedError(f"a field needs {at + size - len(data)} bytes more")
        yield key >> 3, data[at : at + size]
        at += size


def _message(value: int | memoryview) -> memoryview:
    if isinstance(value, int):
        raise _MalformedError("a number stands in place of a message")
    return value


def _text(value: int | memoryview) -> str:
    return bytes(_message(value)).decode()


def _signed(value: int) -> int:
    return value - (1 << 64) if value >> 63 else value


def _integers(value: int | memoryview) -> list[int]:
    """Decode one integer, or the integers of a packed field."""
    if isinstance(value, int):
        return [_signed(value)]
    found, at = [], 0
    while at < len(value):
        number, at = _varint(value, at)
        found.append(_signed(number))
    return found


def _numbers(value: int | memoryview, code: str) -> list[float]:
    """Decode one floating-point number, or the numbers of a packed field."""
    raw = _message(value)
    return list(struct.unpack(f"<{len(raw) // struct.calcsize(code)}{code}", raw))


def _node(data: memoryview) -> Node:
    node = Node("", "", [], {})
    for number, value in _fields(data):
        if number == 1:
            node = node._replace(name=_text(value))
        elif number == 2:
            node = node._replace(op=_text(value))
        elif number == 3:
            node.inputs.append(_text(value))
        elif number == 5:
            entry = dict(_fields(_message(value)))
            attribute = _message(entry.get(2, memoryview(b"")))
            node.attributes[_text(entry.get(1, 0))] = _attribute(attribute)
    return node


def _attribute(data: memoryview) -> Any:
    """Decode an AttrValue; None for kinds that no supported network uses."""
    for number, value in _fields(data):
        if number == 1:
            return [n for k, v in _fields(_message(value)) if k == 3 for n in _integers(v)]
        if number == 2:
            return bytes(_message(value)).decode("latin-1")
        if number in (3, 6):
            return _integers(value)[0]
        if number == 4:
            return _numbers(value, "f")[0]
        if number == 5:
            return bool(value)
        if number == 7:
            return _shape(_message(value))
        if number == 8:
            return _tensor(_message(value))
    return None


def _shape(data: memoryview) -> list[int]:
    sizes = [dict(_fields(_message(v))).get(1, 0) for number, v in _fields(data) if number == 2]
    return [_integers(size)[0] for size in sizes]


def _tensor(data: memoryview) -> np.ndarray | None:
    """Decode a TensorProto as a read-only array; None for types outside `_DTYPES`."""
    code, shape, content, values = 1, [], None, []
    for number, value in _fields(data):
        if number == 1:
            code = _integers(value)[0]
        elif number == 2:
            shape = _shape(_message(value))
        elif number == 4:
            content = _message(value)
        elif number in (5, 6):
            values += _numbers(value, "fd"[number - 5])
        elif number in (7, 10, 11):
            values += _integers(value)
    if code not in _DTYPES:
        return None
    found: np.ndarray = np.array(values, _DTYPES[code])
    if content is not None and len(content):
        found = np.frombuffer(content, _DTYPES[code])
    count = math.prod(shape)
    if len(found) == 1 and 1 < count <= _MAX_VALUES:  # one value may fill the tensor
        return np.broadcast_to(found, shape)  # a view: a few bytes must not fill the memory
    if min(shape, default=0) < 0 or len(found) != count:
        raise _MalformedError(f"a tensor of shape {shape} has {len(found)} values")
    found.flags.writeable = False
    return found.reshape(shape)
