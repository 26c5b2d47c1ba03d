"""From runs to units of analysis: one row per model, data set and recipe."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import pandas as pd

from ..data.errors import InputError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["Summary", "per_model", "protocol"]

Summary = Literal["mean", "median", "min"]
SUMMARIES = ("mean", "median", "min")
TUNED = ("learning_rate", "pooling", "epochs")
"""Conditions that a sweep searches over: only the value that most models were run with is comparable."""
SPLIT = ("metric", "resolution", "n_train", "recipe_detail")
"""Conditions that make another question of it where most models were run under several values. Where few
were (ImageNet weights also tested at a larger size), each model is taken at its own."""


def per_model(frame: pd.DataFrame, *, summary: Summary = "mean") -> pd.DataFrame:
    """Summarise the runs of each model on each data set under each recipe.

    A model is a set of weights where they are known, else the study's own name for it. Where a study
    searched a learning rate, `mean` and `median` keep only the one that most models were run with (0.008 in
    the fast.ai sweep): a minimum over unequally many runs favours whoever ran more often. `min` is that
    minimum over everything, each column by itself, as the fast.ai notebook published it.

    Args:
        frame: joined observations (`data.join`), any number of studies.
        summary: what becomes of the replicates' error. Fit time is summarised alike (mean: its median),
            peak memory is always the minimum (the allocator's reserve grows from run to run).

    Returns:
        One row per study, data set, recipe and model: `study`, `dataset`, `recipe` (and what else
        distinguishes it), `metric`, `model`, `error`, `error_sd` (between replicates, else the
        study's own, else NaN), `n_runs`, `n_eval`, and every other column of `frame` (numbers averaged,
        words as first given).

    Raises:
        InputError: for an unknown summary, or if no row is `ok`.
    """
    if summary not in SUMMARIES:
        raise InputError(f"Unknown summary {summary!r}; allowed: {', '.join(SUMMARIES)}.")
    runs = frame[frame["status"] == "ok"] if "status" in frame else frame
    if runs.empty:
        raise InputError("No usable result is left: every row failed, is incomplete, or was filtered out.")
    runs = runs.assign(model=_model(runs), recipe=_recipe(runs))
    runs = _split_settings(runs)
    if summary != "min":
        runs = _comparable(runs)
    keys = ["study", "dataset", "recipe", "model"]
    groups = runs.groupby(keys, sort=True)
    first = groups.first()
    numbers = [c for c in runs.select_dtypes("number").columns if c not in keys]
    out = first.copy()
    out[numbers] = groups[numbers].mean()
    out["error"] = groups["error"].agg(summary)
    out["n_runs"] = groups.size()
    out["error_sd"] = (
        groups["error"].std() if "error_sd" not in runs else groups["error"].std().fillna(first["error_sd"])
    )
    if "fit_time_s" in runs:
        out["fit_time_s"] = groups["fit_time_s"].agg("min" if summary == "min" else "median")
    if "peak_memory_bytes" in runs:
        out["peak_memory_bytes"] = groups["peak_memory_bytes"].min()
    return out.reset_index()


def protocol(recipe: pd.Series) -> pd.Series:
    """What was done with the backbone, without the setting: `linear-probe` of `linear-probe (224 px)`."""
    return recipe.str.extract(r"^([a-z]+(?:-[a-z]+)*)", expand=False).fillna(recipe)


def _model(runs: pd.DataFrame) -> pd.Series:
    name = runs["backbone"].astype(object)
    for column in ("published_name", "weights"):
        if column in runs:
            name = runs[column].astype(object).where(runs[column].notna(), name)
    return name


def _recipe(runs: pd.DataFrame) -> pd.Series:
    if "recipe" in runs:
        return runs["recipe"].astype(object)
    return pd.Series("fine-tune", runs.index, dtype=object)


def _split_settings(runs: pd.DataFrame) -> pd.DataFrame:
    """Put a condition into the recipe's name where most models were run under several values of it."""
    keys = ["study", "dataset", "recipe"]
    out = runs
    for column in SPLIT:
        if column not in out or out[column].nunique() < 2:
            continue
        values = out[[*keys, "model", column]].drop_duplicates().groupby([*keys, "model"])[column].count()
        mostly = (values > 1).groupby(level=keys).mean() > 0.5
        here = mostly.reindex(pd.MultiIndex.from_frame(out[keys])).to_numpy(dtype=bool)
        if here.any():
            words = {value: _words(column, value) for value in out[column].unique()}
            out = out.assign(recipe=out["recipe"].where(~here, out["recipe"] + out[column].map(words)))
        if column == "resolution":
            out = out[here | _at_own_size(out, [*keys, "model"])]
    return out


def _at_own_size(runs: pd.DataFrame, keys: list[str]) -> NDArray[np.bool_]:
    """Of one model's resolutions, the one it was profiled at, else the nearest (unprofiled: the smallest)."""
    profiled = runs.get("profile_size", 0.0)
    distance = (runs["resolution"] - profiled).abs().fillna(runs["resolution"])
    nearest = distance.groupby([runs[key] for key in keys]).transform("min")
    return (distance.isna() | (distance == nearest)).to_numpy()


def _words(column: str, value: object) -> str:
    if pd.isna(value):  # pyright: ignore[reportArgumentType, reportCallIssue]
        return ""
    units = {"resolution": " px", "n_train": " images"}
    return f", {value:g}{units[column]}" if column in units else f" ({value})"


def _comparable(runs: pd.DataFrame) -> pd.DataFrame:
    keys = ["study", "dataset", "recipe"]
    out = runs
    for column in TUNED:
        if column not in out or out[column].nunique() < 2:
            continue
        models = out.groupby([*keys, column])["model"].nunique().reset_index()
        # most models first; of two equally common values the smaller
        models = models.sort_values([*keys, "model", column], ascending=[True, True, True, False, True])
        common = models.drop_duplicates(keys).set_index(keys)[column]
        wanted = common.reindex(pd.MultiIndex.from_frame(out[keys])).to_numpy()
        out = out[pd.isna(wanted) | (out[column].to_numpy() == wanted)]
    return out
