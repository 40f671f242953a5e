"""OpenVINO graphs made by hand, layer by layer, for tests."""

import struct

import torch

from typeone.models.readers.openvino import read_ir

TYPES = {"f32": "f", "i64": "q"}


class Net:
    """A hand-made IR: layers are added one by one, each fed by earlier ones."""

    def __init__(self, shape):
        self.binary, self.layers, self.edges = b"", [], []
        self.dims, self.first_output = {}, {}
        self.input = self._add("Parameter", {"shape": self.told(shape), "element_type": "f32"})
        self.dims[self.input] = shape

    @staticmethod
    def told(numbers):
        return ", ".join(str(n) for n in numbers)

    def _add(self, kind, attributes, sources=(), outputs=1):
        layer = len(self.layers)
        data = " ".join(f'{k}="{v}"' for k, v in attributes.items())
        ports = "".join(
            f'<port id="{i}">'
            + "".join(f"<dim>{d}</dim>" for d in self.dims.get(source[0], ()))
            + "</port>"
            for i, source in enumerate(sources)
        )
        ends = "".join(f'<port id="{len(sources) + i}"/>' for i in range(outputs))
        self.layers.append(
            f'<layer id="{layer}" name="l{layer}" type="{kind}" version="opset1"><data {data}/>'
            f"<input>{ports}</input><output>{ends}</output></layer>"
        )
        for i, (source, port) in enumerate(sources):
            self.edges.append(
                f'<edge from-layer="{source}" from-port="{port}" to-layer="{layer}" to-port="{i}"/>'
            )
        self.first_output[layer] = len(sources)
        return layer

    def constant(self, values, shape, kind="f32"):
        values = values.flatten().tolist() if isinstance(values, torch.Tensor) else values
        raw = struct.pack(f"<{len(values)}{TYPES[kind]}", *values)
        told = {"element_type": kind, "shape": self.told(shape), "offset": len(self.binary)}
        self.binary += raw
        layer = self._add("Const", {**told, "size": len(raw)})
        self.dims[layer] = shape
        return layer

    def layer(self, kind, *sources, outputs=1, **attributes):
        """Sources are layers, or (layer, which of its outputs)."""
        pairs = [s if isinstance(s, tuple) else (s, 0) for s in sources]
        fed = [(layer, self.first_output[layer] + output) for layer, output in pairs]
        return self._add(kind, attributes, fed, outputs)

    def xml(self, end, shape=(1,)):
        source = (end, 0) if isinstance(end, int) else end
        layer, output = source
        self.dims[layer] = shape
        self._add("Result", {}, [(layer, self.first_output[layer] + output)], outputs=0)
        layers, edges = "".join(self.layers), "".join(self.edges)
        return (
            f'<net name="n" version="10"><layers>{layers}</layers><edges>{edges}</edges></net>'
        ).encode()


def read(net, end, **rest):
    return read_ir(net.xml(end, **rest), net.binary, name="hand-made")


def draw(*shape, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))
