"""The same correlation in many data sets: what they say together, and what noise hides."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from .meta import random_effects

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["across_datasets", "disattenuated", "reliability"]

LARGEST_R = 1 - 1e-9


def across_datasets(grid: pd.DataFrame, *, level: float = 0.95) -> pd.DataFrame:
    """Combine each family's correlation with each statistic over the data sets of a grid.

    Each study × data set × recipe gives one estimate on Fisher's scale, with variance 1 / (n − 3) from its
    number of architectures. Data sets of one study share their backbones, so the interval is too narrow by
    what they have in common: read it with `i2`, and prefer agreement between studies.

    Args:
        grid: what `correlate` returns.
        level: coverage of the interval of the mean.

    Returns:
        One row per level, family and statistic: `n_datasets` and `n_studies` that entered, `mean`, `low`,
        `high` (correlations), `tau2` (Fisher's scale), `i2`, `heterogeneity_p`, and `agreeing`, the share
        of data sets whose own estimate has the sign of the mean.

    Source: DerSimonian and Laird 1986 by `meta.random_effects`.
    """
    usable = grid[grid["pearson"].notna() & (grid["n_backbones"] >= 4)]
    rows = []
    for (kind, family, statistic), part in usable.groupby(["level", "family", "statistic"], sort=True):
        degrees = part["n_backbones"].to_numpy(dtype=float) - 3
        if kind == "family-adjusted":
            degrees -= part["n_families"].to_numpy(dtype=float) - 1
        enough = degrees >= 1
        z = np.arctanh(np.clip(part["pearson"].to_numpy(dtype=float)[enough], -LARGEST_R, LARGEST_R))
        found = random_effects(z, 1 / degrees[enough], level)
        rows.append(
            {
                "level": kind,
                "family": family,
                "statistic": statistic,
                "n_datasets": found.k,
                "n_studies": part.loc[enough, "study"].nunique(),
                "mean": np.tanh(found.mean),
                "low": np.tanh(found.low),
                "high": np.tanh(found.high),
                "tau2": found.tau2,
                "i2": found.i2,
                "heterogeneity_p": found.p,
                "agreeing": float(np.mean(np.sign(z) == np.sign(found.mean))) if found.k else np.nan,
            }
        )
    return pd.DataFrame(rows)


def reliability(means: NDArray[np.float64], sd: NDArray[np.float64], runs: NDArray[np.float64]) -> float:
    """Share of the variance between models' mean errors that is not replicate noise.

    Args:
        means: `[n]`, mean error of each model.
        sd: `[n]`, standard deviation between its replicates; NaN where it was run once.
        runs: `[n]`, replicates.

    Returns:
        1 − (mean of sd² / runs) / variance of the means, at least 0; NaN without replicates. It is the
        intraclass correlation ICC(1, k) where every model has the same number of runs.

    Source: Shrout and Fleiss 1979; agrees with pingouin.intraclass_corr's ICC(1, k) to 1e-8 there.
    """
    repeated = np.isfinite(sd) & (runs > 1)
    spread = float(np.var(means, ddof=1)) if len(means) > 1 else 0.0
    if not repeated.any() or spread == 0:
        return float("nan")
    noise = float(np.mean(sd[repeated] ** 2)) * float(np.mean(1 / runs))
    return max(0.0, 1 - noise / spread)


def disattenuated(r: float, error_reliability: float) -> float:
    """The correlation that errors without replicate noise would show: r / √reliability, within ±1.

    NaN where the reliability is unknown or 0. The statistic itself is counted and has no noise.

    Source: Spearman 1904.
    """
    if not error_reliability > 0:
        return float("nan")
    return float(np.clip(r / np.sqrt(error_reliability), -1, 1))
