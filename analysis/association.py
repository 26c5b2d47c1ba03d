"""How two columns go together: Pearson, Spearman, Kendall, the least-squares line.

Every function works on the last axis and broadcasts over the others, so one call serves a grid.
A constant column has no correlation: NaN, not a warning.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["Line", "kendall", "line", "logit", "midranks", "pearson", "spearman"]

Floats = NDArray[np.float64]
SMALLEST_ERROR = 1e-4
"""Where the number of evaluated units is not known, an error of 0 counts as this."""
PAIRS_AT_ONCE = 2_000_000
"""Pairs of models whose order is compared in one step, to bound the memory."""


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
    return pearson(midranks(x), midranks(y))


def midranks(values: Floats) -> Floats:
    """Ranks along the last axis, from 1; equal values share their mean rank, a row with NaN has none.

    Source: agrees with scipy.stats.rankdata (whose import alone takes a second) exactly.
    """
    values = np.asarray(values, dtype=float)
    n = values.shape[-1]
    rows = values.reshape(-1, n)
    order = np.argsort(rows, axis=-1, kind="stable")
    ordered = np.take_along_axis(rows, order, -1)
    starts = np.ones(rows.shape, dtype=bool)
    starts[:, 1:] = ordered[:, 1:] != ordered[:, :-1]
    first = np.flatnonzero(starts)  # no run of equals reaches into the next row
    size = np.diff(first, append=rows.size)
    ranks = np.empty(rows.shape)
    np.put_along_axis(
        ranks, order, np.repeat(first % max(n, 1) + (size + 1) / 2, size).reshape(rows.shape), -1
    )
    ranks[np.isnan(rows).any(-1)] = np.nan
    return ranks.reshape(values.shape)


def kendall(x: Floats, y: Floats, tie_width: float | Floats = 0.0) -> Floats:
    """Kendall's τ-b, where values of `y` nearer than the noise count as tied.

    Args:
        x: `[…, n]`.
        y: `[n]`, or as many rows as `x`.
        tie_width: two values of `y` that differ by no more than this are a tie, one number or one a row;
            0 is plain τ-b.

    Returns:
        `[…]`: (concordant − discordant) / √(pairs untied in x · pairs untied in y).

    Source: Kendall 1945; agrees with scipy.stats.kendalltau to 1e-12 at `tie_width` 0.
    """
    n = np.shape(x)[-1]
    rows_x, rows_y = np.reshape(x, (-1, n)), np.reshape(y, (-1, n))
    widths = np.broadcast_to(np.reshape(tie_width, -1), len(rows_y))
    step = max(1, PAIRS_AT_ONCE // max(n * n, 1))
    above_y = _above(rows_y[:step], widths[:step])
    tau = []
    for start in range(0, len(rows_x), step):
        some = slice(start, start + step)
        if start and len(rows_y) > 1:
            above_y = _above(rows_y[some], widths[some])
        above_x = _above(rows_x[some], np.zeros(1))
        concordant, discordant = _pairs(above_x & above_y), _pairs(above_x & above_y.transpose(0, 2, 1))
        tau.append(_divide(concordant - discordant, np.sqrt(_pairs(above_x) * _pairs(above_y))))
    return np.reshape(np.concatenate(tau), np.shape(x)[:-1])


def _above(rows: Floats, widths: Floats) -> NDArray[np.bool_]:
    """Whether the first of two units is the larger by more than the width, `[rows, n, n]`."""
    return rows[:, :, None] - rows[:, None, :] > widths[:, None, None]


def _pairs(marked: NDArray[np.bool_]) -> Floats:
    return np.array([float(np.count_nonzero(one)) for one in marked])


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
