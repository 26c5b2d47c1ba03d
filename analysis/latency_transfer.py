"""From a few probes on a device that nobody published to the times of all backbones there.

log seconds = constant + log seconds in the published setting most like it + a correction. The correction is a
Gaussian process with three parts: each kind of work may be dearer or cheaper than there (straight in its
share of the time), the device may lean towards any other published setting (straight in how that differs),
and what neither says (smooth in what backbones are made of). Where the probes say nothing it is zero and the
interval is wide. Which published setting is most like it the probes decide, by marginal likelihood.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from .atlas import Atlas
from .latency_model import SHAPE_COLUMNS, columns

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["Z90", "Line", "choose_probes", "fit_line"]

Array = np.ndarray
Z90 = 1.645
PRICE, SETTING, SMOOTH, NOISE = 0.6, 0.03, 0.01, 0.015
"""Variances: of a kind of work's log price, of the weight of another setting, of the smooth part, and of
single backbones. The best of a coarse grid on the RTX 3090 held out; on the RTX 4090 held out the same but
for the noise (`latency_check.held_out_devices`)."""
LENGTH = math.sqrt(SHAPE_COLUMNS)
"""Of the smooth part: two backbones that are one deviation apart in every column are one length apart."""


@dataclass(frozen=True)
class Line:
    """Log seconds on the new device: a published setting's, a constant, and a correction.

    Attributes:
        base: the published setting, an entry of the atlas. bases: those it was chosen from.
        offset: mean log ratio of the probes. features: what their correction depends on.
        alpha, inverse: weights and inverse covariance of the probes' log ratios. noisier: how many times
            further than expected the probes stray from the line, at least 1.
    """

    atlas: Atlas
    base: int
    bases: tuple[int, ...]
    offset: float
    features: Array
    alpha: Array
    inverse: Array
    noisier: float

    @property
    def device(self) -> str:
        """The published device."""
        return self.atlas.entries[self.base][0]

    def predict(
        self, backbone: str, custom: Mapping[str, Any] | None = None
    ) -> tuple[float, float, float] | None:
        """Seconds per image with a 90 % interval; None for an unknown backbone."""
        if custom is not None:
            raw = columns([custom])
            times = np.array([self.atlas.model(i).seconds_of(raw)[0] for i in self.bases])
            (log_seconds,), (sd,) = self._foretold(np.log(times), raw)
        elif backbone in self.atlas.place:
            i = self.atlas.place[backbone]
            log_seconds, sd = (values[i] for values in self.everything)
        else:
            return None
        middle, reach = math.exp(log_seconds), math.exp(Z90 * sd)
        return middle, middle / reach, middle * reach

    @cached_property
    def everything(self) -> tuple[Array, Array]:
        """Log seconds of every backbone of the atlas, and their standard deviation."""
        return self._foretold(self.atlas.log_times[list(self.bases)], self.atlas.columns)

    def _foretold(self, log_times: Array, raw: Array) -> tuple[Array, Array]:
        features = _features(self.atlas, self.base, self.bases, log_times, raw)
        cross = _kernel(features, self.features)
        explained = ((cross @ self.inverse) * cross).sum(axis=1)
        rest = np.maximum(_variance(features) - explained, 0)
        there = log_times[self.bases.index(self.base)]
        return there + self.offset + cross @ self.alpha, self.noisier * np.sqrt(rest + NOISE)


def fit_line(atlas: Atlas, probes: Mapping[str, float], devices: Sequence[str] | None = None) -> Line:
    """Fit the probes on each published setting and keep the one that explains them best.

    Args:
        atlas: the published devices.
        probes: backbone → measured seconds per image.
        devices: published devices to choose from; all when None.
    """
    bases = tuple(
        i
        for i, (device, mode) in enumerate(atlas.entries)
        if mode == "inference" and (devices is None or device in devices)
    )
    at = [atlas.place[name] for name in probes]
    y, ones = np.log(list(probes.values())), np.ones(len(at))
    there, raw = atlas.log_times[np.ix_(bases, at)], atlas.columns[at]
    best: tuple[float, Line] | None = None
    for base, log_times in zip(bases, there, strict=True):
        features = _features(atlas, base, bases, there, raw)
        k = _kernel(features, features) + NOISE * np.eye(len(at))
        inverse, (_, logdet) = np.linalg.inv(k), np.linalg.slogdet(k)
        offset = float(ones @ inverse @ (y - log_times) / (ones @ inverse @ ones))
        ratio = y - log_times - offset
        alpha = inverse @ ratio
        strayed = float(ratio @ alpha)
        noisier = max(1.0, math.sqrt(strayed / (len(at) - 1)))
        if best is None or strayed + logdet < best[0]:
            best = strayed + logdet, Line(atlas, base, bases, offset, features, alpha, inverse, noisier)
    assert best is not None
    return best[1]


def _features(atlas: Atlas, base: int, bases: Sequence[int], log_times: Array, raw: Array) -> Array:
    """What the correction depends on, scaled: shares of work, other settings' log ratios, columns."""
    shares = math.sqrt(PRICE) * atlas.shares_of(base, raw)
    everywhere = atlas.log_times[list(bases)]
    own = bases.index(base)
    usual = np.median(everywhere - everywhere[own], axis=1)
    leaning = math.sqrt(SETTING) * (log_times - log_times[own] - usual[:, None]).T
    return np.column_stack([shares, leaning, _shape(atlas.columns, raw)])


def _shape(every: Array, raw: Array) -> Array:
    known = every[:, :SHAPE_COLUMNS]
    return np.clip((raw[:, :SHAPE_COLUMNS] - known.mean(axis=0)) / np.maximum(known.std(axis=0), 1e-6), -4, 4)


def _kernel(a: Array, b: Array) -> Array:
    straight, smooth = slice(-SHAPE_COLUMNS), slice(-SHAPE_COLUMNS, None)
    return a[:, straight] @ b[:, straight].T + SMOOTH * _smooth(a[:, smooth], b[:, smooth])


def _smooth(a: Array, b: Array) -> Array:
    squared = np.maximum((a**2).sum(1)[:, None] + (b**2).sum(1) - 2 * a @ b.T, 0)
    return np.exp(-squared / (2 * LENGTH**2))


def _variance(features: Array) -> Array:
    return (features[:, :-SHAPE_COLUMNS] ** 2).sum(axis=1) + SMOOTH


def choose_probes(every: Array, candidates: Sequence[int], n: int = 10, noise: float = 0.05) -> list[int]:
    """The backbones whose measurement leaves the least unknown of all, one after the other.

    No time is looked at: what is unknown is a smooth function of the columns, and each probe is the one that
    lowers its variance, summed over all backbones, most.

    Args:
        every: columns of all backbones.
        candidates: rows that may be probes.
        n: how many.
        noise: variance of a measurement, that of the function being 1.

    Source: Cohn, "Neural network exploration using optimal experiment design", 1996 (greedily).
    """
    at, z = np.array(candidates), _shape(every, every)
    covariance, chosen = _smooth(z, z[at]), []
    for _ in range(n):
        own = covariance[at, np.arange(len(at))] + noise
        gain = (covariance**2).sum(axis=0) / own
        gain[np.isin(at, chosen)] = -1
        j = int(np.argmax(gain))
        chosen.append(int(at[j]))
        covariance -= np.outer(covariance[:, j], covariance[at, j]) / own[j]
    return chosen
