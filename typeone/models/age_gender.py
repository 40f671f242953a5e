"""A published gender classifier for photographs: the small Xception of face-api (npm, MIT).

Its weights are 8-bit in the package `@vladmandic/face-api`, described by a TensorFlow.js manifest;
no code of the package is run. The age head is left out.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from typeone.data.packages import npm_members
from typeone.runtime.errors import InputError

PACKAGE = "@vladmandic/face-api@1.7.15"
MANIFEST = "age_gender_model-weights_manifest.json"
WEIGHTS = "age_gender_model.bin"
SHA256 = {
    MANIFEST: "74b60bf3ebf981bf4e661e9cca3a185614e10b25d797118b62e2a68d3ff2569f",
    WEIGHTS: "49f92bbc0afef2342c4385e4a2b0acb6d7a727c6f0aa539499719a81acf9abaa",
}
SIDE = 112  # pixels, input size of the network
_MEAN = (122.782, 117.001, 104.298)  # mean of its training images, RGB in [0, 255]
_REMEDY = (
    "set `face_judges.age_gender.source` to path and `face_judges.age_gender.path` to the package "
    f"({PACKAGE}, .tgz) or to a folder with {MANIFEST} and {WEIGHTS}; or set the source to none"
)


def _same(x: Tensor, kernel: int, stride: int, value: float = 0.0) -> Tensor:
    """Pad ``x`` like TensorFlow's "same" padding: an odd pixel is added right and below."""
    pads = []
    for size in (x.shape[-1], x.shape[-2]):
        total = max((-(-size // stride) - 1) * stride + kernel - size, 0)
        pads += [total // 2, total - total // 2]
    return F.pad(x, pads, value=value)


class _Separable(nn.Module):
    """Depthwise-separable convolution: 3x3 for each channel, then 1x1 over channels."""

    def __init__(self, fan_in: int, fan_out: int) -> None:
        super().__init__()
        self.depthwise = nn.Conv2d(fan_in, fan_in, 3, padding=1, groups=fan_in, bias=False)
        self.pointwise = nn.Conv2d(fan_in, fan_out, 1)

    def forward(self, x: Tensor) -> Tensor:
        return self.pointwise(self.depthwise(x))


class _Reduction(nn.Module):
    """Two separable convolutions and max pooling, plus a strided 1x1 convolution as shortcut."""

    def __init__(self, fan_in: int, fan_out: int, *, activated: bool) -> None:
        super().__init__()
        self.activated = activated
        self.separable_conv0 = _Separable(fan_in, fan_out)
        self.separable_conv1 = _Separable(fan_out, fan_out)
        self.expansion_conv = nn.Conv2d(fan_in, fan_out, 1, stride=2)

    def forward(self, x: Tensor) -> Tensor:
        y = self.separable_conv0(x.relu() if self.activated else x)
        y = self.separable_conv1(y.relu())
        return F.max_pool2d(_same(y, 3, 2, -torch.inf), 3, 2) + self.expansion_conv(x)


class _Main(nn.Module):
    """Three separable convolutions, plus the identity as shortcut."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        for i in range(3):
            self.add_module(f"separable_conv{i}", _Separable(channels, channels))

    def forward(self, x: Tensor) -> Tensor:
        y = x
        for separable in self.children():
            y = separable(y.relu())
        return x + y


class AgeGender(nn.Module):
    """Aligned faces ``(N, 3, 64, 64)`` in [0, 1] → logits ``(N, 3)``: female, male, -inf.

    The network gets rows 16-64 and columns 8-56. In faces cropped like CelebA's, this region
    matches the crop of its own training faces.
    """

    mean: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.entry_flow = nn.ModuleDict(
            {
                "conv_in": nn.Conv2d(3, 32, 3, stride=2),
                "reduction_block_0": _Reduction(32, 64, activated=False),
                "reduction_block_1": _Reduction(64, 128, activated=True),
            }
        )
        self.middle_flow = nn.ModuleDict({f"main_block_{i}": _Main(128) for i in range(2)})
        self.exit_flow = nn.ModuleDict(
            {
                "reduction_block": _Reduction(128, 256, activated=True),
                "separable_conv": _Separable(256, 512),
            }
        )
        self.gender = nn.Linear(512, 2)
        self.register_buffer("mean", torch.tensor(_MEAN).view(1, 3, 1, 1), persistent=False)

    def forward(self, images: Tensor) -> Tensor:
        x = images[:, :, 16:64, 8:56]
        x = F.interpolate(x, (SIDE, SIDE), mode="bilinear", align_corners=False)
        x = (x * 255 - self.mean) / 255
        x = self.entry_flow["conv_in"](_same(x, 3, 2)).relu()
        x = self.entry_flow["reduction_block_1"](self.entry_flow["reduction_block_0"](x))
        for block in self.middle_flow.values():
            x = block(x)
        x = self.exit_flow["separable_conv"](self.exit_flow["reduction_block"](x)).relu()
        male, female = self.gender(x.mean(dim=(2, 3))).unbind(dim=1)
        return torch.stack([female, male, torch.full_like(male, -torch.inf)], dim=1)


def read_weights(manifest: bytes, data: bytes) -> dict[str, np.ndarray]:
    """Read the tensors of a TensorFlow.js file as float32, dequantised if they are 8-bit.

    Raises:
        InputError: the file is shorter or longer than its manifest requires.
    """
    tensors, at = {}, 0
    for weight in (w for group in json.loads(manifest) for w in group["weights"]):
        packed = weight.get("quantization")
        kind = np.dtype((packed or weight)["dtype"])
        count = int(np.prod(weight["shape"]))
        if at + count * kind.itemsize > len(data):
            raise InputError(
                f"{WEIGHTS} has {len(data)} bytes, fewer than its manifest needs; fetch it again"
            )
        values = np.frombuffer(data, kind, count, at).astype(np.float32)
        at += count * kind.itemsize
        if packed:
            values = values * np.float32(packed["scale"]) + np.float32(packed["min"])
        tensors[weight["name"]] = values.reshape(weight["shape"])
    if at != len(data):
        raise InputError(
            f"{WEIGHTS} has {len(data)} bytes, its manifest needs {at}; fetch it again"
        )
    return tensors


def from_tensorflow(tensors: Mapping[str, np.ndarray]) -> AgeGender:
    """Build the network from weights named and laid out as in TensorFlow (H, W, in, out)."""
    state = {}
    for name, values in tensors.items():
        parts = name.split("/")
        if parts[:2] == ["fc", "gender"]:
            kind = {"weights": "weight", "bias": "bias"}[parts[2]]
            state[f"gender.{kind}"] = values.T
        elif parts[0] != "fc":  # fc/age
            *path, what = parts
            kind = "bias" if what == "bias" else "weight"
            within = {"depthwise_filter": ["depthwise"], "pointwise_filter": ["pointwise"]}
            path += within.get(what, ["pointwise"] if "separable" in path[-1] else [])
            if what == "depthwise_filter":
                values = values.transpose(2, 3, 0, 1)
            elif values.ndim == 4:
                values = values.transpose(3, 2, 0, 1)
            state[".".join([*path, kind])] = values
    network = AgeGender()
    network.load_state_dict({k: torch.from_numpy(v.copy()) for k, v in state.items()})
    return network.eval()


def fetch_age_gender(
    *, source: Literal["npm", "path"], path: str | os.PathLike[str] | None
) -> AgeGender:
    """Load the published network from npm or from ``path``, the package or a folder of its files.

    Raises:
        InputError: a file is missing or has another hash; the message names the alternatives.
    """
    names = [f"package/model/{name}" for name in SHA256]
    if source == "npm":
        found = npm_members(PACKAGE, names, remedy=_REMEDY)
    elif path is None:
        raise InputError(
            "`face_judges.age_gender.path` is null; with `face_judges.age_gender.source: path` it "
            f"needs the package, or a folder with its two files; {_REMEDY}"
        )
    elif Path(path).expanduser().is_dir():
        try:
            found = {n: Path(path).expanduser().joinpath(Path(n).name).read_bytes() for n in names}
        except OSError as error:
            raise InputError(
                f"`face_judges.age_gender.path` {path} lacks {Path(error.filename).name}; {_REMEDY}"
            ) from error
    else:
        found = npm_members(PACKAGE, names, path=path, remedy=_REMEDY)
    files = {Path(name).name: data for name, data in found.items()}
    for name, data in files.items():
        got = hashlib.sha256(data).hexdigest()
        if got != SHA256[name]:
            raise InputError(
                f"{name} has SHA-256 {got}, expected {SHA256[name]}: it is a different file; "
                f"{_REMEDY}"
            )
    return from_tensorflow(read_weights(files[MANIFEST], files[WEIGHTS]))
