"""How much the statistics say the same: variance inflation of the size axes."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from ..data.errors import InputError
from .axes import choose_axes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

__all__ = ["RATIOS", "SIZES", "collinearity", "variance_inflation"]

SIZES = ("params", "macs", "activations")
"""The size axes as they are: they move together."""
RATIOS = ("macs", "activations_per_sqrt_macs", "params_per_mac")
"""One size axis, and what activations and parameters are beyond it."""
LARGEST = 1e10
"""An inflation that rounding alone makes of a column that is a combination of others."""


def variance_inflation(columns: Floats) -> Floats:
    """By how much each column's coefficient is less certain for the company of the others.

    Args:
        columns: `[n, k]`, without a constant column; the intercept is allowed for.

    Returns:
        `[k]`: 1 / (1 − R²) of each column on the others; infinite where a column is a combination of others,
        NaN where it does not vary.

    Source: Marquardt 1970, by statsmodels.
    """
    from statsmodels.stats.outliers_influence import variance_inflation_factor

    values = np.asarray(columns, dtype=float)
    out = np.full(values.shape[1], np.nan)
    varies = np.flatnonzero(np.ptp(values, axis=0) > 0) if len(values) else np.array([], dtype=int)
    scaled = (values[:, varies] - values[:, varies].mean(0)) / values[:, varies].std(0)
    design = np.column_stack([np.ones(len(values)), scaled])
    with np.errstate(divide="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # of columns that say the same: the factors say it
        found = np.array([variance_inflation_factor(design, i + 1) for i in range(len(varies))])
    out[varies] = np.where(found < LARGEST, found, np.inf)
    return out


def collinearity(frame: pd.DataFrame, statistics: Sequence[str] = SIZES) -> pd.DataFrame:
    """Say how far each statistic is told by the others, on the log scale, each architecture once.

    Args:
        frame: rows with `backbone` and the statistics, such as `data.tables.load_profiles` with
            `axes.with_axes`, or joined observations.
        statistics: columns that would enter one model together.

    Returns:
        One row per statistic: `n` architectures for which all are known, `vif`, `r2_given_others`
        (1 − 1 / VIF), `nearest` (the other it moves with most) and `r_with_nearest`, `note` where the VIF
        is above 10, where coefficients of both mean little.

    Raises:
        InputError: for fewer than two statistics, or too few architectures.
        UnknownNameError: for a statistic that the frame does not have.
    """
    axes = choose_axes(frame, statistics)
    if len(axes) < 2:
        raise InputError(f"{len(axes)} statistic has nothing to be collinear with; give at least two.")
    keys = [axis.key for axis in axes]
    values = frame.drop_duplicates("backbone")[keys].to_numpy(dtype=float)
    values = values[(np.isfinite(values) & (values > 0)).all(1)]
    if len(values) <= len(keys) + 1:
        raise InputError(
            f"Only {len(values)} architectures have all of {', '.join(keys)}; {len(keys) + 2} are needed."
        )
    logs = np.log2(values)
    with np.errstate(invalid="ignore", divide="ignore"):
        r = np.corrcoef(logs.T)
    np.fill_diagonal(r, 0)
    factors = variance_inflation(logs)
    return pd.DataFrame([_row(i, keys, float(vif), r[i], len(logs)) for i, vif in enumerate(factors)])


def _row(i: int, keys: list[str], vif: float, r: Floats, n: int) -> dict[str, Any]:
    nearest = int(np.nanargmax(np.abs(r))) if np.isfinite(r).any() else i
    return {
        "statistic": keys[i],
        "n": n,
        "vif": vif,
        "r2_given_others": 1 - 1 / vif,
        "nearest": keys[nearest],
        "r_with_nearest": float(r[nearest]),
        "note": f"moves with {keys[nearest]}: do not read both coefficients" if vif > 10 else None,
    }
