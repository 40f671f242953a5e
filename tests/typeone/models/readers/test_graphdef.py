"""A frozen TensorFlow graph is read from bytes that are put together here, by the wire format."""

import contextlib
import struct

import numpy as np
import pytest

from typeone.models.readers.graphdef import constants, read_graph
from typeone.runtime.errors import InputError

from ...protobuf import field, varint


def shape(*sizes):
    return b"".join(field(2, field(1, size)) for size in sizes)


def node(name, op, *inputs, **attributes):
    """A NodeDef in a GraphDef; an attribute is the content of its AttrValue."""
    body = field(1, name) + field(2, op) + b"".join(field(3, i) for i in inputs)
    for key, value in attributes.items():
        body += field(5, field(1, key) + field(2, value))
    return field(1, body)


def constant(name, tensor):
    return node(name, "Const", value=field(8, tensor), dtype=field(6, 1))


def tensor(code, sizes, content):
    return field(1, code) + field(2, shape(*sizes)) + content


RAW = field(4, np.arange(6, dtype="<f4").tobytes())
GRAPH = (
    node("input", "Placeholder", shape=field(7, shape(-1, 3)))
    + constant("w", tensor(1, (2, 3), RAW))
    + node("x", "MatMul", "input:0", "w", "^b", transpose_a=field(5, 0), eps=field(4, 0.5))
    + node("y", "MaxPool", "x", padding=field(2, "SAME"), ksize=field(1, field(3, b"\1\3\3\1")))
)


def test_nodes_have_names_operations_inputs_and_attributes():
    first, w, x, y = read_graph(GRAPH, "net.pb")
    assert (first.name, first.op, first.inputs) == ("input", "Placeholder", [])
    assert first.attributes == {"shape": [-1, 3]}
    assert (w.name, w.op) == ("w", "Const")
    assert x.inputs == ["input:0", "w", "^b"]
    assert x.attributes == {"transpose_a": False, "eps": 0.5}
    assert y.attributes == {"padding": "SAME", "ksize": [1, 3, 3, 1]}


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (tensor(1, (2, 3), RAW), np.arange(6, dtype=np.float32).reshape(2, 3)),
        (tensor(1, (2,), field(5, struct.pack("<2f", 1.5, -2))), np.float32([1.5, -2])),
        (tensor(1, (), field(5, 0.25)), np.float32(0.25)),
        (tensor(1, (2, 2), field(5, 3.0)), np.full((2, 2), 3, np.float32)),
        (tensor(3, (3,), field(7, b"".join(map(varint, (4, -1, 300))))), np.int32([4, -1, 300])),
        (tensor(3, (), field(7, -2)), np.int32(-2)),
        (tensor(9, (1,), field(10, 2**40)), np.int64([2**40])),
        (tensor(10, (2,), field(11, b"\1\0")), np.array([True, False])),
        (tensor(1, (0,), b""), np.empty(0, np.float32)),
    ],
    ids=["bytes", "packed", "scalar", "repeated", "int32", "one int", "int64", "bool", "empty"],
)
def test_constants_are_arrays(content, expected):
    (found,) = constants(read_graph(constant("c", content), "net.pb")).values()
    assert found.dtype == expected.dtype
    assert found.shape == expected.shape
    np.testing.assert_array_equal(found, expected)
    assert not found.flags.writeable


def test_a_constant_without_numbers_is_left_out():
    graph = constant("text", tensor(7, (1,), field(8, "a"))) + constant("w", tensor(1, (2, 3), RAW))
    assert list(constants(read_graph(graph, "net.pb"))) == ["w"]


@pytest.mark.parametrize("keep", [1, 5, 40, len(GRAPH) - 1])
def test_a_truncated_graph(keep):
    with pytest.raises(InputError, match=r"^net\.pb is not a frozen .* graph, or a truncated one"):
        read_graph(GRAPH[:keep], "net.pb")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "names no operation"),
        (b"<html><body>sign in</body></html>", r"wire type 4"),
        (b"PK\3\4" + bytes(60), "truncated one"),
        (b"\x80" * 30, "a number has more than ten bytes"),
        (b"\n\x05\n\xff\xff\xff\xff", "truncated one"),
        (field(1, 7), "a number stands in place of a message"),
        (field(1, field(1, b"\xff\xfe")), "truncated one"),
        (field(9, b"other message"), "names no operation"),
        (constant("c", tensor(1, (2, 2), RAW)), r"a tensor of shape \[2, 2\] has 6 values"),
        (constant("c", tensor(1, (2**40,), field(5, 1.0))), r"\[1099511627776\] has 1 values"),
        (constant("c", tensor(4, (1,), field(7, 300))), "truncated one"),
        (constant("c", tensor(1, (-1,), RAW)), r"a tensor of shape \[-1\] has 6 values"),
    ],
    ids=[
        "empty",
        "web page",
        "zip",
        "long",
        "cut",
        "number",
        "text",
        "other",
        "few",
        "vast",
        "range",
        "negative",
    ],
)
def test_what_is_no_graph(content, message):
    with pytest.raises(InputError, match=message) as caught:
        read_graph(content, "net.pb")
    assert "\n" not in str(caught.value)


def test_no_bytes_at_all_end_in_anything_but_nodes_or_one_line():
    rng = np.random.default_rng(0)
    whole = (
        GRAPH + constant("c", tensor(3, (2,), field(7, 300))) + constant("s", tensor(1, (), b""))
    )
    for _ in range(2000):
        graph = bytearray(whole)
        for place in rng.integers(len(graph), size=3):
            graph[place] = rng.integers(256)
        with contextlib.suppress(InputError):
            read_graph(bytes(graph), "net.pb")
