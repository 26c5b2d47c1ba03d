"""Intervals from the sample itself: drawing the units again, or leaving each out in turn.

Which one is used was settled by simulation: pairs of normal, log-normal and exponential columns, true
correlations from 0 to 0.85, nominal 95 % (`benchmarks/coverage.py` prints it):

- 20 units and more: the wider of two ends each, of the expanded percentile interval and of the jackknife
  with Student's t on Fisher's scale: 94–97 % at n = 30 on normal, log-normal (σ 0.5), gamma and exponential
  columns. Alone the first falls to 92 % and the second to 90 % where columns are skewed; BCa covers
  87–94 % and was rejected.
- 12 to 19: the expanded percentile interval covers 93–98 % at n = 12; the wider of both would cover up to
  99 %, BCa 88–95 %.
- fewer: the jackknife with Student's t on Fisher's scale covers 93–97 % at n = 6 and 8. There the expanded
  percentile interval covers 95–100 % by being nearly as wide as the scale, and BCa 90–97 %.

None of them holds the truth where one column is log-normal with σ 1 and the true r comes from its tail
(r 0.65: 83 % at n = 12, 86 % at n = 30). The analysis takes logarithms and log-odds first, which is why.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri
from scipy.stats import t as student

from ..data.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = [
    "Interval",
    "Resampler",
    "bca",
    "bootstrap",
    "expanded_percentile",
    "jackknife",
    "jackknife_t",
    "replicate",
]

Floats = NDArray[np.float64]
Method = Literal["expanded-percentile", "bca", "jackknife-t"]
FEWEST_FOR_DRAWS = 12
FEWEST_FOR_BOTH = 20
LARGEST_R = 1 - 1e-9


class Interval(NamedTuple):
    """Lower and upper end, `[s]` each; NaN where the replicates carry no information."""

    low: Floats
    high: Floats


class Replicates(NamedTuple):
    """Bootstrap replicates `[draws, s]` of Pearson's r and of the least-squares slope of y on x."""

    r: Floats
    slope: Floats


class Resampler:
    """Intervals of Pearson's r and of the least-squares slope, for many columns at once.

    Equal n gets equal draws, so an interval never depends on which other intervals were asked for.

    Args:
        rng: where the randomness comes from; one number is taken from it.
        draws: resamples per interval.
    """

    def __init__(self, rng: np.random.Generator, draws: int = 2000) -> None:
        if draws < 100:
            raise InputError(f"{draws} bootstrap draws are too few for an interval; give at least 100.")
        self.draws = draws
        self._seed = int(rng.integers(2**63))
        self._counts = lru_cache(maxsize=64)(self._draw)

    def _draw(self, n: int) -> Floats:
        rng = np.random.default_rng([self._seed, n])
        return rng.multinomial(n, np.full(n, 1 / n), size=self.draws).astype(float)

    def intervals(
        self, x: Floats, y: Floats, clusters: NDArray[np.intp] | None = None, level: float = 0.95
    ) -> tuple[Interval, Interval, str]:
        """Return the interval of r, that of the slope of `y` on `x`, and how they were found.

        Args:
            x: `[s, n]`.
            y: `[n]`.
            clusters: `[n]`, codes 0 … k − 1 of units that stay together (weights of one architecture);
                None takes each alone.
            level: wanted coverage.
        """
        n = len(y) if clusters is None else int(clusters.max()) + 1
        if n < FEWEST_FOR_DRAWS:
            return *self._jackknifed(x, y, n, clusters, level), "jackknife t"
        drawn = replicate(x, y, self._counts(n), clusters)
        of_r, of_slope = (expanded_percentile(values, n, level) for values in drawn)
        if n < FEWEST_FOR_BOTH:
            return of_r, of_slope, "expanded percentile bootstrap"
        jack_r, jack_slope = self._jackknifed(x, y, n, clusters, level)
        return _wider(of_r, jack_r), _wider(of_slope, jack_slope), "wider of bootstrap and jackknife"

    @staticmethod
    def _jackknifed(
        x: Floats, y: Floats, n: int, clusters: NDArray[np.intp] | None, level: float
    ) -> tuple[Interval, Interval]:
        whole, left_out = (replicate(x, y, c, clusters) for c in (np.ones((1, n)), 1 - np.eye(n)))
        on_z = jackknife_t(_z(whole.r[0]), _z(left_out.r), level)
        of_slope = jackknife_t(whole.slope[0], left_out.slope, level)
        return Interval(np.tanh(on_z.low), np.tanh(on_z.high)), of_slope


def _wider(one: Interval, other: Interval) -> Interval:
    return Interval(np.minimum(one.low, other.low), np.maximum(one.high, other.high))


def replicate(x: Floats, y: Floats, counts: Floats, clusters: NDArray[np.intp] | None = None) -> Replicates:
    """Pearson's r and slope of every row of `x` `[s, n]` with `y` `[n]`, each unit counted so often.

    Args:
        x: `[s, n]`.
        y: `[n]`.
        counts: `[draws, k]`, how often each unit (or cluster) is taken.
        clusters: `[n]`, codes 0 … k − 1; None where every unit is its own.
    """
    dx, dy = x - x.mean(-1, keepdims=True), y - y.mean()
    one_hot = None if clusters is None else np.eye(counts.shape[1])[clusters]

    def total(values: Floats) -> Floats:  # [n] or [s, n] → [draws, 1] or [draws, s]
        rows = np.atleast_2d(values)
        return counts @ (rows if one_hot is None else rows @ one_hot).T

    size = total(np.ones(len(y)))
    mean_x, mean_y = total(dx) / size, total(dy) / size
    var_x = _variance(total(dx**2) / size, mean_x)
    var_y = _variance(total(dy**2) / size, mean_y)
    covariance = total(dx * dy) / size - mean_x * mean_y
    with np.errstate(divide="ignore", invalid="ignore"):
        slope = np.where(var_x > 0, covariance / var_x, np.nan)
        r = np.where((var_x > 0) & (var_y > 0), covariance / np.sqrt(var_x * var_y), np.nan)
    return Replicates(np.clip(r, -1, 1), slope)


def _z(r: Floats) -> Floats:
    return np.arctanh(np.clip(r, -LARGEST_R, LARGEST_R))


def jackknife_t(estimate: Floats, left_out: Floats, level: float = 0.95) -> Interval:
    """Estimate ± Student's t (n − 2 degrees) times the jackknife's standard error.

    Args:
        estimate: `[s]`, from all units, on a scale where it is about normal.
        left_out: `[n, s]`, the estimate without each unit in turn.
        level: wanted coverage.

    Source: Tukey 1958; the standard error agrees with astropy.stats.jackknife's formula
        √((n − 1) / n · Σ (θ₍ᵢ₎ − θ₍·₎)²).
    """
    n = len(left_out)
    if n < 3:
        empty = np.full(np.shape(estimate), np.nan)
        return Interval(empty, empty)
    error = np.sqrt((n - 1) / n * ((left_out - left_out.mean(0)) ** 2).sum(0))
    half = student.ppf((1 + level) / 2, n - 2) * error
    return Interval(estimate - half, estimate + half)


def _variance(mean_of_squares: Floats, mean: Floats) -> Floats:
    variance = mean_of_squares - mean**2
    return np.where(variance > 1e-12 * mean_of_squares, variance, 0.0)


def expanded_percentile(replicates: Floats, n: int, level: float = 0.95) -> Interval:
    """Percentile interval, widened for the narrowness of small samples.

    Args:
        replicates: `[draws, s]`; NaN (a resample without spread) is left out.
        n: units that were resampled.
        level: wanted coverage.

    Returns:
        The quantiles at Φ(± t √(n / (n − 2))), t of Student with n − 2 degrees.

    Source: Hesterberg 2015 (The American Statistician 69:4, section 5.3), with n − 2 for two columns.
    """
    if n <= 2:
        empty = np.full(replicates.shape[1], np.nan)
        return Interval(empty, empty)
    widened = np.sqrt(n / (n - 2)) * student.ppf((1 - level) / 2, n - 2)
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


def jackknife(*columns: Floats, statistic: Callable[..., Floats]) -> Floats:
    """The statistic without each unit in turn: `[n, s]` for columns `[n]` or `[s, n]`."""
    n = np.shape(columns[0])[-1]
    kept = [np.delete(np.arange(n), i) for i in range(n)]
    return np.stack([np.atleast_1d(statistic(*(c[..., k] for c in columns))) for k in kept])


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
