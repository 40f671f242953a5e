"""The face recognizers attacked in IV-B, with one interface.

A recognizer maps images to unit embeddings; two images match as one person if the distance of their
embeddings is at most a threshold. FaceNet is the paper's recognizer; for synthetic faces, which
FaceNet was not trained on, a small one is trained. A recognizer includes its resizing and
standardisation, so that its input is always images in [0, 1].
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Mapping
from typing import Any, Literal, get_args

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from typeone.models.inception_resnet import InceptionResNetV1
from typeone.models.resampling import resize_bilinear
from typeone.models.stored_networks import frozen, read_note
from typeone.runtime.artifacts import load_model, read_parquet, save_model
from typeone.runtime.checkpoints import Checkpoint, each
from typeone.runtime.errors import InputError

Preprocessing = Literal["fixed", "whiten"]

# Section IV-B: "the threshold is set as 1.242". Sandberg's code compares squared distances with its
# thresholds; the authors' code compares distances.
THRESHOLDS = {"paper": 1.242, "squared": math.sqrt(1.242)}


def _convolution(fan_in: int, fan_out: int, kernel: int, stride: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(fan_in, fan_out, kernel, stride=stride, padding=kernel // 2, bias=False),
        nn.BatchNorm2d(fan_out),
        nn.ReLU(),
    )


class FaceCNN(nn.Sequential):
    """The small recognizer: standardised images ``(N, 3, 64, 64)`` → prelogits ``(N, dim)``.

    Args:
        channels: channels of the first layer; the last has eight times as many.
        dim: dimension of the embedding.
    """

    def __init__(self, *, channels: int, dim: int) -> None:
        c = channels
        super().__init__(
            *(_convolution(3, c, 5, 2), _convolution(c, 2 * c, 3, 2)),
            *(_convolution(2 * c, 4 * c, 3, 2), _convolution(4 * c, 4 * c, 3, 1)),
            *(_convolution(4 * c, 8 * c, 3, 2), nn.Flatten()),
            *(nn.Linear(8 * c * 4 * 4, dim, bias=False), nn.BatchNorm1d(dim)),
        )


ARCHITECTURES: dict[str, Callable[..., nn.Module]] = {
    "inception_resnet_v1": InceptionResNetV1,
    "face_cnn": FaceCNN,
}
SIDES = {"inception_resnet_v1": 160, "face_cnn": 64}  # pixels, input size of each network


def standardise(images: Tensor, preprocessing: Preprocessing) -> Tensor:
    """Standardise images ``(N, C, H, W)`` in [0, 1] for a recognizer's first layer.

    ``fixed`` is (255 x - 127.5) / 128. ``whiten``, as in Sandberg's and the authors' code, uses the
    mean and standard deviation of each image, the latter at least 1 / sqrt(C H W) levels of 255.
    """
    if preprocessing == "fixed":
        return (images * 255 - 127.5) / 128
    mean = images.mean(dim=(1, 2, 3), keepdim=True)
    variance = (images - mean).square().mean(dim=(1, 2, 3), keepdim=True)
    floor = 1 / (255**2 * images[0].numel())
    return (images - mean) / variance.clamp_min(floor).sqrt()


class Recognizer(nn.Module):
    """f1 of IV-B: images ``(N, 3, H, W)`` in [0, 1] → unit embeddings ``(N, dim)``.

    Args:
        architecture: name of the network, one of `ARCHITECTURES`.
        preprocessing: see `standardise`.
        side: input size of the network, pixels; images of another size are resized to it.
        settings: keyword arguments of the architecture.

    Raises:
        InputError: ``architecture`` or ``preprocessing`` is unknown.
    """

    def __init__(
        self,
        architecture: str,
        *,
        preprocessing: Preprocessing,
        side: int | None = None,
        settings: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__()
        if architecture not in ARCHITECTURES:
            raise InputError(
                f"the recognizer's architecture is {architecture!r}; needs one of "
                + ", ".join(ARCHITECTURES)
            )
        self.architecture, self.settings = architecture, dict(settings or {})
        self.side = side or SIDES[architecture]
        self.network = ARCHITECTURES[architecture](**self.settings)
        self.preprocessing = preprocessing
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    @property
    def preprocessing(self) -> Preprocessing:
        return self._preprocessing

    @preprocessing.setter
    def preprocessing(self, value: Preprocessing) -> None:
        if value not in get_args(Preprocessing):
            raise InputError(
                f"preprocessing is {value!r}; needs one of {', '.join(get_args(Preprocessing))}"
            )
        self._preprocessing = value

    def prelogits(self, images: Tensor) -> Tensor:
        """Return the embeddings before normalisation, ``(N, dim)``."""
        if images.shape[-2:] != (self.side, self.side):
            # ASSUME: half-pixel centres; TensorFlow 1 aligned the first pixels. The authors enlarge
            # 64 to 160 pixels bilinearly; larger images are antialiased.
            images = resize_bilinear(images, self.side, antialias=images.shape[-1] > self.side)
        images = images.contiguous(memory_format=torch.channels_last)
        return self.network(standardise(images, self.preprocessing))

    def forward(self, images: Tensor) -> Tensor:
        return F.normalize(self.prelogits(images), dim=1)


def save_recognizer(
    path: str | os.PathLike[str], recognizer: Recognizer, *, metadata: Mapping[str, Any]
) -> None:
    """Write a recognizer for `load_recognizer`, with further ``metadata``."""
    note = {k: getattr(recognizer, k) for k in ("architecture", "preprocessing", "side")}
    note["settings"] = recognizer.settings
    save_model(path, recognizer.network, metadata={**metadata, **note})


def load_recognizer(
    path: str | os.PathLike[str],
    device: torch.device | str = "cpu",
    preprocessing: Preprocessing | None = None,
) -> Recognizer:
    """Load a recognizer from its checkpoint, in eval mode with frozen parameters.

    Args:
        preprocessing: overrides the preprocessing in the checkpoint.

    Raises:
        InputError: there is no checkpoint, or it is of another network.
    """
    note = read_note(path, ARCHITECTURES, kind="a recognizer")
    recognizer = Recognizer(
        note["architecture"],
        preprocessing=preprocessing or note["preprocessing"],
        side=note["side"],
        settings=note["settings"],
    )
    load_model(path, recognizer.network)
    return frozen(recognizer, device)


@torch.no_grad()
def embed(
    recognizer: Callable[[Tensor], Tensor],
    count: int,
    images: Callable[[slice], Tensor],
    *,
    batch: int = 50,
    say: Callable[[int], None] = lambda done: None,
    checkpoint: Checkpoint | None = None,
) -> Tensor:
    """Embed ``count`` images in batches; return unit embeddings ``(count, dim)`` on the CPU.

    Args:
        images: from a slice to its images, ``(N, 3, H, W)`` in [0, 1].
        say: called after each batch with the number of finished images.
        checkpoint: the sidecar to resume from and save to.
    """

    def found_at(start: int) -> dict[str, Tensor]:
        return {"found": recognizer(images(slice(start, min(start + batch, count)))).cpu()}

    parts, done = [], 0
    for part in each(checkpoint, range(0, count, batch), found_at):
        parts.append(part["found"])
        done += len(part["found"])
        say(done)
    return torch.cat(parts)


def read_thresholds(path: str | os.PathLike[str]) -> dict[str, float]:
    """Read the thresholds by name: distances up to which two images match as one person."""
    table = read_parquet(path, columns=["name", "distance"])
    return dict(zip(table["name"].tolist(), table["distance"].tolist(), strict=True))
