"""How often the intervals hold the true correlation: the simulation that chose them.

Run: python benchmarks/coverage.py [samples]
"""

from __future__ import annotations

import sys

import numpy as np
from scipy.special import ndtr, ndtri

from archimeter.analysis.association import line, pearson
from archimeter.analysis.bootstrap import Interval, Resampler, bca, jackknife_t, replicate, unit_sums

KINDS = ("normal", "log-normal", "gamma", "exponential", "t5", "one exponential", "one log-normal 1")
LOGS = "one log-normal 1, its log"
"""The hard case as the tool sees it: the analysis takes logarithms of sizes and log-odds of errors first."""
TRUTHS = (0.0, 0.5, 0.85)
SIZES = (6, 8, 12, 16, 20, 30)
DRAWS = 1000
AT_ONCE = 500


def draw(kind: str, rho: float, shape: tuple[int, ...], rng: np.random.Generator) -> tuple[np.ndarray, ...]:
    """Two columns `[…, n]`: jointly normal, exponentials of both or of one, or sums of skewed parts."""
    parts = {
        "gamma": lambda: rng.gamma(4, size=(2, *shape)),
        "exponential": lambda: rng.exponential(size=(2, *shape)),
    }
    parts["t5"] = lambda: rng.standard_t(5, size=(2, *shape))
    a, b = parts[kind]() if kind in parts else rng.standard_normal((2, *shape))
    if kind in parts:
        a, b = ((v - {"gamma": 4, "exponential": 1, "t5": 0}[kind]) for v in (a, b))
    c = rho * a + np.sqrt(1 - rho**2) * b
    if kind == "log-normal":
        return np.exp(a / 2), np.exp(c / 2)
    if kind == "one exponential":
        return a, -np.log(ndtr(-c))
    return a, np.exp(c) if kind == "one log-normal 1" else c


def rivals(x: np.ndarray, y: np.ndarray, rng: np.random.Generator) -> dict[str, Interval]:
    """The intervals of r that were not chosen, for every row."""
    n = x.shape[-1]
    counts = rng.multinomial(n, np.full(n, 1 / n), size=DRAWS).astype(float)
    r, left_out = pearson(x, y), replicate(x, y, 1 - np.eye(n)).r
    half = ndtri(0.975) / np.sqrt(n - 3)
    on_z = jackknife_t(np.arctanh(r), np.arctanh(left_out))
    return {
        "BCa": bca(replicate(x, y, counts).r, r, left_out),
        "jackknife": Interval(np.tanh(on_z.low), np.tanh(on_z.high)),
        "Fisher": Interval(np.tanh(np.arctanh(r) - half), np.tanh(np.arctanh(r) + half)),
    }


def covered(kind: str, rho: float, n: int, samples: int) -> tuple[dict[str, float], float, str]:
    """Share of samples whose interval holds the truth, by interval; our mean width; our method."""
    rng = np.random.default_rng([n, int(100 * rho), len(kind), 2026])
    long = draw(kind, rho, (2_000_000,), rng)
    truth, slope = float(pearson(*long)), float(line(*long).slope)
    hits: dict[str, int] = {}
    width, method = 0.0, ""
    for start in range(0, samples, AT_ONCE):
        x, y = draw(kind, rho, (min(AT_ONCE, samples - start), n), rng)
        of_r, of_slope, method = Resampler(rng, DRAWS).of_sums(unit_sums(x, y))
        width += float((of_r.high - of_r.low).sum())
        for name, ends in {"ours": of_r, **rivals(x, y, rng)}.items():
            hits[name] = hits.get(name, 0) + int(((ends.low <= truth) & (truth <= ends.high)).sum())
        found = int(((of_slope.low <= slope) & (slope <= of_slope.high)).sum())
        hits["slope"] = hits.get("slope", 0) + found
    return {name: count / samples for name, count in hits.items()}, width / samples, method


def main() -> None:
    """Print one line per case."""
    samples = int(sys.argv[1]) if len(sys.argv) > 1 else 4000
    error = 100 * np.sqrt(0.05 * 0.95 / samples)
    print(f"nominal 95 %, {samples} samples a case, Monte-Carlo error ± {error:.1f}")
    for n in SIZES:
        for kind in (*KINDS, LOGS):
            for rho in TRUTHS:
                shares, width, method = covered(kind, rho, n, samples)
                found = ", ".join(f"{name} {share:.1%}" for name, share in shares.items())
                print(f"n {n:2} {kind:25} ρ {rho:.2f}  {found}; width {width:.2f} ({method})", flush=True)


if __name__ == "__main__":
    main()
