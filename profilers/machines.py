"""Where a survey runs: on this machine, or on a Ray cluster."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Protocol, Self

from ..data.errors import InputError
from .devices import device_name, free_memory_bytes, require_device
from .execution import run_local, usable_cores
from .ray_sweep import ask_nodes, connect, disconnect, run_ray

if TYPE_CHECKING:
    from .sweep import Execute

__all__ = ["LocalMachine", "Machine", "RayMachine"]

MEMORY_SHARE = 0.9


class Machine(Protocol):
    """A place to run jobs."""

    def counting(self) -> Execute:
        """How to run jobs that only count: as many as there are cores."""
        ...

    def timing(self, device: str) -> Execute:
        """How to run jobs that a clock judges: one at a time on a device."""
        ...

    def device_names(self, device: str) -> frozenset[str]:
        """What the devices of that kind are called here; raise if there is none."""
        ...


class LocalMachine:
    """This machine. A call that takes more than nine tenths of the free memory fails; the others go on."""

    def counting(self) -> Execute:
        """Count on every core, one thread each."""
        slots = usable_cores()
        return partial(run_local, slots=slots, limits={"threads": 1, "memory_bytes": _memory_limit()})

    def timing(self, device: str) -> Execute:
        """Time one at a time, with all threads."""
        limit = None if device.startswith("cuda") else _memory_limit()
        return partial(run_local, slots=1, limits={"memory_bytes": limit})

    def device_names(self, device: str) -> frozenset[str]:
        """Return the one name."""
        require_device(device)
        return frozenset({device_name(device)})


class RayMachine:
    """A Ray cluster, joined while the context lasts.

    Args:
        address: see `ray_sweep.connect`.
    """

    def __init__(self, address: str | None = None) -> None:
        self._address = address
        self._ours = False

    def __enter__(self) -> Self:
        self._ours = connect(self._address)
        return self

    def __exit__(self, *_: object) -> None:
        if self._ours:
            disconnect()

    def counting(self) -> Execute:
        """Count on every core of the cluster."""
        return partial(run_ray, limits={"threads": 1})

    def timing(self, device: str) -> Execute:
        """Time on every GPU, or one at a time on every node's CPU."""
        gpu = device.startswith("cuda")
        return partial(run_ray, gpu=gpu, whole_node=not gpu)

    def device_names(self, device: str) -> frozenset[str]:
        """Ask the nodes.

        Raises:
            InputError: if no node has such a device, or a certain one of several GPUs is asked for.
        """
        if ":" in device:
            raise InputError(f"With --ray every job gets a GPU of its own: say --device cuda, not {device}.")
        gpu = device.startswith("cuda")
        names = frozenset(ask_nodes(device_name, device, gpu=gpu, whole_node=not gpu))
        if not names:
            raise InputError(f"No node of the Ray cluster has a device {device!r}. Use --device cpu.")
        return names


def _memory_limit() -> int:
    return int(MEMORY_SHARE * free_memory_bytes("cpu"))
