"""Intervals that hold on data sets, not on pooled rows.

One score per known data set: the quantile of its studentised residuals. The radius for a new data set is a
quantile of those scores, so a data set counts once however many models were run on it. That says nothing of
how far the remaining data sets miss; so the radius can be asked to leave a good part of the wanted coverage
to nearly all of them.
Source: Dunn, Wasserman & Ramdas (2018), "Distribution-free prediction sets for two-layer hierarchical
models"; Lee, Barber & Willett (2023).
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["highest_level", "quantiles", "radius", "reach"]

NEARLY, PART = 0.95, 0.75
"""Share of data sets that shall have at least this part of the level: 60 % of an 80 % interval."""


def highest_level(n_datasets: int) -> float:
    """The highest level that m data sets can promise: m / (m + 1)."""
    return n_datasets / (n_datasets + 1)


def quantiles(residuals: np.ndarray, level: float) -> tuple[float, float]:
    """Of one data set's studentised residuals: how far `level` of them reach, and PART of the level."""
    at_level, at_part = np.quantile(np.abs(residuals), [level, PART * level])
    return float(at_level), float(at_part)


def reach(scores: Sequence[tuple[float, float]], level: float, *, each: bool = False) -> float:
    """How many standard deviations the interval reaches to each side.

    Args:
        scores: `quantiles` of every known data set, each predicted without itself.
        level: wanted coverage, capped at `highest_level`.
        each: whether nearly every data set shall have a good part of it, too. Without an anchor none can be
            told so: its models are covered together or missed together.

    Returns:
        The ⌈level · (m + 1)⌉-th smallest of the quantiles at `level`, and, for `each`, not less than the
        ⌈NEARLY · (m + 1)⌉-th smallest of those at PART · `level`.
    """
    if not scores:
        return math.inf
    at_level, at_part = np.sort(np.array(scores), axis=0).T
    found = at_level[_place(len(scores), level)]
    return float(max(found, at_part[_place(len(scores), NEARLY)]) if each else found)


def radius(residuals: Sequence[np.ndarray], level: float, *, each: bool = False) -> float:
    """`reach` of the studentised residuals of every known data set."""
    return reach([quantiles(r, level) for r in residuals if len(r)], level, each=each)


def _place(m: int, share: float) -> int:
    """Index among m sorted scores below which a new one lies with probability `share`."""
    return min(math.ceil(min(share, highest_level(m)) * (m + 1) - 1e-9), m) - 1
