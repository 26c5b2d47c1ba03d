"""Write frame.csv and scaling.csv, on which R and archimeter must agree. Run once, then estimators.R."""

from pathlib import Path

import numpy as np
import pandas as pd

FAMILIES = {"a": 7, "b": 6, "c": 8, "d": 5, "e": 6, "f": 8}


def main() -> None:
    """Forty architectures of six families on eight tasks, three runs each on the first task."""
    rng = np.random.default_rng(20261126)
    rows = []
    task_effect = rng.normal(scale=0.8, size=8)
    for f, (family, members) in enumerate(FAMILIES.items()):
        family_effect, slope = rng.normal(scale=0.5), rng.normal(-0.15, 0.12)
        for i in range(members):
            size = rng.uniform(-3, 3) + 0.3 * f
            activations = 0.4 * size + rng.normal(scale=0.5)
            backbone_effect = rng.normal(scale=0.35)
            for task in range(8):
                if rng.uniform() < 0.15 and task:
                    continue
                mean = (
                    -2
                    + task_effect[task]
                    + family_effect
                    + backbone_effect
                    + slope * size
                    + 0.2 * activations
                )
                for run in range(3 if task == 0 else 1):
                    y = mean + rng.normal(scale=0.25)
                    rows.append(
                        (f"t{task}", family, f"{family}{i}", run, size, activations, y, 1 / (1 + np.exp(-y)))
                    )
    columns = ["task", "family", "backbone", "run", "size", "activations", "y", "error"]
    frame = pd.DataFrame(rows, columns=columns)
    frame.to_csv(Path(__file__).with_name("frame.csv"), index=False, float_format="%.12g")
    law = [
        (d, w, r, d**0.9 * w**1.9 * r**2.05 * np.exp(rng.normal(scale=0.05)))
        for d in (1, 2, 4)
        for w in (0.5, 1, 2)
        for r in (128, 224, 320)
    ]
    scaling = pd.DataFrame(law, columns=["depth", "width", "resolution", "value"])
    scaling.to_csv(Path(__file__).with_name("scaling.csv"), index=False, float_format="%.12g")


if __name__ == "__main__":
    main()
