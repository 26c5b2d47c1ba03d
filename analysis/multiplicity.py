"""Many questions at once: p-values to q-values over a whole grid."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["benjamini_hochberg"]


def benjamini_hochberg(p_values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Smallest false discovery rate at which each hypothesis would be rejected.

    Args:
        p_values: `[m]`, in [0, 1]; NaN is a question that was not asked and does not count towards m.

    Returns:
        `[m]` q-values in the given order, NaN where p is NaN.

    Source: Benjamini and Hochberg 1995, by scipy.
    """
    from scipy.stats import false_discovery_control

    p = np.asarray(p_values, dtype=float)
    q = np.full(p.shape, np.nan)
    asked = np.isfinite(p)
    q[asked] = false_discovery_control(p[asked])
    return q
