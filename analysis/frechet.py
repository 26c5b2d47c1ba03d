"""How far two clouds of vectors are apart: the Fréchet distance of their means and covariances."""

from __future__ import annotations

import math

import numpy as np

__all__ = ["frechet_distance", "gaussian_distance", "shrinkage", "shrunk_covariance"]

Array = np.ndarray


def frechet_distance(first: Array, second: Array) -> float:
    """The distance of two samples taken as Gaussian, with shrunk covariances.

    It is a root, in the vectors' own unit; FID is its square, with plain covariances. Two finite samples of
    one distribution are apart too, the less the more vectors there are: compare distances of equal samples.

    Args:
        first: `[n, dimensions]`, two or more.
        second: `[m, dimensions]`.

    Source: Heusel et al. (2017), "GANs trained by a two time-scale update rule", eq. 6; the formula is Dowson
    and Landau's (1982).
    """
    dimensions = first.shape[1]
    if dimensions > len(first) + len(second):  # beyond what they span, both covariances are round
        basis = np.linalg.qr(np.concatenate([first, second]).T)[0]
        first, second = first @ basis, second @ basis
    rest = dimensions - first.shape[1]
    (one, floor), (two, other) = (shrunk_covariance(side, dimensions) for side in (first, second))
    squared = gaussian_distance(first.mean(axis=0), one, second.mean(axis=0), two) ** 2
    return math.sqrt(squared + rest * (math.sqrt(floor) - math.sqrt(other)) ** 2)


def gaussian_distance(mean: Array, covariance: Array, other_mean: Array, other_covariance: Array) -> float:
    """The root of |m − m'|² + tr(C + C' − 2 (C C')^½), for any positive semidefinite C."""
    values, vectors = np.linalg.eigh(covariance)
    root = vectors * np.sqrt(np.maximum(values, 0))
    shared = np.linalg.eigvalsh(root.T @ other_covariance @ root)
    spread = np.trace(covariance) + np.trace(other_covariance) - 2 * np.sqrt(np.maximum(shared, 0)).sum()
    away = mean - other_mean
    return math.sqrt(max(0.0, float(away @ away + spread)))


def shrunk_covariance(vectors: Array, dimensions: int | None = None) -> tuple[Array, float]:
    """Covariance drawn towards a round one, as far as the sample's own noise asks for.

    Args:
        vectors: `[n, dimensions]`.
        dimensions: of the space, where the vectors are given in a basis of what they span.

    Returns:
        The covariance, and its variance in every direction that the basis leaves out.

    Source: Ledoit and Wolf (2004), "A well-conditioned estimator for large-dimensional covariance matrices";
    scikit-learn's `ledoit_wolf` to rounding.
    """
    away = vectors - vectors.mean(axis=0)
    plain = away.T @ away / len(away)
    share, middle = shrinkage(away, plain, dimensions or vectors.shape[1])
    floor = share * middle
    return (1 - share) * plain + floor * np.eye(len(plain)), floor


def shrinkage(away: Array, plain: Array, dimensions: int) -> tuple[float, float]:
    """How far a covariance is to be drawn, 0 to 1, and the variance that it is drawn to.

    Args:
        away: vectors less their mean.
        plain: their covariance.
        dimensions: of the space.
    """
    middle = float(np.trace(plain)) / dimensions
    length = float((plain**2).sum())
    apart = length / dimensions - middle**2
    noise = (float(((away**2).sum(axis=1) ** 2).mean()) - length) / (len(away) * dimensions)
    return (min(1.0, max(0.0, noise / apart)) if apart > 0 else 0.0), middle
