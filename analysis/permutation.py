"""How surprising a correlation is when nothing goes with anything."""

from __future__ import annotations

from functools import lru_cache
from itertools import permutations
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtr

__all__ = ["EXACT_UP_TO", "PValues", "correlation_p", "exact_p", "student_p"]

Floats = NDArray[np.float64]
EXACT_UP_TO = 8
"""Up to so many backbones every order is tried (8! = 40,320)."""


class PValues(NamedTuple):
    """Two-sided p-values and how they were found."""

    p: Floats
    method: str


def correlation_p(x: Floats, y: Floats, r: Floats) -> PValues:
    """Two-sided p of Pearson's r: exact permutation for few backbones, Student's t for more.

    Args:
        x: `[s, n]`, one row per statistic.
        y: `[n]`.
        r: `[s]`, Pearson's r of each row with `y`.
    """
    n = len(y)
    if n <= EXACT_UP_TO:
        return PValues(exact_p(x, y), "exact permutation")
    return PValues(student_p(r, n - 2), "Student's t")


def exact_p(x: Floats, y: Floats) -> Floats:
    """Share of all n! orders of `y` whose |r| is at least the observed one.

    Args:
        x: `[s, n]`.
        y: `[n]`, n ≤ EXACT_UP_TO.

    Returns:
        `[s]`; NaN for a constant column.

    Source: Pitman 1937; agrees with scipy.stats.pearsonr's PermutationMethod over all orders.
    """
    n = len(y)
    dx, dy = x - x.mean(-1, keepdims=True), y - y.mean()
    products = dy[_orders(n)] @ dx.T  # [n!, s]; the spreads are the same in every order
    observed = np.abs(dx @ dy)
    # two orders that tie in exact arithmetic must tie here as well
    slack = 1e-9 * np.sqrt((dx**2).sum(-1) * (dy**2).sum())
    p = (np.abs(products) >= observed - slack).mean(0)
    constant = (np.ptp(x, axis=-1) == 0) | (np.ptp(y) == 0)
    return np.where(constant, np.nan, p)


@lru_cache(maxsize=EXACT_UP_TO + 1)
def _orders(n: int) -> NDArray[np.intp]:
    return np.array(list(permutations(range(n))), dtype=np.intp)


def student_p(r: Floats, degrees: int) -> Floats:
    """Two-sided p of a (partial) correlation by Student's t with `degrees` degrees of freedom.

    Source: agrees with scipy.stats.pearsonr (n − 2 degrees) to 1e-12.
    """
    r = np.asarray(r, dtype=float)
    if degrees < 1:
        return np.full(r.shape, np.nan)
    with np.errstate(divide="ignore", invalid="ignore"):
        t = np.abs(r) * np.sqrt(degrees / np.maximum(1 - r**2, 0))
    return 2 * stdtr(degrees, -t)
