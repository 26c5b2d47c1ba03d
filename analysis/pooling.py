"""All families at once: with the differences between families, and without them.

A pooled correlation mixes two things, how families differ and what size does within one. The adjusted one
holds only the second. Where the two point in opposite directions, the pooled one misleads (Simpson).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .association import midranks, pearson
from .jackknife import Interval, fisher_z, student_t
from .permutation import student_p

__all__ = ["Adjusted", "less_family", "simpson", "within_family"]

Floats = NDArray[np.float64]


class Adjusted(NamedTuple):
    """Association within families, those of one member left out.

    Attributes:
        n, n_backbones, n_families: what entered. The others: one number, or `[s]` for `x` of s rows.
        pearson, spearman: partial correlations given the family. low, high: interval of `pearson`.
        kendall: τ-b over the pairs of the same family. slope: common slope within families.
        p: two-sided, of `pearson`.
    """

    n: int
    n_backbones: int
    n_families: int
    pearson: Floats
    low: Floats
    high: Floats
    spearman: Floats
    kendall: Floats
    slope: Floats
    p: Floats


def within_family(
    x: Floats,
    y: Floats,
    families: NDArray[np.intp],
    backbones: NDArray[np.intp],
    *,
    tie_width: float = 0.0,
    ranked: Floats | None = None,
    level: float = 0.95,
) -> Adjusted:
    """Partial association of `x` with `y` given the family, as if each family had its own intercept.

    Args:
        x: `[n]` or `[s, n]`.
        y: `[n]`.
        families: `[n]`, codes.
        backbones: `[n]`, codes; weights of one architecture count once in the degrees of freedom and are
            left out together.
        tie_width: differences of `ranked` up to this are ties in Kendall's τ.
        ranked: `[n]`, what Kendall orders by; `y` when None.
        level: coverage.

    Source: pearson and spearman agree with pingouin.partial_corr given family dummies, slope and p with
        statsmodels' OLS with family dummies, to 1e-8; the interval with refitting in R without each unit.
    """
    sizes = np.bincount(families)
    kept = sizes[families] >= 2
    x, y, families, backbones = x[..., kept], y[kept], families[kept], backbones[kept]
    ordered = y if ranked is None else ranked[kept]
    n, k, n_backbones = len(y), len(np.unique(families)), len(np.unique(backbones))
    if n - k < 2:
        return Adjusted(n, n_backbones, k, *[np.full(x.shape[:-1], np.nan)] * 7)
    dx, dy = less_family(x, families), less_family(y, families)
    r = pearson(dx, dy)
    low, high = _interval(r, _without_each(dx, dy, families, backbones), k, level)
    spread = (dx**2).sum(-1)
    with np.errstate(divide="ignore", invalid="ignore"):
        slope = np.where(np.isfinite(r), (dx * dy).sum(-1) / spread, np.nan)
    return Adjusted(
        n=n,
        n_backbones=n_backbones,
        n_families=k,
        pearson=r,
        low=low,
        high=high,
        spearman=pearson(less_family(midranks(x), families), less_family(midranks(y), families)),
        kendall=_kendall_within(x, ordered, families, tie_width),
        slope=slope,
        p=student_p(r, n_backbones - k - 1),
    )


def _interval(r: Floats, without_each: Floats, n_families: int, level: float) -> Interval:
    """Interval of the partial r from `without_each` `[b, …]` of b architectures."""
    b = len(without_each)
    left_out = fisher_z(without_each)
    # one of b takes 1 / (b − families) of what is known, not 1 / (b − 1): the means were estimated as well
    share = np.sqrt((b - n_families) / max(b - 1, 1))
    found = student_t(fisher_z(r), share * (left_out.mean(0) - left_out), b - n_families, level)
    return Interval(np.tanh(found.low), np.tanh(found.high))


def _without_each(dx: Floats, dy: Floats, families: NDArray[np.intp], backbones: NDArray[np.intp]) -> Floats:
    """Partial r `[b, …]` without each of b architectures, from the deviations within families."""
    order = np.argsort(backbones, kind="stable")
    starts = np.flatnonzero(np.diff(backbones[order], prepend=-1))
    own = np.diff(starts, append=len(order))
    others = np.bincount(families)[families[order[starts]]] - own  # their mean moves when it leaves

    def leaves(values: Floats) -> Floats:
        return np.add.reduceat(values[..., order], starts, axis=-1)

    def rest(u: Floats, v: Floats) -> Floats:
        moved = leaves(u) * leaves(v) / np.maximum(others, 1)
        return (u * v).sum(-1, keepdims=True) - leaves(u * v) - moved

    def spread(u: Floats) -> Floats:
        left = rest(u, u)
        return np.where(left > 1e-12 * (u * u).sum(-1, keepdims=True), left, np.nan)

    return np.moveaxis(rest(dx, dy) / np.sqrt(spread(dx) * spread(dy)), -1, 0)


def less_family(values: Floats, families: NDArray[np.intp]) -> Floats:
    """Deviations of `values` `[…, n]` from the mean of their family."""
    if not len(families):
        return np.array(values, dtype=float)
    order = np.argsort(families, kind="stable")
    starts = np.flatnonzero(np.diff(families[order], prepend=-1))
    sizes = np.diff(starts, append=len(order))
    means = np.add.reduceat(values[..., order], starts, axis=-1) / sizes
    rest = np.empty_like(values, dtype=float)
    rest[..., order] = values[..., order] - np.repeat(means, sizes, axis=-1)
    # a family of equal values must leave exact zeros, or rounding would pass for variation
    return np.where(np.abs(rest) <= 1e-13 * np.abs(values).max(-1, keepdims=True), 0.0, rest)


def _kendall_within(x: Floats, y: Floats, families: NDArray[np.intp], tie_width: float) -> Floats:
    """Kendall's τ-b, counting only the pairs of one family."""
    pairs = [np.triu_indices(size, k=1) for size in np.bincount(families)]
    order, starts = np.argsort(families, kind="stable"), np.cumsum(np.bincount(families))
    starts = np.concatenate([[0], starts[:-1]])
    first, second = (
        order[np.concatenate([start + pair[side] for start, pair in zip(starts, pairs, strict=True)])]
        for side in (0, 1)
    )
    gaps = y[first] - y[second]
    sign_y = np.sign(gaps) * (np.abs(gaps) > tie_width)
    sign_x = np.sign(x[..., first] - x[..., second])
    untied = np.abs(sign_x).sum(-1) * np.abs(sign_y).sum()
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(untied > 0, sign_x @ sign_y / np.sqrt(untied), np.nan)


def simpson(pooled: tuple[float, float, float], adjusted: tuple[float, float, float]) -> str | None:
    """Say whether pooled and adjusted correlation contradict each other.

    Args:
        pooled: (estimate, low, high) over everything.
        adjusted: the same within families.

    Returns:
        `reversed` where both intervals leave zero out, on opposite sides; `signs differ` where only the
        estimates do; None where they agree or one is missing.
    """
    (r, low, high), (within, within_low, within_high) = pooled, adjusted
    if not np.isfinite([r, within]).all() or r * within >= 0:
        return None
    sure = low * high > 0 and within_low * within_high > 0
    return "reversed" if sure else "signs differ"
