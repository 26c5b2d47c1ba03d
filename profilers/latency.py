"""Latency of a step: the protocol, independent of the device and of the clock.

Warm up until stable, then take samples until there are 30 of them and 3 seconds have passed. Every sample
is kept in the order in which it was taken. At batch 1, p90 is what MLPerf calls single-stream latency;
images per second at the largest batch are its offline throughput.
"""

from __future__ import annotations

import statistics
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..data.errors import InputError
from .intervals import Interval, median_interval, ratio_interval

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from .clocks import Clock

__all__ = [
    "NOISE_LIMIT",
    "Comparison",
    "Protocol",
    "Timing",
    "batch_sizes",
    "compare_steps",
    "largest_fitting",
    "time_step",
]

NOISE_LIMIT = 0.10
"""Interquartile range over median from which a timing is called noisy (torch.utils.benchmark's limit)."""
CORE_SHARE = 0.95
"""A step that had a core for less of the time than this was disturbed: the timing is contended."""
WINDOW = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Protocol:
    """When warm-up and sampling end.

    min_samples, min_seconds: both are reached, unless max_seconds end it first (then with at least 3).
    max_samples: where steps are so short that min_seconds would give more, only every n-th is timed.
    warmup_seconds: warm-up's limit, if it does not become stable.
    stable: relative difference of the medians of two windows of 5 steps from which on it counts as stable.
    """

    min_samples: int = 30
    min_seconds: float = 3.0
    max_seconds: float = 60.0
    max_samples: int = 2000
    warmup_seconds: float = 10.0
    stable: float = 0.05

    def __post_init__(self) -> None:
        if self.min_samples < 3 or self.max_samples < self.min_samples:
            raise InputError(
                f"min_samples is {self.min_samples} and max_samples {self.max_samples}; "
                "take at least 3, and no more than max_samples."
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """A run's samples and what is to be known of them.

    samples_s: seconds a step, in order. warmup_steps: untimed steps before. settled: whether the warm-up
    became stable. core_share: of the time for which the process was ready to compute, the share in which
    it had a core; None where the device does not tell. window_s: wall seconds of the sampling; steps: all
    steps in it.
    """

    samples_s: tuple[float, ...]
    warmup_steps: int = 0
    settled: bool = True
    core_share: float | None = None
    window_s: float = 0.0
    steps: int = 0

    @property
    def interval(self) -> Interval:
        """Median with its 95 % interval, in seconds."""
        return median_interval(self.samples_s, core_share=self.core_share)

    @property
    def noisy(self) -> bool:
        """Whether the interquartile range exceeds a tenth of the median."""
        low, middle, high = statistics.quantiles(self.samples_s, n=4, method="inclusive")
        return high - low > NOISE_LIMIT * middle

    @property
    def contended(self) -> bool | None:
        """Whether others took the cores meanwhile; None where the device does not tell."""
        return None if self.core_share is None else self.core_share < CORE_SHARE


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Two steps measured in turn: `ratio` is the first's median over the second's."""

    ratio: Interval
    first: Timing
    second: Timing


def time_step(
    step: Callable[[], object],
    clock: Clock,
    protocol: Protocol | None = None,
    *,
    on_warm: Callable[[], object] = lambda: None,
) -> Timing:
    """Time a step.

    Args:
        step: runs once when called.
        clock: the device's.
        protocol: when to stop.
        on_warm: called between warm-up and sampling, such as to read an energy counter.
    """
    protocol = protocol or Protocol()
    warmup_steps, settled, expected_s = _warm_up([step], clock, protocol)
    on_warm()
    (samples,), timing = _sample([step], clock, protocol, expected_s)
    return Timing(samples_s=samples, warmup_steps=warmup_steps, settled=settled, **timing)


def compare_steps(
    first: Callable[[], object], second: Callable[[], object], clock: Clock, protocol: Protocol | None = None
) -> Comparison:
    """Time two steps in turn (A B A B …), so that whatever the machine does meets both.

    Args:
        first: runs once when called.
        second: the same.
        clock: the device's.
        protocol: when to stop; min_samples are pairs.
    """
    protocol = protocol or Protocol()
    warmup_steps, settled, expected_s = _warm_up([first, second], clock, protocol)
    (a, b), timing = _sample([first, second], clock, protocol, expected_s)
    both = {"warmup_steps": warmup_steps, "settled": settled, **timing}
    return Comparison(
        ratio=ratio_interval(a, b),
        first=Timing(samples_s=a, **both),
        second=Timing(samples_s=b, **both),
    )


def _warm_up(
    steps: list[Callable[[], object]], clock: Clock, protocol: Protocol
) -> tuple[int, bool, float]:  # fmt: skip
    start, times = clock.now(), []
    while True:
        times.append(sum(clock.time(step) for step in steps))
        recent, before = times[-WINDOW:], times[-2 * WINDOW : -WINDOW]
        if len(before) == WINDOW:
            now, then = statistics.median(recent), statistics.median(before)
            if abs(now - then) <= protocol.stable * then:
                return len(times), True, now
        if clock.now() - start >= protocol.warmup_seconds:
            return len(times), False, statistics.median(recent)


def _sample(
    steps: list[Callable[[], object]], clock: Clock, protocol: Protocol, expected_s: float
) -> tuple[list[tuple[float, ...]], dict[str, Any]]:
    stride = max(1, int(protocol.min_seconds / max(expected_s, 1e-9) / protocol.max_samples))
    samples: list[list[float]] = [[] for _ in steps]
    start, busy, waited, rounds = clock.now(), clock.busy(), clock.waited(), 0
    while True:
        for step, kept in zip(steps, samples, strict=True):
            taken = clock.time(step)
            if rounds % stride == 0:
                kept.append(taken)
        rounds += 1
        elapsed, n = clock.now() - start, len(samples[0])
        enough = n >= protocol.min_samples and elapsed >= protocol.min_seconds
        if enough or n >= protocol.max_samples or (n >= 3 and elapsed >= protocol.max_seconds):
            break
    return [tuple(kept) for kept in samples], {
        "core_share": _core_share(busy, clock.busy(), waited, clock.waited(), elapsed),
        "window_s": elapsed,
        "steps": rounds,
    }


def _core_share(
    busy: float | None,
    busy_after: float | None,
    waited: float | None,
    waited_after: float | None,
    wall: float,
) -> float | None:
    if busy is None or busy_after is None or wall <= 0:
        return None
    computed = busy_after - busy
    share = min(1.0, computed / wall)
    if waited is None or waited_after is None or computed <= 0:
        return share
    # with several threads the CPU time may exceed the wall time and yet have been too little
    return min(1.0, computed / (computed + max(0.0, waited_after - waited)))


def batch_sizes(largest: int) -> Iterator[int]:
    """Yield 1, 2, 4 … and last the largest itself."""
    size = 1
    while size < largest:
        yield size
        size *= 2
    if largest >= 1:
        yield largest


def largest_fitting(runs: Callable[[int], bool], *, start: int = 1, most: int = 4096) -> int:
    """Search the largest batch that runs, by doubling and then bisection; 0 if none does.

    Args:
        runs: tries one batch: True if it ran, False if the memory was not enough. A smaller batch than one
            that ran is taken to run as well.
        start: first guess, such as a prediction.
        most: where to stop.
    """
    size, fits, fails = max(1, min(start, most)), 0, most + 1
    while fails - fits > 1:
        if runs(size):
            fits = size
        else:
            fails = size
        size = min(2 * fits, most) if fails > most and fits else (fits + fails) // 2
        if fits == most:
            break
    return fits
