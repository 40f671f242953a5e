"""Convert a small OpenVINO IR graph (version 10) to a differentiable torch module.

An IR is an XML file of layers and edges and a binary file of constants. `read_ir` evaluates all
layers that depend on constants and declared shapes only. It stores the rest as a program: a plain
list of steps that fits into a checkpoint's metadata.

The operations are those of `openvino_operations`. A graph computes batches of the size that it was
exported for; a larger batch is computed in parts.
"""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from typeone.models.readers.openvino_operations import OPERATIONS, run_operation, whole_numbers
from typeone.runtime.errors import InputError

TYPES = {"f16": np.float16, "f32": np.float32, "i32": np.int32, "i64": np.int64, "u8": np.uint8}


# ------------------------------------------------------------------------------- running


class Graph(nn.Module):
    """A program with one input and one output, and the constants of its steps.

    Args:
        program: ``shape`` of the input; ``constants``, shapes by name; ``steps``, each ``[kind,
            attributes, operands, results]`` in execution order, where an operand is the name of a
            value or a list of integers; ``output``, a name, and its ``output_shape``. The input is
            named ``input``.
    """

    def __init__(self, program: Mapping[str, Any]) -> None:
        super().__init__()
        self.program = dict(program)
        for name, shape in program["constants"].items():
            self.register_buffer(name, torch.zeros(shape))
        last: dict[str, int] = {}
        for number, (_, _, operands, _) in enumerate(program["steps"]):
            last |= {operand: number for operand in operands if isinstance(operand, str)}
        # for each step, the values that no later step uses
        self._spent: list[list[str]] = [[] for _ in program["steps"]]
        for name, number in last.items():
            if name not in program["constants"] and name != program["output"]:
                self._spent[number].append(name)

    def _one(self, value: Tensor) -> Tensor:
        values = {**dict(self.named_buffers()), "input": value}
        for (kind, attributes, operands, results), spent in zip(
            self.program["steps"], self._spent, strict=True
        ):
            given = [values[o] if isinstance(o, str) else o for o in operands]
            values |= zip(results, run_operation(kind, attributes, given), strict=True)
            for name in spent:
                del values[name]
        return values[self.program["output"]]

    def forward(self, values: Tensor) -> Tensor:
        """Map inputs ``(N, ...)`` to outputs ``(N, ...)`` in batches of the declared size."""
        return torch.cat([self._one(part) for part in values.split(self.program["shape"][0])])


# ------------------------------------------------------------------------------- reading


class _Layer(NamedTuple):
    kind: str
    name: str
    attributes: dict[str, str]
    inputs: dict[str, tuple[int, ...]]  # declared shape by port
    outputs: list[str]


def _ports(element: ET.Element, side: str) -> dict[str, tuple[int, ...]]:
    ports = element.find(side)
    return {
        port.attrib["id"]: tuple(int(dim.text or "") for dim in port.findall("dim"))
        for port in (ports if ports is not None else ())
    }


def _section(root: ET.Element, name: str) -> ET.Element:
    section = root.find(name)
    if section is None:
        raise InputError(f"has no <{name}>")
    return section


def _layers(xml: bytes) -> tuple[dict[str, _Layer], dict[tuple[str, str], tuple[str, str]]]:
    """Parse the layers by id, and the source (layer, port) of each input (layer, port)."""
    root = ET.fromstring(xml)
    if root.tag != "net" or root.attrib.get("version") != "10":
        raise InputError(
            f"contains <{root.tag}> of version {root.attrib.get('version')}; needs an OpenVINO IR "
            "of version 10"
        )
    layers = {}
    for element in _section(root, "layers"):
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
        for edge in _section(root, "edges")
    }
    return layers, sources


def _in_order(
    layers: Mapping[str, _Layer], sources: Mapping[tuple[str, str], tuple[str, str]], end: str
) -> list[str]:
    """Sort the layers that ``end`` depends on topologically.

    Raises:
        InputError: a layer depends on itself.
    """
    order, state, stack = [], {}, [end]
    while stack:
        name = stack[-1]
        if name not in state:
            state[name] = "open"
            needed = [sources[name, port][0] for port in layers[name].inputs]
            if any(state.get(other) == "open" for other in needed):
                raise InputError(f"layer {layers[name].name} depends on itself")
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
            raise InputError(f"has {len(found)} layers of type {kind}; needs one")
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
            values = run_operation(layer.kind, layer.attributes, [known[o] for o in operands])
            known |= zip(results, values, strict=True)
            continue
        whole = {o for o in operands if o in known and not known[o].is_floating_point()}
        given = [whole_numbers(known[o]) if o in whole else o for o in operands]
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
    """Read the graph of one pair of files, in eval mode on the CPU; constants are buffers.

    Args:
        xml, binary: the bytes of the .xml and the .bin file.
        name: name of the pair in error messages.

    Raises:
        InputError: the files are not an IR of version 10, are damaged, or contain an operation
            that is not in `OPERATIONS`.
    """
    try:
        program, constants = _program(xml, binary)
        graph = Graph(program)
        graph.load_state_dict({k: v.contiguous() for k, v in constants.items()})
    except InputError as error:
        raise InputError(f"{name} {error}; use the published files") from error
    except (
        *(ET.ParseError, LookupError, TypeError, ValueError, RuntimeError),
        *(ArithmeticError, AttributeError),  # an axis of a scalar, a list in place of a tensor
    ) as error:
        reason = str(error).splitlines()[0]
        raise InputError(
            f"{name} is damaged ({type(error).__name__}: {reason}); use the published files"
        ) from error
    return graph.eval()
