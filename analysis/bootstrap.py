"""Intervals of any statistic by drawing the units again.

Correlations and slopes of the grid have closed intervals (`analysis.jackknife`); these serve what has none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri, stdtrit

from ..data.errors import InputError
from .jackknife import Interval, Pair, jackknife, jackknife_t, of_totals, unit_sums

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["bca", "bootstrap", "expanded_percentile", "replicate"]

Floats = NDArray[np.float64]
Method = Literal["expanded-percentile", "bca", "jackknife-t"]


def replicate(x: Floats, y: Floats, counts: Floats, clusters: NDArray[np.intp] | None = None) -> Pair:
    """Pearson's r and slope `[draws, s]` of every row of `x` with `y`, each unit counted so often.

    Args:
        x: `[s, n]`.
        y: `[n]`.
        counts: `[draws, k]`, how often each unit (or cluster) is taken.
        clusters: `[n]`, codes 0 … k − 1; None where every unit is its own.
    """
    return of_totals(np.matmul(counts, unit_sums(x, y, clusters).transpose(0, 2, 1)))


def expanded_percentile(replicates: Floats, n: int, level: float = 0.95, used: int = 2) -> Interval:
    """Percentile interval, widened for the narrowness of small samples.

    Args:
        replicates: `[draws, s]`; NaN (a resample without spread) is left out.
        n: units that were resampled.
        level: wanted coverage.
        used: degrees of freedom that the estimate uses up.

    Returns:
        The quantiles at Φ(± t √(n / (n − used))), t of Student with n − used degrees.

    Source: Hesterberg 2015 (The American Statistician 69:4, section 5.3), who has 1 for a mean.
    """
    if n <= used:
        empty = np.full(replicates.shape[1], np.nan)
        return Interval(empty, empty)
    widened = np.sqrt(n / (n - used)) * stdtrit(n - used, (1 - level) / 2)
    tail = np.full(replicates.shape[1], ndtr(widened))
    return Interval(_quantile(replicates, tail), _quantile(replicates, 1 - tail))


def bca(replicates: Floats, estimate: Floats, left_out: Floats, level: float = 0.95) -> Interval:
    """Bias-corrected and accelerated interval.

    Args:
        replicates: `[draws, s]`.
        estimate: `[s]`, from all units.
        left_out: `[n, s]`, the estimate without each unit in turn.
        level: wanted coverage.

    Source: Efron 1987; agrees with scipy.stats.bootstrap(method="BCa") within Monte-Carlo error.
    """
    finite = np.isfinite(replicates)
    below = ((replicates < estimate).astype(float) + (replicates <= estimate)) / 2
    with np.errstate(divide="ignore", invalid="ignore"):
        bias = ndtri(np.where(finite, below, 0).sum(0) / finite.sum(0))
        away = left_out.mean(0) - left_out
        acceleration = (away**3).sum(0) / (6 * (away**2).sum(0) ** 1.5)
        ends = [
            ndtr(bias + (bias + edge) / (1 - acceleration * (bias + edge)))
            for edge in (ndtri((1 - level) / 2), -ndtri((1 - level) / 2))
        ]
    return Interval(*(_quantile(replicates, end) for end in ends))


def _quantile(values: Floats, at: Floats) -> Floats:
    """Linear quantile of each column of `[draws, s]` at its own place, NaN left out."""
    ordered = np.sort(values, axis=0)  # NaN goes last
    last = np.isfinite(ordered).sum(0) - 1
    usable = (last >= 0) & np.isfinite(at)
    place = np.where(usable, at, 0.0) * np.maximum(last, 0)
    low = np.floor(place).astype(int)
    high = np.minimum(low + 1, np.maximum(last, 0))
    columns = np.arange(ordered.shape[1])
    lower, upper = ordered[low, columns], ordered[high, columns]
    return np.where(usable, lower + (place - low) * (upper - lower), np.nan)


def bootstrap(
    *columns: Floats,
    statistic: Callable[..., Floats],
    rng: np.random.Generator,
    draws: int = 2000,
    level: float = 0.95,
    method: Method = "expanded-percentile",
) -> Interval:
    """Interval of any statistic of paired columns, by resampling the units.

    Args:
        columns: `[n]` each, paired.
        statistic: takes the columns as `[draws, n]` and returns `[draws]`, as `analysis.association` does.
        rng: where the randomness comes from.
        draws: resamples.
        level: wanted coverage.
        method: `expanded-percentile`, `bca`, or `jackknife-t` (give a statistic that is about normal).

    Raises:
        InputError: for fewer than two units, unequal columns or a level outside (0, 1).
    """
    n = len(columns[0])
    if n < 2 or any(len(column) != n for column in columns):
        raise InputError(
            f"Columns of {[len(c) for c in columns]} units: give at least 2, equally many in each."
        )
    if not 0 < level < 1:
        raise InputError(f"The level is {level}; it must lie between 0 and 1, such as 0.95.")
    whole = np.atleast_1d(statistic(*(np.asarray(c) for c in columns)))
    if method == "jackknife-t":
        return jackknife_t(whole, jackknife(*columns, statistic=statistic), level)
    drawn = rng.integers(0, n, size=(draws, n))
    replicates = np.asarray(statistic(*(np.asarray(c)[drawn] for c in columns)), dtype=float)[:, None]
    if method == "expanded-percentile":
        return expanded_percentile(replicates, n, level)
    return bca(replicates, whole, jackknife(*columns, statistic=statistic), level)
