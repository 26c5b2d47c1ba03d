"""Runs of one backbone on one data set, summarised.

A minimum over runs is what the fast.ai notebook took; it favours whoever ran more often. The mean over
replicates of one recipe does not, and is what the analysis uses.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .errors import InputError

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["CELL", "best_per_backbone", "mean_per_backbone"]

CELL = ["study", "dataset", "published_name", "backbone", "weights", "pretraining", "metric"]
"""What two runs have in common when they are runs of the same thing (besides the recipe)."""


def best_per_backbone(observations: pd.DataFrame) -> pd.DataFrame:
    """Take the best of each measurement over the ok runs of a backbone on a data set.

    Error, time and memory are minima each on its own: they need not come from one run.
    More runs give a lower minimum, so compare only backbones with the same `n_runs`.

    Args:
        observations: rows of Observations.

    Returns:
        One row per cell (see `CELL`), best score first within a data set, with `n_runs`, `error`,
        `fit_time_s`, `peak_memory_bytes` (all minima) and `score` = error · (fit_time_s + 80), lower is
        better.

    Source:
        J. Howard, "The best vision models for fine-tuning" (2022): `groupby(…).min()` and its score.
    """
    runs = _ok(observations)
    best = (
        runs.groupby(CELL, dropna=False, sort=False)
        .agg(
            n_runs=("error", "size"),
            error=("error", "min"),
            fit_time_s=("fit_time_s", "min"),
            peak_memory_bytes=("peak_memory_bytes", "min"),
        )
        .reset_index()
    )
    best["score"] = best["error"] * (best["fit_time_s"] + 80)
    return best.sort_values(["study", "dataset", "score"], ignore_index=True)


def mean_per_backbone(observations: pd.DataFrame, *, learning_rate: float | None = None) -> pd.DataFrame:
    """Average the ok runs of a backbone on a data set, one row per recipe.

    Args:
        observations: rows of Observations.
        learning_rate: take only runs at this rate; for fast.ai 0.008, the one rate that all have.

    Returns:
        One row per cell and recipe (detail, learning rate, resolution, pooling, n_train), with `n_runs`,
        `error` (mean), `error_sd` (sample standard deviation; NaN for one run), `fit_time_s` (median)
        and `peak_memory_bytes` (minimum).

    Raises:
        InputError: if no run has that learning rate.
    """
    runs = _ok(observations)
    if learning_rate is not None:
        rates = sorted(runs["learning_rate"].dropna().unique())
        runs = runs[runs["learning_rate"] == learning_rate]
        if runs.empty:
            known = ", ".join(f"{rate:g}" for rate in rates) or "none"
            raise InputError(f"No run has the learning rate {learning_rate:g}. There are: {known}.")
    recipe = ["recipe", "recipe_detail", "learning_rate", "pooling", "resolution", "n_train"]
    return (
        runs.groupby([*CELL, *recipe], dropna=False, sort=False)
        .agg(
            n_runs=("error", "size"),
            error=("error", "mean"),
            error_sd=("error", "std"),
            fit_time_s=("fit_time_s", "median"),
            peak_memory_bytes=("peak_memory_bytes", "min"),
        )
        .reset_index()
    )


def _ok(observations: pd.DataFrame) -> pd.DataFrame:
    return observations[observations["status"] == "ok"]
