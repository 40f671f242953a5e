"""An OpenVINO graph computes what its operations mean, in gradients too; damage is one line."""

import pytest
import torch
import torch.nn.functional as F

from typeone.models.readers.openvino import Graph, read_ir
from typeone.runtime.artifacts import load_model, read_model_metadata, save_model
from typeone.runtime.errors import InputError

from ...handmade import Net, draw, read

# ---------------------------------------------------------------------- answers known before


def test_sums_products_and_powers():
    net = Net((1, 3))
    double = net.layer("Multiply", net.input, net.constant([2.0], (1,)))
    squared = net.layer("Power", double, net.constant([2.0], ()))
    graph = read(net, net.layer("Add", squared, net.constant([1.0, 2.0, 3.0], (1, 3))))
    assert graph(torch.tensor([[1.0, -1.0, 3.0]])).tolist() == [[5.0, 6.0, 39.0]]


def test_a_linear_layer_with_a_leaky_end():
    net = Net((1, 2))
    weight = net.constant([1.0, 2.0, 3.0, -4.0], (2, 2))
    product = net.layer("MatMul", net.input, weight, transpose_a="false", transpose_b="true")
    graph = read(net, net.layer("PReLU", product, net.constant([0.5], (1,))))
    assert graph(torch.tensor([[1.0, 1.0]])).tolist() == [[3.0, -0.5]]


def test_a_slope_of_its_own_for_each_channel():
    net = Net((1, 2))
    graph = read(net, net.layer("PReLU", net.input, net.constant([0.5, 0.1], (2,))))
    assert graph(torch.tensor([[-2.0, -2.0]])).tolist() == [[-1.0, pytest.approx(-0.2)]]


def test_means_keep_their_axis_when_asked():
    net = Net((1, 4))
    axes = net.constant([1], (1,), "i64")
    graph = read(net, net.layer("ReduceMean", net.input, axes, keep_dims="true"))
    assert graph(torch.tensor([[1.0, 2.0, 3.0, 6.0]])).tolist() == [[3.0]]


def test_shapes_are_known_when_the_file_is_read():
    """(1, 6) → (1, 3, 2) by arithmetic on shapes: nothing of it is left to run."""
    net = Net((1, 6))
    shape = net.layer("ShapeOf", net.input, output_type="i64")
    batch = net.layer(
        "Gather", shape, net.constant([0], (), "i64"), net.constant([0], (), "i64"), batch_dims="0"
    )
    first = net.layer("Unsqueeze", batch, net.constant([0], (1,), "i64"))
    rest = net.constant([3, -1], (2,), "i64")
    wanted = net.layer("Concat", first, rest, axis="0")
    graph = read(net, net.layer("Reshape", net.input, wanted, special_zero="true"))
    assert [step[0] for step in graph.program["steps"]] == ["Reshape"]
    assert graph(torch.arange(6.0)[None]).tolist() == [[[0.0, 1.0], [2.0, 3.0], [4.0, 5.0]]]


def test_parts_and_what_they_join_to():
    net = Net((1, 4))
    split = net.layer(
        "VariadicSplit",
        *(net.input, net.constant([1], (), "i64"), net.constant([1, 3], (2,), "i64")),
        outputs=2,
    )
    graph = read(net, net.layer("Concat", (split, 1), (split, 0), axis="1"))
    assert graph(torch.tensor([[1.0, 2.0, 3.0, 4.0]])).tolist() == [[2.0, 3.0, 4.0, 1.0]]


def test_copies_and_single_axes():
    net = Net((1, 1, 2))
    flat = net.layer("Squeeze", net.input, net.constant([1], (1,), "i64"))
    graph = read(net, net.layer("Tile", flat, net.constant([1, 2], (2,), "i64")))
    assert graph(torch.tensor([[[1.0, 2.0]]])).tolist() == [[1.0, 2.0, 1.0, 2.0]]
    net = Net((1, 1))
    wide = net.constant([1, 3], (2,), "i64")
    graph = read(net, net.layer("Broadcast", net.input, wide, mode="numpy"))
    assert graph(torch.tensor([[2.0]])).tolist() == [[2.0, 2.0, 2.0]]


CONVOLUTION = {"strides": "1, 1", "dilations": "1, 1", "pads_begin": "0, 0", "pads_end": "0, 0"}


@pytest.mark.parametrize(
    ("kernel", "changes", "expected"),
    [
        (1, {}, lambda x, w: F.conv2d(x, w)),
        (3, {"pads_begin": "1, 1", "pads_end": "1, 1"}, lambda x, w: F.conv2d(x, w, padding=1)),
        (3, {"strides": "2, 1"}, lambda x, w: F.conv2d(x, w, stride=(2, 1))),
        (
            *(3, {"pads_begin": "0, 1", "pads_end": "2, 0"}),
            lambda x, w: F.conv2d(F.pad(x, (1, 0, 0, 2)), w),
        ),
    ],
)
def test_convolutions(kernel, changes, expected):
    weight, image = draw(5, 2, kernel, kernel), draw(1, 2, 6, 7, seed=1)
    net = Net((1, 2, 6, 7))
    stored = net.constant(weight, weight.shape)
    graph = read(net, net.layer("Convolution", net.input, stored, **{**CONVOLUTION, **changes}))
    # sums of 18 float32 products in another order
    torch.testing.assert_close(graph(image), expected(image, weight), rtol=1e-5, atol=1e-5)


def test_grouped_convolutions():
    weight, image = draw(3, 2, 1, 3, 3), draw(1, 3, 5, 5, seed=1)
    net = Net((1, 3, 5, 5))
    stored = net.constant(weight, weight.shape)
    graph = read(net, net.layer("GroupConvolution", net.input, stored, **CONVOLUTION))
    wanted = F.conv2d(image, weight.flatten(0, 1), groups=3)
    torch.testing.assert_close(graph(image), wanted, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(
    ("kernel", "changes"),
    [
        ((2, 1), {"strides": "2, 1"}),  # laid side by side
        ((1, 2), {"strides": "1, 2"}),
        ((2, 2), {"strides": "2, 2"}),
        ((3, 3), {"strides": "2, 2"}),  # windows overlap
        ((2, 2), {"strides": "2, 2", "pads_begin": "1, 1", "pads_end": "1, 1"}),
        ((2, 2), {"strides": "2, 2", "output_padding": "1, 0"}),
        ((2, 2), {"strides": "3, 3"}),  # gaps between them
    ],
)
def test_transposed_convolutions(kernel, changes):
    weight, image = draw(3, 1, 1, *kernel), draw(1, 3, 4, 5, seed=1)
    net = Net((1, 3, 4, 5))
    stored = net.constant(weight, weight.shape)
    how = {**CONVOLUTION, "output_padding": "0, 0", **changes}
    graph = read(net, net.layer("GroupConvolutionBackpropData", net.input, stored, **how))
    pair = {k: tuple(int(v) for v in how[k].split(",")) for k in how}
    wanted = F.conv_transpose2d(
        image,
        weight.flatten(0, 1),
        stride=pair["strides"],
        padding=pair["pads_begin"],
        output_padding=pair["output_padding"],
        groups=3,
    )
    torch.testing.assert_close(graph(image), wanted, rtol=1e-5, atol=1e-5)


# ------------------------------------------------------------------------------- properties


def wavelets():
    """An image of a latent as MobileStyleGAN draws it: modulated, convolved, transformed."""
    net = Net((1, 4))
    weight = net.constant(draw(6, 4), (6, 4))
    style = net.layer("MatMul", net.input, weight, transpose_b="true")
    style = net.layer("Reshape", style, net.constant([1, 6, 1, 1], (4,), "i64"))
    image = net.layer("Multiply", style, net.constant(draw(1, 6, 3, 3, seed=1), (1, 6, 3, 3)))
    mixed = net.layer(
        "Convolution", image, net.constant(draw(4, 6, 1, 1, seed=2), (4, 6, 1, 1)), **CONVOLUTION
    )
    bent = net.layer("PReLU", mixed, net.constant([0.2], (1,)))
    kernel = net.constant(draw(4, 1, 1, 2, 1, seed=3), (4, 1, 1, 2, 1))
    how = {**CONVOLUTION, "strides": "2, 1", "output_padding": "0, 0"}
    return read(net, net.layer("GroupConvolutionBackpropData", bent, kernel, **how))


def test_gradients_are_those_of_finite_differences():
    graph = wavelets().double()
    z = draw(1, 4, seed=4).double().requires_grad_(True)
    assert torch.autograd.gradcheck(graph, (z,))


def test_a_batch_equals_its_singles():
    graph, z = wavelets(), draw(3, 4, seed=5)
    singles = torch.cat([graph(row[None]) for row in z])
    assert torch.equal(graph(z), singles)


def test_a_graph_survives_its_checkpoint(tmp_path):
    graph, path = wavelets(), tmp_path / "model.safetensors"
    save_model(path, graph, metadata={"architecture": "graph", "program": graph.program})
    again = Graph(read_model_metadata(path)["program"])
    load_model(path, again)
    assert torch.equal(again(draw(2, 4)), graph(draw(2, 4)))


# ------------------------------------------------------------------------------------ errors


def small():
    net = Net((1, 2))
    return net.xml(net.layer("Add", net.input, net.constant([1.0, 2.0], (1, 2)))), net.binary


@pytest.mark.parametrize(
    ("xml", "binary", "message"),
    [
        (lambda x: x[:40], lambda b: b, r"hand-made is damaged \(ParseError: .*use the published"),
        (lambda x: x, lambda b: b[:5], "constant l1 ends at byte 8, but there are 5"),
        (
            *(lambda x: x.replace(b"edges>", b"ways>"), lambda b: b),
            "^hand-made has no <edges>; use the published",
        ),
        (
            *(lambda x: x.replace(b'"Add"', b'"Sinh"'), lambda b: b),
            "layer l2 is of type Sinh; needs one of Add, Broadcast, Concat",
        ),
        (
            *(lambda x: x.replace(b'version="10"', b'version="11"'), lambda b: b),
            "contains <net> of version 11; needs an OpenVINO IR of version 10",
        ),
        (
            *(lambda x: x.replace(b'"f32" shape="1, 2" o', b'"u4" shape="1, 2" o'), lambda b: b),
            "constant l1 is of type u4; needs one of",
        ),
        (
            *(lambda x: x.replace(b'shape="1, 2" o', b'shape="1, 3" o'), lambda b: b),
            "is damaged",
        ),
        (
            *(lambda x: x.replace(b'<edge from-layer="1"', b'<edge from-layer="9"'), lambda b: b),
            "is damaged",
        ),
        (
            *(lambda x: x.replace(b'<edge from-layer="1"', b'<edge from-layer="2"'), lambda b: b),
            "layer l2 depends on itself",
        ),
        (
            *(lambda x: x.replace(b'type="Result"', b'type="Parameter"'), lambda b: b),
            "has 2 layers of type Parameter; needs one",
        ),
    ],
)
def test_damage_is_told_in_one_line(xml, binary, message):
    whole = small()
    changed = xml(whole[0]), binary(whole[1])
    assert changed != whole
    with pytest.raises(InputError, match=message) as caught:
        read_ir(*changed, name="hand-made")
    assert "\n" not in str(caught.value)
