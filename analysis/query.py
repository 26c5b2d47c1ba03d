"""What a person asks of `recommend`: the data in a few numbers, and what may be spent."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from ..data.errors import InputError, close_matches
from ..data.records import DOMAINS, RECIPES

__all__ = ["LatencyBudget", "Query", "parse_anchor", "parse_count", "parse_latency_budget"]

_SECONDS = {"s": 1.0, "ms": 1e-3, "us": 1e-6, "µs": 1e-6}
_SCALES = {"": 1.0, "k": 1e3, "m": 1e6, "g": 1e9, "b": 1e9, "t": 1e12}


@dataclass(frozen=True, slots=True)
class LatencyBudget:
    """At most so many seconds per image on a device, at the batch size of the published figure."""

    seconds_per_image: float
    device: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """The question.

    Data:
        images: training images. classes. domain: see `data.records.DOMAINS`. image_size: pixels, shorter
        side. channels. recipe: how the backbone will be used, see `data.records.RECIPES`.
        None is "not stated", never a guess.
    Budget:
        max_params, max_macs: at the backbone's default input size. within: latency budgets, all to be kept.
        licences: globs over the weights' licence, one of which must match; empty allows any.
        exclude_pretraining: globs over the kind of pretraining that must not match.
    Answer:
        top: rows wanted. anchors: the user's own runs on these data, as (backbone or weights, error).
    """

    images: int | None = None
    classes: int | None = None
    domain: str = "unknown"
    image_size: int | None = None
    channels: int | None = None
    recipe: str = "fine-tune"

    max_params: float | None = None
    max_macs: float | None = None
    within: tuple[LatencyBudget, ...] = ()
    licences: tuple[str, ...] = ()
    exclude_pretraining: tuple[str, ...] = ()

    top: int = 10
    anchors: tuple[tuple[str, float], ...] = ()

    def __post_init__(self) -> None:
        _one_of("domain", self.domain, DOMAINS)
        _one_of("recipe", self.recipe, RECIPES)
        for name in ("images", "classes", "image_size", "channels", "max_params", "max_macs", "top"):
            value = getattr(self, name)
            if value is not None and not (math.isfinite(value) and value > 0):
                raise InputError(f"{name} is {value:g}; it must be a number above 0.")
        for model, error in self.anchors:
            if not 0 <= error <= 1:
                raise InputError(f"The anchor {model}={error:g} is no error in [0, 1]. Is it a percentage?")
        if self.images is not None and self.classes is not None and self.images < self.classes:
            raise InputError(
                f"{self.images} images cannot show {self.classes} classes; give at least one image per class."
            )


def _one_of(name: str, value: str, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        near = close_matches(value, allowed)
        hint = f" Did you mean {near[0]}?" if near else ""
        raise InputError(f"Unknown {name} {value!r}.{hint} Allowed: {', '.join(allowed)}.")


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
    match = re.fullmatch(r"\s*([^=\s]+)\s*=\s*([0-9]*\.?[0-9]+(?:[eE][+-]?[0-9]+)?)\s*(%?)\s*", text)
    if not match:
        raise InputError(f"{text!r} is no anchor. Write a backbone, = and its error, such as resnet50=0.041.")
    return match[1], float(match[2]) / (100 if match[3] else 1)


def parse_latency_budget(text: str) -> LatencyBudget:
    """Read `5 ms @ RTX 4090`: a time per image, and the device it is to be kept on.

    Raises:
        InputError: for anything else, or a time that is not above 0.
    """
    match = re.fullmatch(r"\s*([0-9]*\.?[0-9]+(?:[eE][+-]?[0-9]+)?)\s*(s|ms|us|µs)\s*@\s*(\S.*?)\s*", text)
    if not match:
        raise InputError(
            f"{text!r} is no latency budget. Write a time in s, ms or us, an @ and a device, such as "
            "'5 ms @ RTX 4090'."
        )
    seconds = float(match[1]) * _SECONDS[match[2]]
    if seconds <= 0:
        raise InputError(f"{text!r} allows no time at all; give a time above 0.")
    return LatencyBudget(seconds, match[3])
