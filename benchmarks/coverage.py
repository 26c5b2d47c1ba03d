"""How often the intervals hold the true correlation: the simulation that chose them.

Run: python benchmarks/coverage.py [samples]
"""

from __future__ import annotations

import sys

import numpy as np

from archimeter.analysis.association import pearson
from archimeter.analysis.bootstrap import Resampler, bca, replicate

KINDS = ("normal", "log-normal", "exponential", "gamma", "log-normal 1", "one log-normal 1")
TRUTHS = (0.0, 0.5, 0.85)
SIZES = (6, 8, 12, 30)
DRAWS = 2000


def draw(kind: str, rho: float, n: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Two columns of n: jointly normal, exponentials of both or one (σ 0.5 or 1), or of skewed parts."""
    if kind == "gamma":
        a, b = (rng.gamma(4, size=(2, n)) - 4) / 2
        return a, rho * a + np.sqrt(1 - rho**2) * b
    if kind == "exponential":
        a, b = rng.exponential(size=(2, n)) - 1
        return a, rho * a + np.sqrt(1 - rho**2) * b
    a, b = rng.standard_normal((2, n))
    c = rho * a + np.sqrt(1 - rho**2) * b
    if kind == "log-normal":
        return np.exp(a / 2), np.exp(c / 2)
    return {"normal": (a, c), "log-normal 1": (np.exp(a), np.exp(c)), "one log-normal 1": (a, np.exp(c))}[
        kind
    ]


def covered(kind: str, rho: float, n: int, samples: int) -> tuple[float, float, float, str]:
    """Share of samples whose interval holds the truth (ours, BCa), our mean width, and our method."""
    rng = np.random.default_rng([n, int(100 * rho), KINDS.index(kind), 2026])
    truth = float(pearson(*draw(kind, rho, 2_000_000, rng)))
    counts = rng.multinomial(n, np.full(n, 1 / n), size=DRAWS).astype(float)
    ours, by_bca, width, method = 0, 0, 0.0, ""
    for _ in range(samples):
        x, y = draw(kind, rho, n, rng)
        interval, _, method = Resampler(rng, DRAWS).intervals(x[None], y)
        ours += bool(interval.low[0] <= truth <= interval.high[0])
        width += float(interval.high[0] - interval.low[0])
        other = bca(
            replicate(x[None], y, counts).r, pearson(x[None], y), replicate(x[None], y, 1 - np.eye(n)).r
        )
        by_bca += bool(other.low[0] <= truth <= other.high[0])
    return ours / samples, by_bca / samples, width / samples, method


def main() -> None:
    """Print one line per case."""
    samples = int(sys.argv[1]) if len(sys.argv) > 1 else 2000
    error = 100 * np.sqrt(0.05 * 0.95 / samples)
    print(f"nominal 95 %, {samples} samples a case, Monte-Carlo error ± {error:.1f}")
    for n in SIZES:
        for kind in KINDS:
            for rho in TRUTHS:
                ours, by_bca, width, method = covered(kind, rho, n, samples)
                found = f"{method}: {ours:.1%}, width {width:.2f}; BCa: {by_bca:.1%}"
                print(f"n {n:2} {kind:16} ρ {rho:.2f} {found}")


if __name__ == "__main__":
    main()
