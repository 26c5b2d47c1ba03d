"""Which statistics of an architecture go with its error: by family, by data set, and how surely."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..data.errors import InputError
from .association import logit
from .axes import Axis, choose_axes
from .cells import FEWEST, Block, Cells, adjust, estimate
from .meta import shrink_correlations
from .multiplicity import benjamini_hochberg
from .pooling import simpson
from .units import Summary, per_model

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["ALL_FAMILIES", "FEWEST", "VERDICTS", "Scale", "correlate"]

Floats = NDArray[np.float64]
Scale = Literal["log-logit", "linear"]
GROUP = ["study", "dataset", "recipe"]
ALL_FAMILIES = "(all)"
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


def correlate(
    frame: pd.DataFrame,
    *,
    statistics: Sequence[str] | None = None,
    scale: Scale = "log-logit",
    summary: Summary = "mean",
    level: float = 0.95,
) -> pd.DataFrame:
    """Relate each statistic to the error, for each family, data set and recipe.

    Studies, data sets and recipes are never pooled. Besides each family there is a row over all families
    (`level` = `pooled`) and one over all with each family's own mean taken out (`family-adjusted`).

    Args:
        frame: joined observations with the statistics as columns (`data.join`, `axes.with_axes`).
        statistics: columns to relate; every known one that the frame has when None.
        scale: `log-logit` relates log2 of the statistic to the log-odds of the error; `linear` takes both
            as they are, as the fast.ai notebook did.
        summary: how replicates become one number, see `units.per_model`.
        level: coverage of the intervals.

    Returns:
        One row per study, dataset, recipe, level, family and statistic, in this order:

        - `n` models (sets of weights), `n_backbones` architectures among them, `n_families`;
        - `pearson` with `pearson_low`, `pearson_high` (`interval_method`: architectures are left out in turn,
          see `jackknife`); negative: the larger, the lower the error;
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
    groups = [_group(part, axes, scale, summary) for _, part in models.groupby(GROUP, sort=True)]
    plan = _Plan(groups)
    cells = Cells.empty(len(plan.cells))
    estimate(plan.simple, cells, level)
    adjust(plan.adjusted, cells, level)
    for rows in plan.families:
        for same in rows.T:
            cells.numbers["shrunk"][same] = shrink_correlations(
                cells.numbers["pearson"][same], cells.counts["n_backbones"][same].astype(float)
            )
    return _judged(_frame(plan, cells, scale))


def _group(part: pd.DataFrame, axes: list[Axis], scale: Scale, summary: Summary) -> _Group:
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


class _Plan:
    """Which row of the grid is what, and which rows are computed together.

    Attributes:
        cells: per row its group, level, family and statistic. simple, adjusted: what is to be computed.
        families: per group the rows `[families, axes]` that are shrunk towards each other.
        paradoxes: pairs of rows, pooled and family-adjusted, that may contradict each other.
    """

    def __init__(self, groups: list[_Group]) -> None:
        self.cells: list[tuple[_Group, str, str, Axis]] = []
        self.simple: list[Block] = []
        self.adjusted: list[Block] = []
        self.families: list[NDArray[np.intp]] = []
        self.paradoxes: list[tuple[int, int]] = []
        for group in groups:
            self._add(group)

    def _add(self, group: _Group) -> None:
        everyone = np.ones(len(group.y), dtype=bool)
        pooled = self._rows(group, everyone, "pooled", ALL_FAMILIES, self.simple)
        adjusted = self._rows(group, everyone, "family-adjusted", ALL_FAMILIES, self.adjusted)
        self.paradoxes += list(zip(pooled.tolist(), adjusted.tolist(), strict=True))
        each = [
            self._rows(group, group.families == code, "family", name, self.simple)
            for code, name in enumerate(group.family_names)
        ]
        self.families.append(np.array(each))

    def _rows(
        self, group: _Group, chosen: NDArray[np.bool_], kind: str, family: str, into: list[Block]
    ) -> NDArray[np.intp]:
        """Give one row to each axis; axes that are known for the same models make a block."""
        rows = np.arange(len(group.axes)) + len(self.cells)
        self.cells += [(group, kind, family, axis) for axis in group.axes]
        known = np.isfinite(group.x[:, chosen]) & np.isfinite(group.y[chosen])  # [s, n]
        patterns: dict[bytes, list[int]] = {}
        for i, mask in enumerate(known):
            patterns.setdefault(mask.tobytes(), []).append(i)
        members = np.flatnonzero(chosen)
        for same in patterns.values():
            here = members[known[same[0]]]
            into.append(
                Block(
                    rows=rows[same],
                    x=group.x[same][:, here],
                    y=group.y[here],
                    error=group.error[here],
                    families=_codes(group.families[here]),
                    backbones=_codes(group.backbones[here]),
                    resized=int(np.count_nonzero(group.resized[here])),
                    tie_width=group.tie_width,
                    noise=group.noise[here],
                    runs=group.runs[here],
                )
            )
        return rows


def _codes(values: NDArray[np.intp]) -> NDArray[np.intp]:
    """Codes 0 … k − 1 of the values that are there, in their order."""
    return np.unique(values, return_inverse=True)[1]


def _frame(plan: _Plan, cells: Cells, scale: Scale) -> pd.DataFrame:
    numbers, counts = cells.numbers, cells.counts
    paradoxes = _paradoxes(plan, numbers)
    of_each = [group.keys for group, _, _, _ in plan.cells]
    tie_widths = [group.tie_width for group, _, _, _ in plan.cells]
    columns: dict[str, Any] = {key: [keys[key] for keys in of_each] for key in (*GROUP, "metric")}
    columns |= {
        "level": [kind for _, kind, _, _ in plan.cells],
        "family": [name for _, _, name, _ in plan.cells],
    }
    columns |= {"statistic": [axis.key for _, _, _, axis in plan.cells]}
    columns |= {name: counts[name] for name in ("n", "n_backbones", "n_families")} | numbers
    columns |= {"tie_width": tie_widths, "slope_unit": [_unit(axis, scale) for _, _, _, axis in plan.cells]}
    columns |= {"interval_method": cells.interval_method, "p_method": cells.p_method}
    columns |= {"simpson": [paradoxes.get(row) for row in range(len(plan.cells))]}
    sizes = zip(*(counts[name].tolist() for name in ("n", "n_backbones", "resized")), strict=True)
    notes = [_note(axis, *size) for (_, _, _, axis), size in zip(plan.cells, sizes, strict=True)]
    r = numbers["pearson"]
    for whole, row in plan.paradoxes:
        if row in paradoxes:
            words = f"Simpson: pooled r {r[whole]:+.2f}, within families {r[row]:+.2f}"
            notes[row] = "; ".join(filter(None, [notes[row], words]))
    return pd.DataFrame(columns | {"note": notes})


def _unit(axis: Axis, scale: Scale) -> str:
    return f"logit error per doubling of {axis.label}" if scale == "log-logit" else f"error per {axis.unit}"


def _note(axis: Axis, n: int, n_backbones: int, resized: int) -> str | None:
    notes = []
    if n < FEWEST:
        notes.append(f"n = {n}: no verdict under {FEWEST}")
    elif n_backbones < 3:
        notes.append(f"only {n_backbones} architectures among {n} models")
    elif n_backbones < n:
        notes.append(f"{n} sets of weights of {n_backbones} architectures")
    if resized and axis.key in _SIZE_BOUND:
        notes.append(f"{resized} of {n} profiled at another input size than they were trained at")
    return "; ".join(notes) or None


def _paradoxes(plan: _Plan, numbers: dict[str, Floats]) -> dict[int, str]:
    """Row of each family-adjusted estimate that contradicts the pooled one → how."""
    ends = np.column_stack([numbers[name] for name in ("pearson", "pearson_low", "pearson_high")]).tolist()
    found = {row: simpson(tuple(ends[whole]), tuple(ends[row])) for whole, row in plan.paradoxes}
    return {row: how for row, how in found.items() if how}


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
