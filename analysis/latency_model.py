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

from .latency_scales import Scales, kernel, learn_scales, leave_family_out

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["COLUMNS", "DeviceModel", "columns", "fit_device", "standardised"]

Array = np.ndarray
KINDS = ("convolution", "depthwise", "grouped", "linear", "product")
COUNTS = (
    *("macs", "activations", "params", "elementwise_ops", "depth", "width_mean", "side"),
    *("blocks", "stages", "width_max", "width_macs", "width_residual", "reduction"),
)
DERIVED = ("attention_share", "activations per mac", "macs per layer", "elementwise per activation")
COLUMNS = (*COUNTS, *KINDS, *DERIVED)


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
        alpha: their weights. offset: mean log seconds. theta: the kernel's scales.
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
    theta: Array
    offset: float
    error: tuple[float, float]
    floor: float

    def seconds(self, profiles: Sequence[Mapping[str, Any]]) -> tuple[Array, Array, Array]:
        """Seconds per image with a 90 % interval, `[models]` each; never below the roofline floor."""
        raw = columns(profiles)
        z = standardised(raw, self.middle, self.spread)
        log_time = self.offset + kernel(self.theta, z, self.x) @ self.alpha
        floor = self.floor * np.exp(raw[:, COLUMNS.index("macs")])
        reach = self.error[1]
        middle, low, high = (np.maximum(np.exp(log_time + shift), floor) for shift in (0.0, -reach, reach))
        return middle, low, high

    @cached_property
    def source(self) -> str:
        """How a figure of this model is to be read."""
        return f"predicted ± {100 * self.error[0]:.0f} % (median, families left out): {self.setting}"


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
        The model, and its scores on families left out: `n`, `median` and `p90` relative error, `r2` of log
        time. Neither the times nor the scales that predict a family have seen it.
    """
    raw = columns(rows)
    middle, spread = raw.mean(axis=0), np.maximum(raw.std(axis=0), 1e-6)
    z = standardised(raw, middle, spread)
    y = np.log(seconds)
    offset = float(y.mean())
    y = y - offset
    away = _held_out(z, y, families) - y
    relative = np.abs(np.expm1(away))
    scores = {
        "n": len(y),
        "median": float(np.median(relative)),
        "p90": float(np.quantile(relative, 0.9)),
        "r2": float(1 - (away**2).sum() / (y**2).sum()),
    }
    theta = learn_scales(z, y, families)
    k = kernel(theta, z, z) + Scales.of(theta).noise * np.eye(len(y))
    macs = np.exp(raw[:, COLUMNS.index("macs")])
    model = DeviceModel(
        *name,
        middle,
        spread,
        z.astype(np.float32),
        np.linalg.solve(k, y),
        theta,
        offset,
        (scores["median"], float(np.quantile(np.abs(away), 0.9))),
        float(np.min(seconds / macs)),
    )
    return model, scores


def _held_out(z: Array, y: Array, families: Sequence[str]) -> Array:
    """Every family predicted without itself, by scales learned on the other two thirds of families."""
    names = np.array(families)
    known = np.unique(names)
    third = dict(zip(known, np.random.default_rng(0).permutation(len(known)) % 3, strict=True))
    fold, out = np.array([third[name] for name in names]), np.empty(len(y))
    for f in range(3):
        learn, held = fold != f, fold == f
        theta = learn_scales(z[learn], y[learn], names[learn].tolist())
        noise = Scales.of(theta).noise
        out[held] = leave_family_out(kernel(theta, z, z), y, families, noise)[held]
    return out
