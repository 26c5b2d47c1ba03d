"""Intervals from the sample itself: drawing the units again, or leaving each out in turn.

Which one is used for r was settled by simulation (`benchmarks/coverage.py` prints it): pairs of normal,
log-normal, gamma, exponential and t columns, true correlations from 0 to 0.85, nominal 95 %.

- fewer than 12 units: the jackknife with Student's t on Fisher's scale: 94–97.5 % at n = 6 and 8. There the
  expanded percentile interval is nearly as wide as the scale.
- 12 and more: the wider, at each end, of Hesterberg's expanded percentile interval and of nine tenths of
  Fisher's normal interval; from 20 on also of that jackknife: 94–97.6 % at n = 12, 94–97.7 % at n = 30.

Rejected: BCa (89–95 % at n = 12), the jackknife alone (91–96 % at n = 12 to 30), Fisher's alone (78–98 %: it
knows nothing of skewness), the delta method with the sample's own kurtosis (82–95 %).

Fisher's is a floor for one case: a curved relation whose true r comes from a tail that the sample does not
hold (x normal, y the exponential of a normal with σ 1, r 0.65). There the sample's r looks steadier than it
is, and whatever asks the sample alone is too narrow (bootstrap 80 % at n = 12 and 71 % at n = 30, jackknife
90 and 83 %); with the floor it is 93 and 90 %. The full floor would cover 98 % where skewed columns are
independent. The analysis takes logarithms and log-odds first, on which scale the same pairs are normal and
covered (96 %).

The slope has the same without the floor, its percentile interval expanded for two columns: 94–97.7 % where
the relation is a line; a line through a curve (the case above) is held 79–90 % of the time.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri, stdtrit

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
    "unit_sums",
]

Floats = NDArray[np.float64]
Method = Literal["expanded-percentile", "bca", "jackknife-t"]
FEWEST_FOR_DRAWS = 12
FEWEST_FOR_BOTH = 20
FLOOR = 0.9
LARGEST_R = 1 - 1e-9
ROWS_AT_ONCE = 128
"""Rows that are drawn again in one step, to bound the memory."""


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
        return self.of_sums(unit_sums(x, y, clusters), level)

    def of_sums(self, sums: Floats, level: float = 0.95) -> tuple[Interval, Interval, str]:
        """Return what `intervals` does, from `unit_sums` `[6, s, n]`; each row may have its own units."""
        n = sums.shape[2]
        if n < FEWEST_FOR_DRAWS:
            return *_jackknifed(sums, level), "jackknife t"
        starts = range(0, sums.shape[1], ROWS_AT_ONCE)
        parts = [self._drawn(sums[:, i : i + ROWS_AT_ONCE], level) for i in starts]
        of_r, of_slope = (
            Interval(*map(np.concatenate, zip(*ends, strict=True))) for ends in zip(*parts, strict=True)
        )
        of_r = _wider(of_r, _floor(_of_totals(sums.sum(2)[:, None]).r[0], n, level))
        if n < FEWEST_FOR_BOTH:
            return of_r, of_slope, "wider of bootstrap and 0.9 Fisher"
        jack_r, jack_slope = _jackknifed(sums, level)
        method = "widest of bootstrap, jackknife and 0.9 Fisher"
        return _wider(of_r, jack_r), _wider(of_slope, jack_slope), method

    def _drawn(self, sums: Floats, level: float) -> tuple[Interval, Interval]:
        n = sums.shape[2]
        drawn = _of_totals(np.matmul(self._counts(n), sums.transpose(0, 2, 1)))
        return expanded_percentile(drawn.r, n, level, used=1), expanded_percentile(drawn.slope, n, level)


def _floor(r: Floats, n: int, level: float) -> Interval:
    """Nine tenths of Fisher's normal interval: what a sample of n cannot be surer than."""
    half = -FLOOR * ndtri((1 - level) / 2) / np.sqrt(n - 3)
    return Interval(np.tanh(_z(r) - half), np.tanh(_z(r) + half))


def _jackknifed(sums: Floats, level: float) -> tuple[Interval, Interval]:
    all_of_them = sums.sum(2)
    whole = _of_totals(all_of_them[:, None])
    left_out = _of_totals(all_of_them[:, None] - sums.transpose(0, 2, 1))
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
    return _of_totals(np.matmul(counts, unit_sums(x, y, clusters).transpose(0, 2, 1)))


def unit_sums(x: Floats, y: Floats, clusters: NDArray[np.intp] | None = None) -> Floats:
    """What each unit gives to a mean, a variance, a covariance: `[6, s, n]`, or `[6, s, k]` for k clusters.

    In this order: how many, x, y, x², y², x · y, each x and y from its row's mean.

    Args:
        x: `[s, n]`.
        y: `[n]`, or as many rows as `x`.
        clusters: `[n]`, codes 0 … k − 1; None where every unit is its own.
    """
    dx = x - x.mean(-1, keepdims=True)
    dy = np.broadcast_to(y - y.mean(-1, keepdims=True), dx.shape)
    sums = np.stack([np.ones_like(dx), dx, dy, dx**2, dy**2, dx * dy])
    return sums if clusters is None else sums @ np.eye(int(clusters.max()) + 1)[clusters]


def _of_totals(totals: Floats) -> Replicates:
    """Pearson's r and slope `[draws, s]` from the six sums `[6, draws, s]` over what was drawn."""
    size, sum_x, sum_y, squares_x, squares_y, products = totals
    with np.errstate(divide="ignore", invalid="ignore"):
        mean_x, mean_y = sum_x / size, sum_y / size
        var_x = _variance(squares_x / size, mean_x)
        var_y = _variance(squares_y / size, mean_y)
        covariance = products / size - mean_x * mean_y
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
    half = stdtrit(n - 2, (1 + level) / 2) * error
    return Interval(estimate - half, estimate + half)


def _variance(mean_of_squares: Floats, mean: Floats) -> Floats:
    variance = mean_of_squares - mean**2
    return np.where(variance > 1e-12 * mean_of_squares, variance, 0.0)


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
