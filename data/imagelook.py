"""One look at every image: its size, channels, whether its colours are grey, and a small copy to compare."""

from __future__ import annotations

import os
import warnings
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image, UnidentifiedImageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

__all__ = ["SIDE", "Look", "Unreadable", "as_rgb", "look_at_all"]

SIDE = 32
"""Pixels a side of the small copy."""
GREY = 6.0
"""Mean spread between an RGB pixel's channels, of 255, below which the image is grey."""


@dataclass(frozen=True, slots=True)
class Look:
    """What one look tells.

    width, height: pixels. channels: as stored, without alpha. grey: whether the colours are grey all the
    same. bits: per channel. small: copy of SIDE × SIDE × 3 bytes. length: of the file, in bytes.
    """

    width: int
    height: int
    channels: int
    grey: bool
    bits: int
    small: np.ndarray
    length: int


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A file that is no image, or is damaged, and why."""

    reason: str


def look_at_all(
    paths: Sequence[Path], step: Callable[[str], Any] = lambda _: None, threads: int | None = None
) -> list[Look | Unreadable]:
    """Look at files in several threads; Pillow decodes without holding Python's lock.

    Args:
        paths: the files.
        step: told of each file's name when it is done.
        threads: how many; twice the cores, at most 16, when None.
    """
    found: list[Look | Unreadable] = []
    with warnings.catch_warnings(), ThreadPoolExecutor(threads or min(16, 2 * (os.cpu_count() or 1))) as pool:
        warnings.simplefilter("ignore")  # Pillow's remarks on metadata and large images
        for path, look in zip(paths, _in_turn(pool, paths), strict=True):
            found.append(look)
            step(path.name)
    return found


def _in_turn(pool: ThreadPoolExecutor, paths: Sequence[Path]) -> Iterable[Look | Unreadable]:
    for start in range(0, len(paths), 512):  # a few hundred under way, however many there are
        yield from pool.map(_look, paths[start : start + 512])


def _look(path: Path) -> Look | Unreadable:
    try:
        length = path.stat().st_size
        with Image.open(path) as image:
            width, height = image.size
            channels, bits = _stored(image)
            image.draft("RGB", (2 * SIDE, 2 * SIDE))  # of a JPEG only as many coefficients as that needs
            small = np.asarray(as_rgb(image).resize((SIDE, SIDE), Image.Resampling.BOX, reducing_gap=2.0))
    except UnidentifiedImageError:
        return Unreadable("no image that Pillow knows")
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        return Unreadable(str(error).splitlines()[0][:120] if str(error) else type(error).__name__)
    spread = np.ptp(small.astype(np.int16), axis=2).mean()
    return Look(width, height, channels, bool(spread < GREY), bits, small, length)


def _stored(image: Image.Image) -> tuple[int, int]:
    if image.mode.startswith(("I", "F")):
        return 1, 16 if "16" in image.mode else 32
    if image.mode == "P":
        return 3, 8
    return max(1, len(image.getbands()) - (image.mode in ("LA", "RGBA", "PA", "La", "RGBa"))), 8


def as_rgb(image: Image.Image) -> Image.Image:
    """As RGB of 8 bits; deeper images by their own range."""
    if image.mode.startswith(("I", "F")):
        values = np.asarray(image, np.float64)
        low, high = float(values.min()), float(values.max())
        image = Image.fromarray(np.uint8(255 * (values - low) / max(high - low, 1e-9)))
    return image if image.mode == "RGB" else image.convert("RGB")
