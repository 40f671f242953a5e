"""Load NVIDIA's StyleGAN2 or StyleGAN3 from a pickle, which runs code: needs opt-in and hash."""

from __future__ import annotations

import hashlib
import io
import os
import pickle
from pathlib import Path
from typing import Protocol

from torch import Tensor, nn

from typeone.runtime.errors import InputError
from typeone.runtime.logs import logger


class Pickled(Protocol):
    """The unpickled ``G_ema``: a `torch.nn.Module` of a class defined in the pickle."""

    z_dim: int
    img_resolution: int

    def float(self) -> nn.Module: ...


class NvidiaStyleGan(nn.Module):
    """``G_ema`` of NVIDIA's StyleGAN2 (PyTorch) or StyleGAN3, unconditional.

    Args:
        network: the unpickled network; its ``z_dim``, ``img_resolution`` and call are used.
        truncation: psi.
    """

    def __init__(self, network: Pickled, *, truncation: float) -> None:
        super().__init__()
        self.network = network.float()
        self.latent_dim, self.size = int(network.z_dim), int(network.img_resolution)
        self.truncation = truncation

    def forward(self, latent: Tensor) -> Tensor:
        images = self.network(
            latent, None, truncation_psi=self.truncation, noise_mode="const", force_fp32=True
        )
        return ((images + 1) / 2).clamp(0, 1)


def load_nvidia(
    path: str | os.PathLike[str], *, sha256: str | None, allow_pickle: bool, truncation: float
) -> NvidiaStyleGan:
    """Load the generator of an NVIDIA pickle; unpickling runs its code with the user's rights.

    The file is only unpickled if ``allow_pickle`` is true and its hash equals ``sha256``. It needs
    NVIDIA's modules ``dnnlib`` and ``torch_utils`` on PYTHONPATH.

    Raises:
        InputError: ``allow_pickle`` is false, ``sha256`` is None or differs, the file is not
            readable, or it contains no such generator.
    """
    if not allow_pickle:
        raise InputError(
            f"{path} is a pickle, which runs the code in it when it is loaded; if you trust it, "
            "set `stylegan.allow_pickle: true`, or take `stylegan.source: wheel`"
        )
    if sha256 is None:
        raise InputError(
            f"`stylegan.sha256` is null; needs the SHA-256 of {path} (sha256sum), so that no "
            "other file is run"
        )
    try:
        data = Path(path).expanduser().read_bytes()
    except OSError as error:
        raise InputError(
            f"{path} cannot be read ({error.strerror}); `stylegan.path` needs NVIDIA's .pkl"
        ) from error
    got = hashlib.sha256(data).hexdigest()
    if got != sha256.lower():
        raise InputError(
            f"{path} has SHA-256 {got}, `stylegan.sha256` says {sha256}: it is a different file, "
            "which was not run"
        )
    logger.warning("unpickling %s: the code in it runs with all rights of this user", path)
    try:
        found = pickle.load(io.BytesIO(data))  # the user opted in to exactly these bytes
        return NvidiaStyleGan(found["G_ema"], truncation=truncation).eval()
    except (
        *(ImportError, AttributeError, KeyError, TypeError, ValueError, IndexError, RuntimeError),
        *(pickle.UnpicklingError, EOFError),
    ) as error:
        reason = " ".join(str(error).split()) or "no reason given"
        raise InputError(
            f"{path} does not contain a generator ({type(error).__name__}: {reason}); needs a "
            "network pickle of NVlabs/stylegan2-ada-pytorch or stylegan3, and a checkout of that "
            "code on PYTHONPATH"
        ) from error
