"""A device that nobody published: its speed for every backbone, from about ten probes measured on it.

`latency_transfer` says how the probes become a prediction; here they are kept, by the device's name.
"""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from ..data.errors import InputError
from ..data.store import default_path
from .atlas import load_atlas
from .latency_transfer import Line, fit_line

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

__all__ = ["PROBES", "Calibration", "Probe", "calibrate", "calibrated", "save"]

Array = np.ndarray
FILE = "calibrations.json"
PROBES = (
    *(
        "cspresnext50",
        "vit_srelpos_medium_patch16_224",
        "hardcorenas_c",
        "dla102x2",
        "twins_svt_base",
        "dla34",
    ),
    *("swin_s3_small_224", "xcit_tiny_24_p16_384", "nf_seresnet101", "visformer_tiny"),
)
"""Ten backbones that leave the least unknown of the others: what `latency_transfer.choose_probes` finds by
what backbones are made of, among those below 10 G MACs and 100 M parameters that are published everywhere."""


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
            "base": self.fit.device,
            "base_setting": load_atlas().setting(self.fit.base),
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
        said = f"predicted from {len(self.probes)} probes ({self.setting}) by the {self.fit.device}'s speeds"
        return s, low, high, said


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
