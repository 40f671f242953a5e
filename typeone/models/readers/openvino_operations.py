"""The operations of OpenVINO's opset 1 to 7 that MobileStyleGAN (arXiv 2104.04767) needs.

Images are laid out ``(N, C, H, W)``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

Attributes = Mapping[str, str]
Operand = Tensor | list[int]
"""A tensor, or a list of integers known when the graph is read: axes, shapes, lengths."""


def whole_numbers(operand: Operand) -> list[int]:
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
    dim = whole_numbers(axis)[0] % values.ndim
    shape = index.shape if isinstance(index, Tensor) else (len(index),)
    picked = values.index_select(dim, torch.tensor(whole_numbers(index), device=values.device))
    return picked.reshape((*values.shape[:dim], *shape, *values.shape[dim + 1 :]))


def _unsqueeze(_attributes: Attributes, values: Tensor, axes: Operand) -> Tensor:
    for axis in sorted(whole_numbers(axes)):
        values = values.unsqueeze(axis)
    return values


def _squeeze(_attributes: Attributes, values: Tensor, axes: Operand) -> Tensor:
    return values.squeeze(tuple(whole_numbers(axes)))


def _concat(attributes: Attributes, *values: Tensor) -> Tensor:
    return torch.cat(values, dim=int(attributes["axis"]))


def _reshape(attributes: Attributes, values: Tensor, shape: Operand) -> Tensor:
    shape = whole_numbers(shape)
    if attributes.get("special_zero") == "true":
        shape = [values.shape[i] if length == 0 else length for i, length in enumerate(shape)]
    return values.reshape(shape)


def _prelu(_attributes: Attributes, values: Tensor, slope: Tensor) -> Tensor:
    if slope.numel() == 1:
        return F.leaky_relu(values, slope.item())
    return F.prelu(values, slope.flatten())


def _reduce_mean(attributes: Attributes, values: Tensor, axes: Operand) -> Tensor:
    return values.mean(whole_numbers(axes), keepdim=attributes.get("keep_dims") == "true")


def _variadic_split(
    _attributes: Attributes, values: Tensor, axis: Operand, lengths: Operand
) -> Sequence[Tensor]:
    return values.split(whole_numbers(lengths), dim=whole_numbers(axis)[0])


def _broadcast(attributes: Attributes, values: Tensor, shape: Operand, *_: Operand) -> Tensor:
    lengths: Sequence[int] = whole_numbers(shape)
    if attributes.get("mode") == "bidirectional":
        lengths = torch.broadcast_shapes(values.shape, lengths)
    return values.broadcast_to(lengths)


def _tile(_attributes: Attributes, values: Tensor, times: Operand) -> Tensor:
    return values.tile(whole_numbers(times))


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
    """Transposed convolution; without overlap of its windows, copies are placed side by side.

    That is ten times faster for the inverse Haar transform of MobileStyleGAN.
    """
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


def run_operation(
    kind: str, attributes: Attributes, operands: Sequence[Operand]
) -> Sequence[Tensor]:
    out = OPERATIONS[kind](attributes, *operands)
    return [out] if isinstance(out, Tensor) else out
