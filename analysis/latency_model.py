"""Seconds per image on devices with published speeds, for backbones and models that nobody timed there.

Time is a sum of kinds of work at the device's prices (`latency_costs`), times a smooth correction: a Gaussian
process over what the work is made of, how many layers share it, and how much of it is kept in memory. It is
fitted ahead; a prediction is one matrix product.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from .latency_costs import fit_prices, priced
from .latency_scales import Scales, kernel, learn_scales, leave_family_out

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["COLUMNS", "SHAPE_COLUMNS", "WORK", "DeviceModel", "around", "columns", "fit_device", "work"]

Array = np.ndarray
COUNTS = (
    *("macs", "activations", "params", "elementwise_ops", "depth", "width_mean", "side"),
    *("blocks", "stages", "width_max", "width_macs", "width_residual", "reduction"),
)
DERIVED = (
    *("attention_share", "activations per mac", "macs per layer", "elementwise per activation"),
    *("kept per activation", "held per activation", "kept per element", "buffers per channel"),
)
KINDS = ("convolution", "depthwise", "grouped", "linear", "product")
COLUMNS = (*COUNTS, *DERIVED, *KINDS, "kept")
SHAPE_COLUMNS = len(COUNTS) + len(DERIVED)
"""The first columns: what a backbone is made of, on one scale for all."""
WORK = (
    *KINDS,
    *("elementwise_ops", "activations", "kept", "params", "depth"),
    "macs per channel",
)
"""What has a price. `kept`: elements that training would keep per image for its backward pass, so everything
that is written and read again, and not the attention maps that a fused kernel never writes. `macs per
channel`: MACs over the mean width, the elements that convolutions and matrix products read."""
USUAL = {"training": 0.67, "inference": 0.062}
"""Elements kept, and at most held at once, per activation and elementwise operation: the medians of timm's
architectures, for a network whose memory was not predicted."""
FLOAT_BYTES = 4
LEAST_SHARE = 0.05


def columns(profiles: Sequence[Mapping[str, Any]]) -> Array:
    """What time is predicted from, `[models, columns]`: logs of counts and of their ratios.

    Args:
        profiles: rows of profiles; with `memory`, as `data.memory` has it (mode → `bytes_per_image`), where
            it is known.
    """
    return np.array([_columns(row) for row in profiles], float)


def _columns(row: Mapping[str, Any]) -> list[float]:
    kinds, shapes = _parsed(row["macs_by_kind"]) or {}, _parsed(row["input_shapes"])
    value = {name: _number(row.get(name)) for name in COUNTS if name != "side"}
    value["width_residual"] = _number(row.get("width_residual"), value["width_max"])
    value["blocks"] += 1  # some have none
    made = value["activations"] + value["elementwise_ops"]
    memory = row.get("memory") or {}
    for name, mode in (("kept", "training"), ("held", "inference")):
        value[name] = _number(
            (memory.get(mode) or {}).get("bytes_per_image"), FLOAT_BYTES * USUAL[mode] * made
        )
        value[name] /= FLOAT_BYTES
    value["macs per layer"] = max(value["macs"], 1.0) / max(value["depth"], 1.0)
    channels = max(value["depth"] * value["width_mean"], 1.0)
    value["buffers per channel"] = 1 + _number(row.get("buffers"), 0.0) / channels
    value |= {kind: 1.0 + kinds.get(kind, 0) for kind in KINDS}
    value["linear"] += kinds.get("recurrent", 0)
    value["convolution"] += kinds.get("transposed", 0)
    found = {name: float(np.log(max(v, 1.0))) for name, v in value.items()}
    found["side"] = float(np.log(shapes[0][-1]))
    found["attention_share"] = float(row.get("attention_share") or 0.0)
    found["activations per mac"] = found["activations"] - found["macs"]
    for name in ("elementwise_ops", "kept", "held"):
        found[f"{name.removesuffix('_ops')} per activation"] = found[name] - found["activations"]
    found["kept per element"] = found["kept"] - float(np.log(max(made, 1.0)))
    return [found[name] for name in COLUMNS]


def _parsed(value: Any) -> Any:
    return json.loads(value) if isinstance(value, str) else value


def _number(value: Any, otherwise: float = 1.0) -> float:
    return float(value) if value and value == value else otherwise  # noqa: PLR0124  # NaN


def work(raw: Array) -> Array:
    """Logs of what has a price, `[models, WORK]`, from columns."""
    read = raw[:, COLUMNS.index("macs")] - raw[:, COLUMNS.index("width_macs")]
    return np.column_stack([raw[:, [COLUMNS.index(name) for name in WORK[:-1]]], read])


@dataclass(frozen=True)
class DeviceModel:
    """One device and setting.

    Attributes:
        device, mode, setting: as published; mode is `inference` or `training`.
        prices: log seconds per unit of WORK.
        middle, spread: of the correction's columns. raw: columns of the rows that it was fitted on.
        alpha: their weights. theta: the kernel's scales.
        error: median absolute relative error, and 90 % quantile of the absolute log error, on families
            left out.
        floor: seconds per MAC of the fastest rows.
    """

    device: str
    mode: str
    setting: str
    prices: Array
    middle: Array
    spread: Array
    raw: Array
    alpha: Array
    theta: Array
    error: tuple[float, float]
    floor: float

    def seconds(self, profiles: Sequence[Mapping[str, Any]]) -> tuple[Array, Array, Array]:
        """Seconds per image with a 90 % interval, `[models]` each; never below the roofline floor."""
        return self.seconds_of(columns(profiles))

    def seconds_of(self, raw: Array) -> tuple[Array, Array, Array]:
        """As `seconds`, from columns."""
        log_sum, z = self._standardised(raw)
        log_time = log_sum + kernel(self.theta, z, self._rows) @ self.alpha
        floor = self.floor * np.exp(raw[:, COLUMNS.index("macs")])
        middle = np.maximum(np.exp(log_time), floor)
        return middle, *around(middle, floor, self.error[1])

    def _standardised(self, raw: Array) -> tuple[Array, Array]:
        log_sum, features = _features(self.prices, raw)
        return log_sum, _standardised(features, self.middle, self.spread)

    @cached_property
    def _rows(self) -> Array:
        return self._standardised(self.raw)[1]

    @cached_property
    def source(self) -> str:
        """How a figure of this model is to be read."""
        return f"predicted ± {100 * self.error[0]:.0f} % (median, families left out): {self.setting}"


def around(seconds: Array, floor: Array, reach: float) -> tuple[Array, Array]:
    """Ends of the interval of log error `reach` around predicted seconds, not below the floor."""
    return np.maximum(seconds * np.exp(-reach), floor), seconds * np.exp(reach)


def _features(prices: Array, raw: Array) -> tuple[Array, Array]:
    """Log seconds of the sum, and what its correction depends on."""
    log_sum, shares = priced(prices, work(raw))
    return log_sum, np.column_stack([raw[:, :SHAPE_COLUMNS], log_sum, np.log(shares + LEAST_SHARE)])


def _standardised(features: Array, middle: Array, spread: Array) -> Array:
    return np.clip((features - middle) / spread, -4, 4)  # far out, the nearest that is known


@dataclass(frozen=True)
class _Learned:
    """Prices and scales learned on some rows, for all: standardised columns, and what the sum misses."""

    prices: Array
    middle: Array
    spread: Array
    theta: Array
    z: Array
    missed: Array

    @classmethod
    def on(cls, learn: Array, raw: Array, y: Array, names: Array) -> _Learned:
        prices = fit_prices(work(raw[learn]), y[learn])
        log_sum, features = _features(prices, raw)
        middle = features[learn].mean(axis=0)
        spread = np.maximum(features[learn].std(axis=0), 1e-6)
        z, missed = _standardised(features, middle, spread), y - log_sum
        theta = learn_scales(z[learn], missed[learn], names[learn].tolist())
        return cls(prices, middle, spread, theta, z, missed)


def fit_device(
    name: tuple[str, str, str],
    rows: Sequence[Mapping[str, Any]],
    seconds: Array,
    families: Sequence[str],
) -> tuple[DeviceModel, dict[str, float]]:
    """Fit one device.

    Args:
        name: device, mode, and the setting that the times were measured in.
        rows: profiles, with their memory where it is known.
        seconds: measured time per image of each.
        families: of each, to be left out in turn.

    Returns:
        The model, and its scores on families left out: `n`, `median` and `p90` relative error, `r2` of log
        time. Neither the times nor the prices and scales that predict a family have seen it.
    """
    raw = columns(rows).astype(np.float32).astype(float)  # as they are kept
    y, names = np.log(seconds), np.array(families)
    away = _held_out(raw, y, names) - y
    relative = np.abs(np.expm1(away))
    scores = {
        "n": len(y),
        "median": float(np.median(relative)),
        "p90": float(np.quantile(relative, 0.9)),
        "r2": float(1 - (away**2).sum() / ((y - y.mean()) ** 2).sum()),
    }
    learned = _Learned.on(np.ones(len(y), bool), raw, y, names)
    k = kernel(learned.theta, learned.z, learned.z) + Scales.of(learned.theta).noise * np.eye(len(y))
    macs = np.exp(raw[:, COLUMNS.index("macs")])
    model = DeviceModel(
        *name,
        learned.prices,
        learned.middle,
        learned.spread,
        raw,
        np.linalg.solve(k, learned.missed),
        learned.theta,
        (scores["median"], float(np.quantile(np.abs(away), 0.9))),
        float(np.min(seconds / macs)),
    )
    return model, scores


def _held_out(raw: Array, y: Array, names: Array) -> Array:
    """Every family predicted without itself, by prices and scales learned on the other two thirds."""
    known = np.unique(names)
    third = dict(zip(known, np.random.default_rng(0).permutation(len(known)) % 3, strict=True))
    fold, out = np.array([third[name] for name in names]), np.empty(len(y))
    for f in range(3):
        learned, held = _Learned.on(fold != f, raw, y, names), fold == f
        noise = Scales.of(learned.theta).noise
        k = kernel(learned.theta, learned.z, learned.z)
        foretold = leave_family_out(k, learned.missed, names.tolist(), noise)
        out[held] = (y - learned.missed + foretold)[held]
    return out
