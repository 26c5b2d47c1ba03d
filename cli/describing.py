"""Sets of images as vectors: features of a frozen backbone that lies here, or statistics made by hand."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..analysis.references import FEWEST
from ..data.errors import InputError, TargetError
from ..data.imagefolder import sample
from ..data.imagelook import Look, look_at_all
from ..data.imagestats import STATISTICS, image_statistics
from ..data.twins import near_twins, same_files
from .progress import Progress
from .render import note

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..profilers.probe import Weights

__all__ = ["MOST", "Described", "Describer", "describer", "twins_of"]

MOST = 1_000
"""Images of a set that are described; of more a fixed sample."""


@dataclass(frozen=True, slots=True)
class Described:
    """A set of images: those of a sample that can be read, of the same picture one, with a vector each.

    Attributes:
        small: their copies. lengths: of the files. vectors: `[n, dimensions]`. n_there: images in the folder.
        unreadable: of the sample.
    """

    paths: tuple[Path, ...]
    small: np.ndarray
    lengths: tuple[int, ...]
    vectors: np.ndarray
    n_there: int
    unreadable: int

    def __getitem__(self, places: Sequence[int]) -> Described:
        return Described(
            tuple(self.paths[i] for i in places),
            self.small[places],
            tuple(self.lengths[i] for i in places),
            self.vectors[places],
            self.n_there,
            self.unreadable,
        )


@dataclass(frozen=True, slots=True)
class Describer:
    """How images become vectors. name, file: of the module's weights; None for statistics made by hand."""

    name: str | None = None
    file: str | None = None
    module: Any = None

    def __call__(self, name: str, there: Sequence[Path]) -> Described:
        """Describe a set.

        Raises:
            InputError: if too few different images of it can be read.
        """
        chosen = sample(there, MOST)
        with Progress(f"looking at {name}", len(chosen)) as progress:
            looks = look_at_all(chosen, progress.step)
        seen = [(path, look) for path, look in zip(chosen, looks, strict=True) if isinstance(look, Look)]
        _enough(name, len(seen), len(there))
        small, paths = np.stack([look.small for _, look in seen]), [path for path, _ in seen]
        vectors, places = self._vectors(name, paths, small)
        _enough(name, len(places), len(there))
        found = Described(
            tuple(paths[i] for i in places),
            small[places],
            tuple(seen[i][1].length for i in places),
            vectors,
            len(there),
            len(chosen) - len(places),
        )
        again = {i for group in _same(found) for i in group[1:]}
        found = found[[i for i in range(len(places)) if i not in again]]
        _enough(name, len(found.paths), len(there))
        return found

    def _vectors(self, name: str, paths: list[Path], small: np.ndarray) -> tuple[np.ndarray, list[int]]:
        if self.module is None:
            return image_statistics(small), [*range(len(paths))]
        from ..profilers.probe import frozen_features

        with Progress(f"{self.name} on {name}", len(paths)) as progress:
            features, places = frozen_features(self.module, paths, step=progress.step)
        wide = features.astype(np.float64)
        return wide / np.maximum(np.linalg.norm(wide, axis=-1, keepdims=True), 1e-12), places

    @property
    def said(self) -> str:
        """What it is, for a person."""
        if self.name:
            return f"Compared by {self.name}, frozen ({self.file}): features of unit length."
        return (
            f"Compared by {len(STATISTICS)} statistics made by hand (colour, light, texture, edges, layout; "
            "no objects): no small weights lie here, such as resnet18's, and none are downloaded; "
            "--probe NAME=FILE compares by a backbone."
        )


def describer(given: Sequence[Weights]) -> Describer:
    """The first of the weights that can be loaded; where none are given, small ones in timm's cache."""
    for weights in given or _cached():
        from ..profilers.probe import load_frozen

        try:
            return Describer(weights.name, str(weights.file), load_frozen(weights))
        except TargetError as error:
            note(str(error))
    return Describer()


def _cached() -> list[Weights]:
    from ..profilers.cached import small_weights_here

    found = []
    for name in small_weights_here():
        from ..profilers.probe import weights_at_hand

        try:
            found.append(weights_at_hand(name))
        except TargetError:  # a folder of the cache without its file
            continue
    return found


def twins_of(one: Described, other: Described) -> list[tuple[list[int], list[int]]]:
    """Groups of places in the one and in the other that show the same."""
    n = len(one.paths)
    both = Described(
        one.paths + other.paths,
        np.concatenate([one.small, other.small]),
        one.lengths + other.lengths,
        np.empty((0, 0)),
        0,
        0,
    )
    groups = [([i for i in group if i < n], [i - n for i in group if i >= n]) for group in _same(both)]
    return [(mine, theirs) for mine, theirs in groups if mine and theirs]


def _same(images: Described) -> list[list[int]]:
    """Groups of places that show the same, each place in one group."""
    groups: list[set[int]] = []
    for group in (*same_files(images.paths, images.lengths), *near_twins(images.small)):
        joined = {*group}.union(*(other for other in groups if not other.isdisjoint(group)))
        groups = [other for other in groups if other.isdisjoint(group)] + [joined]
    return sorted(sorted(group) for group in groups)


def _enough(name: str, n: int, there: int) -> None:
    if n < FEWEST:
        raise InputError(
            f"{name}: {n} different images of {there:,} can be read; a comparison takes {FEWEST} or more."
        )
