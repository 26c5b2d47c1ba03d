"""Error against a statistic, one line per family."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd
from scipy.special import stdtrit

from .look import base_figure, family_traces
from .measures import metric_words
from .results import points_on

if TYPE_CHECKING:
    from collections.abc import Sequence

    import plotly.graph_objects as go
    from numpy.typing import NDArray

    from .measures import Measure
    from .results import ResultSet

__all__ = [
    "LEAST_POINTS",
    "Trend",
    "TrendInfo",
    "all_trend_lines",
    "plot_trends",
    "trend_info",
    "trend_lines",
]

LEAST_POINTS = 5
"""A line through fewer points is not drawn."""


class Trend(NamedTuple):
    """An ordinary least-squares line of one family.

    `slope` is error per unit of x, where x is the statistic, or its decimal logarithm where the axis is a
    logarithm (then: error per tenfold). `slope_low` and `slope_high` bound its 95 % t-interval.
    `x_low` and `x_high` are the ends of the family's points, in the same x.
    """

    family: str
    n: int
    slope: float
    slope_low: float
    slope_high: float
    intercept: float
    r2: float
    x_low: float
    x_high: float


class TrendInfo(NamedTuple):
    """Exactly what the chart shows."""

    title: str
    x_label: str
    y_label: str
    log: bool
    points: pd.DataFrame
    trends: tuple[Trend, ...]


def trend_info(results: ResultSet, measure: Measure) -> TrendInfo:
    """Take the points of a result set that have the statistic, and fit a line per family.

    Error is regressed on the statistic as it is for fit time, as the fast.ai notebook did, and on its
    decimal logarithm for everything else. Families with fewer than `LEAST_POINTS` models get no line.

    Source:
        J. Howard, "The best vision models for fine-tuning" (2022): plotly's `trendline="ols"` per family.
    """
    points = points_on(results.frame, measure.key, log=measure.log)
    return TrendInfo(
        title=f"{results.title}: error against {measure.label[0].lower()}{measure.label[1:]}",
        x_label=measure.label,
        y_label=f"Error (1 − {metric_words(results.metric)})",
        log=measure.log,
        points=points,
        trends=trend_lines(results, measure),
    )


def trend_lines(results: ResultSet, measure: Measure) -> tuple[Trend, ...]:
    """Fit the line of every family with enough models, all at once."""
    return all_trend_lines(results, [measure])[measure.key]


def all_trend_lines(results: ResultSet, measures: Sequence[Measure]) -> dict[str, tuple[Trend, ...]]:
    """Fit the lines of every measure: a page holds thousands."""
    codes, families = pd.factorize(results.frame["family"], sort=True)
    error = results.frame["error"].to_numpy(dtype=float)
    lines = {}
    for measure in measures:
        x = results.frame[measure.key].to_numpy(dtype=float)
        kept = x > 0 if measure.log else np.isfinite(x)
        x = np.log10(x[kept]) if measure.log else x[kept]
        lines[measure.key] = _lines(x, error[kept], codes[kept], [str(name) for name in families])
    return lines


def _lines(
    x: NDArray[np.float64], y: NDArray[np.float64], codes: NDArray[np.intp], families: list[str]
) -> tuple[Trend, ...]:
    if not len(x):
        return ()
    n = np.bincount(codes)
    mean_x, mean_y = (np.bincount(codes, v) / np.maximum(n, 1) for v in (x, y))
    dx, dy = x - mean_x[codes], y - mean_y[codes]
    sxx, sxy, syy = (np.bincount(codes, v) for v in (dx * dx, dx * dy, dy * dy))
    order = np.lexsort((x, codes))
    last = np.cumsum(n)
    drawn = np.flatnonzero(n >= LEAST_POINTS)
    ends = np.column_stack([x[order][last[drawn] - n[drawn]], x[order][last[drawn] - 1]])
    varies = np.ptp(ends, axis=1) > 1e-9 * np.abs(mean_x[drawn])
    drawn, ends = drawn[varies], ends[varies]
    slope = sxy[drawn] / sxx[drawn]
    left = np.maximum(syy[drawn] - slope * sxy[drawn], 0)
    half = stdtrit(n[drawn] - 2, 0.975) * np.sqrt(left / (n[drawn] - 2) / sxx[drawn])
    r2 = np.divide(slope * sxy[drawn], syy[drawn], out=np.full(len(drawn), np.nan), where=syy[drawn] > 0)
    start = mean_y[drawn] - slope * mean_x[drawn]
    numbers = np.column_stack([slope, slope - half, slope + half, start, r2, ends])
    return tuple(Trend(families[f], int(n[f]), *row) for f, row in zip(drawn, numbers.tolist(), strict=True))


def plot_trends(results: ResultSet, measure: Measure, coloured: list[str]) -> go.Figure:
    """Draw error against a statistic, one line per family.

    Args:
        results: one set of comparable results.
        measure: the horizontal axis.
        coloured: families that get a colour, in the palette's order.
    """
    return _plot(trend_info(results, measure), coloured)


def _plot(info: TrendInfo, coloured: list[str]) -> go.Figure:
    import plotly.graph_objects as go

    figure = base_figure(x_label=info.x_label, y_label=info.y_label, log_x=info.log)
    figure.add_traces(family_traces(info.points, coloured))
    for trend in info.trends:
        x = np.array([trend.x_low, trend.x_high])
        figure.add_trace(
            go.Scatter(
                x=10**x if info.log else x,
                y=trend.intercept + trend.slope * x,
                mode="lines",
                name=f"{trend.family}, n = {trend.n}, R² = {trend.r2:.3f}",
                showlegend=False,
            )
        )
    return figure
