"""Known sets of images beside the user's: which is nearest, which may be the same, whose domain to take."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from .frechet import frechet_distance
from .two_sample import Auc

__all__ = ["FEWEST", "Likeness", "clearly_nearest"]

Array = np.ndarray
FEWEST = 20
"""Different images of a set, fewer of which are not compared."""
SAME = 0.65
"""The AUC that the whole interval must be under before nothing is said to tell two sets apart."""
PARTS = 5
LEAST = 10
"""Images of a part, fewer of which tell nothing of means and covariances."""
STUDENT = 2.776445
"""Student's t at 97.5 % with PARTS − 1 degrees of freedom."""


@dataclass(frozen=True, slots=True)
class Likeness:
    """How alike the user's images and those of a reference are.

    Attributes:
        name: the user's, or the key of a data set. folder: where its images lie.
        known: `tables`, `results` or None, where a data set of that name is. domain: its, where known.
        n_yours, n_theirs: different images compared. n_there: images in the folder. unreadable: of a sample.
        shared: of the user's images compared, those that are in the reference too.
        auc: how well a linear classifier tells them apart. distance: Fréchet, see `frechet`.
    """

    name: str
    folder: str
    known: str | None
    domain: str
    n_yours: int
    n_theirs: int
    n_there: int
    unreadable: int
    shared: int
    auc: Auc
    distance: float

    @property
    def looks_the_same(self) -> bool:
        """Whether nothing tells the images apart, or half of one side are in the other."""
        together = 2 * self.shared >= min(self.n_yours, self.n_theirs)
        return together or (self.auc.low <= 0.5 and self.auc.high < SAME)


def clearly_nearest(yours: Array, references: list[tuple[str, Array]]) -> int | None:
    """The reference that the user's images are less than half as far from as from any of another domain.

    Being nearest of a few says nothing where all are far; half as far puts it nearer to the images than to
    any reference of another domain, too. It must hold at 97.5 % by a t-test over disjoint parts of all sets.

    Args:
        yours: `[n, dimensions]`.
        references: domain and vectors of each.

    Returns:
        Its place; None where none is, where all are of one domain, or where a set is too small to tell.
    """
    size = min(len(yours), *(len(vectors) for _, vectors in references)) // PARTS if references else 0
    if size < LEAST:
        return None
    mine = _parts(yours, size)
    theirs = [_parts(vectors, size) for _, vectors in references]
    away = [_squares(mine, parts) for parts in theirs]
    near = int(np.argmin([square.mean() for square in away]))
    others = [i for i, (domain, _) in enumerate(references) if domain != references[near][0]]
    return near if others and all(_above_zero(away[i] - 4 * away[near]) for i in others) else None


def _parts(vectors: Array, size: int) -> list[Array]:
    order = np.random.default_rng(0).permutation(len(vectors))
    return [vectors[order[i * size : (i + 1) * size]] for i in range(PARTS)]


def _squares(first: list[Array], second: list[Array]) -> Array:
    return np.array([frechet_distance(one, other) ** 2 for one, other in zip(first, second, strict=True)])


def _above_zero(gap: Array) -> bool:
    return bool(gap.mean() > STUDENT * gap.std(ddof=1) / math.sqrt(len(gap)))
