"""All families at once: with the differences between families, and without them.

A pooled correlation mixes two things, how families differ and what size does within one. The adjusted one
holds only the second. Where the two point in opposite directions, the pooled one misleads (Simpson).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri
from scipy.stats import rankdata

from .association import pearson
from .permutation import student_p

__all__ = ["Adjusted", "less_family", "partial_interval", "simpson", "within_family"]

Floats = NDArray[np.float64]


class Adjusted(NamedTuple):
    """Association within families, those of one member left out.

    Attributes:
        n, n_backbones, n_families: what entered.
        pearson, spearman: partial correlations given the family. low, high: interval of `pearson`.
        kendall: τ-b over the pairs of the same family. slope: common slope within families.
        p: two-sided, of `pearson`.
    """

    n: int
    n_backbones: int
    n_families: int
    pearson: float
    low: float
    high: float
    spearman: float
    kendall: float
    slope: float
    p: float


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
        x: `[n]`.
        y: `[n]`.
        families: `[n]`, codes.
        backbones: `[n]`, codes; weights of one architecture count once in the degrees of freedom.
        tie_width: differences of `ranked` up to this are ties in Kendall's τ.
        ranked: `[n]`, what Kendall orders by; `y` when None.
        level: coverage.

    Source: pearson and spearman agree with pingouin.partial_corr given family dummies, slope and p with
        statsmodels' OLS with family dummies, to 1e-8.
    """
    sizes = np.bincount(families)
    kept = sizes[families] >= 2
    x, y, families, backbones = x[kept], y[kept], families[kept], backbones[kept]
    ordered = y if ranked is None else ranked[kept]
    n, k, n_backbones = len(x), len(np.unique(families)), len(np.unique(backbones))
    if n - k < 2:
        return Adjusted(n, n_backbones, k, *[np.nan] * 7)
    dx, dy = less_family(x, families), less_family(y, families)
    r = float(pearson(dx, dy))
    low, high = partial_interval(r, n_backbones, k - 1, level)
    rank_r = float(pearson(less_family(rankdata(x), families), less_family(rankdata(y), families)))
    spread = float((dx**2).sum())
    return Adjusted(
        n=n,
        n_backbones=n_backbones,
        n_families=k,
        pearson=r,
        low=low,
        high=high,
        spearman=rank_r,
        kendall=_kendall_within(x, ordered, families, tie_width),
        slope=float((dx * dy).sum() / spread) if np.isfinite(r) else np.nan,
        p=float(student_p(np.array(r), n_backbones - k - 1)),
    )


def less_family(values: Floats, families: NDArray[np.intp]) -> Floats:
    """Deviations of `values` `[n]` from the mean of their family."""
    sizes = np.bincount(families)
    means = np.bincount(families, weights=values) / np.maximum(sizes, 1)
    rest = values - means[families]
    # a family of equal values must leave exact zeros, or rounding would pass for variation
    return np.where(np.abs(rest) <= 1e-13 * np.abs(values).max(initial=0), 0.0, rest)


def _kendall_within(x: Floats, y: Floats, families: NDArray[np.intp], tie_width: float) -> float:
    """Kendall's τ-b, counting only the pairs of one family."""
    first, second = np.triu_indices(len(x), k=1)
    same = families[first] == families[second]
    first, second = first[same], second[same]
    gaps = y[first] - y[second]
    sign_y = np.sign(gaps) * (np.abs(gaps) > tie_width)
    sign_x = np.sign(x[first] - x[second])
    untied = np.abs(sign_x).sum() * np.abs(sign_y).sum()
    return float(sign_x @ sign_y / np.sqrt(untied)) if untied else np.nan


def partial_interval(r: float, n: int, controlled: int, level: float = 0.95) -> tuple[float, float]:
    """Fisher's interval of a partial correlation, given the number of controlled columns.

    Source: Fisher 1924: z with standard error 1 / √(n − controlled − 3).
    """
    degrees = n - controlled - 3
    if degrees < 1 or not np.isfinite(r) or abs(r) >= 1:
        return np.nan, np.nan
    half = -ndtri((1 - level) / 2) / np.sqrt(degrees)
    return float(np.tanh(np.arctanh(r) - half)), float(np.tanh(np.arctanh(r) + half))


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
