"""Devices: what a person calls them, and what they say of themselves while something is measured."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..data.errors import MissingPartError

__all__ = ["DeviceWatch", "device_name", "free_memory_bytes", "nvml_handle", "require_device"]

MARKS = re.compile(r"\((?:R|TM|C)\)|®|™|\bCPU\b|\bProcessor\b|\b\d+-Core\b|@.*$|\bwith .*$", re.IGNORECASE)
THROTTLE_REASONS = {
    0x0000000000000004: "its power limit",
    0x0000000000000008: "a hardware slowdown",
    0x0000000000000020: "heat (software)",
    0x0000000000000040: "heat (hardware)",
    0x0000000000000080: "the power brake",
}
"""NVML's reasons for lowered clocks that spoil a timing; idleness and clocks set on purpose are none."""


def require_device(device: str, cuda: Any = None) -> None:
    """Do nothing if `device` is there.

    Raises:
        MissingPartError: if it is a CUDA device that torch cannot reach.
    """
    if not device.startswith("cuda"):
        return
    cuda = cuda or _torch_cuda()
    count = cuda.device_count() if cuda.is_available() else 0
    index = _index(device)
    if index >= count:
        raise MissingPartError(
            f"There is no device {device!r}: torch sees {count} CUDA device(s). "
            "Choose --device cpu, or check the driver with nvidia-smi."
        )


def device_name(device: str, *, threads: int | None = None, cuda: Any = None) -> str:
    """Return a device's name as a person would say it: "AMD EPYC, 2 threads", "NVIDIA H100 80GB HBM3".

    Args:
        device: `cpu`, `cuda` or `cuda:N`.
        threads: how many a CPU computes with; torch's own number if left out.
        cuda: the module `torch.cuda`, or what behaves like it.
    """
    if device.startswith("cuda"):
        name = str((cuda or _torch_cuda()).get_device_name(_index(device)))
        return name if "NVIDIA" in name or "AMD" in name else f"NVIDIA {name}"
    if threads is None:
        import torch

        threads = torch.get_num_threads()
    return f"{_cpu_model()}, {threads} thread{'s' if threads != 1 else ''}"


def _cpu_model(cpuinfo: Path = Path("/proc/cpuinfo")) -> str:
    import platform

    try:
        found = re.search(r"^(?:model name|Model)\s*:\s*(.+)$", cpuinfo.read_text(), re.MULTILINE)
    except OSError:
        found = None
    raw = found[1] if found else platform.processor() or platform.machine()
    return " ".join(MARKS.sub(" ", raw).split()) or "CPU"


def free_memory_bytes(device: str, cuda: Any = None) -> int:
    """Return how much memory a device could still give to this process."""
    if device.startswith("cuda"):
        return int((cuda or _torch_cuda()).mem_get_info(_index(device))[0])
    import psutil

    return min(int(psutil.virtual_memory().available), _cgroup_headroom())


def _cgroup_headroom(folder: Path = Path("/sys/fs/cgroup")) -> int:
    try:
        limit = (folder / "memory.max").read_text().strip()
        used = int((folder / "memory.current").read_text())
    except (OSError, ValueError):
        return 1 << 62
    return (1 << 62) if limit == "max" else max(0, int(limit) - used)


def nvml_handle(device: str, nvml: Any = None, cuda: Any = None) -> tuple[Any, Any] | None:
    """Return NVML and its handle for a CUDA device, found by UUID as CUDA may number differently.

    None where NVML (the package `nvidia-ml-py`, or the driver's library) or the device is not there.
    """
    if not device.startswith("cuda"):
        return None
    if nvml is None:
        try:
            import pynvml as nvml  # pyright: ignore[reportMissingImports]
        except ImportError:
            return None
    try:
        nvml.nvmlInit()
        uuid = str((cuda or _torch_cuda()).get_device_properties(_index(device)).uuid)
        uuid = uuid if uuid.startswith(("GPU-", "MIG-")) else f"GPU-{uuid}"
        return nvml, nvml.nvmlDeviceGetHandleByUUID(uuid)
    except (nvml.NVMLError, AttributeError):
        return None


@dataclass(slots=True)
class DeviceWatch:
    """What a device says of itself around a measurement: call `start`, measure, then `notes`.

    Args:
        device: `cpu`, `cuda` or `cuda:N`.
        handle: NVML and its handle; looked up if left out, None if there is none.
        cpu_stat: where Linux counts a container's throttled periods.
    """

    device: str
    handle: tuple[Any, Any] | None = None
    cpu_stat: Path = Path("/sys/fs/cgroup/cpu.stat")
    _throttled_before: int | None = None
    _before: tuple[str, ...] = ()

    def start(self) -> None:
        """Remember the state before."""
        if self.device.startswith("cuda"):
            self.handle = self.handle or nvml_handle(self.device)
            self._before = self._others_on_gpu()
        else:
            self._throttled_before = self._throttled_periods()

    def notes(self) -> tuple[str, ...]:
        """Return what may have spoiled the measurement, one sentence each; empty if nothing is known."""
        if self.device.startswith("cuda"):
            return (*self._before, *self._throttling())
        after = self._throttled_periods()
        if after is None or self._throttled_before is None or after <= self._throttled_before:
            return ()
        periods = after - self._throttled_before
        return (f"the container's CPU quota stopped the process in {periods} period(s)",)

    def _throttled_periods(self) -> int | None:
        try:
            found = re.search(r"^nr_throttled (\d+)$", self.cpu_stat.read_text(), re.MULTILINE)
        except OSError:
            return None
        return int(found[1]) if found else None

    def _others_on_gpu(self) -> tuple[str, ...]:
        if self.handle is None:
            return ()
        import os

        nvml, handle = self.handle
        try:
            running = nvml.nvmlDeviceGetComputeRunningProcesses(handle)
        except nvml.NVMLError:
            return ()
        others = sum(process.pid != os.getpid() for process in running)
        return (f"{others} other process(es) on the GPU",) if others else ()

    def _throttling(self) -> tuple[str, ...]:
        if self.handle is None:
            return ()
        nvml, handle = self.handle
        try:
            reasons = nvml.nvmlDeviceGetCurrentClocksThrottleReasons(handle)
        except nvml.NVMLError:
            return ()
        return tuple(f"clocks lowered by {text}" for bit, text in THROTTLE_REASONS.items() if reasons & bit)


def _index(device: str) -> int:
    return int(device.partition(":")[2] or 0)


def _torch_cuda() -> Any:
    import torch

    return torch.cuda
