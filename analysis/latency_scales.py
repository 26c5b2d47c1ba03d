"""How much each column of a profile tells of time, learned so that families left out are timed well.

The kernel is smooth at two lengths and straight, with a scale per column for both; the scales minimise the
absolute log error of every family predicted from the others, drawn gently to equal scales.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Scales", "kernel", "learn_scales", "leave_family_out"]

Array = np.ndarray
LENGTH = 4.0
"""Where the smooth part's lengths begin, in deviations of a column."""
NARROW = 9.0
"""Squared ratio of the two lengths."""
PULL = 0.002
"""Penalty on a squared log scale that moves away from where it began."""
SOFT = 0.05
"""Log error below which the loss is square and not absolute."""
ROUNDS = 15


class Scales(NamedTuple):
    """How fast the smooth and how steeply the straight part varies, `[columns]` each; amplitudes."""

    smooth: Array
    straight: Array
    wide: float
    narrow: float
    noise: float

    @classmethod
    def of(cls, theta: Array) -> Scales:
        """From logarithms `[2 · columns + 3]`."""
        values = np.exp(theta)
        n = (len(values) - 3) // 2
        return cls(values[:n], values[n : 2 * n], *values[2 * n :].tolist())


def start(n_columns: int) -> Array:
    """Equal scales, as logarithms."""
    equal = np.full(n_columns, -np.log(LENGTH))
    return np.concatenate([equal, np.zeros(n_columns), np.log([1.0, 0.5, 0.03])])


def kernel(theta: Array, a: Array, b: Array) -> Array:
    """Covariance of log times at standardised columns `a` and `b`, without noise."""
    scales = Scales.of(theta)
    squared = _squared(a * scales.smooth, b * scales.smooth)
    smooth = scales.wide * np.exp(-squared / 2) + scales.narrow * np.exp(-NARROW * squared / 2)
    return smooth + (a * scales.straight) @ (b * scales.straight).T + 1


def leave_family_out(k: Array, y: Array, families: Sequence[str], noise: float) -> Array:
    """Predicted centred log seconds of every row without its family, from one inverse (block formula)."""
    inverse = np.linalg.inv(k + noise * np.eye(len(y)))
    return y + _surprise(inverse, inverse @ y, _groups(families))


def learn_scales(z: Array, y: Array, families: Sequence[str], rounds: int = ROUNDS) -> Array:
    """Learn the logarithms of the scales.

    Args:
        z: standardised columns `[rows, columns]`.
        y: centred log seconds.
        families: of the rows.
        rounds: of the optimiser (L-BFGS); few, as more fit the families at hand.
    """
    from scipy.optimize import minimize

    first, groups = start(z.shape[1]), _groups(families)
    found = minimize(
        loss, first, args=(z, y, groups, first), jac=True, method="L-BFGS-B", options={"maxiter": rounds}
    )
    return found.x


def loss(theta: Array, z: Array, y: Array, groups: Sequence[Array], first: Array) -> tuple[float, Array]:
    """Mean absolute log error of families left out, softened at zero, and its gradient."""
    scales = Scales.of(theta)
    squared = _squared(z * scales.smooth, z * scales.smooth)
    wide = scales.wide * np.exp(-squared / 2)
    narrow = scales.narrow * np.exp(-NARROW * squared / 2)
    straight = z * scales.straight
    inverse = np.linalg.inv(wide + narrow + straight @ straight.T + 1 + scales.noise * np.eye(len(y)))
    weights = inverse @ y
    away = _surprise(inverse, weights, groups)
    soft = np.sqrt(away**2 + SOFT**2)
    slope = away / soft / len(y)
    pull, by_inverse = np.empty(len(y)), np.zeros_like(inverse)
    for at in groups:
        block = np.ix_(at, at)
        pull[at] = np.linalg.solve(inverse[block], slope[at])
        by_inverse[block] = np.outer(pull[at], away[at])
    by_inverse += np.outer(pull, y)
    by_kernel = inverse @ ((by_inverse + by_inverse.T) / 2) @ inverse
    by_squared = by_kernel * (-wide / 2 - NARROW * narrow / 2)
    spread = (z**2).T @ by_squared.sum(axis=1) - np.einsum("ij,ij->j", z, by_squared @ z)
    gradient = np.concatenate(
        [
            4 * scales.smooth**2 * spread,
            2 * scales.straight**2 * np.einsum("ij,ij->j", z, by_kernel @ z),
            [(by_kernel * wide).sum(), (by_kernel * narrow).sum(), np.trace(by_kernel) * scales.noise],
        ]
    )
    moved = theta - first
    return float(soft.mean() + PULL * (moved**2).sum()), gradient + 2 * PULL * moved


def _surprise(inverse: Array, weights: Array, groups: Sequence[Array]) -> Array:
    """Predicted less measured of every row without its group."""
    out = np.empty(len(weights))
    for at in groups:
        out[at] = -np.linalg.solve(inverse[np.ix_(at, at)], weights[at])
    return out


def _groups(families: Sequence[str]) -> list[Array]:
    names = np.array(families)
    return [np.flatnonzero(names == name) for name in np.unique(names)]


def _squared(a: Array, b: Array) -> Array:
    return np.maximum((a**2).sum(1)[:, None] + (b**2).sum(1) - 2 * a @ b.T, 0)
