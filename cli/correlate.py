"""`archimeter correlate`: which statistics of an architecture go with its error."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .own import OnlyFlag, ResultsFile, StoreOption, own_results
from .render import Column, CsvFlag, JsonFlag, OutputFile, emit, note, plain

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

__all__ = ["correlate"]

Some = list[str] | None
MANY = 5000
"""Results of which one model takes seconds."""


class Show(StrEnum):
    """What is printed."""

    GRID = "grid"
    ACROSS = "across"
    COLLINEARITY = "collinearity"
    MIXED = "mixed"


def correlate(
    *,
    dataset: Annotated[Some, typer.Option(help="Data set or glob; repeat for more.")] = None,
    study: Annotated[Some, typer.Option(help="Study or glob; repeat for more.")] = None,
    recipe: Annotated[Some, typer.Option(help="fine-tune, linear-probe … or glob; repeat for more.")] = None,
    family: Annotated[Some, typer.Option(help="Show these families only.")] = None,
    statistic: Annotated[Some, typer.Option(help="Show these statistics only.")] = None,
    results: ResultsFile = None,
    only: OnlyFlag = False,
    store_path: StoreOption = None,
    show: Annotated[
        Show,
        typer.Option(
            help="grid: every correlation; across: their mean over data sets; collinearity: how far the "
            "sizes say the same; mixed: one model of everything."
        ),
    ] = Show.GRID,
    published: Annotated[
        bool, typer.Option(help="As the fast.ai notebook: minimum over runs, straight lines on raw values.")
    ] = False,
    top: Annotated[int, typer.Option(min=1, help="Rows of the table, the most certain first.")] = 40,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the draws of data sets (--show across).")] = 0,
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

    own = own_results(results, only=only, store=store_path)
    joined = shipped(
        datasets=dataset or (),
        studies=study or (),
        recipes=recipe or (),
        observations=own.observations,
        own_profiles=own.profiles,
    )
    if show in {Show.COLLINEARITY, Show.MIXED}:
        of_frame = _collinearity if show is Show.COLLINEARITY else _mixed
        of_frame(joined.frame, as_json=as_json, as_csv=as_csv, output=output)
        _say_unmatched(len(joined.unmatched_observations))
        return
    grid = relate(
        joined.frame,
        scale="linear" if published else "log-logit",
        summary="min" if published else "mean",
    )
    shown = choose(choose(grid, "family", family or ()), "statistic", statistic or ())
    if show is Show.ACROSS:
        _across(shown, np.random.default_rng(seed), as_json=as_json, as_csv=as_csv, output=output)
        return
    shown = shown.sort_values(["q_value", "p_value"], kind="stable")
    whole = as_json or as_csv or output is not None
    rows: list[dict[str, Any]] = shown.to_dict("records")  # pyright: ignore[reportAssignmentType]
    judged = [row for row in rows if row["verdict"] != "too few"]
    emit(rows if whole else judged[:top], _columns(shown), as_json=as_json, as_csv=as_csv, output=output)
    _explain(grid, len(rows), len(judged), None if whole else top, len(joined.unmatched_observations))


def _records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    return frame.to_dict("records")  # pyright: ignore[reportReturnType]


def _across(shown: pd.DataFrame, rng: np.random.Generator, **form: Any) -> None:
    from ..analysis.synthesis import across_datasets

    together = across_datasets(shown, rng=rng).sort_values("n_datasets", ascending=False, kind="stable")
    columns = [
        *(Column(key, key, right=False) for key in ("protocol", "family", "level", "statistic")),
        Column("n_datasets", "data sets"),
        Column("n_studies", "studies"),
        Column("mean", "mean r", _signed),
        Column("cluster_low", "95 % from", _signed),
        Column("cluster_high", "to", _signed),
        Column("i2", "I²", plain(2)),
        Column("agreeing", "same sign", plain(2)),
    ]
    emit(_records(together), columns, **form)
    note(
        "mean r: random effects over data sets; its interval draws whole data sets again. I² is the share of "
        "the differences between data sets that is not sampling noise."
    )


def _collinearity(frame: pd.DataFrame, **form: Any) -> None:
    import pandas as pd

    from ..analysis.collinearity import RATIOS, SIZES, collinearity

    tables = [
        collinearity(frame, of).assign(together=name) for name, of in (("sizes", SIZES), ("ratios", RATIOS))
    ]
    columns = [
        Column("together", "entered as", right=False),
        Column("statistic", "statistic", right=False),
        Column("n", "n"),
        Column("vif", "VIF", plain(3)),
        Column("nearest", "moves with", right=False),
        Column("r_with_nearest", "r", _signed),
        Column("note", "note", right=False),
    ]
    emit(_records(pd.concat(tables)), columns, **form)
    note("VIF: by how much a coefficient's variance grows for the others' company; above 10 it means little.")


def _mixed(frame: pd.DataFrame, **form: Any) -> None:
    from ..analysis.design import with_datasets
    from ..analysis.mixed import mixed
    from ..data.tables import load_datasets

    if len(frame) > MANY:
        note(f"Fitting one model of {len(frame):,} results; that takes about half a minute.")
    found = mixed(with_datasets(frame, load_datasets()))
    columns = [
        Column("term", "term", right=False),
        Column("estimate", "log-odds", _signed),
        Column("low", "95 % from", _signed),
        Column("high", "to", _signed),
        Column("vif", "VIF", plain(2)),
        Column("reading", "reading", right=False),
    ]
    document = {
        "coefficients": _records(found.coefficients),
        "components": _records(found.components),
        "n": found.n,
        "converged": found.converged,
        "log_likelihood": found.log_likelihood,
        "notes": list(found.notes),
    }
    emit(document["coefficients"], columns, document=document, **form)
    shares = ", ".join(
        f"{str(row['component']).replace('_', ' ')} {row['share']:.1%}" for row in document["components"]
    )
    ending = "converged" if found.converged else "NOT converged"
    note(f"{found.n:,} results, runs averaged; variance by {shares}; {ending}.")
    for words in found.notes:
        note(words)


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
        Column("disattenuated", "r without noise", _signed),
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
    _say_unmatched(unmatched)


def _say_unmatched(results: int) -> None:
    if results:
        note(f"{results:,} results are of backbones that no profile names, and were left out.")
