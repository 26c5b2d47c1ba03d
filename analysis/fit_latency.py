"""Fit the published devices' speeds and write what a prediction needs: run after the tables change.

python -m archimeter.analysis.fit_latency [OUT]
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..data.tables import load_benchmarks, load_profiles
from .atlas import FITTED, save_atlas
from .latency_model import columns, fit_device

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["fit_devices", "published_times"]


def published_times(
    benchmarks: pd.DataFrame, profiles: pd.DataFrame, mode: str = "inference"
) -> dict[str, pd.DataFrame]:
    """Per device the rows to fit on: newest torch, contiguous, not compiled where there is a choice.

    Only rows at the profile's own input size count, and only where speed and counts are of the same model.
    """
    rows = benchmarks[(benchmarks["status"] == "ok") & (benchmarks["mode"] == mode)]
    rows = rows[rows["memory_format"] == "contiguous"]
    rows = rows[~rows["reason"].fillna("").str.contains("re-parameterised|redefined")]
    known = profiles.drop_duplicates("backbone").set_index("backbone")
    rows = rows[rows["backbone"].isin(known.index)]
    own = known["input_shapes"].loc[rows["backbone"]]
    same = [
        json.loads(a)[0][-1] == json.loads(b)[0][-1] for a, b in zip(rows["input_shapes"], own, strict=True)
    ]
    rows = rows[same]
    rows = rows.assign(version=rows["torch_version"].map(_version))
    found = {}
    for device, group in rows.groupby("device", sort=True):
        compiled = bool(group["compiled"].min())
        group = group[group["compiled"] == compiled]  # noqa: PLW2901
        group = group[group["version"] == group["version"].max()]  # noqa: PLW2901
        found[str(device)] = group.sort_values("throughput").drop_duplicates("backbone", keep="last")
    return found


def fit_devices(out: Path = FITTED) -> dict[str, dict[str, float]]:
    """Fit every device and mode, and write; returns the leave-one-family-out scores."""
    profiles, benchmarks = load_profiles(), load_benchmarks()
    by_name = profiles.drop_duplicates("backbone").set_index("backbone", drop=False)
    everything: list[dict[str, Any]] = by_name.to_dict("records")  # pyright: ignore[reportAssignmentType]
    entries, scores = [], {}
    for mode in ("inference", "training"):
        for device, rows in published_times(benchmarks, profiles, mode).items():
            facts: list[dict[str, Any]] = by_name.loc[rows["backbone"]].to_dict("records")  # pyright: ignore[reportAssignmentType]
            times = 1 / rows["throughput"].to_numpy()
            name = (device, mode, _setting(rows))
            model, found = fit_device(name, facts, times, [str(f["family"]) for f in facts])
            scores[f"{device}, {mode}"] = found
            known = dict(zip(rows["backbone"], times, strict=True))
            published = np.array([known.get(name, np.nan) for name in by_name["backbone"]])
            entries.append((model, np.array(model.seconds(everything)), published))
    save_atlas(entries, list(scores.values()), list(by_name["backbone"]), columns(everything), out)
    return scores


def _setting(rows: pd.DataFrame) -> str:
    first = rows.iloc[0]
    batches = "one image at a time" if rows["batch_size"].max() == 1 else "large batches"
    setting = f"{batches}, {first['dtype']}, torch {first['torch_version']}"
    return setting + (", compiled" if first["compiled"] else "")


def _version(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in str(text).split(".") if part.isdigit())


if __name__ == "__main__":
    for name, row in fit_devices(*(Path(argument) for argument in sys.argv[1:2])).items():
        written = ", ".join(f"{key} {value:.3g}" for key, value in row.items())
        sys.stdout.write(f"{name}: {written}\n")
