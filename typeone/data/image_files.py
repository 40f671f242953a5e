"""Read image files of users as an image viewer displays them.

The format is detected from the content, not from the name. Of an animation or a file with several
pages, the first image is read. An embedded colour profile is not applied.
"""

from __future__ import annotations

import io
import struct
import warnings

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

BACKGROUND = (255, 255, 255)  # ASSUME: white behind transparent pixels, like a page
_DAMAGED = (
    *(SyntaxError, ValueError, EOFError, LookupError, TypeError, OverflowError, struct.error),
    *(AttributeError, AssertionError, RuntimeError, Image.DecompressionBombError),
)  # errors of Pillow's readers, besides OSError
_WIDE = ("PNG", "PPM")  # formats with integers in 0 to 65535


def read_rgb(data: bytes) -> Image.Image:
    """Read an image file in mode RGB, rotated by its EXIF, with `BACKGROUND` behind transparency.

    16-bit grey is scaled to 8 bits; floats are in [0, 1] or [0, 255].

    Raises:
        OSError: the file is damaged or not an image, or the range of its pixels is unknown.
    """
    if not data:
        raise OSError("is empty")
    try:
        # warnings are about odd metadata and more than 90 megapixels
        with warnings.catch_warnings(action="ignore"), Image.open(io.BytesIO(data)) as file:
            file.load()
            return _rgb(_upright(file), file.format)
    except UnidentifiedImageError as error:
        raise OSError("is not an image that Pillow reads") from error
    except _DAMAGED as error:
        raise OSError(str(error) or type(error).__name__) from error


def _upright(picture: Image.Image) -> Image.Image:
    """Rotate ``picture`` by its EXIF orientation; return it unchanged if EXIF is damaged."""
    try:
        return ImageOps.exif_transpose(picture)
    except (OSError, *_DAMAGED):
        return picture


def _rgb(picture: Image.Image, form: str | None) -> Image.Image:
    if picture.mode[0] in "IF":  # grey with 16 or 32 bits, or floats
        return Image.fromarray(_grey(picture, form)).convert("RGB")
    if not (picture.mode in ("LA", "La", "RGBa", "PA") or picture.has_transparency_data):
        return picture.convert("RGB")
    colours = picture.convert("RGBA")
    under = Image.new("RGBA", colours.size, BACKGROUND)
    return Image.alpha_composite(under, colours).convert("RGB")


def _grey(picture: Image.Image, form: str | None) -> np.ndarray:
    """Convert a grey image of more than 8 bits to uint8."""
    levels = np.asarray(picture)
    least, most = levels.min(), levels.max()
    if picture.mode == "F":
        if not (least >= 0 and most <= 255):
            raise OSError(
                f"its pixels, {least:g} to {most:g}, are neither in 0 to 1 nor in 0 to 255; save "
                "it with 8 bits"
            )
        # ASSUME: an image whose maximum is at most 1 is in [0, 1], not a dark one in [0, 255]
        return np.rint(levels * 255 if most <= 1 else levels).astype(np.uint8)
    if picture.mode == "I" and form not in _WIDE:
        if not (least >= 0 and most <= 255):
            raise OSError(
                f"its pixels, {least} to {most}, are not in 0 to 255; save it with 8 bits"
            )
        return levels.astype(np.uint8)
    transparent = levels == picture.info.get("transparency", -1)
    return np.where(transparent, BACKGROUND[0], np.rint(levels / 257)).astype(np.uint8)
