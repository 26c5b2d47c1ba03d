"""Error against a statistic, one line per family."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy.special import stdtrit

from ..analysis.association import line
from .look import base_figure, family_traces
from .measures import metric_words

if TYPE_CHECKING:
    import pandas as pd
    import plotly.graph_objects as go

    from .measures import Measure
    from .results import ResultSet

__all__ = ["LEAST_POINTS", "Trend", "TrendInfo", "plot_trends", "trend_info"]

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
    columns = ["name", "family", "kind", "error", measure.key]
    points = results.frame[columns].rename(columns={measure.key: "x"}).dropna(subset=["error", "x"])
    if measure.log:
        points = points[points["x"] > 0]
    fits = (_fit(str(family), rows, log=measure.log) for family, rows in points.groupby("family"))
    return TrendInfo(
        title=f"{results.title}: error against {measure.label[0].lower()}{measure.label[1:]}",
        x_label=measure.label,
        y_label=f"Error (1 − {metric_words(results.metric)})",
        log=measure.log,
        points=points,
        trends=tuple(fit for fit in fits if fit is not None),
    )


def _fit(family: str, rows: pd.DataFrame, *, log: bool) -> Trend | None:
    x = np.log10(rows["x"].to_numpy(float)) if log else rows["x"].to_numpy(float)
    y = rows["error"].to_numpy(float)
    n, found = len(x), line(x, y)
    if n < LEAST_POINTS or not np.isfinite(found.slope):
        return None
    residuals = y - found.intercept - found.slope * x
    spread = (residuals @ residuals / (n - 2) / ((x - x.mean()) ** 2).sum()) ** 0.5
    half = float(stdtrit(n - 2, 0.975) * spread)
    slope = float(found.slope)
    return Trend(
        family=family,
        n=n,
        slope=slope,
        slope_low=slope - half,
        slope_high=slope + half,
        intercept=float(found.intercept),
        r2=float(found.r2),
        x_low=float(x.min()),
        x_high=float(x.max()),
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
