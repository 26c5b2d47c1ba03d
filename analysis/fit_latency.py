"""Fit the published devices' speeds and write what a prediction needs: run after the tables change.

python -m archimeter.analysis.fit_latency [OUT]
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..data.tables import load_benchmarks, load_memory, load_profiles
from .atlas import FITTED, save_atlas
from .latency_model import columns, fit_device

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["facts_of", "fit_devices", "published_settings", "published_times"]

SETTING = ["compiled", "memory_format", "torch_version"]


def published_times(
    benchmarks: pd.DataFrame, profiles: pd.DataFrame, mode: str = "inference"
) -> dict[str, pd.DataFrame]:
    """Per device the rows to fit on: newest torch, contiguous, not compiled where there is a choice.

    Only rows at the profile's own input size count, and only where speed and counts are of the same model.
    """
    found = {}
    for (device, *_), rows in published_settings(benchmarks, profiles, mode).items():
        found.setdefault(device, rows)
    return found


def published_settings(
    benchmarks: pd.DataFrame, profiles: pd.DataFrame, mode: str = "inference"
) -> dict[tuple[str, bool, str, str], pd.DataFrame]:
    """As `published_times`, per device, compiled or not, memory format and torch.

    Of each device the setting that `published_times` chooses comes first.
    """
    rows = benchmarks[(benchmarks["status"] == "ok") & (benchmarks["mode"] == mode)]
    rows = rows[~rows["reason"].fillna("").str.contains("re-parameterised|redefined")]
    known = profiles.drop_duplicates("backbone").set_index("backbone")
    rows = rows[rows["backbone"].isin(known.index)]
    own = known["input_shapes"].loc[rows["backbone"]]
    same = [
        json.loads(a)[0][-1] == json.loads(b)[0][-1] for a, b in zip(rows["input_shapes"], own, strict=True)
    ]
    groups = {
        (str(key[0]), bool(key[1]), str(key[2]), str(key[3])): group.sort_values("throughput")  # pyright: ignore[reportIndexIssue]
        for key, group in rows[same].groupby(["device", *SETTING], sort=True)
    }
    order = sorted(groups, key=_last_chosen, reverse=True)
    return {key: groups[key].drop_duplicates("backbone", keep="last") for key in order}


def _last_chosen(key: tuple[str, bool, str, str]) -> tuple[Any, ...]:
    device, compiled, layout, torch = key
    return device, layout == "contiguous", not compiled, _version(torch)


def fit_devices(out: Path = FITTED) -> dict[str, dict[str, float]]:
    """Fit every device, mode and setting, and write; returns the leave-one-family-out scores."""
    profiles, benchmarks = load_profiles(), load_benchmarks()
    every = facts_of(profiles, load_memory())
    place = {str(row["backbone"]): i for i, row in enumerate(every)}
    entries, scores = [], {}
    for mode in ("inference", "training"):
        for key, rows in published_settings(benchmarks, profiles, mode).items():
            at = np.array([place[name] for name in rows["backbone"]])
            facts, times = [every[i] for i in at], 1 / rows["throughput"].to_numpy()
            name = (key[0], mode, _setting(rows))
            model, found = fit_device(name, facts, times, [str(f["family"]) for f in facts])
            scores[", ".join(name)] = found
            entries.append((model, at, times))
    save_atlas(entries, list(scores.values()), list(place), columns(every), out)
    return scores


def facts_of(profiles: pd.DataFrame, memory: pd.DataFrame) -> list[dict[str, Any]]:
    """Rows of profiles, one a backbone, with `memory`: mode → its row there, of training with SGD."""
    chosen = memory[(memory["status"] == "ok") & (memory["optimiser"] != "adamw")]
    needs: dict[str, dict[str, Any]] = {}
    for row in chosen[["backbone", "mode", "bytes_per_image"]].to_dict("records"):
        needs.setdefault(row["backbone"], {})[row["mode"]] = row
    found = profiles.drop_duplicates("backbone").to_dict("records")
    return [{**row, "memory": needs.get(row["backbone"], {})} for row in found]  # pyright: ignore[reportReturnType]


def _setting(rows: pd.DataFrame) -> str:
    first = rows.iloc[0]
    batches = "one image at a time" if rows["batch_size"].max() == 1 else "large batches"
    setting = f"{batches}, {first['dtype']}, torch {first['torch_version']}"
    setting += "" if first["memory_format"] == "contiguous" else ", channels last"
    return setting + (", compiled" if first["compiled"] else "")


def _version(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in str(text).split(".") if part.isdigit())


if __name__ == "__main__":
    for name, row in fit_devices(*(Path(argument) for argument in sys.argv[1:2])).items():
        written = ", ".join(f"{key} {value:.3g}" for key, value in row.items())
        sys.stdout.write(f"{name}: {written}\n")
