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

    Source: Benjamini and Hochberg 1995; agrees with scipy.stats.false_discovery_control to 1e-12, which is
        not called because scipy.stats takes a second to load.
    """
    p = np.asarray(p_values, dtype=float)
    q = np.full(p.shape, np.nan)
    asked = np.flatnonzero(np.isfinite(p))
    if not len(asked):
        return q
    order = asked[np.argsort(p[asked], kind="stable")]
    scaled = p[order] * len(order) / np.arange(1, len(order) + 1)
    q[order] = np.minimum(1.0, np.minimum.accumulate(scaled[::-1])[::-1])
    return q
