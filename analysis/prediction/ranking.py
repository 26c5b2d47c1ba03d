"""The order of models on a new data set, from their ranks on known ones.

Each known data set's ranks are standardised to mean 0 and deviation 1. A model's standing is a Gaussian
process over data sets: a part that all data sets share, a part that like domains share, and noise. How much
of each is learned from the ranks themselves: the posterior mean is averaged over a grid of shares and noise
levels, weighted by their marginal likelihood. With nothing domain-specific to learn this is the mean rank.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .likeness import likeness_matrix

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["mean_rank", "standardised_ranks", "standing"]

Array = np.ndarray
SHARES = (0.0, 0.15, 0.3, 0.45, 0.6, 0.75, 0.9)
NOISES = (0.5, 1.0, 2.0, 4.0, 8.0)


def ranks(values: Array) -> Array:
    """Ranks from 1, ties share their mean; `[n]`, no NaN."""
    _, place, count = np.unique(values, return_inverse=True, return_counts=True)
    return (np.cumsum(count) - (count - 1) / 2)[place]


def standardised_ranks(errors: Array) -> Array:
    """Ranks of each column with mean 0 and deviation 1, `[models, datasets]`; NaN stays, high is bad."""
    out = np.full(errors.shape, np.nan)
    for j in range(errors.shape[1]):
        seen = ~np.isnan(errors[:, j])
        if seen.sum() > 1:
            r = ranks(errors[seen, j])
            out[seen, j] = (r - r.mean()) / (r.std() or 1.0)
    return out


def mean_rank(errors: Array) -> Array:
    """Mean of the ranks over data sets, `[models]`, lower is better: the baseline."""
    raw = np.full(errors.shape, np.nan)
    for j in range(errors.shape[1]):
        seen = ~np.isnan(errors[:, j])
        raw[seen, j] = ranks(errors[seen, j]) if seen.any() else np.nan
    return _row_mean(raw)


def standing(errors: Array, domains: Sequence[str], domain: str) -> Array:
    """Expected standardised rank of every model on a new data set.

    Args:
        errors: `[models, datasets]` on the known data sets, NaN where not measured.
        domains: of the known data sets.
        domain: of the new one.

    Returns:
        `[models]`, lower is better; NaN for a model without any result.
    """
    z = standardised_ranks(errors)
    alike, to_new = likeness_matrix(domains, domains), likeness_matrix(domains, [domain])[:, 0]
    filled = np.where(np.isnan(z), _row_mean(z)[:, None], z)  # a gap is worth the model's own mean
    complete = z[~np.isnan(z).any(axis=1)]
    log_likelihoods, means = [], []
    for share in SHARES:
        covariance = (1 - share) + share * alike
        weights_to = (1 - share) + share * to_new
        for noise in NOISES:
            k = covariance + noise * np.eye(len(domains))
            log_likelihoods.append(_log_likelihood(k, complete))
            w = np.linalg.solve(k, weights_to)
            means.append(filled @ w / max(abs(w.sum()), 1e-9))
    odds = np.exp(np.array(log_likelihoods) - max(log_likelihoods))
    return odds / odds.sum() @ np.array(means)


def _log_likelihood(k: Array, rows: Array) -> float:
    """Of rows ~ N(0, scale · k) with the scale at its maximum; a degree of freedom goes to the centring."""
    n, d = rows.shape
    if n < 3:
        return 0.0
    lower = np.linalg.cholesky(k)
    scale = max(float((np.linalg.solve(lower, rows.T) ** 2).sum()) / (n * d), 1e-12)
    return float(-(n - 1) * (0.5 * d * np.log(scale) + np.log(np.diag(lower)).sum()))


def _row_mean(values: Array) -> Array:
    seen = (~np.isnan(values)).sum(axis=1)
    return np.where(seen > 0, np.nansum(values, axis=1) / np.maximum(seen, 1), np.nan)
