"""The statistics of an architecture that an analysis may relate to error, with their units."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from ..data.errors import UnknownNameError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["AXES", "Axis", "choose_axes", "device_slug", "published_latency", "with_axes"]


@dataclass(frozen=True, slots=True)
class Axis:
    """One statistic: its column, how a person calls it, and the unit it is stored in."""

    key: str
    label: str
    unit: str


_NAMED = (
    Axis("params", "parameters", "parameters"),
    Axis("macs", "MACs", "multiply-accumulates"),
    Axis("activations", "activations", "elements"),
    Axis("depth", "depth", "weighted layers"),
    Axis("width_max", "widest layer", "channels"),
    Axis("width_mean", "mean width", "channels"),
    Axis("feature_dim", "feature size", "features"),
    Axis("activations_per_sqrt_macs", "activations / √MACs", "elements per √MAC"),
    Axis("params_per_mac", "parameters / MACs", "parameters per MAC"),
    Axis("fit_time_s", "fit time", "s"),
    Axis("peak_memory_bytes", "peak memory in training", "bytes"),
)
AXES: dict[str, Axis] = {axis.key: axis for axis in _NAMED}
"""Every statistic but the published latencies, whose keys are `latency_` (a training step:
`training_latency_`) and the device's slug."""

_LATENCIES = {"inference": "latency_", "training": "training_latency_"}


def device_slug(device: str) -> str:
    """`NVIDIA GeForce RTX 4090` → `rtx_4090`: the maker left out, lower case, underscores."""
    short = re.sub(r"\b(nvidia|geforce|intel|amd|core|cpu)\b|\(r\)|\(tm\)", " ", device.lower())
    return "_".join(re.findall(r"[a-z0-9]+", short))


def choose_axes(frame: pd.DataFrame, wanted: Sequence[str] | None = None) -> list[Axis]:
    """Return the axes that `frame` holds, or the wanted ones in their order.

    Raises:
        UnknownNameError: for a wanted statistic that the frame has no column for.
    """
    held = [axis for axis in _NAMED if axis.key in frame]
    held += [_latency_axis(str(name)) for name in frame.columns if _is_latency(str(name))]
    if wanted is None:
        return held
    by_key = {axis.key: axis for axis in held}
    for key in wanted:
        if key not in by_key:
            raise UnknownNameError("statistic", key, by_key)
    return [by_key[key] for key in wanted]


def _is_latency(key: str) -> bool:
    return key.startswith(tuple(_LATENCIES.values()))


def _latency_axis(key: str) -> Axis:
    words, _, device = key.partition("latency_")
    device = device.replace("_", " ").replace("rtx", "RTX")
    return Axis(key, f"{words.replace('_', ' ')}time per image, {device}", "s per image")


def with_axes(frame: pd.DataFrame, benchmarks: pd.DataFrame | None = None) -> pd.DataFrame:
    """Add the ratio axes, and the published time per image on each device where it is known.

    Size axes move together (log MACs and log activations: r 0.91 over timm), so two of them in one model
    say little; the ratios are what is left of activations and parameters once MACs are known.

    Args:
        frame: rows with `backbone`, `params`, `macs`, `activations`.
        benchmarks: columns of `Profile`, source `published`.

    Returns:
        A new frame with `activations_per_sqrt_macs`, `params_per_mac` and one `latency_…` per device.
    """
    out = frame.copy()
    macs = pd.to_numeric(out["macs"]).where(lambda values: values > 0) if "macs" in out else np.nan
    if "activations" in out:
        out["activations_per_sqrt_macs"] = pd.to_numeric(out["activations"]) / np.sqrt(macs)
    if "params" in out:
        out["params_per_mac"] = pd.to_numeric(out["params"]) / macs
    if benchmarks is None or benchmarks.empty:
        return out
    speeds = published_latency(benchmarks)
    known = set(out.columns)
    return out.merge(
        speeds[["backbone", *(name for name in speeds.columns if name not in known)]],
        on="backbone",
        how="left",
        validate="many_to_one",
    )


def published_latency(benchmarks: pd.DataFrame) -> pd.DataFrame:
    """One row per backbone, one column per device and mode: seconds per image, in batches.

    A backbone was measured at several input sizes and settings. Taken is: on a GPU mixed precision, not
    compiled; on a CPU as it was published, compiled; contiguous layout, the newest torch, and of the sizes
    the smallest, so that a family is compared at one setting.

    Args:
        benchmarks: columns of `Profile`; only `ok` rows are read.

    Returns:
        `backbone`, `latency_rtx_4090` and so on, `training_latency_…` for a step of training.
    """
    rows = benchmarks[
        benchmarks["mode"].isin(list(_LATENCIES))
        & (benchmarks["status"] == "ok")
        & (benchmarks["throughput"] > 0)
        & (benchmarks["compiled"].astype(bool) ^ benchmarks["device"].str.contains("RTX"))
        & (benchmarks["memory_format"] == "contiguous")
    ]
    rows = pd.DataFrame(
        {
            "backbone": rows["backbone"],
            "size": _each(rows["input_shapes"], _area),
            "column": rows["mode"].map(_LATENCIES) + _each(rows["device"], device_slug),
            "version": _each(rows["torch_version"], _version),
            "latency": 1 / rows["throughput"],
        }
    ).sort_values(["size", "version"], ascending=[True, False], kind="stable")
    first = rows.drop_duplicates(["backbone", "column"])
    wide = first.pivot_table(index="backbone", columns="column", values="latency").reset_index()
    return wide.rename_axis(columns=None)


def _each(column: pd.Series, reading: Callable[[Any], Any]) -> pd.Series:
    """What `reading` says of each value; there are thousands of rows and a few dozen values."""
    return column.map({value: reading(value) for value in column.unique()})


def _area(shapes: object) -> int:
    numbers = [int(n) for n in re.findall(r"\d+", str(shapes))]
    return numbers[-1] * numbers[-2] if len(numbers) >= 2 else 0


def _version(text: object) -> tuple[int, ...]:
    return tuple(int(n) for n in re.findall(r"\d+", str(text))[:3])
