"""Which statistics of an architecture go with its error: by family, by data set, and how surely."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..data.errors import InputError
from .association import kendall, line, logit, pearson, spearman
from .axes import Axis, choose_axes
from .bootstrap import Resampler
from .meta import shrink_correlations
from .multiplicity import benjamini_hochberg
from .permutation import correlation_p, student_p
from .pooling import less_family, simpson, within_family
from .synthesis import disattenuated, reliability
from .units import Summary, per_model

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = ["ALL_FAMILIES", "FEWEST", "VERDICTS", "Scale", "correlate"]

Floats = NDArray[np.float64]
Scale = Literal["log-logit", "linear"]
GROUP = ["study", "dataset", "recipe"]
ALL_FAMILIES = "(all)"
FEWEST = 6
"""Fewer models than this get no verdict."""
SURE = 0.05

VERDICTS = {
    "error falls": "the larger, the lower the error; holds after allowing for the whole grid",
    "error rises": "the larger, the higher the error; holds after allowing for the whole grid",
    "leans down": "looks like falling, but a grid of this size gives such rows by chance",
    "leans up": "looks like rising, but a grid of this size gives such rows by chance",
    "undecided": "the interval holds zero",
    "too few": f"fewer than {FEWEST} models, or fewer than 3 architectures",
    "constant": "the statistic or the error does not vary",
}
"""What a verdict means, for a reader."""

_SIZE_BOUND = ("macs", "activations", "activations_per_sqrt_macs", "params_per_mac")


@dataclass(frozen=True, slots=True)
class _Group:
    """One study, data set and recipe, as arrays."""

    keys: dict[str, Any]
    resized: NDArray[np.bool_]  # [n], profiled at another input size than the result was made at
    axes: list[Axis]
    x: Floats  # [s, n]
    y: Floats  # [n]
    error: Floats  # [n]
    families: NDArray[np.intp]
    family_names: list[str]
    backbones: NDArray[np.intp]
    tie_width: float
    noise: Floats  # [n], standard deviation of y between replicates, the same for all; NaN unknown
    runs: Floats  # [n]
    scale: Scale
    level: float
    resampler: Resampler


def correlate(
    frame: pd.DataFrame,
    *,
    rng: np.random.Generator,
    statistics: Sequence[str] | None = None,
    scale: Scale = "log-logit",
    summary: Summary = "mean",
    draws: int = 2000,
    level: float = 0.95,
) -> pd.DataFrame:
    """Relate each statistic to the error, for each family, data set and recipe.

    Studies, data sets and recipes are never pooled. Besides each family there is a row over all families
    (`level` = `pooled`) and one over all with each family's own mean taken out (`family-adjusted`).

    Args:
        frame: joined observations with the statistics as columns (`data.join`, `axes.with_axes`).
        rng: randomness of the bootstrap; the same state gives the same bytes.
        statistics: columns to relate; every known one that the frame has when None.
        scale: `log-logit` relates log2 of the statistic to the log-odds of the error; `linear` takes both
            as they are, as the fast.ai notebook did.
        summary: how replicates become one number, see `units.per_model`.
        draws: bootstrap resamples.
        level: coverage of the intervals.

    Returns:
        One row per study, dataset, recipe, level, family and statistic, in this order:

        - `n` models (sets of weights), `n_backbones` architectures among them, `n_families`;
        - `pearson` with `pearson_low`, `pearson_high` (`interval_method`: architectures are drawn again,
          or left out in turn where they are few; see `bootstrap`); negative: the larger, the lower the error;
        - `spearman`; `kendall` (τ-b, errors nearer than `tie_width` tied: the median replicate SD);
        - `slope` with `slope_low`, `slope_high` in `slope_unit`; `r2`;
        - `reliability`: share of the variance of the error between these models that is not replicate noise
          (NaN without replicates), `disattenuated`: `pearson` as it would be without that noise;
        - `p_value` (`p_method`), `q_value` (Benjamini–Hochberg over every row with a verdict);
        - `shrunk`: the family's `pearson` pulled towards that of the other families;
        - `simpson`: `reversed` or `signs differ` on a `family-adjusted` row that contradicts the pooled one;
        - `verdict` (see VERDICTS) and `note`. What cannot be computed is NaN, and the note says why.

    Raises:
        InputError: if a column is missing, or no usable result is left.
        UnknownNameError: for a statistic that the frame does not have.
    """
    if scale not in {"log-logit", "linear"}:
        raise InputError(f"Unknown scale {scale!r}; allowed: log-logit, linear.")
    missing = [name for name in ("study", "dataset", "backbone", "family", "error") if name not in frame]
    if missing:
        raise InputError(
            f"The frame has no column {missing[0]!r}; join observations to profiles first (data.join)."
        )
    models = per_model(frame, summary=summary)
    axes = choose_axes(models, statistics)
    if not axes:
        raise InputError("The frame holds no statistic; join observations to profiles first (data.join).")
    resampler = Resampler(rng, draws)
    rows: list[dict[str, Any]] = []
    for _, part in models.groupby(GROUP, sort=True):
        rows += list(_rows(_group(part, axes, scale, summary, level=level, resampler=resampler)))
    return _judged(pd.DataFrame(rows))


def _group(
    part: pd.DataFrame,
    axes: list[Axis],
    scale: Scale,
    summary: Summary,
    *,
    level: float,
    resampler: Resampler,
) -> _Group:
    error = part["error"].to_numpy(dtype=float)
    x = part[[axis.key for axis in axes]].to_numpy(dtype=float).T
    y = error
    if scale == "log-logit":
        x = np.log2(np.where(x > 0, x, np.nan))
        y = logit(error, part["n_eval"].to_numpy(dtype=float) if "n_eval" in part else np.nan)
    families, family_names = pd.factorize(part["family"], sort=True)
    noise = part["error_sd"].median()
    first = part.iloc[0]
    return _Group(
        keys={**{key: first[key] for key in GROUP}, "metric": first.get("metric")},
        resized=_resized(part),
        axes=axes,
        x=x,
        y=y,
        error=error,
        families=families,
        family_names=[str(name) for name in family_names],
        backbones=pd.factorize(part["backbone"])[0],
        tie_width=0.0 if pd.isna(noise) else float(noise),
        noise=_noise(part, scale, summary),
        runs=_runs(part),
        scale=scale,
        level=level,
        resampler=resampler,
    )


def _resized(part: pd.DataFrame) -> NDArray[np.bool_]:
    if "size_differs" not in part:
        return np.zeros(len(part), dtype=bool)
    return part["size_differs"].to_numpy() == True  # noqa: E712  # None is unknown


def _noise(part: pd.DataFrame, scale: Scale, summary: Summary) -> Floats:
    """Pooled standard deviation of y between replicates; unknown for a minimum, which is no mean."""
    sd = part["error_sd"].to_numpy(dtype=float)
    repeated = np.isfinite(sd) & (_runs(part) > 1)
    if summary != "mean" or not repeated.any():
        return np.full(len(part), np.nan)
    if scale == "log-logit":
        error = part["error"].to_numpy(dtype=float)
        repeated &= (error > 0) & (error < 1)
        sd = sd / np.where(repeated, error * (1 - error), np.nan)  # the delta method
    pooled = np.sqrt(np.mean(sd[repeated] ** 2)) if repeated.any() else np.nan
    return np.full(len(part), pooled)


def _runs(part: pd.DataFrame) -> Floats:
    """Runs behind each mean: ours times those the study had averaged already."""
    averaged = part["n_replicates"].fillna(1) if "n_replicates" in part else 1.0
    return (part["n_runs"] * averaged).to_numpy(dtype=float)


def _rows(group: _Group) -> Iterator[dict[str, Any]]:
    everyone = np.ones(len(group.y), dtype=bool)
    pooled = list(_simple_rows(group, everyone, "pooled", ALL_FAMILIES))
    yield from pooled
    for row, x, axis in zip(pooled, group.x, group.axes, strict=True):
        yield _adjusted_row(group, x, axis, row)
    by_family = [
        list(_simple_rows(group, group.families == code, "family", name))
        for code, name in enumerate(group.family_names)
    ]
    for of_statistic in zip(*by_family, strict=True):
        r = np.array([row["pearson"] for row in of_statistic])
        size = np.array([row["n_backbones"] for row in of_statistic])
        for row, value in zip(of_statistic, shrink_correlations(r, size), strict=True):
            row["shrunk"] = float(value)
    yield from (row for rows in by_family for row in rows)


def _simple_rows(
    group: _Group, chosen: NDArray[np.bool_], kind: str, family: str
) -> Iterator[dict[str, Any]]:
    """One row per axis; axes that are known for the same models are computed together."""
    known = np.isfinite(group.x) & np.isfinite(group.y) & chosen  # [s, n]
    patterns: dict[bytes, list[int]] = {}
    for i, mask in enumerate(known):
        patterns.setdefault(mask.tobytes(), []).append(i)
    rows: dict[int, dict[str, Any]] = {}
    for same in patterns.values():
        values = _estimates(group, np.array(same), known[same[0]])
        for place, i in enumerate(same):
            here = {name: _at(value, place) for name, value in values.items()}
            rows[i] = _row(group, group.axes[i], known[i], {"level": kind, "family": family} | here)
    yield from (rows[i] for i in range(len(group.axes)))


def _at(value: Any, place: int) -> Any:
    return value[place].item() if isinstance(value, np.ndarray) else value


def _estimates(group: _Group, which: NDArray[np.intp], mask: NDArray[np.bool_]) -> dict[str, Any]:
    """Arrays `[s]` of every estimate for the axes `which`, over the models `mask`."""
    x, y = group.x[np.ix_(which, mask)], group.y[mask]
    n, clusters = len(y), np.unique(group.backbones[mask], return_inverse=True)[1]
    n_backbones = int(clusters.max()) + 1 if n else 0
    out: dict[str, Any] = {"n": n, "n_backbones": n_backbones, "n_families": len(set(group.families[mask]))}
    if n < 3:
        return out
    r, fit = pearson(x, y), line(x, y)
    out |= {"pearson": r, "spearman": spearman(x, y), "slope": fit.slope, "r2": fit.r2}
    out["kendall"] = kendall(x, group.error[mask], group.tie_width)
    known = reliability(y, group.noise[mask], group.runs[mask])
    out |= {"reliability": known, "disattenuated": disattenuated(r, known)}
    out |= _p_values(x, y, r, n_backbones)
    if n >= FEWEST and n_backbones >= 3:
        together = clusters if n_backbones < n else None
        of_r, of_slope, method = group.resampler.intervals(x, y, together, group.level)
        out |= {"pearson_low": of_r.low, "pearson_high": of_r.high, "interval_method": method}
        out |= {"slope_low": of_slope.low, "slope_high": of_slope.high}
    return out


def _p_values(x: Floats, y: Floats, r: Floats, n_backbones: int) -> dict[str, Any]:
    if n_backbones == len(y):
        values = correlation_p(x, y, r)
        return {"p_value": values.p, "p_method": values.method}
    return {"p_value": student_p(r, n_backbones - 2), "p_method": "Student's t, architectures counted once"}


def _row(group: _Group, axis: Axis, mask: NDArray[np.bool_], values: dict[str, Any]) -> dict[str, Any]:
    numbers = dict.fromkeys(
        (
            *("pearson", "pearson_low", "pearson_high", "spearman", "kendall"),
            *("slope", "slope_low", "slope_high", "r2"),
            *("reliability", "disattenuated", "p_value", "shrunk"),
        ),
        np.nan,
    )
    return {
        **group.keys,
        "level": None,
        "family": None,
        "statistic": axis.key,
        "n": 0,
        "n_backbones": 0,
        "n_families": 0,
        **numbers,
        "tie_width": group.tie_width,
        "slope_unit": f"logit error per doubling of {axis.label}"
        if group.scale == "log-logit"
        else f"error per {axis.unit}",
        "interval_method": None,
        "p_method": None,
        "simpson": None,
        **values,
        "note": _note(group, axis, mask, values),
    }


def _note(group: _Group, axis: Axis, mask: NDArray[np.bool_], values: dict[str, Any]) -> str | None:
    notes = []
    n, n_backbones = values["n"], values["n_backbones"]
    if n < FEWEST:
        notes.append(f"n = {n}: no verdict under {FEWEST}")
    elif n_backbones < 3:
        notes.append(f"only {n_backbones} architectures among {n} models")
    elif n_backbones < n:
        notes.append(f"{n} sets of weights of {n_backbones} architectures")
    if axis.key in _SIZE_BOUND:
        other = int(group.resized[mask].sum())
        if other:
            notes.append(f"{other} of {n} profiled at another input size than they were trained at")
    return "; ".join(notes) or None


def _adjusted_row(group: _Group, x: Floats, axis: Axis, pooled: dict[str, Any]) -> dict[str, Any]:
    mask = np.isfinite(x) & np.isfinite(group.y)
    found = within_family(
        x[mask],
        group.y[mask],
        group.families[mask],
        group.backbones[mask],
        tie_width=group.tie_width,
        ranked=group.error[mask],
        level=group.level,
    )
    rest = less_family(group.y[mask], group.families[mask])
    rest *= np.sqrt(max(found.n - 1, 0) / max(found.n - found.n_families, 1))  # family means use up
    known = reliability(rest, group.noise[mask], group.runs[mask])
    values = {
        "level": "family-adjusted",
        "family": ALL_FAMILIES,
        "n": found.n,
        "n_backbones": found.n_backbones,
        "n_families": found.n_families,
        "pearson": found.pearson,
        "pearson_low": found.low,
        "pearson_high": found.high,
        "spearman": found.spearman,
        "kendall": found.kendall,
        "slope": found.slope,
        "r2": found.pearson**2,
        "reliability": known,
        "disattenuated": float(disattenuated(np.array(found.pearson), known)),
        "p_value": found.p,
        "p_method": "Student's t, given the family",
        "interval_method": "Fisher's z",
    }
    row = _row(group, axis, mask, values)
    row["simpson"] = simpson(
        (pooled["pearson"], pooled["pearson_low"], pooled["pearson_high"]),
        (found.pearson, found.low, found.high),
    )
    if row["simpson"]:
        words = f"pooled r {pooled['pearson']:+.2f}, within families {found.pearson:+.2f}"
        row["note"] = "; ".join(filter(None, [row["note"], f"Simpson: {words}"]))
    return row


def _judged(grid: pd.DataFrame) -> pd.DataFrame:
    degrees = grid["n_backbones"] - grid["n_families"].where(grid["level"] == "family-adjusted", 1)
    enough = (grid["n"] >= FEWEST) & (degrees >= 2)
    varies = grid["pearson"].notna()
    grid["q_value"] = benjamini_hochberg(grid["p_value"].where(enough & varies).to_numpy(dtype=float))
    falls = grid["pearson"] < 0
    apart = grid["pearson_low"] * grid["pearson_high"] > 0
    sure = apart & (grid["q_value"] <= SURE)
    leans = apart | (grid["p_value"] <= SURE)
    grid["verdict"] = np.select(
        [~enough, ~varies, sure & falls, sure, leans & falls, leans],
        ["too few", "constant", "error falls", "error rises", "leans down", "leans up"],
        "undecided",
    )
    order = list(grid.columns)
    order.remove("q_value")
    order.insert(order.index("p_value") + 1, "q_value")
    order.remove("note")
    return grid[[*order, "note"]]
