"""A device that nobody published: its speed for every backbone, from about ten probes measured on it.

log seconds = constant + log seconds on the published device most like it + a correction. The correction is
a Gaussian process over what the backbones are made of, so that where the probes say nothing it is zero and
the interval is wide. Which published device that is the probes decide, by marginal likelihood.
"""

from __future__ import annotations

import json
import math
import os
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from ..data.errors import InputError
from ..data.store import default_path
from .atlas import Atlas, load_atlas
from .latency_model import COLUMNS, columns

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

__all__ = ["PROBES", "Calibration", "Probe", "calibrate", "calibrated", "save"]

Array = np.ndarray
FILE = "calibrations.json"
PROBES = (
    *("resnet50", "mobilenetv3_large_100", "vit_small_patch16_224", "convnext_tiny", "efficientnet_b0"),
    *("regnety_032", "swin_tiny_patch4_window7_224", "vgg11", "densenet121", "mixer_b16_224"),
)
"""Ten backbones that span MACs, activations per MAC and kinds of work, and run anywhere."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """One backbone measured on the device: seconds per image (median of steps) and 90th percentile."""

    backbone: str
    seconds: float
    p90_s: float


@dataclass(frozen=True)
class Calibration:
    """One device under one condition, from its probes.

    Attributes:
        device: its name, as `--within` asks for it, batch included. setting: what was measured, in words.
        probes: the measurements.
    """

    device: str
    setting: str
    probes: tuple[Probe, ...]

    @property
    def p90_ratio(self) -> float:
        """90th percentile of a step over its median, median over the probes."""
        return float(np.median([probe.p90_s / probe.seconds for probe in self.probes]))

    @cached_property
    def fit(self) -> Line:
        """The line through the probes, on the published device that explains them best."""
        return fit_line(load_atlas(), {probe.backbone: probe.seconds for probe in self.probes})

    def left_out(self) -> list[float]:
        """Seconds per image of every probe as the other probes foretell it."""
        times = {probe.backbone: probe.seconds for probe in self.probes}
        found = []
        for name in times:
            line = fit_line(load_atlas(), {k: v for k, v in times.items() if k != name})
            predicted = line.predict(name)
            assert predicted is not None
            found.append(predicted[0])
        return found

    def as_document(self) -> dict[str, Any]:
        """As JSON holds it: the probes, how the others foretell each, and the published device it is like."""
        left_out = self.left_out()
        pairs = list(zip(self.probes, left_out, strict=True))
        away = [abs(foretold / probe.seconds - 1) for probe, foretold in pairs]
        return {
            "device": self.device,
            "setting": self.setting,
            "base": self.fit.base,
            "p90_ratio": self.p90_ratio,
            "left_out": float(np.median(away)),
            "probes": [asdict(probe) | {"left_out_s": foretold} for probe, foretold in pairs],
        }

    def seconds(
        self, backbone: str, custom: Mapping[str, Any] | None = None
    ) -> tuple[float, float, float, str] | None:
        """Seconds per image with a 90 % interval, and how they are known; None for an unknown backbone."""
        for probe in self.probes if custom is None else ():
            if probe.backbone == backbone:
                return probe.seconds, probe.seconds, probe.seconds, f"measured: {self.setting}"
        found = self.fit.predict(backbone, custom)
        if found is None:
            return None
        s, low, high = found
        said = f"predicted from {len(self.probes)} probes ({self.setting}) by the {self.fit.base}'s speeds"
        return s, low, high, said


@dataclass(frozen=True)
class Line:
    """Log seconds on the new device: a published device's, a constant, and a smooth correction.

    Attributes:
        base: the published device. offset: mean log ratio of the probes. z: their standardised columns.
        alpha, inverse: weights and inverse covariance of the probes' log ratios. noisier: how many times
            further than expected the probes stray from the line, at least 1.
    """

    atlas: Atlas
    base: str
    offset: float
    z: Array
    alpha: Array
    inverse: Array
    noisier: float

    def predict(
        self, backbone: str, custom: Mapping[str, Any] | None = None
    ) -> tuple[float, float, float] | None:
        """Seconds per image with a 90 % interval; None for an unknown backbone."""
        if custom is not None:
            model = self.atlas.model_of(self.base, "inference")
            if model is None:
                return None
            base, raw = float(model.seconds([custom])[0][0]), columns([custom])[0]
        elif backbone in self.atlas.place:
            i = self.atlas.place[backbone]
            base, raw = float(self._base_times[i]), self.atlas.columns[i]
        else:
            return None
        (mean,), (sd,) = self.correction(raw[None])
        reach = Z90 * sd
        seconds = base * float(np.exp(self.offset + mean))
        return seconds, seconds * float(np.exp(-reach)), seconds * float(np.exp(reach))

    def correction(self, raw: Array) -> tuple[Array, Array]:
        """Mean and standard deviation of the log correction at these columns, `[models]` each."""
        z = _scaled(self.atlas, raw)
        cross = _kernel(z, self.z)
        rest = np.maximum(_kernel_diagonal(z) - ((cross @ self.inverse) * cross).sum(axis=1), 0)
        return cross @ self.alpha, self.noisier * np.sqrt(rest + NOISE)

    @cached_property
    def _base_times(self) -> Array:
        return self.atlas.times(self.base)


Z90 = 1.645
SMOOTH, STRAIGHT, LENGTH, NOISE = 0.05, 0.01, 3.0, 0.006
"""Variances of the correction: smooth in all columns, straight in the STRAIGHT_IN, and of single backbones;
chosen on published GPUs held out (`latency_check.held_out_devices`)."""
STRAIGHT_IN = tuple(COLUMNS.index(n) for n in ("macs", "activations per mac", "depth", "params", "depthwise"))


def _scaled(atlas: Atlas, raw: Array) -> Array:
    every = atlas.columns
    return np.clip((raw - every.mean(axis=0)) / np.maximum(every.std(axis=0), 1e-6), -4, 4)


def _kernel(a: Array, b: Array) -> Array:
    squared = np.maximum((a**2).sum(1)[:, None] + (b**2).sum(1) - 2 * a @ b.T, 0)
    straight = a[:, STRAIGHT_IN] @ b[:, STRAIGHT_IN].T
    return SMOOTH * np.exp(-squared / (2 * LENGTH**2)) + STRAIGHT * straight


def _kernel_diagonal(a: Array) -> Array:
    return SMOOTH + STRAIGHT * (a[:, STRAIGHT_IN] ** 2).sum(axis=1)


def fit_line(atlas: Atlas, probes: Mapping[str, float], bases: Sequence[str] | None = None) -> Line:
    """Fit the probes on each published device and keep the one that explains them best.

    Args:
        atlas: the published devices.
        probes: backbone → measured seconds per image.
        bases: published devices to choose from; all when None.
    """
    names = list(probes)
    at = [atlas.place[name] for name in names]
    y, z = np.log([probes[name] for name in names]), _scaled(atlas, atlas.columns[at])
    k = _kernel(z, z) + NOISE * np.eye(len(at))
    inverse, (_, logdet) = np.linalg.inv(k), np.linalg.slogdet(k)
    ones = np.ones(len(at))
    best: tuple[float, Line] | None = None
    for base in bases or [device for device, mode in atlas.entries if mode == "inference"]:
        ratio = y - np.log(atlas.times(base)[at])
        offset = float(ones @ inverse @ ratio / (ones @ inverse @ ones))
        alpha = inverse @ (ratio - offset)
        strayed = float((ratio - offset) @ alpha)
        score = strayed + logdet
        if best is None or score < best[0]:
            best = (
                score,
                Line(atlas, base, offset, z, alpha, inverse, max(1.0, math.sqrt(strayed / (len(at) - 1)))),
            )
    assert best is not None
    return best[1]


def calibrate(device: str, setting: str, probes: Sequence[Probe]) -> Calibration:
    """Make a calibration of measured probes.

    Raises:
        InputError: for fewer than three, or a probe that the tables do not know.
    """
    known = load_atlas().place
    foreign = [probe.backbone for probe in probes if probe.backbone not in known]
    if foreign or len(probes) < 3:
        what = f"{foreign[0]!r} is not in the tables" if foreign else f"{len(probes)} were measured"
        raise InputError(f"A calibration needs at least three probes that the tables know; {what}.")
    return Calibration(device, setting, tuple(probes))


def calibrated(path: Path | None = None) -> dict[str, Calibration]:
    """The devices calibrated here, by name; empty where there are none.

    Raises:
        InputError: if the file is damaged.
    """
    path = path or default_path().with_name(FILE)
    try:
        held = json.loads(path.read_text(encoding="utf-8"))
        return {
            name: Calibration(name, one["setting"], tuple(Probe(**probe) for probe in one["probes"]))
            for name, one in held["devices"].items()
        }
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(
            f"The calibrations {path} cannot be read ({error}). Delete the file and calibrate again."
        ) from error


def save(calibration: Calibration, path: Path | None = None) -> Path:
    """Keep a calibration; one of the same name is replaced. Returns the file."""
    path = path or default_path().with_name(FILE)
    held = calibrated(path) | {calibration.device: calibration}
    text = json.dumps(
        {
            "devices": {
                name: {"setting": one.setting, "probes": [asdict(probe) for probe in one.probes]}
                for name, one in sorted(held.items())
            }
        },
        indent=1,
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    scratch = path.with_name(f".{FILE}.{os.getpid()}")
    scratch.write_text(text + "\n", encoding="utf-8")
    scratch.replace(path)
    return path
