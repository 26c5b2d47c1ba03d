"""Error against a statistic, one line per family."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd
from scipy.special import stdtrit

from .look import base_figure, family_traces
from .measures import metric_words
from .results import has_value, points_on

if TYPE_CHECKING:
    import plotly.graph_objects as go

    from .measures import Measure
    from .results import ResultSet

__all__ = ["LEAST_POINTS", "Trend", "TrendInfo", "plot_trends", "trend_info", "trend_lines"]

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
    """Fit the line of every family with enough models, all at once: a page holds thousands."""
    kept = has_value(results.frame, measure.key, log=measure.log)
    if not kept.any():
        return ()
    codes, families = pd.factorize(results.frame["family"].to_numpy()[kept], sort=True)
    y = results.frame["error"].to_numpy(dtype=float)[kept]
    x = results.frame[measure.key].to_numpy(dtype=float)[kept]
    x = np.log10(x) if measure.log else x
    n = np.bincount(codes)
    mean_x, mean_y = (np.bincount(codes, v) / n for v in (x, y))
    dx, dy = x - mean_x[codes], y - mean_y[codes]
    sxx, sxy, syy = (np.bincount(codes, v) for v in (dx * dx, dx * dy, dy * dy))
    order = np.lexsort((x, codes))
    last = np.cumsum(n)
    ends = np.column_stack([x[order][last - n], x[order][last - 1]])
    drawn = np.flatnonzero((n >= LEAST_POINTS) & (np.ptp(ends, axis=1) > 1e-9 * np.abs(mean_x)))
    slope = sxy[drawn] / sxx[drawn]
    left = np.maximum(syy[drawn] - slope * sxy[drawn], 0)
    half = stdtrit(n[drawn] - 2, 0.975) * np.sqrt(left / (n[drawn] - 2) / sxx[drawn])
    r2 = np.divide(slope * sxy[drawn], syy[drawn], out=np.full(len(drawn), np.nan), where=syy[drawn] > 0)
    return tuple(
        Trend(str(families[f]), int(n[f]), *map(float, numbers))
        for f, *numbers in zip(
            drawn,
            slope,
            slope - half,
            slope + half,
            mean_y[drawn] - slope * mean_x[drawn],
            r2,
            *ends[drawn].T,
            strict=True,
        )
    )


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
