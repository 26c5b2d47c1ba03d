"""Intervals that hold on data sets, not on pooled rows.

One score per known data set: the quantile of its studentised residuals. The radius for a new data set is a
quantile of those scores, so a data set counts once however many models were run on it.
Source: Dunn, Wasserman & Ramdas (2018), "Distribution-free prediction sets for two-layer hierarchical
models"; Lee, Barber & Willett (2023).
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["highest_level", "radius"]


def highest_level(n_datasets: int) -> float:
    """The highest level that m data sets can promise: m / (m + 1)."""
    return n_datasets / (n_datasets + 1)


def radius(residuals: Sequence[np.ndarray], level: float) -> float:
    """How many standard deviations the interval reaches to each side.

    Args:
        residuals: per known data set, its studentised residuals, each predicted without that data set.
        level: wanted coverage, capped at `highest_level`.

    Returns:
        The ⌈level · (m + 1)⌉-th smallest of the per-data-set quantiles at `level`.
    """
    scores = np.sort([float(np.quantile(np.abs(r), level)) for r in residuals if len(r)])
    m = len(scores)
    if not m:
        return math.inf
    place = math.ceil(min(level, highest_level(m)) * (m + 1) - 1e-9)
    return float(scores[min(place, m) - 1])
