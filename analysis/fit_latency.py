"""Fit the published devices' speeds and write what a prediction needs: run after the tables change.

python -m archimeter.analysis.fit_latency [OUT]
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..data.tables import load_benchmarks, load_profiles
from .latency_model import FITTED, fit_device, save_devices

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["fit_devices", "published_times"]


def published_times(benchmarks: pd.DataFrame, profiles: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Per device the rows to fit on: newest torch, contiguous, not compiled where there is a choice.

    Only rows at the profile's own input size count, and only where speed and counts are of the same model.
    """
    rows = benchmarks[(benchmarks["status"] == "ok") & (benchmarks["mode"] == "inference")]
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
    """Fit every device and write; returns its leave-one-family-out scores."""
    profiles = load_profiles()
    by_name = profiles.drop_duplicates("backbone").set_index("backbone", drop=False)
    models, scores = [], {}
    for device, rows in published_times(load_benchmarks(), profiles).items():
        facts: list[dict[str, Any]] = by_name.loc[rows["backbone"]].to_dict("records")  # pyright: ignore[reportAssignmentType]
        first = rows.iloc[0]
        setting = f"large batches, {first['dtype']}, torch {first['torch_version']}"
        setting += ", compiled" if first["compiled"] else ""
        model, scores[device] = fit_device(
            device, setting, facts, 1 / rows["throughput"].to_numpy(), [str(f["family"]) for f in facts]
        )
        models.append(model)
    save_devices(models, by_name.to_dict("records"), out)  # pyright: ignore[reportArgumentType]
    return scores


def _version(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in str(text).split(".") if part.isdigit())


if __name__ == "__main__":
    for name, row in fit_devices(*(Path(argument) for argument in sys.argv[1:2])).items():
        written = ", ".join(f"{key} {value:.3g}" for key, value in row.items())
        sys.stdout.write(f"{name}: {written}\n")
