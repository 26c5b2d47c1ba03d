"""Cost against error, and the models that nothing beats on both."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from ..analysis.pareto import front_probability, pareto
from .look import base_figure, family_traces
from .measures import metric_words
from .results import has_value, points_on

if TYPE_CHECKING:
    import pandas as pd
    import plotly.graph_objects as go

    from .measures import Measure
    from .results import ResultSet

__all__ = ["FrontInfo", "front_chances", "front_info", "front_rows", "plot_front"]

DRAWS = 400
"""A chance of a half is known to 0.025."""


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
    points = points_on(results.frame, cost.key, log=cost.log)
    best = points.loc[front_rows(results, cost)]
    return FrontInfo(
        title=f"{results.title}: error against {cost.label[0].lower()}{cost.label[1:]}",
        x_label=cost.label,
        y_label=f"Error (1 − {metric_words(results.metric)})",
        log=cost.log,
        points=points,
        front=best,
    )


def front_rows(results: ResultSet, cost: Measure) -> list[int]:
    """Rows of the result set that no other beats on cost and error, by rising cost."""
    frame = results.frame
    kept = np.flatnonzero(has_value(frame, cost.key, log=cost.log))
    values = np.column_stack([frame[name].to_numpy(dtype=float)[kept] for name in (cost.key, "error")])
    order = np.lexsort(values.T[::-1])
    values, kept = values[order], kept[order]
    able = values[:, 1] <= np.minimum.accumulate(values[:, 1])  # nothing cheaper is better: few are left
    return [int(row) for row in frame.index[kept[able][pareto(values[able])]]]


def front_chances(results: ResultSet, cost: Measure, rows: list[int]) -> list[float] | None:
    """How often each of the front's rows stays on it when the errors are drawn again within replicate noise.

    None where no model was run repeatedly, or where the errors are minima, whose noise is another.
    """
    frame = results.frame
    if results.summarised_by != "mean" or not (frame["n_runs"] > 1).any() or frame["error_sd"].isna().all():
        return None
    kept = frame.index[has_value(frame, cost.key, log=cost.log)]
    noise = frame["error_sd"].fillna(frame["error_sd"].median()) / np.sqrt(frame["n_runs"])
    known = frame.loc[kept, ["error", cost.key]].assign(noise=noise)
    found = front_probability(
        known, ["error", cost.key], noise={"error": "noise"}, rng=np.random.default_rng(0), draws=DRAWS
    )
    return [float(chance) for chance in found.loc[rows, "front_probability"]]


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
