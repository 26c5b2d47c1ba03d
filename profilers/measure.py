"""One row of a sweep: a target under a condition, counted, timed and weighed in this process."""

from __future__ import annotations

import contextlib
import datetime as dt
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from ..data.errors import ArchimeterError, TargetError
from .capacity import chosen_target, largest_batch_that_fits, real_step
from .clocks import clock_for
from .conditions import Condition
from .devices import DeviceWatch, device_name, require_device
from .energy import EnergyMeter
from .latency import Protocol, Timing, batch_sizes, compare_steps, time_step
from .memory import Memory, measure_step_memory
from .static import profile
from .targets import Target

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ..data.records import Profile
    from .clocks import Clock
    from .latency import Comparison
    from .running import Inputs
    from .steps import Step

__all__ = ["compare", "measure", "ratio_row", "sweep_batches"]


def measure(
    target: str | Target | nn.Module,
    condition: Condition | None = None,
    *,
    input_size: int | Sequence[int] | None = None,
    inputs: Inputs | None = None,
    latency: bool = True,
    memory: bool = True,
    protocol: Protocol | None = None,
    clock: Clock | None = None,
) -> Profile:
    """Count a backbone, then time it and measure its peak memory under a condition, here and now.

    A live module is copied first and comes back untouched. For memory on CUDA call this in a fresh process.

    Args:
        target: what `profile` takes.
        condition: device, batch, dtype, layout, mode …; inference of one image on the CPU by default.
        input_size: as in `profile`.
        inputs: as in `profile`, for a batch of one; the batch is made by repeating them.
        latency: whether to time it.
        memory: whether to measure the peak; on the CPU this takes two more steps.
        protocol: when warm-up and sampling end.
        clock: the device's, unless a test brings its own.

    Returns:
        The static Profile with the condition and the measurements: `latencies_s`, `throughput`,
        `peak_memory_bytes`, `energy_j` (where NVML counts), `noisy`, `contended`; `reason` says what may
        have spoiled the timing.

    Raises:
        MissingPartError: if the device is not there.
        TargetError: if the backbone cannot be built or its step fails, such as for lack of memory.
    """
    condition = condition or Condition()
    require_device(condition.device)
    chosen = chosen_target(target)
    counted = profile(chosen, input_size=input_size, inputs=inputs)
    notes = [counted.reason] if counted.reason else []
    with condition.active(), _explained(chosen, condition):
        step = real_step(chosen, condition, input_size=input_size, inputs=inputs)
        weighed = measure_step_memory(step) if memory else None
        timed, joules = None, None
        if latency:
            timed, joules, said = _timed(step, condition, protocol, clock)
            notes.extend(said)
    return replace(counted, **_row(condition, timed, weighed, joules), reason="; ".join(notes) or None)


def _timed(
    step: Step, condition: Condition, protocol: Protocol | None, clock: Clock | None
) -> tuple[Timing, float | None, list[str]]:
    watch, meter = DeviceWatch(condition.device), EnergyMeter(condition.device)
    watch.start()
    timed = time_step(step, clock or clock_for(condition.device), protocol, on_warm=meter.start)
    joules = meter.joules_per_step(timed.steps, timed.window_s)
    notes = list(watch.notes())
    if not timed.settled:
        notes.append("the warm-up did not become stable")
    return timed, joules, notes


def _row(
    condition: Condition, timed: Timing | None, weighed: Memory | None, joules: float | None
) -> dict[str, Any]:
    row: dict[str, Any] = {
        "device": device_name(condition.device),
        "batch_size": condition.batch_size,
        "dtype": condition.dtype,
        "mode": condition.mode,
        "optimiser": condition.optimiser if condition.training else None,
        "memory_format": condition.memory_format,
        "attention_fused": condition.attention_fused,
        "compiled": condition.compiled,
        "date": dt.datetime.now(tz=dt.UTC).date().isoformat(),
    }
    if weighed is not None:
        row |= {
            "peak_memory_bytes": weighed.peak_bytes,
            "peak_memory_method": weighed.method,
            "peak_memory_error": weighed.error,
            "memory_reserved_bytes": weighed.reserved_bytes,
        }
    if timed is not None:
        row |= {
            "latencies_s": timed.samples_s,
            "throughput": condition.batch_size / timed.interval.estimate,
            "energy_j": joules,
            "noisy": timed.noisy,
            "contended": timed.contended,
            "core_share": timed.core_share,
        }
    return row


def compare(
    first: str | Target | nn.Module,
    second: str | Target | nn.Module,
    condition: Condition | None = None,
    *,
    protocol: Protocol | None = None,
    clock: Clock | None = None,
) -> Comparison:
    """Time two backbones in turn under one condition; `ratio` says how many times slower the first is.

    Args:
        first: what `profile` takes.
        second: the same.
        condition: for both.
        protocol: when warm-up and sampling end.
        clock: the device's, unless a test brings its own.
    """
    condition = condition or Condition()
    require_device(condition.device)
    steps = []
    with condition.active():
        for target in (first, second):
            chosen = chosen_target(target)
            with _explained(chosen, condition):
                steps.append(real_step(chosen, condition))
        return compare_steps(steps[0], steps[1], clock or clock_for(condition.device), protocol)


def ratio_row(spec: tuple[Target, Target, Condition]) -> dict[str, Any]:
    """`compare` of (first, second, condition) as a plain row, for a process of its own.

    Returns:
        ratio, ratio_low, ratio_high (95 %): the first's latency over the second's, timed in turn; n: pairs.
    """
    first, second, condition = spec
    found = compare(first, second, condition)
    return {
        "ratio": found.ratio.estimate,
        "ratio_low": found.ratio.low,
        "ratio_high": found.ratio.high,
        "n": len(found.first.samples_s),
    }


def sweep_batches(
    target: str | Target | nn.Module, condition: Condition, *, most: int = 4096, **options: Any
) -> Iterator[Profile]:
    """Measure batches 1, 2, 4 … up to the largest that fits, and that one last.

    The first row's p90 is MLPerf's single-stream latency, the highest `throughput` its offline throughput.

    Args:
        target: what `profile` takes.
        condition: its batch is replaced.
        most: where to stop even if more would fit.
        options: `measure`'s.
    """
    chosen = chosen_target(target)
    largest = largest_batch_that_fits(
        chosen, condition, most=most, input_size=options.get("input_size"), inputs=options.get("inputs")
    )
    for size in batch_sizes(largest):
        yield measure(chosen, replace(condition, batch_size=size), **options)


def _label(target: Target | nn.Module) -> str:
    return target.backbone if isinstance(target, Target) else type(target).__name__


@contextlib.contextmanager
def _explained(target: Target | nn.Module, condition: Condition) -> Iterator[None]:
    """Turn what a step may raise into a TargetError that says what to do."""
    what = f"{_label(target)} at batch {condition.batch_size} on {condition.device}"
    try:
        yield
    except ArchimeterError:
        raise
    except (torch.OutOfMemoryError, MemoryError) as error:
        raise TargetError(f"{what}: out of memory. Try a smaller batch, or inference only.") from error
    except Exception as error:
        first = (str(error).strip().splitlines() or ["no message"])[0]
        if "can't allocate memory" in first:
            raise TargetError(f"{what}: out of memory. Try a smaller batch, or inference only.") from error
        raise TargetError(f"{what} raised {type(error).__name__}: {first}") from error
