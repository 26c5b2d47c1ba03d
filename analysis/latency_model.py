"""Seconds per image on devices with published speeds, for backbones and models that nobody timed there.

A Gaussian process on the logarithm of time per image: a line in log counts plus a smooth correction in what
the counts are made of (convolution, depthwise, grouped, linear, attention), how many layers share them, and
how much is moved. It is fitted ahead; a prediction is one matrix product.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..data.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = [
    "FITTED",
    "DeviceModel",
    "columns",
    "fit_device",
    "leave_family_out",
    "load_devices",
    "predicted_seconds",
    "save_devices",
]

Array = np.ndarray
FITTED = Path(__file__).parent / "prediction" / "latency.npz"
KINDS = ("convolution", "depthwise", "grouped", "linear", "product")
COUNTS = ("macs", "activations", "params", "elementwise_ops", "depth", "width_mean", "side")
COLUMNS = (*COUNTS, *KINDS, "attention_share", "activations per mac", "macs per layer")
LENGTH, LINEAR, NOISE = 2.5, 1.0, 0.04


def columns(profiles: Sequence[Mapping[str, Any]]) -> Array:
    """What time is predicted from, `[models, columns]`: logs of counts, logs of one plus MACs by kind."""
    out = []
    for row in profiles:
        kinds = row["macs_by_kind"]
        kinds = json.loads(kinds) if isinstance(kinds, str) else dict(kinds or {})
        shapes = row["input_shapes"]
        shapes = json.loads(shapes) if isinstance(shapes, str) else shapes
        value = {name: float(row.get(name) or 1.0) for name in COUNTS if name != "side"}
        macs, layers = max(value["macs"], 1.0), max(value["depth"], 1.0)
        value = {name: float(np.log(max(v, 1.0))) for name, v in value.items()}
        value["side"] = float(np.log(shapes[0][-1]))
        for kind in KINDS:
            value[kind] = float(np.log(kinds.get(kind, 0) / macs + 1e-2))
        value["attention_share"] = float(row.get("attention_share") or 0.0)
        value["activations per mac"] = value["activations"] - float(np.log(macs))
        value["macs per layer"] = float(np.log(macs / layers))
        out.append([value[name] for name in COLUMNS])
    return np.nan_to_num(np.array(out, float))


@dataclass(frozen=True)
class DeviceModel:
    """One device and setting.

    Attributes:
        device, setting: as published. middle, spread: of the columns. x: standardised rows it was fitted on.
        alpha: their weights. offset: mean log seconds.
        error: median absolute relative error, and 90 % quantile of the absolute log error, on families
            left out.
        floor: seconds per MAC of the fastest rows.
    """

    device: str
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
        z = np.clip((raw - self.middle) / self.spread, -4, 4)
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
    device: str, setting: str, rows: Sequence[Mapping[str, Any]], seconds: Array, families: Sequence[str]
) -> tuple[DeviceModel, dict[str, float]]:
    """Fit one device.

    Args:
        device: its name.
        setting: what the times were measured in.
        rows: profiles.
        seconds: measured time per image of each.
        families: of each, to be left out in turn.

    Returns:
        The model, and leave-one-family-out scores: `r2` of log time, `median` and `p90` relative error.
    """
    raw = columns(rows)
    middle, spread = raw.mean(axis=0), np.maximum(raw.std(axis=0), 1e-6)
    z = np.clip((raw - middle) / spread, -4, 4)
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
        device,
        setting,
        middle,
        spread,
        z.astype(np.float32),
        alpha,
        offset,
        (scores["median"], float(np.quantile(away, 0.9))),
        float(np.min(seconds / macs)),
    )
    return model, scores


def save_devices(
    models: Sequence[DeviceModel], profiles: Sequence[Mapping[str, Any]], path: Path = FITTED
) -> None:
    """Write the fitted devices and what they say of the given profiles; same input, same file."""
    held: dict[str, Any] = {
        "names": np.array([m.device for m in models]),
        "settings": np.array([m.setting for m in models]),
        "backbones": np.array([str(row["backbone"]) for row in profiles]),
        "numbers": np.array([[m.offset, *m.error, m.floor] for m in models]),
    }
    for i, m in enumerate(models):
        held[f"seconds_{i}"] = np.array(m.seconds(profiles), np.float32)
        held |= {f"middle_{i}": m.middle, f"spread_{i}": m.spread, f"x_{i}": m.x, f"alpha_{i}": m.alpha}
    np.savez_compressed(path, **held)


def predicted_seconds(path: Path = FITTED) -> dict[str, tuple[str, dict[str, tuple[float, float, float]]]]:
    """Device → how to read it, and backbone → seconds per image with its 90 % interval, at default size.

    Raises:
        InputError: if the file is missing or damaged.
    """
    d = _read(path)
    names = d["backbones"].tolist()
    found = {}
    for i, (device, setting) in enumerate(zip(d["names"].tolist(), d["settings"].tolist(), strict=True)):
        rows = d[f"seconds_{i}"].T.tolist()
        found[device] = (setting, {n: (s, low, high) for n, (s, low, high) in zip(names, rows, strict=True)})
    return found


def _read(path: Path) -> dict[str, Any]:
    try:
        with np.load(path, allow_pickle=False) as held:
            return {name: held[name] for name in held.files}
    except (OSError, ValueError) as error:
        raise InputError(
            f"The fitted speeds {path} cannot be read ({error}). Reinstall archimeter, or fit them again "
            "with `python -m archimeter.analysis.fit_latency`."
        ) from error


def load_devices(path: Path = FITTED) -> dict[str, DeviceModel]:
    """The fitted devices by name.

    Raises:
        InputError: if the file is missing or damaged.
    """
    d, found = _read(path), {}
    for i, (name, setting) in enumerate(zip(d["names"].tolist(), d["settings"].tolist(), strict=True)):
        offset, median, reach, floor = d["numbers"][i].tolist()
        found[name] = DeviceModel(
            name,
            setting,
            d[f"middle_{i}"],
            d[f"spread_{i}"],
            d[f"x_{i}"],
            d[f"alpha_{i}"],
            offset,
            (median, reach),
            floor,
        )
    return found
