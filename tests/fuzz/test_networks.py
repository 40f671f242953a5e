"""Files of networks that others trained: TensorFlow's graphs, OpenVINO's, torch's checkpoints."""

import io
import re

import numpy as np
import torch
from hypothesis import example, given
from hypothesis import strategies as st

from typeone.models.readers.facenet import _read_state
from typeone.models.readers.graphdef import constants, read_graph
from typeone.models.readers.openvino import read_ir

from ..typeone.handmade import Net
from ..typeone.protobuf import field
from .damage import files, one_line

# ------------------------------------------------------------------------------------ GraphDef


def constant(code, sizes, content):
    shape = b"".join(field(2, field(1, size)) for size in sizes)
    tensor = field(1, code) + field(2, shape) + content
    attribute = field(5, field(1, b"value") + field(2, field(8, tensor)))
    return field(1, field(1, b"c") + field(2, b"Const") + attribute)


INTEGERS = st.one_of(st.integers(-3, 3), st.integers(-(2**63), 2**64 - 1))
NESTED = st.recursive(
    st.one_of(INTEGERS, st.binary(max_size=8)),
    lambda inner: st.lists(st.tuples(st.integers(0, 20), inner), max_size=4).map(
        lambda parts: b"".join(field(number, value) for number, value in parts)
    ),
    max_leaves=12,
)
CONTENT = st.one_of(
    st.builds(field, st.sampled_from([4, 5, 6, 7, 10, 11]), st.binary(max_size=16)),
    st.builds(field, st.sampled_from([7, 10, 11]), INTEGERS),
)
CONSTANTS = st.builds(constant, st.integers(0, 12), st.lists(INTEGERS, max_size=70), CONTENT)
GRAPH = constant(1, (2, 3), field(4, np.arange(6, dtype="<f4").tobytes()))


@given(st.one_of(CONSTANTS, files(GRAPH), NESTED.filter(lambda v: isinstance(v, bytes))))
@example(constant(1, (1,) * 70, field(4, bytes(4))))
@example(constant(1, (2**28,), field(4, bytes(4))) * 100)
def test_a_frozen_graph(data):
    with one_line():
        constants(read_graph(data, "net.pb"))


@given(st.lists(st.integers(0, 3), max_size=4), st.sampled_from([1, 2, 3, 4, 9, 10]))
def test_a_constant_round_trip(sizes, code):
    kinds = {1: "<f4", 2: "<f8", 3: "<i4", 4: "u1", 9: "<i8", 10: "?"}
    values = np.arange(np.prod(sizes, dtype=int)).astype(kinds[code]).reshape(sizes)
    graph = read_graph(constant(code, sizes, field(4, values.tobytes())), "net.pb")
    found = constants(graph)["c"]
    assert found.dtype == np.dtype(kinds[code])
    np.testing.assert_array_equal(found, values)


# ------------------------------------------------------------------------------------ OpenVINO


def small():
    """A net of several operations on constants and on its input."""
    net = Net((1, 2))
    net_sum = net.layer("Add", net.input, net.constant([1.0, 2.0], (1, 2)))
    shape = net.layer("ShapeOf", net.input, output_type="i64")
    axis = net.constant([0], (), "i64")
    batch = net.layer("Gather", shape, net.constant([0], (1,), "i64"), axis, batch_dims="0")
    wanted = net.layer("Concat", batch, net.constant([-1], (1,), "i64"), axis="0")
    flat = net.layer("Reshape", net_sum, wanted, special_zero="true")
    tiled = net.layer("Tile", flat, net.constant([1, 2], (2,), "i64"))
    return net.xml(tiled), net.binary


XML, BINARY = small()
VALUES = re.findall(rb'"([^"]*)"', XML)
OPERATIONS = [b"Add", b"Power", b"MatMul", b"Gather", b"Unsqueeze", b"Squeeze", b"Concat", b"Tile"]
OPERATIONS += [b"Reshape", b"PReLU", b"ReduceMean", b"VariadicSplit", b"Broadcast", b"Convolution"]
OPERATIONS += [b"GroupConvolution", b"GroupConvolutionBackpropData", b"Const", b"ShapeOf"]
NEW = [*OPERATIONS, *sorted(set(VALUES)), b"", b"-1", b"99", b"1, 1", b"u8", b"f16", b"1" * 30]


@st.composite
def edited(draw):
    """The XML with up to four of its attributes changed for others."""
    places = [m.span(1) for m in re.finditer(rb'"([^"]*)"', XML)]
    text = XML
    for start, end in sorted(draw(st.lists(st.sampled_from(places), max_size=4)), reverse=True):
        text = text[:start] + draw(st.sampled_from(NEW)) + text[end:]
    return text


def with_numbers(numbers):
    """The constants with other whole numbers in them."""
    return BINARY[:8] + np.array(numbers, "<i8").tobytes()


WHOLE = st.lists(
    st.one_of(st.integers(-3, 3), st.integers(-(2**63), 2**63 - 1)), min_size=5, max_size=5
).map(lambda v: with_numbers(v)[: len(BINARY)])


def axis_of_a_scalar():
    net = Net((1, 2))
    axis = net.constant([0], (), "i64")
    picked = net.layer("Gather", axis, axis, axis, batch_dims="0")
    return net.xml(net.layer("Reshape", net.input, picked)), net.binary


@example(*axis_of_a_scalar())
@example(b'<?xml version="1.0" encoding="none"?><net/>', b"")
@given(st.one_of(edited(), files(XML)), st.one_of(st.just(BINARY), WHOLE, files(BINARY)))
def test_an_openvino_graph(xml, binary):
    with one_line():
        graph = read_ir(xml, binary, name="net")
        assert not graph.training


def test_the_whole_graph_is_read():
    assert read_ir(XML, BINARY, name="net")(torch.zeros(1, 2)).tolist() == [[1, 2, 1, 2]]


# ------------------------------------------------------------------------------------- torch


def stored(state, **how):
    file = io.BytesIO()
    torch.save(state, file, **how)
    return file.getvalue()


STATE = {"a.weight": torch.arange(6.0).view(2, 3), "a.bias": torch.zeros(2)}
NEW_FORMAT, OLD_FORMAT = (
    stored(STATE, _use_new_zipfile_serialization=new) for new in (True, False)
)
OPCODES = st.lists(
    st.one_of(
        st.sampled_from([bytes([b]) for b in range(256)]),
        st.sampled_from([b"\x80\x02", b"ctorch\nTensor\n", b"cos\nsystem\n", b"X\1\0\0\0a"]),
    ),
    max_size=12,
).map(lambda codes: b"\x80\x02" + b"".join(codes) + b".")


@given(st.one_of(OPCODES, files(NEW_FORMAT), files(OLD_FORMAT)))
def test_a_checkpoint_of_torch(data):
    with one_line():
        state = _read_state(data, "net.pt", pickled=True)
        assert all(isinstance(tensor, torch.Tensor) for tensor in state.values())
