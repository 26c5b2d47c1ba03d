"""Energy of a measurement where the device counts it (NVML); absent otherwise, never estimated."""

from __future__ import annotations

from typing import Any

from .devices import nvml_handle

__all__ = ["EnergyMeter"]

SHORTEST_WINDOW_S = 1.0
"""NVML renews its counter about every tenth of a second: a shorter window would be mostly rounding."""


class EnergyMeter:
    """Joules that a GPU took between `start` and `stop`, all of the board, idle power included.

    Args:
        device: `cpu`, `cuda` or `cuda:N`; a CPU has no counter here.
        handle: NVML and its handle for the device; looked up if left out.

    Source: `nvmlDeviceGetTotalEnergyConsumption`, millijoules since the driver was loaded (Volta and newer).
    """

    def __init__(self, device: str, handle: tuple[Any, Any] | None = None) -> None:
        self._handle = handle or nvml_handle(device)
        self._before: int | None = None

    def start(self) -> None:
        """Read the counter."""
        self._before = self._millijoules()

    def joules_per_step(self, steps: int, window_s: float) -> float | None:
        """Return joules a step since `start`; None where nothing counts or the window is under a second."""
        after = self._millijoules()
        if self._before is None or after is None or steps < 1 or window_s < SHORTEST_WINDOW_S:
            return None
        return (after - self._before) * 1e-3 / steps

    def _millijoules(self) -> int | None:
        if self._handle is None:
            return None
        nvml, handle = self._handle
        try:
            return int(nvml.nvmlDeviceGetTotalEnergyConsumption(handle))
        except nvml.NVMLError:
            return None
