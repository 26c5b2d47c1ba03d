"""What may be spent, as a person writes it: time per image, memory of a step, time of a fine-tune."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from ..data.errors import InputError

__all__ = [
    "FitBudget",
    "LatencyBudget",
    "MemoryBudget",
    "parse_anchor",
    "parse_count",
    "parse_fit_budget",
    "parse_latency_budget",
    "parse_memory_budget",
]

NUMBER = r"[0-9]*\.?[0-9]+(?:[eE][+-]?[0-9]+)?"
_SECONDS = {"s": 1.0, "ms": 1e-3, "us": 1e-6, "µs": 1e-6}
_LONG = {"s": 1.0, "sec": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0, "d": 86400.0}
_SCALES = {"": 1.0, "k": 1e3, "m": 1e6, "g": 1e9, "b": 1e9, "t": 1e12}
_BYTES = {"k": 2**10, "m": 2**20, "g": 2**30, "t": 2**40}


@dataclass(frozen=True, slots=True)
class LatencyBudget:
    """At most so many seconds per image on a device, at the batch size of the published figure.

    percentile: of the steps that must keep it: 50 is the median, 90 wants a device that was calibrated.
    """

    seconds_per_image: float
    device: str
    percentile: Literal[50, 90] = 50


@dataclass(frozen=True, slots=True)
class MemoryBudget:
    """At most so many bytes at the peak of one step of `batch_size` images."""

    limit_bytes: int
    batch_size: int
    mode: Literal["training", "inference"]


@dataclass(frozen=True, slots=True)
class FitBudget:
    """At most so many seconds for a whole fine-tune on a device."""

    seconds: float
    device: str


def parse_count(text: str) -> float:
    """Read `50M`, `1.5 G`, `4e9` or `25_000_000` as a number.

    Raises:
        InputError: for anything else.
    """
    match = re.fullmatch(r"\s*([0-9][0-9_]*(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?)\s*([kKmMgGbBtT]?)\s*", text)
    if not match:
        raise InputError(f"{text!r} is not a count. Write a number with k, M, G or T, such as 50M or 4.1G.")
    return float(match[1].replace("_", "")) * _SCALES[match[2].lower()]


def parse_anchor(text: str) -> tuple[str, float]:
    """Read `resnet50=0.041`: a backbone or weights name, and its error on the asked data.

    Raises:
        InputError: for anything else.
    """
    match = re.fullmatch(rf"\s*([^=\s]+)\s*=\s*({NUMBER})\s*(%?)\s*", text)
    if not match:
        raise InputError(f"{text!r} is no anchor. Write a backbone, = and its error, such as resnet50=0.041.")
    return match[1], float(match[2]) / (100 if match[3] else 1)


def parse_latency_budget(text: str) -> LatencyBudget:
    """Read `5 ms @ RTX 4090`: a time per image, and the device it is to be kept on.

    `5 ms p90 @ my laptop` is kept by nine of ten steps.

    Raises:
        InputError: for anything else, or a time that is not above 0.
    """
    of, percentile = re.subn(r"\s*\bp90\s*@", " @", text, count=1, flags=re.IGNORECASE)
    of = re.sub(r"\s*\bp50\s*@", " @", of, count=1, flags=re.IGNORECASE)
    seconds, device = _time_at(of, _SECONDS, "latency budget", "s, ms or us", "5 ms @ RTX 4090")
    return LatencyBudget(seconds, device, 90 if percentile else 50)


def parse_fit_budget(text: str) -> FitBudget:
    """Read `2 h @ RTX 3090`: time for a whole fine-tune, and the device that it runs on.

    Raises:
        InputError: for anything else, or a time that is not above 0.
    """
    return FitBudget(*_time_at(text, _LONG, "fit time", "s, min, h or d", "2 h @ RTX 3090"))


def _time_at(text: str, units: dict[str, float], what: str, written: str, example: str) -> tuple[float, str]:
    match = re.fullmatch(rf"\s*({NUMBER})\s*({'|'.join(units)})\s*@\s*(\S.*?)\s*", text)
    if not match:
        raise InputError(
            f"{text!r} is no {what}. Write a time in {written}, an @ and a device, such as '{example}'."
        )
    seconds = float(match[1]) * units[match[2]]
    if seconds <= 0:
        raise InputError(f"{text!r} allows no time at all; give a time above 0.")
    return seconds, match[3]


def parse_memory_budget(text: str, mode: Literal["training", "inference"]) -> MemoryBudget:
    """Read `8GB` or `8 GB @ 64`: memory at the peak of a step, and the images in it.

    1 GB is 2**30 bytes, as on a graphics card's box. Without a batch a training step has 32 images and an
    inference step 1.

    Raises:
        InputError: for anything else, or none at all.
    """
    match = re.fullmatch(rf"\s*({NUMBER})\s*([kmgt])(?:i?b)?\s*(?:@\s*([0-9]+)\s*)?", text, re.IGNORECASE)
    limit = int(float(match[1]) * _BYTES[match[2].lower()]) if match else 0
    batch = int(match[3]) if match and match[3] else 32 if mode == "training" else 1
    if limit <= 0 or batch <= 0:
        raise InputError(
            f"{text!r} is no memory budget. Write an amount with its unit (MB, GB), and an @ with the "
            "images per step where they are not 32 in training or 1 in inference: 8GB, '24 GB @ 64'."
        )
    return MemoryBudget(limit, batch, mode)
