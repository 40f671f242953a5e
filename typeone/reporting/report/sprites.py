"""Combine many small images into one, so that the page has a few images instead of thousands."""

from __future__ import annotations

import base64
import io
import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from PIL import Image

QUALITY = 90
"""Quality of WebP for colour images; digits are stored as PNG without loss."""


def data_uri(content: bytes, kind: str) -> str:
    """Return an image as a data URI; ``kind`` is png or webp."""
    return f"data:image/{kind};base64,{base64.b64encode(content).decode()}"


def sheet(images: np.ndarray) -> dict[str, Any]:
    """Arrange ``(N, 1, H, W)`` or ``(N, 3, H, W)`` uint8 row by row on one near-square image.

    Image ``i`` is in column ``i % columns`` of row ``i // columns``; unused places are black.
    """
    count, channels, height, width = images.shape
    columns = max(1, math.ceil(math.sqrt(count)))
    rows = max(1, math.ceil(count / columns))
    canvas = np.zeros((rows * columns, channels, height, width), np.uint8)
    canvas[:count] = images
    grid = canvas.reshape(rows, columns, channels, height, width).transpose(0, 3, 1, 4, 2)
    pixels = grid.reshape(rows * height, columns * width, channels)
    file = io.BytesIO()
    if channels == 1:
        Image.fromarray(pixels[..., 0]).save(file, "PNG", optimize=True)
        kind = "png"
    else:
        Image.fromarray(pixels).save(file, "WEBP", quality=QUALITY, method=6)
        kind = "webp"
    return {"uri": data_uri(file.getvalue(), kind), "columns": columns, "rows": rows}


@dataclass
class Sheets:
    """The sheets of a page; equal ones are stored once."""

    found: dict[str, dict[str, Any]] = field(default_factory=dict)

    def add(self, images: np.ndarray) -> dict[str, Any]:
        """Return the place of ``images``: the name of their sheet, its columns and rows."""
        made = sheet(images)
        known = self.found.setdefault(made["uri"], {"name": f"sheet{len(self.found)}", **made})
        return {k: known[k] for k in ("name", "columns", "rows")}

    def __iter__(self) -> Iterator[dict[str, Any]]:
        return iter(self.found.values())
