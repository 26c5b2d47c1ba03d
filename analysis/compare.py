"""Backbones side by side: ratios, the nearest known backbones, and the place on the published fronts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from ..data.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["COSTS", "MEASURES", "NEIGHBOUR_STATISTICS", "nearest", "place_on_fronts", "ratios"]

MEASURES = (
    "params",
    "macs",
    "activations",
    "elementwise_ops",
    "depth",
    "blocks",
    "width_max",
    "width_mean",
    "feature_dim",
    "attention_share",
    "peak_memory_bytes",
    "throughput",
    "energy_j",
)
"""What backbones are compared on, where it was measured."""

NEIGHBOUR_STATISTICS = ("params", "macs", "activations", "depth", "width_mean", "feature_dim")
COSTS = ("params", "macs", "activations")


def ratios(profiles: pd.DataFrame, measures: Sequence[str] = MEASURES) -> pd.DataFrame:
    """Compare each profile with the first one, measure by measure.

    Args:
        profiles: columns of `Profile`, one row per backbone and condition; the first is the reference.
        measures: columns to compare; those that nobody measured are left out.

    Returns:
        One row per profile and measure, in the given order: `place` (row in `profiles`), `backbone`,
        `measure`, `value`, `reference` (the first profile's value), `ratio` = value / reference, NaN where
        either is missing or the reference is 0.
    """
    rows = []
    for measure in measures:
        if measure not in profiles:
            continue
        values = pd.to_numeric(profiles[measure], errors="coerce").to_numpy(dtype=float)
        if np.isnan(values).all():
            continue
        rows += [
            {
                "place": place,
                "backbone": backbone,
                "measure": measure,
                "value": value,
                "reference": values[0],
                "ratio": value / values[0] if values[0] else np.nan,
            }
            for place, (backbone, value) in enumerate(zip(profiles["backbone"], values, strict=True))
        ]
    return pd.DataFrame(rows, columns=["place", "backbone", "measure", "value", "reference", "ratio"])


def nearest(
    query: Mapping[str, object],
    known: pd.DataFrame,
    n: int = 5,
    statistics: Sequence[str] = NEIGHBOUR_STATISTICS,
) -> pd.DataFrame:
    """Find the known backbones that a backbone is most like, by its statistics alone.

    Every statistic is taken as a logarithm and divided by its spread over the known backbones (the
    interquartile range over 1.349, a robust standard deviation). The distance is the root mean square of
    the differences over the statistics that both have: 0 is the same in all, 1 is one standard
    deviation in each on average.

    Args:
        query: a profile's row.
        known: columns of `Profile`, one row per backbone.
        n: how many to return.
        statistics: columns to compare, positive numbers.

    Returns:
        The nearest rows of `known`, best first: `backbone`, `family`, `distance`, `n_statistics`, and the
        statistics themselves. A backbone that lacks more than half of them is left out.

    Raises:
        InputError: if the query has none of the statistics.
    """
    used = [name for name in statistics if name in known and _positive(query.get(name)) is not None]
    if not used:
        raise InputError(
            f"{query.get('backbone')!r} has none of {', '.join(statistics)}: nothing to compare it by."
        )
    logs = pd.DataFrame({name: _logs(known[name]) for name in used})
    spread = (logs.quantile(0.75) - logs.quantile(0.25)) / 1.349
    here = pd.Series({name: np.log(_positive(query[name]) or np.nan) for name in used})
    scaled = (logs - here) / spread.where(spread > 0, 1.0)
    shared = scaled.notna().sum(axis=1)
    found = known.assign(distance=np.sqrt((scaled**2).mean(axis=1)), n_statistics=shared)
    found = found[shared * 2 >= len(used)]
    if "backbone" in query and query.get("source") == "timm":
        found = found[found["backbone"] != query["backbone"]]
    columns = ["backbone", *(c for c in ("family", "kind") if c in found), "distance", "n_statistics", *used]
    return found.sort_values(["distance", "backbone"])[columns].head(n).reset_index(drop=True)


def place_on_fronts(
    query: Mapping[str, object], published: pd.DataFrame, costs: Sequence[str] = COSTS
) -> pd.DataFrame:
    """Say where a backbone stands against the published fronts of error over cost.

    A front holds the published backbones that nothing beats: none with less error at no more cost.

    Args:
        query: a profile's row; its own published results are found by its backbone's name.
        published: one row per published result: `backbone`, `error`, and the costs at the size that the
            error was measured at (columns of `data.join`'s frame; rows with `size_differs` count for
            `params` only).
        costs: columns to lay fronts over.

    Returns:
        One row per cost: `cost`, `value` (of the query), `n` (published results), `cheaper` (how many of
        those cost no more), `best` and `best_error` (the front at the query's cost; None and NaN where
        nothing published is as cheap), `next` and `next_cost` (the cheapest one beyond it with less
        error), `error` (the query's own best published error, else NaN), `gap` = error − best_error,
        `on_front` (True, False; None where the query has no published error).
    """
    rows = []
    for cost in costs:
        value = _positive(query.get(cost))
        if value is None or cost not in published:
            continue
        rows.append({"cost": cost, "value": value} | _place(query, value, _points(published, cost)))
    return pd.DataFrame(rows, columns=_FRONT_COLUMNS)


_FRONT_COLUMNS = [
    "cost",
    "value",
    "n",
    "cheaper",
    "best",
    "best_error",
    "next",
    "next_cost",
    "error",
    "gap",
    "on_front",
]


def _points(published: pd.DataFrame, cost: str) -> pd.DataFrame:
    points = published[published[cost].notna() & published["error"].notna()]
    if cost != "params" and "size_differs" in points:
        points = points[points["size_differs"] != True]  # noqa: E712  # a column with None in it
    name = points["weights"].fillna(points["backbone"]) if "weights" in points else points["backbone"]
    points = points[["backbone", "error"]].assign(name=name, cost=points[cost].astype(float))
    return points.sort_values(["cost", "error", "name"]).reset_index(drop=True)


def _place(query: Mapping[str, object], value: float, points: pd.DataFrame) -> dict[str, object]:
    within = points[points["cost"] <= value]
    best = within.iloc[int(np.argmin(within["error"]))] if len(within) else None
    best_error = float(best["error"]) if best is not None else np.nan
    beyond = points[(points["cost"] > value) & ~(points["error"] >= best_error)]
    own = points[points["backbone"] == query.get("backbone")] if query.get("source") == "timm" else points[:0]
    error = float(own["error"].min()) if len(own) else np.nan
    return {
        "n": len(points),
        "cheaper": len(within),
        "best": best["name"] if best is not None else None,
        "best_error": best_error,
        "next": beyond.iloc[0]["name"] if len(beyond) else None,
        "next_cost": float(beyond.iloc[0]["cost"]) if len(beyond) else np.nan,
        "error": error,
        "gap": error - best_error,
        "on_front": error <= best_error if len(own) and best is not None else None,
    }


def _logs(values: pd.Series) -> pd.Series:
    numbers = pd.to_numeric(values, errors="coerce").astype(float)
    return pd.Series(np.log(numbers.where(numbers > 0)), values.index)


def _positive(value: object) -> float | None:
    number = pd.to_numeric(pd.Series([value]), errors="coerce").iloc[0]
    return float(number) if pd.notna(number) and number > 0 else None
