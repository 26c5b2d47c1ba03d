"""How often a grid in which nothing goes with anything claims something all the same.

Run: python benchmarks/false_discovery.py [grids]
"""

from __future__ import annotations

import sys

import numpy as np
import pandas as pd

from archimeter.analysis.correlate import correlate

FAMILIES = {"convnext": 9, "levit": 6, "regnetx": 11, "resnet": 11, "swin": 12, "vit": 10}
STATISTICS = ("params", "macs", "activations", "depth", "fit_time_s")


def null_frame(rng: np.random.Generator) -> pd.DataFrame:
    """Families as large as in the fast.ai sweep, correlated sizes, errors that know nothing of them."""
    names = [name for name, n in FAMILIES.items() for _ in range(n)]
    size = rng.normal(size=len(names))
    sizes = {key: np.exp(16 + 0.9 * size + 0.4 * rng.normal(size=len(names))) for key in STATISTICS}
    odds = rng.normal(scale=0.4, size=len(names)) - 3
    return pd.DataFrame(sizes).assign(
        study="null",
        dataset="null",
        backbone=[f"{name}{i}" for i, name in enumerate(names)],
        family=names,
        error=1 / (1 + np.exp(-odds)),
        n_eval=1e9,
    )


def main() -> None:
    """Print the share of grids with a claim, which under the null is the false discovery rate."""
    grids = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    claims = 0
    for seed in range(grids):
        rng = np.random.default_rng(seed)
        grid = correlate(null_frame(rng))
        claims += grid["verdict"].isin(["error falls", "error rises"]).any()
    error = np.sqrt(max(claims, 1) / grids * (1 - claims / grids) / grids)
    print(f"false discovery rate {claims / grids:.1%} ± {error:.1%} over {grids} null grids (goal ≤ 5.5 %)")


if __name__ == "__main__":
    main()
