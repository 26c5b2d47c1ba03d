"""What all figures share: quiet axes, no background of their own, and nothing that leaves the page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .palette import GREY, MARKS

if TYPE_CHECKING:
    import pandas as pd
    import plotly.graph_objects as go

__all__ = ["CONFIG", "base_figure", "family_traces"]

CONFIG: dict[str, Any] = {
    # plotly.js 4 offers by default to upload a chart to a cloud service
    "showSendToCloud": False,
    "plotlyServerURL": "",
    "displaylogo": False,
    "responsive": True,
    "modeBarButtonsToRemove": ["select2d", "lasso2d", "autoScale2d"],
    "toImageButtonOptions": {"format": "svg", "filename": "archimeter"},
}
"""Plotly's configuration wherever a figure is shown: pass it as `figure.show(config=CONFIG)`."""

FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', sans-serif"


def base_figure(*, x_label: str, y_label: str, log_x: bool = False) -> go.Figure:
    """Return an empty figure with our axes: error as a percentage upwards, its label over the axis."""
    import plotly.graph_objects as go

    return go.Figure(
        layout={
            "template": "none",
            "font": {"family": FONT, "size": 13},
            "paper_bgcolor": "rgba(0,0,0,0)",
            "plot_bgcolor": "rgba(0,0,0,0)",
            "margin": {"l": 52, "r": 16, "t": 34, "b": 52},
            "title": {
                "text": y_label,
                "x": 0,
                "xref": "container",
                "y": 1,
                "pad": {"t": 6},
                "yref": "container",
                "xanchor": "left",
                "yanchor": "top",
                "font": {"size": 13},
            },
            "xaxis": {
                "title": {"text": x_label, "standoff": 12, "font": {"size": 13}},
                "type": "log" if log_x else "linear",
                "zeroline": False,
                "ticks": "outside",
                "ticklen": 4,
            },
            "yaxis": {"tickformat": "~%", "zeroline": False, "ticks": "", "automargin": True},
            "hovermode": "closest",
            "hoverlabel": {"align": "left", "font": {"family": FONT, "size": 13}},
            "showlegend": False,
        }
    )


def family_traces(points: pd.DataFrame, coloured: list[str]) -> list[go.Scatter]:
    """One trace of points per coloured family and one, grey, for the rest; columns x, error, family, name."""
    import plotly.graph_objects as go

    rest = points[~points["family"].isin(coloured)]
    groups = [("other families", GREY, rest)]
    groups += [(f, MARKS[i], points[points["family"] == f]) for i, f in enumerate(coloured)]
    return [
        go.Scatter(
            x=rows["x"],
            y=rows["error"],
            text=rows["name"],
            mode="markers",
            name=name,
            marker={"color": mark.light, "symbol": mark.symbol, "size": 8},
        )
        for name, mark, rows in groups
        if len(rows)
    ]
