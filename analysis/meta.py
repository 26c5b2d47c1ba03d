"""Several estimates of the same thing: their random-effects mean, and each pulled towards it."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import chdtrc, ndtri

__all__ = ["RandomEffects", "random_effects", "shrink", "shrink_correlations"]

Floats = NDArray[np.float64]
LARGEST_R = 1 - 1e-9


class RandomEffects(NamedTuple):
    """What k estimates say together.

    Attributes:
        mean, low, high: random-effects mean and its interval.
        tau2: variance between the true effects. i2: share of the variation that is not sampling noise.
        q, p: Cochran's Q and the p-value of no heterogeneity.
        k: estimates that entered.
    """

    mean: float
    low: float
    high: float
    tau2: float
    i2: float
    q: float
    p: float
    k: int


def random_effects(estimates: Floats, variances: Floats, level: float = 0.95) -> RandomEffects:
    """Combine estimates with known sampling variances, allowing the true effects to differ.

    Args:
        estimates: `[k]`, such as Fisher's z of a correlation in k data sets; NaN is left out.
        variances: `[k]`, positive.
        level: coverage of the mean's interval (normal).

    Source: DerSimonian and Laird 1986; Higgins and Thompson 2002 for I². Agrees with
        statsmodels.stats.meta_analysis.combine_effects(method_re="dl") to 1e-10.
    """
    kept = np.isfinite(estimates) & np.isfinite(variances) & (variances > 0)
    z, v = np.asarray(estimates, dtype=float)[kept], np.asarray(variances, dtype=float)[kept]
    if not len(z):
        return RandomEffects(*[np.nan] * 7, k=0)
    w = 1 / v
    q = float((w * (z - (w * z).sum() / w.sum()) ** 2).sum())
    degrees = len(z) - 1
    scale = w.sum() - (w**2).sum() / w.sum()
    tau2 = max(0.0, (q - degrees) / scale) if degrees else 0.0
    w = 1 / (v + tau2)
    mean, error = float((w * z).sum() / w.sum()), float(np.sqrt(1 / w.sum()))
    half = float(-ndtri((1 - level) / 2)) * error
    i2 = max(0.0, (q - degrees) / q) if q > 0 else 0.0
    p = float(chdtrc(degrees, q)) if degrees else np.nan
    return RandomEffects(mean, mean - half, mean + half, tau2, i2, q, p, len(z))


def shrink(estimates: Floats, variances: Floats) -> Floats:
    """Pull each estimate towards the common mean, the more the noisier it is (empirical Bayes).

    Args:
        estimates: `[k]`.
        variances: `[k]`, sampling variances.

    Returns:
        `[k]`: (z / v + mean / τ²) / (1 / v + 1 / τ²); the mean itself where τ² is 0, NaN where z is NaN.

    Source: Morris 1983, with DerSimonian and Laird's τ².
    """
    common = random_effects(estimates, variances)
    trust = common.tau2 / (common.tau2 + variances)
    return common.mean + trust * (estimates - common.mean)


def shrink_correlations(r: Floats, n: Floats) -> Floats:
    """Shrink correlations of samples of size `n` on Fisher's scale (variance 1 / (n − 3)).

    Args:
        r: `[k]`; entries with n < 4 come back NaN and do not count towards the mean.
        n: `[k]`.
    """
    r, n = np.asarray(r, dtype=float), np.asarray(n, dtype=float)
    usable = np.isfinite(r) & (n >= 4)
    out = np.full(r.shape, np.nan)
    if usable.any():
        z = np.arctanh(np.clip(r[usable], -LARGEST_R, LARGEST_R))
        out[usable] = np.tanh(shrink(z, 1 / (n[usable] - 3)))
    return out
