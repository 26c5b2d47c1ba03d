"""How long one step took: a monotonic clock on a CPU, events in the stream on CUDA."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Clock", "CpuClock", "CudaClock", "clock_for"]


class Clock(Protocol):
    """What the timing protocol asks of a device."""

    def time(self, step: Callable[[], object]) -> float:
        """Run `step` to its end and return the seconds that it took."""
        ...

    def now(self) -> float:
        """Return seconds on a clock that only goes forward."""
        ...

    def busy(self) -> float | None:
        """Return the seconds for which this process has computed so far; None where that says nothing."""
        ...

    def waited(self) -> float | None:
        """Return the seconds for which its threads were ready but had no core; None where nobody knows."""
        ...


class CpuClock:
    """`perf_counter_ns` around the step."""

    def time(self, step: Callable[[], object]) -> float:
        """Run `step` and return its seconds."""
        start = time.perf_counter_ns()
        step()
        return (time.perf_counter_ns() - start) * 1e-9

    def now(self) -> float:
        """Return seconds of the monotonic clock."""
        return time.perf_counter()

    def busy(self) -> float | None:
        """Return CPU seconds of all threads of this process."""
        return time.process_time()

    def waited(self) -> float | None:
        """Return how long this process's threads stood in a run queue (Linux's schedstat)."""
        try:
            stats = [path.read_text().split() for path in Path("/proc/self/task").glob("*/schedstat")]
        except OSError:
            return None
        return sum(int(fields[1]) for fields in stats) * 1e-9 if stats else None


class CudaClock:
    """A pair of events around the step, then a wait: one step in flight at a time, its launches included.

    Args:
        device: `cuda` or `cuda:N`. cuda: the module `torch.cuda`, or what behaves like it.
    """

    def __init__(self, device: str = "cuda", cuda: Any = None) -> None:
        if cuda is None:
            import torch

            cuda = torch.cuda
        self._cuda, self._device = cuda, device

    def time(self, step: Callable[[], object]) -> float:
        """Run `step` on an idle device and return its seconds by the device's own clock."""
        with self._cuda.device(self._device):
            self._cuda.synchronize(self._device)
            start = self._cuda.Event(enable_timing=True)
            end = self._cuda.Event(enable_timing=True)
            start.record()
            step()
            end.record()
            end.synchronize()
            return start.elapsed_time(end) * 1e-3

    def now(self) -> float:
        """Return seconds of the host's monotonic clock."""
        return time.perf_counter()

    def busy(self) -> float | None:
        """Return None: the host waits while the device works."""
        return None

    def waited(self) -> float | None:
        """Return None: see `busy`."""
        return None


def clock_for(device: str) -> Clock:
    """Return the clock of a device (`cpu`, `cuda`, `cuda:N`)."""
    return CudaClock(device) if device.startswith("cuda") else CpuClock()
