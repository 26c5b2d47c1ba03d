"""Honest intervals for timings: samples of one run resemble their neighbours, so they count as blocks.

A machine's speed drifts (clock, heat, neighbours), which makes an interval from independent samples far
too narrow. Here a run is cut into consecutive blocks, and how much the blocks' medians differ decides.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Interval", "median_interval", "ratio_interval"]

BLOCK_COUNTS = (20, 10, 5)
RESAMPLES = 2000
UNSEEN = 0.02
"""Relative spread, 1 sigma, between runs that no single run can see: where the memory lies, what the clock
does this minute. For a device that a run has to itself; an assumption, as none was measured."""
UNSEEN_ON_CORES = 0.12
"""The same on a CPU, whose neighbours a run cannot see either. From 19 undisturbed pairs of runs minutes
apart (`benchmarks/latency_repeatability.py`, two shared cores: 12 to 13 %, robust); in a later run of 20
pairs, spread 14.5 %, the intervals of all 20 overlapped, with 0.05 those of 16."""
CONTENTION = 2.0
"""A step that had the share s of a core takes up to s**-2 of its time alone, not 1/s: who has the core
meanwhile also empties its caches. Of 15 backbones timed alone and with 0.55 to 0.75 of a core (the same
benchmark, two cores, others at work), the latter took 0.9 to 2.5 times as long."""


@dataclass(frozen=True, slots=True)
class Interval:
    """An estimate with its bounds."""

    estimate: float
    low: float
    high: float

    def overlaps(self, other: Interval) -> bool:
        """Whether the two have a value in common."""
        return self.low <= other.high and other.low <= self.high


def median_interval(
    samples_s: Sequence[float], *, core_share: float | None = None, level: float = 0.95
) -> Interval:
    """Return the median of a run's samples and an interval that holds for a second run as well.

    Args:
        samples_s: seconds a step, in the order in which they were taken; at least 2.
        core_share: of the time for which the process was ready to compute, the share in which it had a
            core. Below 1 others took the cores, and the lower bound falls to what an idle machine may
            have shown (`CONTENTION`).
        level: coverage.

    Returns:
        Median and bounds in seconds. The half width is Student's t over the medians of 20, 10 or 5
        consecutive blocks, whichever gives the widest, together with `UNSEEN` or
        `UNSEEN_ON_CORES`.

    Source: batch means: Alexopoulos and Seila, Handbook of Simulation (1998), ch. 7; why runs differ:
        Kalibera and Jones, Rigorous Benchmarking in Reasonable Time (ISMM 2013).
    """
    from scipy import stats

    samples = np.asarray(samples_s, dtype=float)
    if samples.size < 2:
        raise ValueError(f"An interval needs 2 samples or more; there are {samples.size}.")
    median = float(np.median(samples))
    counts = [b for b in BLOCK_COUNTS if samples.size >= 2 * b] or [min(5, samples.size)]
    inside = 0.0
    for count in counts:
        medians = [np.median(block) for block in np.array_split(samples, count)]
        quantile = float(stats.t.ppf(0.5 + level / 2, count - 1))
        inside = max(inside, quantile * float(np.std(medians, ddof=1)) / count**0.5)
    between = UNSEEN if core_share is None else UNSEEN_ON_CORES
    unseen = float(stats.norm.ppf(0.5 + level / 2)) * between * median
    half = float(np.hypot(inside, unseen))
    granted = min(1.0, core_share or 1.0) ** CONTENTION
    return Interval(median, max(0.0, median - half) * granted, median + half)


def ratio_interval(
    first_s: Sequence[float],
    second_s: Sequence[float],
    *,
    level: float = 0.95,
    rng: np.random.Generator | None = None,
) -> Interval:
    """Return how many times the median of `first_s` is that of `second_s`, with a bootstrap interval.

    The two must have been measured in turn (A B A B …): pairs are resampled in blocks of neighbours, so
    whatever slowed both down at the same time cancels.

    Args:
        first_s: seconds a step, pair by pair with `second_s`.
        second_s: equally many.
        level: coverage.
        rng: source of the resampling; a fixed seed if left out, so that equal samples give equal bounds.
    """
    first, second = np.asarray(first_s, dtype=float), np.asarray(second_s, dtype=float)
    if first.size != second.size or first.size < 2:
        raise ValueError(
            f"A ratio needs equally many samples, 2 or more; got {first.size} and {second.size}."
        )
    rng = rng or np.random.default_rng(0)
    n = first.size
    length = max(1, round(n ** (1 / 3)))
    starts = rng.integers(0, n - length + 1, size=(RESAMPLES, -(-n // length)))
    index = (starts[:, :, None] + np.arange(length)).reshape(RESAMPLES, -1)[:, :n]
    ratios = np.median(first[index], axis=1) / np.median(second[index], axis=1)
    low, high = np.quantile(ratios, [0.5 - level / 2, 0.5 + level / 2])
    return Interval(float(np.median(first) / np.median(second)), float(low), float(high))
