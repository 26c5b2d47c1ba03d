"""How two columns go together: Pearson, Spearman, Kendall, the least-squares line.

Every function works on the last axis and broadcasts over the others, so one call serves a grid.
A constant column has no correlation: NaN, not a warning.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

__all__ = ["Line", "kendall", "line", "logit", "pearson", "spearman"]

Floats = NDArray[np.float64]
SMALLEST_ERROR = 1e-4
"""Where the number of evaluated units is not known, an error of 0 counts as this."""


class Line(NamedTuple):
    """Least-squares line of y on x: slope in y per x, intercept in y, share of variance explained."""

    slope: Floats
    intercept: Floats
    r2: Floats


def logit(error: Floats, n_eval: Floats | float = np.nan) -> Floats:
    """Log-odds of an error, kept finite by half a unit in `n_eval`.

    Args:
        error: `[…]`, in [0, 1].
        n_eval: `[…]`, units that the error is a mean of; NaN where unknown (then SMALLEST_ERROR is the edge).

    Returns:
        log(e / (1 − e)) with e clipped to [0.5 / n_eval, 1 − 0.5 / n_eval].
    """
    known = np.asarray(n_eval, dtype=float)
    edge = np.broadcast_to(
        np.where(np.isfinite(known), 0.5 / np.maximum(known, 1), SMALLEST_ERROR), np.shape(error)
    )
    kept = np.clip(np.asarray(error, dtype=float), edge, 1 - edge)
    return np.log(kept) - np.log1p(-kept)


def pearson(x: Floats, y: Floats) -> Floats:
    """Product-moment correlation of `x` `[…, n]` and `y` `[…, n]`.

    Source: agrees with scipy.stats.pearsonr to 1e-12.
    """
    dx, dy = _centred(x), _centred(y)
    spread = np.sqrt((dx**2).sum(-1) * (dy**2).sum(-1))
    return _divide((dx * dy).sum(-1), spread)


def spearman(x: Floats, y: Floats) -> Floats:
    """Pearson correlation of midranks; agrees with scipy.stats.spearmanr to 1e-12."""
    return pearson(rankdata(x, axis=-1), rankdata(y, axis=-1))


def kendall(x: Floats, y: Floats, tie_width: float = 0.0) -> Floats:
    """Kendall's τ-b, where values of `y` nearer than the noise count as tied.

    Args:
        x: `[…, n]`.
        y: `[n]`.
        tie_width: two values of `y` that differ by no more than this are a tie; 0 is plain τ-b.

    Returns:
        `[…]`: (concordant − discordant) / √(pairs untied in x · pairs untied in y).

    Source: Kendall 1945; agrees with scipy.stats.kendalltau to 1e-12 at `tie_width` 0.
    """
    first, second = np.triu_indices(np.shape(y)[-1], k=1)
    gaps = y[..., first] - y[..., second]
    sign_y = np.sign(gaps) * (np.abs(gaps) > tie_width)
    untied_y = np.abs(sign_y).sum(-1)
    rows = np.reshape(x, (-1, np.shape(x)[-1]))
    tau = [_tau_of(np.sign(row[first] - row[second]), sign_y, untied_y) for row in rows]
    return np.reshape(np.array(tau, dtype=float), np.shape(x)[:-1])


def _tau_of(sign_x: Floats, sign_y: Floats, untied_y: Floats) -> Floats:
    return _divide(sign_x @ sign_y, np.sqrt(np.abs(sign_x).sum() * untied_y))


def line(x: Floats, y: Floats) -> Line:
    """Least-squares line of `y` on `x`; agrees with scipy.stats.linregress to 1e-10."""
    dx, dy = _centred(x), _centred(y)
    slope = _divide((dx * dy).sum(-1), (dx**2).sum(-1))
    return Line(slope, np.mean(y, -1) - slope * np.mean(x, -1), pearson(x, y) ** 2)


def _centred(values: Floats) -> Floats:
    """Deviations from the mean; what is left of a constant column after rounding becomes 0."""
    values = np.asarray(values, dtype=float)
    deviation = values - values.mean(-1, keepdims=True)
    rounding = 1e-13 * np.abs(values).max(-1, keepdims=True, initial=0)
    return np.where(np.abs(deviation).max(-1, keepdims=True, initial=0) <= rounding, 0.0, deviation)


def _divide(above: Floats, below: Floats) -> Floats:
    out = np.full(np.broadcast_shapes(np.shape(above), np.shape(below)), np.nan)
    return np.divide(above, below, out=out, where=np.asarray(below) > 0)
