"""What a result can be set against: the statistics of a backbone, its speed, and the cost of the run."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

__all__ = ["OF_RUNS", "STATIC", "Measure", "available", "metric_words", "speed_measures", "with_speeds"]

Unit = Literal["count", "seconds", "bytes", "share", "pixels"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """One horizontal axis.

    key: column of the frame. label: in words, with its unit. short: a heading. unit: how a value is written.
    of: `backbone` (one value per architecture) or `result` (one per run, stated by the study).
    cost: whether less of it is wanted. log: drawn and fitted on a logarithmic scale.
    table: whether the table of all models has a column of it. source: table and condition, for the caption.
    """

    key: str
    label: str
    short: str
    unit: Unit
    source: str
    of: Literal["backbone", "result"] = "backbone"
    cost: bool = False
    log: bool = True
    table: bool = True


_STATIC_SOURCE = "archimeter's static profile at the architecture's default input size (table profiles)"
_RUN_SOURCE = "as the study measured it, on its own machines"


def _static(key: str, short: str, label: str, unit: Unit = "count", *, cost: bool = False) -> Measure:
    return Measure(
        key=key,
        label=label,
        short=short,
        unit=unit,
        source=_STATIC_SOURCE,
        cost=cost,
        log=unit != "share",
        table=key not in {"activations_per_sqrt_macs", "params_per_mac", "elementwise_ops"},
    )


STATIC: tuple[Measure, ...] = (
    _static("macs", "MACs", "Multiply-accumulates (MACs)", cost=True),
    _static("params", "Parameters", "Parameters", cost=True),
    _static("activations", "Activations", "Activations (elements)", cost=True),
    _static("depth", "Depth", "Depth (weighted layers)"),
    _static("blocks", "Blocks", "Blocks"),
    _static("width_max", "Widest", "Widest layer (channels)"),
    _static("width_mean", "Mean width", "Mean width (channels)"),
    _static("feature_dim", "Features", "Features after pooling"),
    _static("attention_share", "Attention", "Share of MACs in attention products", "share"),
    _static("activations_per_sqrt_macs", "Act./√MAC", "Activations per √MAC"),
    _static("params_per_mac", "Params/MAC", "Parameters per MAC"),
    _static("elementwise_ops", "Element-wise", "Element-wise operations", cost=True),
    _static("predicted_memory_bytes", "Memory", "Peak memory at batch 1, predicted", "bytes", cost=True),
)
"""What archimeter's own profile says of an architecture."""

OF_RUNS: tuple[Measure, ...] = (
    Measure(
        key="fit_time_s",
        label="Fit time",
        short="Fit time",
        unit="seconds",
        source=_RUN_SOURCE,
        of="result",
        cost=True,
        log=False,
    ),
    Measure(
        key="peak_memory_bytes",
        label="Peak GPU memory of the training run",
        short="Run memory",
        unit="bytes",
        source=_RUN_SOURCE,
        of="result",
        cost=True,
    ),
)
"""What a study measured of its runs."""


METRICS = {
    "top1": "top-1 accuracy",
    "label-accuracy": "label-wise accuracy",
    "auc": "AUC",
    "mean-average-precision": "mAP",
}


def metric_words(metric: str) -> str:
    """A metric's name for a reader: `top1` → top-1 accuracy."""
    return METRICS.get(metric, metric.replace("_", " ").replace("-", " "))


def available(measures: Sequence[Measure], frame: pd.DataFrame, least: int = 5) -> tuple[Measure, ...]:
    """Keep the measures that `frame` has enough values of, positive ones where the axis is a logarithm."""
    kept = []
    for measure in measures:
        if measure.key in frame:
            values = frame[measure.key].to_numpy(dtype=float)
            values = values[values > 0] if measure.log else values[np.isfinite(values)]
            if len(values) >= least and values.min() < values.max():
                kept.append(measure)
    return tuple(kept)


_SETTING = ["device", "mode", "dtype", "memory_format", "compiled", "torch_version"]


def speed_measures(benchmarks: pd.DataFrame) -> dict[str, tuple[Measure, pd.Series]]:
    """Return, per device and mode, seconds an image takes on it, under the one setting with most models.

    Settings are never mixed: of several memory formats and torch versions on one device, the one that
    covers the most backbones is taken (the newest of equals), and the measure names it.

    Args:
        benchmarks: published `Profile` rows with `throughput` in images per second.

    Returns:
        Column name → measure and its values, indexed by (backbone, input_shapes).
    """
    good = benchmarks[(benchmarks["status"] == "ok") & (benchmarks["throughput"] > 0)]
    good = good.fillna({"torch_version": "", "memory_format": "contiguous"})
    speeds = {}
    for (device, mode), rows in good.groupby(["device", "mode"], sort=True):
        sizes = rows.groupby(_SETTING)["backbone"].nunique().reset_index(name="n")
        best = sizes.sort_values(["n", "torch_version"]).iloc[-1]
        chosen = rows[(rows[_SETTING] == best[_SETTING]).all(axis=1)]
        seconds = 1 / chosen.groupby(["backbone", "input_shapes"])["throughput"].median()
        step = "forward" if mode == "inference" else "training step"
        parts = (best["dtype"], best["memory_format"])
        setting = ", ".join(
            [*parts, *(["compiled"] if best["compiled"] else []), f"torch {best['torch_version']}"]
        )
        key = f"time_{mode}_{device}".lower().replace(" ", "_")
        measure = Measure(
            key=key,
            label=f"Time per image, {device}, {step}",
            short=_short_device(str(device)) + ("" if mode == "inference" else ", training"),
            unit="seconds",
            source=f"timm's published benchmark of {device} at full batch: {setting} (table benchmarks)",
            cost=True,
        )
        speeds[key] = (measure, seconds)
    # inference before training, the fastest device first
    return dict(sorted(speeds.items(), key=lambda item: ("inference" not in item[0], item[1][1].median())))


def _short_device(device: str) -> str:
    return re.sub(r"\b(NVIDIA|GeForce|Intel|AMD|Core)\b *", "", device)


def with_speeds(profiles: pd.DataFrame, benchmarks: pd.DataFrame) -> tuple[pd.DataFrame, tuple[Measure, ...]]:
    """Add the published seconds per image at the profile's own input size as columns.

    The profile's peak memory becomes `predicted_memory_bytes`: a run has a peak memory of its own.

    Returns:
        The frame with a column per device and mode, and the measures that name them.
    """
    frame, measures = profiles.rename(columns={"peak_memory_bytes": "predicted_memory_bytes"}), []
    index = frame.set_index(["backbone", "input_shapes"]).index
    for key, (measure, seconds) in speed_measures(benchmarks).items():
        frame[key] = seconds.reindex(index).to_numpy()
        measures.append(measure)
    return frame, tuple(measures)
