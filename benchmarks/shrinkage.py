"""How much nearer to the truth shrunk correlations of families are than raw ones, by how families differ.

Run: python benchmarks/shrinkage.py [grids]
"""

from __future__ import annotations

import sys

import numpy as np

from archimeter.analysis.association import pearson
from archimeter.analysis.meta import shrink_correlations

SIZES = (9, 6, 11, 11, 12, 10, 6, 7)
"""Families of the fast.ai sweep with enough models for a verdict."""
MIDDLES = (0.0, -0.5, -0.8)
SPREADS = (0.0, 0.2, 0.4, 0.8)
"""Standard deviation of Fisher's z between families."""


def errors(middle: float, spread: float, grids: int) -> tuple[float, float]:
    """Mean squared error of raw and of shrunk correlations over families and grids."""
    rng = np.random.default_rng([int(-10 * middle), int(10 * spread)])
    sizes = np.array(SIZES)
    raw = shrunk = 0.0
    for _ in range(grids):
        truth = np.tanh(rng.normal(np.arctanh(middle), spread, len(sizes)))
        seen = np.array([_correlation(rng, rho, n) for rho, n in zip(truth, sizes, strict=True)])
        raw += float(((seen - truth) ** 2).mean())
        shrunk += float(((shrink_correlations(seen, sizes) - truth) ** 2).mean())
    return raw / grids, shrunk / grids


def _correlation(rng: np.random.Generator, rho: float, n: int) -> float:
    x, rest = rng.normal(size=(2, n))
    return float(pearson(x, rho * x + np.sqrt(1 - rho**2) * rest))


def main() -> None:
    """Print one line per case."""
    grids = int(sys.argv[1]) if len(sys.argv) > 1 else 4000
    for middle in MIDDLES:
        for spread in SPREADS:
            raw, shrunk = errors(middle, spread, grids)
            print(
                f"r about {middle:+.1f}, families {spread:.1f} apart on z: mean squared error raw {raw:.4f}, "
                f"shrunk {shrunk:.4f} ({shrunk / raw:.2f} of it)"
            )


if __name__ == "__main__":
    main()
