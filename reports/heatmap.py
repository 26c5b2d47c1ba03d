"""Which statistic goes with a low error: correlations by family, for every data set."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from ..analysis.axes import AXES
from ..analysis.correlate import FEWEST, correlate
from .look import base_figure

if TYPE_CHECKING:
    import pandas as pd
    import plotly.graph_objects as go

    from .results import Results

__all__ = ["SCALES", "Cell", "HeatmapInfo", "heatmap_info", "plot_heatmap", "relate"]

SCALES = {
    "light": ((0.0, "#5aa5de"), (0.25, "#a9cfee"), (0.5, "#f5f5f3"), (0.75, "#f8cfae"), (1.0, "#ef9455")),
    "dark": ((0.0, "#2a78b5"), (0.25, "#235476"), (0.5, "#24292e"), (0.75, "#7a4420"), (1.0, "#b9571b")),
}
"""Blue where error falls, orange where it rises: a pair that colour-blind readers tell apart."""

LEVELS = {"pooled": "all models", "family-adjusted": "all, within families"}


class Cell(NamedTuple):
    """One correlation: Pearson's r with its 95 % interval, models, and the false discovery rate q."""

    r: float
    low: float
    high: float
    n: int
    q: float


class HeatmapInfo(NamedTuple):
    """Exactly what the map of one result set shows: rows with most models first, None where too few."""

    title: str
    statistics: tuple[str, ...]
    rows: tuple[tuple[str, tuple[Cell | None, ...]], ...]


def relate(results: Results) -> dict[str, pd.DataFrame]:
    """Correlate every statistic with the error in every set, as one grid, so that q allows for all of it.

    Returns:
        Key of the set → its rows of `analysis.correlate.correlate`.
    """
    grids: dict[str, pd.DataFrame] = {}
    for summary in ("mean", "min"):
        sets = {
            (one.study, one.dataset, one.recipe): one.key
            for one in results.sets
            if one.summarised_by == summary
        }
        if not sets:
            continue
        studied = {key[:2] for key in sets}
        identities = zip(results.runs["study"], results.runs["dataset"], strict=True)
        runs = results.runs[[identity in studied for identity in identities]]
        grid = correlate(runs, summary=summary)
        for identity, rows in grid.groupby(["study", "dataset", "recipe"]):
            key = sets.get(tuple(identity))  # pyright: ignore[reportArgumentType]  # three keys give triples
            if key:
                grids[key] = rows
    return grids


def heatmap_info(title: str, grid: pd.DataFrame) -> HeatmapInfo:
    """Turn one set's correlations into the map's rows: all models first, then families by size.

    A family with no statistic over at least `FEWEST` models has no row; such a cell is None.
    """
    names = zip(*(grid[c].tolist() for c in ("level", "family", "statistic")), strict=True)
    columns = ("pearson", "pearson_low", "pearson_high", "n", "q_value")
    numbers = grid[list(columns)].to_numpy(dtype=float).tolist()
    cells: dict[tuple[str, str], Cell] = {}
    sizes: dict[str, int] = {}
    for (level, family, statistic), (r, low, high, n, q) in zip(names, numbers, strict=True):
        if n < FEWEST or r != r:  # noqa: PLR0124  # NaN
            continue
        label = family if level == "family" else LEVELS[level]
        cells[label, statistic] = Cell(r, low, high, int(n), q)
        if level == "family":
            sizes[family] = max(sizes.get(family, 0), int(n))
    held = {statistic for _, statistic in cells}
    statistics = tuple(s for s in dict.fromkeys(grid["statistic"].tolist()) if s in held)
    families = sorted(sizes, key=lambda family: (-sizes[family], family))
    labels = {label for label, _ in cells}
    order = [label for label in LEVELS.values() if label in labels] + families
    rows = tuple((label, tuple(cells.get((label, s)) for s in statistics)) for label in order)
    return HeatmapInfo(title=title, statistics=statistics, rows=rows)


def plot_heatmap(title: str, grid: pd.DataFrame) -> go.Figure:
    """Draw the correlations of one set as a map of families and statistics.

    Args:
        title: of the set.
        grid: its rows of `relate`.
    """
    return _plot(heatmap_info(title, grid))


def _plot(info: HeatmapInfo) -> go.Figure:
    import plotly.graph_objects as go

    figure = base_figure(x_label="", y_label=info.title)
    heads = [AXES[s].label if s in AXES else s for s in info.statistics]
    figure.add_trace(
        go.Heatmap(
            x=heads,
            y=[label for label, _ in info.rows],
            z=[[cell.r if cell else None for cell in cells] for _, cells in info.rows],
            texttemplate="%{z:.2f}",
            zmin=-1,
            zmax=1,
            colorscale=SCALES["light"],
            xgap=2,
            ygap=2,
            hoverongaps=False,
        )
    )
    figure.update_layout(
        xaxis={"type": "category", "side": "top"},
        yaxis={"type": "category", "autorange": "reversed", "tickformat": ""},
    )
    return figure
