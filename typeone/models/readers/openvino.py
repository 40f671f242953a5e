"""A small OpenVINO IR graph (version 10) as a torch module, differentiable.

An IR is an XML file of layers and edges and a binary file of constants. `read_ir` computes all that
hangs on constants and on shapes alone, which the file declares, and keeps the rest as a program: a
plain list of steps, which fits into a checkpoint's metadata.

The operations are those that MobileStyleGAN (arXiv 2104.04767) needs, of OpenVINO's opset 1 to 7,
images laid out ``(N, C, H, W)``. A graph computes batches of the size that it was exported for;
a larger one is computed part by part.
"""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from typeone.runtime.errors import InputError

Attributes = Mapping[str, str]
Operand = Tensor | list[int]
"""A value that is computed or stored, or whole numbers that are known: axes, shapes, lengths."""

TYPES = {"f16": np.float16, "f32": np.float32, "i32": np.int32, "i64": np.int64, "u8": np.uint8}


# --------------------------------------------------------------------------------- operations


def _ints(operand: Operand) -> list[int]:
    return operand if isinstance(operand, list) else [int(v) for v in operand.flatten().tolist()]


def _pair(attributes: Attributes, name: str) -> list[int]:
    return [int(v) for v in attributes[name].split(",")]


def _matmul(attributes: Attributes, left: Tensor, right: Tensor) -> Tensor:
    if attributes.get("transpose_a") == "true":
        left = left.transpose(-1, -2)
    if attributes.get("transpose_b") == "true":
        right = right.transpose(-1, -2)
    return left @ right


def _gather(_attributes: Attributes, values: Tensor, index: Operand, axis: Operand) -> Tensor:
    axis = _ints(axis)[0] % values.ndim
    shape = index.shape if isinstance(index, Tensor) else (len(index),)
    picked = values.index_select(axis, torch.tensor(_ints(index), device=values.device))
    return picked.reshape((*values.shape[:axis], *shape, *values.shape[axis + 1 :]))


def _unsqueeze(_attributes: Attributes, values: Tensor, axes: Operand) -> Tensor:
    for axis in sorted(_ints(axes)):
        values = values.unsqueeze(axis)
    return values


def _squeeze(_attributes: Attributes, values: Tensor, axes: Operand) -> Tensor:
    return values.squeeze(tuple(_ints(axes)))


def _concat(attributes: Attributes, *values: Tensor) -> Tensor:
    return torch.cat(values, dim=int(attributes["axis"]))


def _reshape(attributes: Attributes, values: Tensor, shape: Operand) -> Tensor:
    shape = _ints(shape)
    if attributes.get("special_zero") == "true":
        shape = [values.shape[i] if length == 0 else length for i, length in enumerate(shape)]
    return values.reshape(shape)


def _prelu(_attributes: Attributes, values: Tensor, slope: Tensor) -> Tensor:
    if slope.numel() == 1:
        return F.leaky_relu(values, slope.item())
    return F.prelu(values, slope.flatten())


def _reduce_mean(attributes: Attributes, values: Tensor, axes: Operand) -> Tensor:
    return values.mean(_ints(axes), keepdim=attributes.get("keep_dims") == "true")


def _variadic_split(
    _attributes: Attributes, values: Tensor, axis: Operand, lengths: Operand
) -> Sequence[Tensor]:
    return values.split(_ints(lengths), dim=_ints(axis)[0])


def _broadcast(attributes: Attributes, values: Tensor, shape: Operand, *_: Operand) -> Tensor:
    shape = _ints(shape)
    if attributes.get("mode") == "bidirectional":
        shape = torch.broadcast_shapes(values.shape, shape)
    return values.broadcast_to(shape)


def _tile(_attributes: Attributes, values: Tensor, times: Operand) -> Tensor:
    return values.tile(_ints(times))


def _convolution(attributes: Attributes, images: Tensor, weight: Tensor, groups: int = 1) -> Tensor:
    strides, dilations = (_pair(attributes, k) for k in ("strides", "dilations"))
    (top, left), (bottom, right) = (_pair(attributes, k) for k in ("pads_begin", "pads_end"))
    if weight.shape[2:] == (1, 1) and strides == [1, 1] and groups == 1 and not top + left:
        mixed = weight.flatten(1) @ images.flatten(2)
        return mixed.unflatten(2, images.shape[2:])
    if (top, left) != (bottom, right):
        images, top, left = F.pad(images, (left, right, top, bottom)), 0, 0
    return F.conv2d(
        images, weight, stride=strides, padding=(top, left), dilation=dilations, groups=groups
    )


def _group_convolution(attributes: Attributes, images: Tensor, weight: Tensor) -> Tensor:
    return _convolution(attributes, images, weight.flatten(0, 1), groups=len(weight))


def _group_convolution_backprop(attributes: Attributes, images: Tensor, weight: Tensor) -> Tensor:
    """The transposed convolution; where its windows do not overlap it only lays copies side by
    side, which is ten times faster (the inverse Haar transform of MobileStyleGAN)."""
    strides, begin, end = (_pair(attributes, k) for k in ("strides", "pads_begin", "pads_end"))
    extra = _pair(attributes, "output_padding") if "output_padding" in attributes else [0, 0]
    dilations = _pair(attributes, "dilations") if "dilations" in attributes else [1, 1]
    groups, height, width = len(weight), *weight.shape[3:]
    apart = [height, width] == strides and weight.shape[1:3] == (1, 1)
    if apart and not any((*begin, *end, *extra)) and dilations == [1, 1]:
        copies = images[:, :, :, None, :, None] * weight.view(groups, 1, height, 1, width)
        return copies.flatten(4, 5).flatten(2, 3)
    if begin != end:
        raise ValueError(f"pads_begin {begin} and pads_end {end} differ")
    return F.conv_transpose2d(
        images,
        weight.flatten(0, 1),
        stride=strides,
        padding=begin,
        output_padding=extra,
        groups=groups,
        dilation=dilations,
    )


OPERATIONS: dict[str, Callable[..., Tensor | Sequence[Tensor]]] = {
    "Add": lambda _, left, right: left + right,
    "Multiply": lambda _, left, right: left * right,
    "Power": lambda _, base, exponent: base**exponent,
    "MatMul": _matmul,
    "Gather": _gather,
    "Unsqueeze": _unsqueeze,
    "Squeeze": _squeeze,
    "Concat": _concat,
    "Reshape": _reshape,
    "PReLU": _prelu,
    "ReduceMean": _reduce_mean,
    "VariadicSplit": _variadic_split,
    "Broadcast": _broadcast,
    "Tile": _tile,
    "Convolution": _convolution,
    "GroupConvolution": _group_convolution,
    "GroupConvolutionBackpropData": _group_convolution_backprop,
}


def _run(kind: str, attributes: Attributes, operands: Sequence[Operand]) -> Sequence[Tensor]:
    out = OPERATIONS[kind](attributes, *operands)
    return [out] if isinstance(out, Tensor) else out


# -------------------------------------------------------------------------------- what runs


class Graph(nn.Module):
    """A program of one input and one output, with the constants that its steps name.

    Args:
        program: ``shape`` of the input; ``constants``, shapes by name; ``steps``, each ``[kind,
            attributes, operands, results]`` in the order in which they run, an operand being the
            name of a value or a list of whole numbers; ``output``, a name, and its
            ``output_shape``. The input is ``input``.
    """

    def __init__(self, program: Mapping[str, Any]) -> None:
        super().__init__()
        self.program = dict(program)
        for name, shape in program["constants"].items():
            self.register_buffer(name, torch.zeros(shape))
        last: dict[str, int] = {}
        for number, (_, _, operands, _) in enumerate(program["steps"]):
            last |= {operand: number for operand in operands if isinstance(operand, str)}
        self._spent = [[] for _ in program["steps"]]  # values that no later step asks for
        for name, number in last.items():
            if name not in program["constants"] and name != program["output"]:
                self._spent[number].append(name)

    def _one(self, value: Tensor) -> Tensor:
        values = {**dict(self.named_buffers()), "input": value}
        for (kind, attributes, operands, results), spent in zip(
            self.program["steps"], self._spent, strict=True
        ):
            given = [values[o] if isinstance(o, str) else o for o in operands]
            values |= zip(results, _run(kind, attributes, given), strict=True)
            for name in spent:
                del values[name]
        return values[self.program["output"]]

    def forward(self, values: Tensor) -> Tensor:
        """Inputs ``(N, ...)`` → outputs ``(N, ...)``, as many at a time as the file declares."""
        return torch.cat([self._one(part) for part in values.split(self.program["shape"][0])])


# ------------------------------------------------------------------------------ what is read


class _Layer(NamedTuple):
    kind: str
    name: str
    attributes: dict[str, str]
    inputs: dict[str, tuple[int, ...]]  # declared shape by port
    outputs: list[str]


def _ports(element: ET.Element, side: str) -> dict[str, tuple[int, ...]]:
    ports = element.find(side)
    return {
        port.attrib["id"]: tuple(int(dim.text) for dim in port.findall("dim"))
        for port in (ports if ports is not None else ())
    }


def _layers(xml: bytes) -> tuple[dict[str, _Layer], dict[tuple[str, str], tuple[str, str]]]:
    """Layers by id, and where each (layer, port) gets its value from."""
    root = ET.fromstring(xml)
    if root.tag != "net" or root.attrib.get("version") != "10":
        raise InputError(
            f"holds <{root.tag}> of version {root.attrib.get('version')}; needs an OpenVINO IR of "
            "version 10"
        )
    layers = {}
    for element in root.find("layers"):
        data = element.find("data")
        layers[element.attrib["id"]] = _Layer(
            element.attrib["type"],
            element.attrib["name"],
            dict(data.attrib) if data is not None else {},
            _ports(element, "input"),
            list(_ports(element, "output")),
        )
    sources = {
        (edge.attrib["to-layer"], edge.attrib["to-port"]): (
            edge.attrib["from-layer"],
            edge.attrib["from-port"],
        )
        for edge in root.find("edges")
    }
    return layers, sources


def _in_order(layers: Mapping[str, _Layer], sources: Mapping, end: str) -> list[str]:
    """The layers that ``end`` hangs on, each after those that it hangs on itself."""
    order, state, stack = [], {}, [end]
    while stack:
        name = stack[-1]
        if name not in state:
            state[name] = "open"
            needed = [sources[name, port][0] for port in layers[name].inputs]
            if any(state.get(other) == "open" for other in needed):
                raise InputError(f"layer {layers[name].name} hangs on itself")
            stack += [other for other in needed if other not in state]
            continue
        stack.pop()
        if state[name] == "open":
            state[name] = "done"
            order.append(name)
    return order


def _constant(layer: _Layer, binary: bytes) -> Tensor:
    kind, told = layer.attributes["element_type"], layer.attributes.get("shape", "")
    if kind not in TYPES:
        raise InputError(f"constant {layer.name} is of type {kind}; needs one of {list(TYPES)}")
    shape = [int(v) for v in told.split(",") if v.strip()]
    offset, size = int(layer.attributes["offset"]), int(layer.attributes["size"])
    if offset + size > len(binary):
        raise InputError(
            f"constant {layer.name} ends at byte {offset + size}, but there are {len(binary)}"
        )
    raw = np.frombuffer(binary, np.uint8, size, offset).view(TYPES[kind]).reshape(shape)
    value = torch.from_numpy(raw.copy())
    return value.float() if value.is_floating_point() else value.long()


def _program(xml: bytes, binary: bytes) -> tuple[dict[str, Any], dict[str, Tensor]]:
    layers, sources = _layers(xml)
    ends = {
        kind: [i for i, layer in layers.items() if layer.kind == kind]
        for kind in ("Parameter", "Result")
    }
    for kind, found in ends.items():
        if len(found) != 1:
            raise InputError(f"holds {len(found)} layers of type {kind}; needs one")
    [entry], [end] = ends.values()
    known: dict[str, Tensor] = {}
    name = {(entry, port): "input" for port in layers[entry].outputs}
    steps = []
    for layer_id in _in_order(layers, sources, end):
        layer = layers[layer_id]
        if layer.kind in ("Parameter", "Result"):
            continue
        results = [f"v{layer_id}_{port}" for port in layer.outputs]
        name |= {(layer_id, port): r for port, r in zip(layer.outputs, results, strict=True)}
        if layer.kind == "Const":
            known[results[0]] = _constant(layer, binary)
            continue
        if layer.kind == "ShapeOf":
            [shape] = layer.inputs.values()
            known[results[0]] = torch.tensor(shape)
            continue
        if layer.kind not in OPERATIONS:
            raise InputError(
                f"layer {layer.name} is of type {layer.kind}; needs one of "
                + ", ".join(sorted((*OPERATIONS, "Const", "Parameter", "Result", "ShapeOf")))
            )
        operands = [name[sources[layer_id, port]] for port in layer.inputs]
        if all(operand in known for operand in operands):
            values = _run(layer.kind, layer.attributes, [known[o] for o in operands])
            known |= zip(results, values, strict=True)
            continue
        whole = {o for o in operands if o in known and not known[o].is_floating_point()}
        given = [_ints(known[o]) if o in whole else o for o in operands]
        steps.append([layer.kind, layer.attributes, given, results])
    asked = {o for step in steps for o in step[2] if isinstance(o, str)}
    constants = {o: known[o] for o in known if o in asked}
    [(port, output_shape)] = layers[end].inputs.items()
    return {
        "shape": [int(v) for v in layers[entry].attributes["shape"].split(",")],
        "constants": {o: list(value.shape) for o, value in constants.items()},
        "steps": steps,
        "output": name[sources[end, port]],
        "output_shape": list(output_shape),
    }, constants


def read_ir(xml: bytes, binary: bytes, *, name: str) -> Graph:
    """The graph of one pair of files, in eval mode, frozen, on the CPU.

    Args:
        xml, binary: the bytes of the .xml and the .bin file.
        name: of the pair, for errors.

    Raises:
        InputError: no IR of version 10, an operation that is not in `OPERATIONS`, or damage.
    """
    try:
        program, constants = _program(xml, binary)
        graph = Graph(program)
        graph.load_state_dict({k: v.contiguous() for k, v in constants.items()})
    except InputError as error:
        raise InputError(f"{name} {error}; give the files as they were published") from error
    except (ET.ParseError, KeyError, TypeError, ValueError, IndexError, RuntimeError) as error:
        reason = str(error).splitlines()[0]
        raise InputError(
            f"{name} is damaged ({type(error).__name__}: {reason}); give the files as published"
        ) from error
    return graph.eval()
