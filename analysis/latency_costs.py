"""Time as a sum of kinds of work, each at a price: what a device takes per MAC, element written, layer.

The prices of a device are never negative and are fitted so that the logarithm of the sum is near that of the
measured times. The sum extrapolates as work adds up; what it misses is for `latency_model` to learn.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["fit_prices", "priced"]

Array = np.ndarray
SOFT = 0.05
"""Log error below which the loss is square and not absolute."""
PULL = 1e-3
"""Penalty on the mean squared log price that moves away from equal shares."""


def priced(log_prices: Array, log_work: Array) -> tuple[Array, Array]:
    """Log seconds as the sum of the work, and the share of each kind in it.

    Args:
        log_prices: seconds per unit of each kind `[kinds]`.
        log_work: of every model `[models, kinds]`.

    Returns:
        `[models]`, `[models, kinds]`.
    """
    each = log_work + log_prices
    highest = each.max(axis=1)
    parts = np.exp(each - highest[:, None])
    total = parts.sum(axis=1)
    return highest + np.log(total), parts / total[:, None]


def fit_prices(log_work: Array, log_seconds: Array) -> Array:
    """Log seconds per unit of each kind of work, from measured times.

    Args:
        log_work: `[rows, kinds]`.
        log_seconds: `[rows]`.
    """
    from scipy.optimize import minimize

    typical = np.log(np.exp(log_work).mean(axis=0))
    work = log_work - typical
    first = np.full(work.shape[1], np.median(log_seconds - np.log(np.exp(work).sum(axis=1))))
    found = minimize(
        loss,
        first,
        args=(work, log_seconds, first),
        jac=True,
        method="L-BFGS-B",
        options={"maxiter": 500},
    )
    return found.x - typical


def loss(theta: Array, work: Array, log_seconds: Array, first: Sequence[float]) -> tuple[float, Array]:
    """Mean absolute log error, softened at zero, with the pull on the prices; and its gradient."""
    log_sum, shares = priced(theta, work)
    away, moved = log_sum - log_seconds, theta - first
    soft = np.sqrt(away**2 + SOFT**2)
    gradient = (shares * (away / soft)[:, None]).mean(axis=0) + 2 * PULL * moved / len(theta)
    return float(soft.mean() + PULL * (moved**2).mean()), gradient
