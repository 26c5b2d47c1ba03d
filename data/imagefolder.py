"""The user's images as they lie on disk: class folders, splits, or a table of labels."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from .errors import InputError
from .imagelabels import read_labels

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = ["SPLITS", "Found", "Labelled", "find_images", "list_images", "sample"]

T = TypeVar("T")

ENDINGS = frozenset(
    (".jpg", ".jpeg", ".png", ".bmp", ".gif", ".tif", ".tiff", ".webp", ".ppm", ".pgm", ".jp2")
)
SPLITS = {
    **dict.fromkeys(("train", "training"), "train"),
    **dict.fromkeys(("val", "valid", "validation", "dev"), "val"),
    **dict.fromkeys(("test", "testing", "eval"), "test"),
}
"""Names of folders, and values of a split column, that are splits and no classes."""


@dataclass(frozen=True, slots=True)
class Labelled:
    """One image: its file, what it shows (several labels, or none), its split (empty where there is none)."""

    path: Path
    labels: tuple[str, ...]
    split: str = ""


@dataclass(frozen=True, slots=True)
class Found:
    """What lies there.

    images: with their labels, sorted by path. missing: names in the table without a file. unlabelled: files
    without a row in it. reading: how its labels were read where that was a guess.
    """

    images: tuple[Labelled, ...]
    missing: tuple[str, ...] = ()
    unlabelled: tuple[Path, ...] = ()
    reading: str | None = None


def find_images(folder: Path, labels: Path | None = None) -> Found:
    """List the images of a folder with their labels, sorted by path.

    Without a table the labels are the folders' names: `folder/class/…` or `folder/split/class/…`, where
    deeper folders belong to their class.

    Args:
        folder: where the images lie.
        labels: CSV or Parquet, one image a row; see `data.imagelabels`.

    Raises:
        InputError: if there is no folder, no image, no label, or the table does not fit the folder.
    """
    files = list_images(folder)
    return _by_table(folder, files, labels) if labels else _by_folders(folder, files)


def list_images(folder: Path) -> list[Path]:
    """List the images of a folder and of the folders in it, sorted by path; hidden ones are left out.

    Raises:
        InputError: if there is no folder, it cannot be read, or it holds no image.
    """
    if not folder.is_dir():
        what = "is a file" if folder.is_file() else "does not exist"
        raise InputError(f"{str(folder)!r} {what}; give the folder that holds your images.")
    if not os.access(folder, os.R_OK | os.X_OK):
        raise InputError(f"{str(folder)!r} may not be read by you; change its permissions, or give another.")
    files = sorted(_files(folder))
    if not files:
        raise InputError(
            f"There is no image in {str(folder)!r}. Known endings: {', '.join(sorted(ENDINGS))}."
        )
    return files


def sample(images: Sequence[T], most: int) -> Sequence[T]:
    """All of them, or a fixed sample of so many, in their order."""
    if len(images) <= most:
        return images
    places = np.random.default_rng(0).choice(len(images), most, replace=False)
    return [images[i] for i in sorted(places)]


def _files(folder: Path) -> Iterator[Path]:
    for here, folders, names in os.walk(folder, followlinks=True):
        folders[:] = [name for name in folders if not name.startswith((".", "__"))]
        for name in names:
            if not name.startswith(".") and os.path.splitext(name)[1].lower() in ENDINGS:  # noqa: PTH122  # fast
                yield Path(here, name)


def _by_folders(folder: Path, files: list[Path]) -> Found:
    parts = [path.relative_to(folder).parts[:-1] for path in files]
    split = all(inner and inner[0].lower() in SPLITS for inner in parts)
    found = []
    for path, inner in zip(files, parts, strict=True):
        rest = inner[1:] if split else inner
        found.append(Labelled(path, rest[:1], SPLITS[inner[0].lower()] if split else ""))
    bare = [one for one in found if not one.labels]
    if len(bare) == len(found):
        raise InputError(
            f"{str(folder)!r} holds {len(found)} images but no class folders. Sort them into one folder per "
            "class, or give a table with --labels labels.csv."
        )
    if bare:
        raise InputError(
            f"{len(bare)} images lie beside the class folders, such as {bare[0].path}. Move them into a "
            "class folder, or give a table with --labels labels.csv."
        )
    return Found(tuple(found))


def _by_table(folder: Path, files: list[Path], table: Path) -> Found:
    rows, reading = read_labels(table)
    by_name: dict[str, list[Path]] = {}
    for path in files:
        inner = path.relative_to(folder).as_posix()
        for name in {inner, path.name, path.stem, inner.rpartition(".")[0]}:
            by_name.setdefault(name, []).append(path)
    found, missing, unclear = [], [], []
    for name, labels, split in rows:
        at = by_name.get(name.replace("\\", "/").removeprefix("./"), [])
        if len(at) == 1:
            stated = SPLITS.get(split.lower(), split)
            found.append(Labelled(at[0], labels, stated))
        else:
            (unclear if at else missing).append(name)
    if unclear:
        raise InputError(
            f"{table}: {len(unclear)} names fit several files, such as {unclear[0]!r}. Write paths relative "
            f"to {folder}."
        )
    if not found:
        raise InputError(
            f"{table}: none of the {len(rows)} images, such as {missing[0]!r}, lies in {folder}. Write names "
            "or paths relative to the folder."
        )
    used = {one.path for one in found}
    if len(used) < len(found):
        raise InputError(
            f"{table}: {len(found) - len(used)} images stand in several rows; give each one row."
        )
    return Found(
        tuple(sorted(found, key=lambda one: one.path)),
        tuple(missing),
        tuple(path for path in files if path not in used),
        reading,
    )
