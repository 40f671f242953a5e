"""Who is it? The recognizers of faces that IV-B attacks, behind one interface.

A recognizer maps images to points on a sphere; two images show one person when their points lie
near enough. FaceNet is the paper's; a small one is trained where FaceNet has nothing to say, on
drawn faces. A recognizer owns its resizing and standardisation, so that every attack and every test
gives it images in [0, 1].
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
from typeone.runtime.artifacts import load_model, read_model_metadata, read_parquet, save_model
from typeone.runtime.checkpoints import Checkpoint, each
from typeone.runtime.errors import InputError

Preprocessing = Literal["fixed", "whiten"]

# Section IV-B: "the threshold is set as 1.242". Sandberg's code compares squared distances with its
# thresholds, the authors' code does not.
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
        channels: of the first layer; the last has eight times as many.
        dim: of the embedding.
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
SIDES = {"inception_resnet_v1": 160, "face_cnn": 64}  # pixels, of the images they were made for


def standardise(images: Tensor, preprocessing: Preprocessing) -> Tensor:
    """Images ``(N, C, H, W)`` in [0, 1] as a recognizer's first layer takes them.

    ``fixed`` is (255 x - 127.5) / 128. ``whiten`` takes each image's own mean and deviation, the
    latter at least 1 / sqrt(C H W) levels of 255, as Sandberg's code and the authors' do.
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
        architecture: of the network, one of `ARCHITECTURES`.
        preprocessing: see `standardise`.
        side: pixels to which images of another size are brought.
        settings: of the architecture.
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
        """The same before they are normalised, ``(N, dim)``."""
        if images.shape[-2:] != (self.side, self.side):
            # ASSUME: half-pixel centres; TensorFlow 1 aligned the first pixels. The authors enlarge
            # 64 to 160 pixels bilinearly; what is larger is averaged over, lest it alias.
            images = resize_bilinear(images, self.side, antialias=images.shape[-1] > self.side)
        images = images.contiguous(memory_format=torch.channels_last)
        return self.network(standardise(images, self.preprocessing))

    def forward(self, images: Tensor) -> Tensor:
        return F.normalize(self.prelogits(images), dim=1)


def save_recognizer(
    path: str | os.PathLike[str], recognizer: Recognizer, *, metadata: Mapping[str, Any]
) -> None:
    """Write a recognizer for `load_recognizer`; ``metadata`` says what else is worth knowing."""
    note = {k: getattr(recognizer, k) for k in ("architecture", "preprocessing", "side")}
    note["settings"] = recognizer.settings
    save_model(path, recognizer.network, metadata={**metadata, **note})


def load_recognizer(
    path: str | os.PathLike[str],
    device: torch.device | str = "cpu",
    preprocessing: Preprocessing | None = None,
) -> Recognizer:
    """A recognizer as its checkpoint describes it: eval mode, parameters frozen.

    Args:
        preprocessing: in place of the one that the checkpoint names.

    Raises:
        InputError: no checkpoint, or one of another network.
    """
    note = read_model_metadata(path)
    if note.get("architecture") not in ARCHITECTURES:
        raise InputError(
            f"{path} holds {note.get('architecture')!r}, needs one of {', '.join(ARCHITECTURES)}; "
            "delete it or name a recognizer's checkpoint"
        )
    recognizer = Recognizer(
        note["architecture"],
        preprocessing=preprocessing or note["preprocessing"],
        side=note["side"],
        settings=note["settings"],
    )
    load_model(path, recognizer.network)
    return recognizer.to(device).eval().requires_grad_(False)


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
    """Unit embeddings ``(count, dim)`` on the CPU of the images that ``images(slice)`` gives.

    ``say`` is told after each batch how many are done; ``checkpoint`` is the sidecar to resume from
    and save to.
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
    """The distances, by name, up to which a recognizer takes two images for one person."""
    table = read_parquet(path, columns=["name", "distance"])
    return dict(zip(table["name"].tolist(), table["distance"].tolist(), strict=True))
