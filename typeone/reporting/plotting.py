"""Style of figures: two-column width, colours distinct for colour-blind readers and in grey."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.rcsetup import cycler

from typeone.runtime.atomic_files import atomic_path

COLUMN = 3.5  # inches, one column of a two-column page
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")  # Okabe-Ito
DASHES = ("-", "--", "-.", ":")
CAPTION = "caption"  # id of the text under a figure
IMAGE, TITLE, WIDER = (
    0.38,
    0.12,
    1.08,
)  # of filmstrips: sides in inches, with the gap between images
PITCH = IMAGE + TITLE + 0.02
PIXELS: dict[str, Any] = {"cmap": "gray", "vmin": 0, "vmax": 255, "interpolation": "nearest"}


@contextmanager
def style() -> Iterator[None]:
    """Set fonts and lines that fit a paper's column and a web page."""
    with plt.rc_context(
        {
            "font.size": 8,
            "axes.titlesize": 8,
            "axes.labelsize": 8,
            "legend.fontsize": 7,
            "legend.frameon": False,
            "axes.spines.top": False,
            "axes.spines.right": False,
            "axes.prop_cycle": cycler(color=COLOURS),
            "lines.linewidth": 1.2,
            "svg.hashsalt": "typeone",
            "pdf.compression": 9,
        }
    ):
        yield


@style()
def save_figure(figure: Figure, paths: Sequence[str | Path], *, dpi: int) -> None:
    """Write the figure to every path, by its suffix, without dates; then close it.

    A PNG file contains its caption under the name Description, for pages that show it.
    """
    captions = [text.get_text() for text in figure.texts if text.get_gid() == CAPTION]
    said = {"Software": None, "Description": " ".join(" ".join(captions).split())}
    for path in map(Path, paths):
        form = path.suffix[1:]
        metadata = {"CreationDate": None} if form == "pdf" else said
        with atomic_path(path) as temporary:
            figure.savefig(temporary, format=form, dpi=dpi, bbox_inches="tight", metadata=metadata)
    plt.close(figure)


def show_image(axes: Axes, image: np.ndarray, *, title: str = "", colour: str = "black") -> None:
    """Draw an image ``(1, H, W)`` or ``(3, H, W)`` uint8 as stored, with a short title."""
    shown = image[0] if len(image) == 1 else image.transpose(1, 2, 0)
    axes.imshow(shown, **PIXELS)
    axes.set_title(title, fontsize=6, pad=1.5, color=colour)
    axes.set_xticks([])
    axes.set_yticks([])
    for spine in axes.spines.values():
        spine.set_visible(False)


def moments(images: np.ndarray, count: int) -> np.ndarray:
    """Return rows of ``count`` images ``(N, C, H, W)`` at equal distances along their path.

    The length of the path is the sum of pixel distances between neighbours, so images without
    change take no place.
    """
    steps = np.linalg.norm(np.diff(images.reshape(len(images), -1).astype(float), axis=0), axis=1)
    way = np.concatenate([[0.0], np.cumsum(steps)])
    count = min(count, len(way))
    rows = np.searchsorted(way, np.linspace(0, way[-1], count)).clip(0, len(way) - 1)
    rows[-1] = len(way) - 1
    for i in range(1, count):  # a jump can contain several of them: the next ones follow it
        rows[i] = max(rows[i], rows[i - 1] + 1)
    return np.minimum(rows, np.arange(len(way) - count, len(way)))


@style()
def filmstrips(
    rows: Sequence[Sequence[tuple[np.ndarray, str]]],
    *,
    labels: Sequence[str],
    caption: str,
) -> Figure:
    """Draw one row per example and one column per moment: (image, title) each.

    All images share one Axes, in inches: a separate Axes per image takes seconds for a hundred
    images.
    """
    height = PITCH * len(rows)
    width = IMAGE * WIDER * max(len(row) for row in rows)
    figure = plt.figure(figsize=(width, height))
    axes = figure.add_axes((0, 0, 1, 1))
    for i, (row, label) in enumerate(zip(rows, labels, strict=True)):
        bottom = height - PITCH * i - IMAGE - TITLE
        for j, (image, title) in enumerate(row):
            left = IMAGE * WIDER * j
            shown = image[0] if len(image) == 1 else image.transpose(1, 2, 0)
            place = (left, left + IMAGE, bottom, bottom + IMAGE)
            axes.imshow(shown, extent=place, aspect="auto", **PIXELS)
            centre, top = left + IMAGE / 2, bottom + IMAGE + 0.02
            axes.text(centre, top, title, ha="center", va="bottom", fontsize=6)
        axes.text(-0.05, bottom + IMAGE / 2, label, ha="right", va="center", fontsize=7)
    axes.set(xlim=(0, width), ylim=(0, height))
    axes.set_axis_off()
    add_caption(figure, caption)
    return figure


def add_caption(figure: Figure, caption: str) -> None:
    """Add ``caption`` (n, seeds and intervals) in small print below the figure."""
    figure.canvas.draw()
    bottom = figure.get_tightbbox().y0 / figure.get_figheight()
    text = "\n".join(textwrap.wrap(caption, round(figure.get_figwidth() * 22)))
    figure.text(
        *(0.5, bottom - 0.02, text),
        gid=CAPTION,
        ha="center",
        va="top",
        fontsize=6,
        color="#444444",
    )
