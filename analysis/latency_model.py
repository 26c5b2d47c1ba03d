"""Seconds per image on devices with published speeds, for backbones and models that nobody timed there.

A Gaussian process on the logarithm of time per image: a line in log counts plus a smooth correction in what
the counts are made of (convolution, depthwise, grouped, linear, attention), how many layers share them, and
how much is moved. It is fitted ahead; a prediction is one matrix product.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["COLUMNS", "DeviceModel", "columns", "fit_device", "leave_family_out", "standardised"]

Array = np.ndarray
KINDS = ("convolution", "depthwise", "grouped", "linear", "product")
COUNTS = (
    *("macs", "activations", "params", "elementwise_ops", "depth", "width_mean", "side"),
    *("blocks", "stages", "width_max", "width_macs", "width_residual", "reduction"),
)
DERIVED = ("attention_share", "activations per mac", "macs per layer", "elementwise per activation")
COLUMNS = (*COUNTS, *KINDS, *DERIVED)
LENGTH, LINEAR, NOISE = 2.5, 1.0, 0.04


def columns(profiles: Sequence[Mapping[str, Any]]) -> Array:
    """What time is predicted from, `[models, columns]`: logs of counts, logs of one plus MACs by kind."""
    out = []
    for row in profiles:
        kinds = row["macs_by_kind"]
        kinds = json.loads(kinds) if isinstance(kinds, str) else dict(kinds or {})
        shapes = row["input_shapes"]
        shapes = json.loads(shapes) if isinstance(shapes, str) else shapes
        value = {name: _number(row.get(name)) for name in COUNTS if name != "side"}
        value["width_residual"] = _number(row.get("width_residual"), value["width_max"])
        value["blocks"] += 1  # some have none
        macs, layers = max(value["macs"], 1.0), max(value["depth"], 1.0)
        value = {name: float(np.log(max(v, 1.0))) for name, v in value.items()}
        value["side"] = float(np.log(shapes[0][-1]))
        for kind in KINDS:
            value[kind] = float(np.log(kinds.get(kind, 0) / macs + 1e-2))
        value["attention_share"] = float(row.get("attention_share") or 0.0)
        value["activations per mac"] = value["activations"] - float(np.log(macs))
        value["macs per layer"] = float(np.log(macs / layers))
        value["elementwise per activation"] = value["elementwise_ops"] - value["activations"]
        out.append([value[name] for name in COLUMNS])
    return np.array(out, float)


def _number(value: Any, otherwise: float = 1.0) -> float:
    return float(value) if value and value == value else otherwise  # noqa: PLR0124  # NaN


def standardised(raw: Array, middle: Array, spread: Array) -> Array:
    """Columns as the kernel takes them, clipped at four deviations."""
    return np.clip((raw - middle) / spread, -4, 4)


@dataclass(frozen=True)
class DeviceModel:
    """One device and setting.

    Attributes:
        device, mode, setting: as published; mode is `inference` or `training`.
        middle, spread: of the columns. x: standardised rows it was fitted on.
        alpha: their weights. offset: mean log seconds.
        error: median absolute relative error, and 90 % quantile of the absolute log error, on families
            left out.
        floor: seconds per MAC of the fastest rows.
    """

    device: str
    mode: str
    setting: str
    middle: Array
    spread: Array
    x: Array
    alpha: Array
    offset: float
    error: tuple[float, float]
    floor: float

    def seconds(self, profiles: Sequence[Mapping[str, Any]]) -> tuple[Array, Array, Array]:
        """Seconds per image with a 90 % interval, `[models]` each; never below the roofline floor."""
        raw = columns(profiles)
        z = standardised(raw, self.middle, self.spread)
        log_time = self.offset + _kernel(z, self.x) @ self.alpha
        floor = self.floor * np.exp(raw[:, COLUMNS.index("macs")])
        reach = self.error[1]
        middle, low, high = (np.maximum(np.exp(log_time + shift), floor) for shift in (0.0, -reach, reach))
        return middle, low, high

    @cached_property
    def source(self) -> str:
        """How a figure of this model is to be read."""
        return f"predicted ± {100 * self.error[0]:.0f} % (median, families left out): {self.setting}"


def _kernel(a: Array, b: Array) -> Array:
    squared = (a**2).sum(1)[:, None] + (b**2).sum(1) - 2 * a @ b.T
    smooth = np.exp(-np.maximum(squared, 0) / (2 * LENGTH**2)) + 0.5 * np.exp(
        -np.maximum(squared, 0) / (2 * (LENGTH / 3) ** 2)
    )
    return smooth + LINEAR * (a @ b.T + 1)


def leave_family_out(k: Array, y: Array, families: Sequence[str]) -> Array:
    """Predicted centred log seconds of every row without its family, from one inverse (block formula)."""
    inverse = np.linalg.inv(k + NOISE * np.eye(len(y)))
    alpha, out, names = inverse @ y, np.empty(len(y)), np.array(families)
    for name in np.unique(names):
        at = np.flatnonzero(names == name)
        out[at] = y[at] - np.linalg.solve(inverse[np.ix_(at, at)], alpha[at])
    return out


def fit_device(
    name: tuple[str, str, str],
    rows: Sequence[Mapping[str, Any]],
    seconds: Array,
    families: Sequence[str],
) -> tuple[DeviceModel, dict[str, float]]:
    """Fit one device.

    Args:
        name: device, mode, and the setting that the times were measured in.
        rows: profiles.
        seconds: measured time per image of each.
        families: of each, to be left out in turn.

    Returns:
        The model, and leave-one-family-out scores: `r2` of log time, `median` and `p90` relative error.
    """
    raw = columns(rows)
    middle, spread = raw.mean(axis=0), np.maximum(raw.std(axis=0), 1e-6)
    z = standardised(raw, middle, spread)
    y = np.log(seconds)
    offset, k = float(y.mean()), _kernel(z, z)
    held = leave_family_out(k, y - offset, families) + offset
    away = np.abs(held - y)
    scores = {
        "n": len(y),
        "r2": float(1 - ((held - y) ** 2).sum() / ((y - y.mean()) ** 2).sum()),
        "median": float(np.median(np.abs(np.expm1(held - y)))),
        "p90": float(np.quantile(np.abs(np.expm1(held - y)), 0.9)),
    }
    alpha = np.linalg.solve(k + NOISE * np.eye(len(y)), y - offset)
    macs = np.exp(raw[:, COLUMNS.index("macs")])
    model = DeviceModel(
        *name,
        middle,
        spread,
        z.astype(np.float32),
        alpha,
        offset,
        (scores["median"], float(np.quantile(away, 0.9))),
        float(np.min(seconds / macs)),
    )
    return model, scores
