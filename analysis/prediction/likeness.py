"""How alike two data sets' domains are: how much one's results count in a prediction for the other."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["KIN", "likeness", "likeness_matrix"]

KIN = (
    frozenset({"natural", "fine-grained", "plants-animals", "texture"}),
    frozenset({"microscopy", "radiology", "dermatology"}),
)
RELATED = 0.5


def likeness(one: str, other: str) -> float:
    """1 for the same domain, 1 within medicine, RELATED between kinds of photographs, else 0.

    An unknown domain is like nothing: what is shared by all data sets still counts (see `ranking`).
    Medicine counts as one domain: its studies' sets are too few to tell its branches apart.
    """
    if "unknown" in (one, other):
        return 0.0
    if one == other or {one, other} <= KIN[1]:
        return 1.0
    return RELATED if {one, other} <= KIN[0] else 0.0


def likeness_matrix(rows: Sequence[str], columns: Sequence[str]) -> np.ndarray:
    """Likeness of every pair, `[rows, columns]`."""
    return np.array([[likeness(a, b) for b in columns] for a in rows], float).reshape(len(rows), len(columns))
