"""The order of models on a new data set, from their ranks on known ones.

Each known data set's ranks are standardised to mean 0 and deviation 1. A model's standing is a Gaussian
process over data sets: a part that all data sets share, a part that like domains share, and noise. How much
of each is learned from the ranks themselves: the posterior mean is averaged over a grid of shares and noise
levels, weighted by their marginal likelihood. What is known without these data sets (`pooled`) is the mean of
the process: it is expected to count for what it says, give or take what laboratories differ in (`doubt_of`),
and the ranks tell how much it does. With nothing domain-specific to learn and no prior this is the mean rank.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .likeness import likeness_matrix

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["doubt_of", "mean_rank", "standardised_ranks", "standing"]

Array = np.ndarray
SHARES = (0.0, 0.15, 0.3, 0.45, 0.6, 0.75, 0.9)
NOISES = (0.5, 1.0, 2.0, 4.0, 8.0)
TRUSTS = (0.0, 0.25, 0.5, 0.75, 1.0, 1.25)
"""What the prior may count for: a laboratory whose results contradict it does not follow it."""


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


def doubt_of(x: Array, slopes: Array, covariance: Array) -> float:
    """By how much laboratories differ in what the prior `x @ slopes` counts for there: a standard deviation.

    Args:
        x: facts of the models, `[models, facts]`.
        slopes: expected in a new laboratory, `[facts]`.
        covariance: of these.

    Returns:
        Deviation of the coefficient in the regression of the models' true standing on the prior; 1 where the
        prior tells no models apart.
    """
    x = x - x.mean(axis=0)
    prior = x @ slopes
    size, along = float(prior @ prior), prior @ x
    return float(np.sqrt(along @ covariance @ along)) / size if size > 1e-9 else 1.0


def standing(
    errors: Array, domains: Sequence[str], domain: str, prior: Array | None = None, doubt: float = 1.0
) -> Array:
    """Expected standardised rank of every model on a new data set: the one order that is recommended.

    Args:
        errors: `[models, datasets]` of this laboratory's known data sets, NaN where not measured; no columns
            where the laboratory is not known.
        domains: of the known data sets.
        domain: of the new one.
        prior: `[models]`, what is expected without this laboratory's results (`pooled`); nothing when None.
        doubt: of the prior (`doubt_of`).

    Returns:
        `[models]`, lower is better. A model without any result has its prior; NaN where it has none either.
    """
    foretold = np.zeros(len(errors)) if prior is None else prior
    z = standardised_ranks(errors)
    own = _row_mean(z)
    if np.isnan(own).all():
        return foretold
    foretold = foretold - foretold[~np.isnan(own)].mean()
    filled = np.where(np.isnan(z), own[:, None], z)  # a gap is worth the model's own mean
    complete = ~np.isnan(z).any(axis=1)
    alike, to_new = likeness_matrix(domains, domains), likeness_matrix(domains, [domain])[:, 0]
    trusts = np.array(TRUSTS if foretold.any() else [0.0])
    believed = -0.5 * ((trusts - 1) / max(doubt, 1e-3)) ** 2
    log_likelihoods, means = [], []
    for share in SHARES:
        covariance = (1 - share) + share * alike
        weights_to = (1 - share) + share * to_new
        for noise in NOISES:
            k = covariance + noise * np.eye(len(domains))
            log_likelihoods += list(believed + _log_likelihoods(k, z[complete], foretold[complete], trusts))
            w = np.linalg.solve(k, weights_to)
            means += [trust * foretold + (filled - trust * foretold[:, None]) @ w for trust in trusts]
    odds = np.exp(np.array(log_likelihoods) - max(log_likelihoods))
    found = (odds / odds.sum() @ np.array(means)).round(9)  # equals stay equal on every machine
    return np.where(np.isnan(own), foretold if prior is not None else np.nan, found)


def _log_likelihoods(k: Array, rows: Array, prior: Array, trusts: Array) -> Array:
    """Of rows ~ N(trust · prior, scale · k) with the scale at its maximum, for each trust.

    A degree of freedom goes to the centring.
    """
    n, d = rows.shape
    if n < 3:
        return np.zeros(len(trusts))
    lower = np.linalg.cholesky(k)
    white = np.linalg.solve(lower, rows.T)
    one = np.linalg.solve(lower, np.ones(d))
    squares = float((white**2).sum()), float((one @ white) @ prior), float(one @ one) * float(prior @ prior)
    determinant = float(np.log(np.diag(lower)).sum())
    left = squares[0] - 2 * trusts * squares[1] + trusts**2 * squares[2]
    return -(n - 1) * (0.5 * d * np.log(np.maximum(left / (n * d), 1e-12)) + determinant)


def _row_mean(values: Array) -> Array:
    seen = (~np.isnan(values)).sum(axis=1)
    return np.where(seen > 0, np.nansum(values, axis=1) / np.maximum(seen, 1), np.nan)
