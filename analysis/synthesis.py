"""The same correlation in many data sets: what they say together, and what noise hides.

>>> import archimeter, numpy
>>> grid = archimeter.correlate(frame, statistics=["macs"])
>>> archimeter.across_datasets(grid, rng=numpy.random.default_rng(0))[["family", "mean", "cluster_low", "i2"]]
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from ..data.errors import InputError
from .bootstrap import expanded_percentile
from .jackknife import Interval, jackknife_t
from .meta import random_effects
from .units import protocol

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

__all__ = ["across_datasets", "clustered_mean", "disattenuated", "reliability"]

LARGEST_R = 1 - 1e-9
FEWEST_FOR_DRAWS = 12
"""From so many data sets they are drawn again; fewer are left out in turn."""


def across_datasets(
    grid: pd.DataFrame, *, rng: np.random.Generator, draws: int = 2000, level: float = 0.95
) -> pd.DataFrame:
    """Combine each family's correlation with each statistic over the data sets of a grid.

    What was done with the backbones is never mixed: fine-tuning, linear probes and so on have their own rows.
    Each study × data set × recipe gives one estimate on Fisher's scale, with variance 1 / (n − 3) from its
    number of architectures. Estimates of one data set (its recipes, its studies) depend on each other, so
    the interval of the random-effects mean is too narrow; the cluster bootstrap draws whole data sets and is
    not. Data sets of one study share their backbones as well, which neither allows for: prefer agreement
    between studies.

    Args:
        grid: what `correlate` returns.
        rng: randomness of the cluster bootstrap; the same state gives the same bytes.
        draws: resamples of the data sets.
        level: coverage of the intervals of the mean.

    Returns:
        One row per `protocol` (fine-tune, linear-probe …), level, family and statistic: `n_datasets` and
        `n_studies` that entered, `mean`, `low`, `high` (correlations), `cluster_low`, `cluster_high`
        (`cluster_method`; NaN for fewer than 3 data sets), `tau2` (Fisher's scale), `i2`,
        `heterogeneity_p`, and `agreeing`, the share of estimates that have the sign of the mean.
        `n_estimates` counts them.

    Raises:
        InputError: if the grid lacks a column.

    Source: DerSimonian and Laird 1986 by `meta.random_effects`; mean, low, high, tau2 and i2 agree with
        statsmodels.stats.meta_analysis.combine_effects to 1e-8.
    """
    wanted = ("pearson", "n_backbones", "statistic", "level", "recipe")
    missing = [name for name in wanted if name not in grid]
    if missing:
        raise InputError(f"The grid has no column {missing[0]!r}; give what `correlate` returns.")
    usable = grid[grid["pearson"].notna() & (grid["n_backbones"] >= 4)]
    usable = usable.assign(protocol=protocol(usable["recipe"]))
    keys = ["protocol", "level", "family", "statistic"]
    seed = int(rng.integers(2**63))
    rows = []
    for names, part in usable.groupby(keys, sort=True):
        of_row = dict(zip(keys, names, strict=True))
        degrees = part["n_backbones"].to_numpy(dtype=float) - 3
        if of_row["level"] == "family-adjusted":
            degrees -= part["n_families"].to_numpy(dtype=float) - 1
        enough = degrees >= 1
        z = np.arctanh(np.clip(part["pearson"].to_numpy(dtype=float)[enough], -LARGEST_R, LARGEST_R))
        found = random_effects(z, 1 / degrees[enough], level)
        clusters = pd.factorize(part.loc[enough, "dataset"])[0]
        weights = 1 / (1 / degrees[enough] + found.tau2) if found.k else np.empty(0)
        # equally many data sets get equal draws: no interval depends on which rows were asked for
        own = np.random.default_rng([seed, found.k])
        ends, method = clustered_mean(z, weights, clusters, rng=own, draws=draws, level=level)
        rows.append(
            {
                **of_row,
                "n_estimates": found.k,
                "n_datasets": len(set(clusters)),
                "n_studies": part.loc[enough, "study"].nunique(),
                "mean": np.tanh(found.mean),
                "low": np.tanh(found.low),
                "high": np.tanh(found.high),
                "cluster_low": float(np.tanh(ends.low[0])),
                "cluster_high": float(np.tanh(ends.high[0])),
                "cluster_method": method,
                "tau2": found.tau2,
                "i2": found.i2,
                "heterogeneity_p": found.p,
                "agreeing": float(np.mean(np.sign(z) == np.sign(found.mean))) if found.k else np.nan,
            }
        )
    return pd.DataFrame(rows)


def clustered_mean(
    estimates: Floats,
    weights: Floats,
    clusters: NDArray[np.intp],
    *,
    rng: np.random.Generator,
    draws: int = 2000,
    level: float = 0.95,
) -> tuple[Interval, str | None]:
    """Interval of a weighted mean, drawing whole clusters again.

    Args:
        estimates: `[k]`.
        weights: `[k]`, positive.
        clusters: `[k]`, codes 0 … m − 1 of what stays together.
        rng: where the randomness comes from.
        draws: resamples.
        level: wanted coverage.

    Returns:
        The interval and its method: leaving each cluster out in turn for fewer than FEWEST_FOR_DRAWS
        (`analysis.jackknife`), the expanded percentile bootstrap above; NaN and None for fewer than 3.
    """
    m = len(set(clusters.tolist()))
    if m < 3:
        nothing = np.array([np.nan])
        return Interval(nothing, nothing), None
    above = np.bincount(clusters, weights * estimates, m)
    below = np.bincount(clusters, weights, m)
    if m < FEWEST_FOR_DRAWS:
        left_out = (above.sum() - above) / (below.sum() - below)
        whole = np.array([above.sum() / below.sum()])
        # the weights hold a variance between data sets that was estimated as well: one degree less
        return jackknife_t(whole, left_out[:, None], level, degrees=m - 2), "leaving data sets out, t"
    counts = rng.multinomial(m, np.full(m, 1 / m), size=draws)
    return expanded_percentile(((counts @ above) / (counts @ below))[:, None], m, level), "cluster bootstrap"


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


def disattenuated(r: float | Floats, error_reliability: float) -> Floats:
    """The correlation that errors without replicate noise would show: r / √reliability, within ±1.

    NaN where the reliability is unknown or 0. The statistic itself is counted and has no noise.

    Source: Spearman 1904.
    """
    if not error_reliability > 0:
        return np.full(np.shape(r), np.nan)
    return np.clip(np.asarray(r, dtype=float) / np.sqrt(error_reliability), -1, 1)
