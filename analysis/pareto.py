"""Who is beaten by nobody: the Pareto front, and how surely a model is on it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from ..data.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

__all__ = ["front_probability", "fronts", "pareto", "utility"]

DRAWS_AT_ONCE = 100


def pareto(values: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Mark the points that no other point beats.

    A point beats another if it is nowhere worse and somewhere better; equal points do not beat each other.

    Args:
        values: `[n, k]`, smaller is better in every column; a row with NaN is never on the front.

    Returns:
        `[n]`, True on the front.
    """
    values = np.asarray(values, dtype=float)
    if values.shape[-1] == 2:
        return _of_pairs(values)
    usable = ~np.isnan(values).any(1)
    order = np.lexsort(values.T[::-1])  # a point can only be beaten by one that comes before it
    kept: list[int] = []
    on_front = np.zeros(len(values), dtype=bool)
    for i in order[np.take(usable, order)]:
        rivals = values[kept]
        beaten = (rivals <= values[i]).all(1) & (rivals < values[i]).any(1)
        if not beaten.any():
            kept.append(int(i))
            on_front[i] = True
    return on_front


def _of_pairs(values: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Fronts of two columns, `[…, n, 2]`: by rising cost, those that are as good as the best so far."""
    unusable = np.isnan(values).any(-1)
    cost, error = (np.where(unusable, np.inf, values[..., k]) for k in (0, 1))
    order = np.lexsort((error, cost))
    cost, error = np.take_along_axis(cost, order, -1), np.take_along_axis(error, order, -1)
    best = np.minimum.accumulate(error, axis=-1)
    first = np.ones(error.shape, dtype=bool)
    first[..., 1:] = error[..., 1:] < best[..., :-1]
    holder = np.maximum.accumulate(np.where(first, np.arange(error.shape[-1]), 0), axis=-1)
    same = (error == best) & (cost == np.take_along_axis(cost, holder, -1))  # equal points are no rivals
    on_front = np.empty(error.shape, dtype=bool)
    np.put_along_axis(on_front, order, same, -1)
    return on_front & ~unusable


def front_probability(
    frame: pd.DataFrame,
    objectives: Sequence[str],
    *,
    noise: dict[str, str],
    rng: np.random.Generator,
    draws: int = 1000,
) -> pd.DataFrame:
    """How often each model is on the front when its measurements are drawn again within their noise.

    Args:
        frame: one row per model.
        objectives: columns, smaller is better.
        noise: objective → column of its standard deviation; an objective without one is exact.
        rng: where the randomness comes from.
        draws: parametric (normal) bootstrap draws.

    Returns:
        The frame with `on_front` (from the values as they are) and `front_probability`.

    Raises:
        InputError: for a column that is not there.
    """
    for name in (*objectives, *noise, *noise.values()):
        if name not in frame:
            raise InputError(f"No column {name!r}; there are: {', '.join(map(str, frame.columns))}.")
    values = frame[list(objectives)].to_numpy(dtype=float)
    deviations = np.zeros_like(values)
    for place, name in enumerate(objectives):
        if name in noise:
            deviations[:, place] = frame[noise[name]].fillna(0).to_numpy(dtype=float)
    hits = np.zeros(len(values))
    left = draws
    while left:
        some = min(left, DRAWS_AT_ONCE)
        drawn = values + deviations * rng.standard_normal((some, *values.shape))
        hits += (_of_pairs(drawn) if values.shape[1] == 2 else np.array([pareto(v) for v in drawn])).sum(0)
        left -= some
    return frame.assign(on_front=pareto(values), front_probability=hits / draws)


def fronts(
    models: pd.DataFrame,
    costs: Sequence[str],
    *,
    utility: str | None = "error * (fit_time_s + 80)",
    rng: np.random.Generator,
    draws: int = 1000,
) -> pd.DataFrame:
    """Put models of one data set on the front of error and costs, with a utility beside it.

    Args:
        models: what `units.per_model` returns: `error`, `error_sd` and `n_runs` say how noisy it
            is; where one's spread is unknown, the median of the others counts.
        costs: columns besides the error, smaller is better.
        utility: an expression as `utility` takes; None leaves it out.
        rng: randomness of the bootstrap.
        draws: parametric bootstrap draws.

    Returns:
        The models, likeliest on the front first, with `on_front`, `front_probability` and `utility`.
    """
    sd = models["error_sd"].fillna(models["error_sd"].median()).fillna(0) if "error_sd" in models else 0.0
    runs = np.sqrt(models["n_runs"]) if "n_runs" in models else 1.0
    known = models.assign(error_noise=sd / runs)
    found = front_probability(
        known, ["error", *costs], noise={"error": "error_noise"}, rng=rng, draws=draws
    ).drop(columns="error_noise")
    found["utility"] = np.nan if utility is None else _score(found, utility)
    return found.sort_values(["front_probability", "error"], ascending=[False, True], ignore_index=True)


def utility(frame: pd.DataFrame, expression: str = "error * (fit_time_s + 80)") -> pd.Series:
    """One number per model from an arithmetic expression over columns; smaller is better.

    Args:
        frame: one row per model.
        expression: column names, numbers and arithmetic; the default is the fast.ai notebook's score.

    Raises:
        InputError: if the expression names no column or cannot be computed.
    """
    try:
        score = np.asarray(frame.eval(expression, local_dict={}, global_dict={}), dtype=float)
    except Exception as error:
        columns = ", ".join(str(name) for name in frame.select_dtypes("number").columns)
        raise InputError(f"Cannot compute {expression!r} ({error}). Columns: {columns}.") from error
    return pd.Series(np.broadcast_to(score, len(frame)), index=frame.index)


_score = utility
