"""Cost against error, and the models that nothing beats on both."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from .look import base_figure, family_traces
from .measures import metric_words

if TYPE_CHECKING:
    import pandas as pd
    import plotly.graph_objects as go

    from .measures import Measure
    from .results import ResultSet

__all__ = ["FrontInfo", "front_info", "plot_front"]


class FrontInfo(NamedTuple):
    """Exactly what the chart shows: every point, and the front's rows of it by rising cost."""

    title: str
    x_label: str
    y_label: str
    log: bool
    points: pd.DataFrame
    front: pd.DataFrame


def front_info(results: ResultSet, cost: Measure) -> FrontInfo:
    """Take the points of a result set that have the cost, and the front of lowest cost and error among them.

    Returns:
        `points` and `front` have columns `name`, `family`, `kind`, `error`, `x`; their index is the row of
        the result set.
    """
    points = results.frame[["name", "family", "kind", "error", cost.key]].rename(columns={cost.key: "x"})
    points = points.dropna(subset=["error", "x"])
    if cost.log:
        points = points[points["x"] > 0]
    best = points[_on_front(points)].sort_values(["x", "error", "name"])
    return FrontInfo(
        title=f"{results.title}: error against {cost.label[0].lower()}{cost.label[1:]}",
        x_label=cost.label,
        y_label=f"Error (1 − {metric_words(results.metric)})",
        log=cost.log,
        points=points,
        front=best,
    )


def _on_front(points: pd.DataFrame) -> pd.Series:
    """Rows that no other row equals or beats on both x and error; of equal rows the first by name."""
    ordered = points.sort_values(["x", "error", "name"])
    best_before = ordered["error"].cummin().shift(fill_value=float("inf"))
    return (ordered["error"] < best_before).reindex(points.index)


def plot_front(results: ResultSet, cost: Measure, coloured: list[str]) -> go.Figure:
    """Draw cost against error with the Pareto front.

    Args:
        results: one set of comparable results.
        cost: the horizontal axis.
        coloured: families that get a colour, in the palette's order.
    """
    return _plot(front_info(results, cost), coloured)


def _plot(info: FrontInfo, coloured: list[str]) -> go.Figure:
    import plotly.graph_objects as go

    figure = base_figure(x_label=info.x_label, y_label=info.y_label, log_x=info.log)
    figure.add_traces(family_traces(info.points, coloured))
    figure.add_trace(
        go.Scatter(
            x=info.front["x"],
            y=info.front["error"],
            text=info.front["name"],
            mode="lines+markers",
            name="Pareto front",
            line={"shape": "hv", "width": 1.5},
        )
    )
    return figure
