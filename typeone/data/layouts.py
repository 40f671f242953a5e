"""File layouts of the CelebA and LFW archives."""

from __future__ import annotations

from pathlib import Path

CELEBA_IMAGES = "img_align_celeba"
CELEBA_ATTRIBUTES, CELEBA_PARTITIONS, CELEBA_IDENTITIES = CELEBA_LISTS = (
    *("list_attr_celeba.txt", "list_eval_partition.txt", "identity_CelebA.txt"),
)
LFW_FOLDERS = ("lfw-deepfunneled", "lfw_funneled", "lfw")


def celeba_places(folder: Path) -> tuple[Path, ...]:
    """List the possible paths of CelebA's images: unpacked one level deeper, unpacked, the zip."""
    images = folder / CELEBA_IMAGES
    return images / CELEBA_IMAGES, images, folder / f"{CELEBA_IMAGES}.zip"


def celeba_images(folder: Path) -> Path:
    """Return the path of CelebA's images, a folder or the zip; the zip if none exists."""
    places = celeba_places(folder)
    return next((place for place in places if place.exists()), places[-1])


def lfw_images(folder: Path) -> Path | None:
    """Return the folder of LFW's images, with one subfolder for each person; None if absent."""
    return next((folder / name for name in LFW_FOLDERS if (folder / name).is_dir()), None)
