"""`archimeter correlate`: which statistics of an architecture go with its error."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from .render import Column, CsvFlag, JsonFlag, OutputFile, emit, note, plain

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["correlate"]

Some = list[str] | None


def correlate(
    *,
    dataset: Annotated[Some, typer.Option(help="Data set or glob; repeat for more.")] = None,
    study: Annotated[Some, typer.Option(help="Study or glob; repeat for more.")] = None,
    family: Annotated[Some, typer.Option(help="Show these families only.")] = None,
    statistic: Annotated[Some, typer.Option(help="Show these statistics only.")] = None,
    published: Annotated[
        bool, typer.Option(help="As the fast.ai notebook: minimum over runs, straight lines on raw values.")
    ] = False,
    top: Annotated[int, typer.Option(min=1, help="Rows of the table, the most certain first.")] = 40,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the bootstrap.")] = 0,
    as_json: JsonFlag = False,
    as_csv: CsvFlag = False,
    output: OutputFile = None,
) -> None:
    """Relate size, depth, width, speed and memory to the error, family by family, with intervals.

    Example: archimeter correlate --dataset planet --family vit --family regnetx
    """
    import numpy as np

    from ..analysis.correlate import correlate as relate
    from ..analysis.shipped import choose, shipped

    joined = shipped(datasets=dataset or (), studies=study or ())
    grid = relate(
        joined.frame,
        rng=np.random.default_rng(seed),
        scale="linear" if published else "log-logit",
        summary="min" if published else "mean",
    )
    shown = choose(choose(grid, "family", family or ()), "statistic", statistic or ())
    shown = shown.sort_values(["q_value", "p_value"], kind="stable")
    whole = as_json or as_csv or output is not None
    rows: list[dict[str, Any]] = shown.to_dict("records")  # pyright: ignore[reportAssignmentType]
    judged = [row for row in rows if row["verdict"] != "too few"]
    emit(rows if whole else judged[:top], _columns(shown), as_json=as_json, as_csv=as_csv, output=output)
    _explain(grid, len(rows), len(judged), None if whole else top, len(joined.unmatched_observations))


def _columns(shown: pd.DataFrame) -> list[Column]:
    several = [
        Column(key, heading, right=False)
        for key, heading in (("study", "study"), ("dataset", "data set"), ("recipe", "recipe"))
        if len(set(shown[key])) > 1
    ]
    return [
        *several,
        Column("family", "family", right=False),
        Column("level", "level", right=False),
        Column("statistic", "statistic", right=False),
        Column("n", "n"),
        Column("pearson", "r", _signed),
        Column("pearson_low", "95 % from", _signed),
        Column("pearson_high", "to", _signed),
        Column("spearman", "ρ", _signed),
        Column("kendall", "τ", _signed),
        Column("slope", "slope", plain(2)),
        Column("r2", "R²", lambda value: f"{value:.3f}"),
        Column("p_value", "p", plain(2)),
        Column("q_value", "q", plain(2)),
        Column("verdict", "verdict", right=False),
    ]


def _signed(value: float) -> str:
    return f"{value:+.2f}"


def _explain(grid: pd.DataFrame, rows: int, judged: int, top: int | None, unmatched: int) -> None:
    asked = int(grid["q_value"].notna().sum())
    unit = str(grid["slope_unit"].iloc[0]).split(" of ")[0].split(" per ")[0]
    note(
        f"r relates error to the statistic (negative: the larger, the lower the error); slopes are in {unit}"
        f"{' per doubling' if unit.startswith('logit') else ' per unit'}. n counts sets of weights. "
        f"q is Benjamini–Hochberg over all {asked} judged rows of these data sets, also those not shown."
    )
    if top is not None and judged > top:
        note(f"{judged - top} less certain rows are not shown: --top {judged} shows them.")
    if top is not None and rows > judged:
        note(f"{rows - judged} rows have too few models for a verdict; --json and --csv carry them.")
    if unmatched:
        note(f"{unmatched} results are of backbones that no profile names, and were left out.")
