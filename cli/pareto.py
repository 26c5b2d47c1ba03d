"""`archimeter pareto`: who is beaten by nobody on error and cost, how surely, and at what utility."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from .own import OnlyFlag, ResultsFile, StoreOption, own_results
from .render import Column, CsvFlag, JsonFlag, OutputFile, emit, note, plain, si

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["pareto"]

PUBLISHED = "error * (fit_time_s + 80)"


def pareto(
    *,
    dataset: Annotated[str, typer.Option(help="Data set, such as pets.")],
    study: Annotated[
        str | None, typer.Option(help="Study; needed where several have the data set.", show_default=False)
    ] = None,
    recipe: Annotated[
        str | None, typer.Option(help="Recipe or glob, such as 'fine-tune*'.", show_default=False)
    ] = None,
    cost: Annotated[
        list[str] | None,
        typer.Option(help="Statistic to hold down besides the error; repeatable. [fit_time_s or macs]"),
    ] = None,
    utility: Annotated[
        str, typer.Option(help="Arithmetic over columns, smaller is better; the default is fast.ai's.")
    ] = PUBLISHED,
    results: ResultsFile = None,
    only: OnlyFlag = False,
    store_path: StoreOption = None,
    everyone: Annotated[bool, typer.Option("--all", help="Also models that are never on the front.")] = False,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the bootstrap.")] = 0,
    as_json: JsonFlag = False,
    as_csv: CsvFlag = False,
    output: OutputFile = None,
) -> None:
    """List the models that no other beats on error and cost, and the probability that each is one.

    Example: archimeter pareto --dataset pets --study fastai
    """
    import numpy as np

    from ..analysis.pareto import fronts
    from ..analysis.shipped import shipped

    own = own_results(results, only=only, store=store_path)
    joined = shipped(
        datasets=[dataset],
        studies=[study] if study else [],
        observations=own.observations,
        own_profiles=own.profiles,
    )
    frame, costs = _models(joined.frame, recipe, cost)
    table = fronts(frame, costs, utility=_usable(utility, frame), rng=np.random.default_rng(seed))
    shown = table if everyone or as_json or as_csv or output else table[table["front_probability"] >= 0.05]
    rows: list[dict[str, Any]] = shown.to_dict("records")  # pyright: ignore[reportAssignmentType]
    columns = [
        Column("model", "model", right=False),
        Column("family", "family", right=False),
        Column("error", "error", plain(3)),
        *(Column(name, name, si(3)) for name in costs),
        Column("front_probability", "on the front", plain(2)),
        *([Column("utility", "utility", plain(3))] if table["utility"].notna().any() else []),
    ]
    emit(rows, columns, as_json=as_json, as_csv=as_csv, output=output)
    repeated = int(frame["error_sd"].notna().sum())
    note(
        f"{len(frame)} models. On the front: the share of draws over the noise between a model's runs; "
        + (f"{repeated} of them have several." if repeated else "none has several, so it is 0 or 1.")
    )
    if len(shown) < len(table):
        note(
            f"{len(table) - len(shown)} models that are on the front in under 5 % of draws: --all shows them."
        )


def _models(
    frame: pd.DataFrame, recipe: str | None, cost: list[str] | None
) -> tuple[pd.DataFrame, list[str]]:
    from ..analysis.axes import choose_axes
    from ..analysis.shipped import choose
    from ..analysis.units import per_model
    from ..data.errors import InputError

    models = choose(per_model(frame), "recipe", [recipe] if recipe else [])
    settings = models[["study", "dataset", "recipe"]].drop_duplicates()
    if len(settings) > 1:
        listed = "".join(f"\n  {' / '.join(row)}" for row in settings.itertuples(index=False))
        raise InputError(
            f"A front compares one study, data set and recipe. Say which with --study, --recipe:{listed}"
        )
    if cost is None:
        timed = "fit_time_s" in models and models["fit_time_s"].notna().any()
        cost = ["fit_time_s" if timed else "macs"]
    choose_axes(models, cost)
    return models.dropna(subset=["error", *cost]).reset_index(drop=True), list(cost)


def _usable(utility: str, frame: pd.DataFrame) -> str | None:
    """fast.ai's score needs a fit time; without one it is left out rather than refused."""
    timed = "fit_time_s" in frame and frame["fit_time_s"].notna().any()
    return None if utility == PUBLISHED and not timed else utility
