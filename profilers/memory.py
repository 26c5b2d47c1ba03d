"""Peak memory of a step: predicted on the meta device, or measured by the allocator.

What counts is everything that must be on the device at once: parameters, buffers, inputs and whatever
the step makes (activations; in training gradients and the optimiser's state too). It is the memory of
tensors in a settled state, after a first step has filled caches and optimiser state. Not counted: the
device's own context (some 300-500 MB on CUDA), an allocator's fragments, and on CUDA the workspaces of
cuDNN and cuBLAS, which depend on the algorithm that they choose at run time.
"""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch

from ..data.errors import InputError, TargetError
from .kernels import cpu_kernel_bytes
from .liveness import Liveness, fused_attention, storage_bytes
from .steps import Step

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from torch import nn

    from .conditions import Condition

__all__ = [
    "PREDICTION_ERROR",
    "Memory",
    "attention",
    "largest_batch",
    "measure_step_memory",
    "predict_step_memory",
]

CUDA_BLOCK_BYTES = 512
PREDICTION_ERROR = {"inference": 0.01, "training": 0.01}
"""Relative error of a prediction, 1 sigma, against the CPU's allocator, rounded to a whole percent. Of 55
networks (`benchmarks/memory_prediction.py`, torch 2.14, AVX2, one thread) inference was exact on all;
training was off by 0.00 % in the median, 0.74 % at the 95th percentile, 1.96 % at most (rms 0.37 %): oneDNN's
scratch pads for weight gradients. Under bfloat16 autocast, of 8 networks, inference was exact and training
off by up to 2.9 % (rms 1.1 %). No CUDA device has confirmed a prediction yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """One peak of memory.

    peak_bytes: the most that was alive at once, all included.
    resident_bytes: parameters, buffers and inputs, which are there before the step.
    method: `predicted` or `measured`.
    error: relative, 1 sigma, of a prediction; None where it was measured.
    reserved_bytes: what CUDA's caching allocator held; None elsewhere.
    peak_operator: the operator during which a predicted peak is reached.
    update_bytes: of a predicted training step, the peak of the optimiser's update alone; it grows with the
        batch by no more than the inputs. None elsewhere.
    pass_bytes: the peak of forward and backward, optimiser state included; the whole peak in inference.
    """

    peak_bytes: int
    resident_bytes: int
    method: str
    error: float | None = None
    reserved_bytes: int | None = None
    peak_operator: str = ""
    update_bytes: int | None = None
    pass_bytes: int | None = None

    @property
    def step_bytes(self) -> int:
        """What the step itself adds at its peak."""
        return self.peak_bytes - self.resident_bytes


def predict_step_memory(
    module: nn.Module, args: tuple[Any, ...], kwargs: Mapping[str, Any] | None, condition: Condition
) -> Memory:
    """Predict the peak memory of one step without running it.

    Args:
        module: on the meta device.
        args: its positional inputs on meta, the batch in them.
        kwargs: its named inputs.
        condition: the device to predict for, mode, optimiser, layout, fused attention.

    Returns:
        The peak; its error is against the CPU's allocator, no CUDA device has confirmed it yet.

    Raises:
        InputError: for compiled steps, which the meta device cannot foresee.
        TargetError: if the step does not run on meta.

    Source: the idea is `torch.distributed._tools.mem_tracker`; the rules are in `liveness` and `kernels`.
    """
    if condition.compiled:
        raise InputError(
            "Memory cannot be predicted for a compiled step: what torch.compile fuses and keeps is decided "
            "on the device. Predict it uncompiled, or measure it there."
        )
    with condition.active(), attention(condition):
        step = Step(module, args, kwargs, condition)
        on_cpu = condition.device_type == "cpu"
        live = Liveness(
            step.tensors(),
            granularity=1 if on_cpu else CUDA_BLOCK_BYTES,
            kernel_bytes=cpu_kernel_bytes if on_cpu else None,
            host_is_device=on_cpu,
        )
        try:
            with live:
                passes, update = _settled_peaks(step, live)
        except (RuntimeError, NotImplementedError, TypeError, ValueError) as error:
            raise TargetError(
                f"The step does not run on the meta device ({type(error).__name__}: {error}). "
                f"Measure it on a real device instead."
            ) from error
    resident = storage_bytes(step.tensors())
    peak, operator = max(passes, update or (0, ""))
    return Memory(
        peak_bytes=resident + peak,
        resident_bytes=resident,
        method="predicted",
        error=PREDICTION_ERROR[condition.mode],
        peak_operator=operator,
        update_bytes=None if update is None else resident + update[0],
        pass_bytes=resident + passes[0],
    )


_Peak = tuple[int, str]
"""Bytes, and the operator during which there were so many."""


def _settled_peaks(step: Step, live: Liveness) -> tuple[_Peak, _Peak | None]:
    """Peaks of a settled step: of forward (and backward), and of the optimiser's update if there is one."""
    if not step.trains:
        step()  # some modules keep what they compute at first: it is resident from then on
        live.restart_peak()
        step()
        return (live.peak_bytes, live.peak_operator), None
    step.forward_backward()
    peak, operator, before = live.peak_bytes, live.peak_operator, live.bytes
    live.restart_peak()
    step.update()
    state = live.bytes - before  # from the second step on it is there during forward and backward as well
    return (peak + state, operator), (live.peak_bytes, live.peak_operator)


def attention(condition: Condition) -> contextlib.AbstractContextManager[None]:
    """Within this, attention on meta is the operator that the condition's device would choose."""
    return fused_attention(condition.device_type) if condition.attention_fused else contextlib.nullcontext()


def measure_step_memory(step: Step) -> Memory:
    """Measure the peak memory of one settled step by the device's own allocator; within `condition.active()`.

    On CUDA call it in a fresh process: what the allocator already holds is counted otherwise. On the CPU
    the allocator's events are summed up, which slows the step down but does not change what it allocates.

    Args:
        step: two of it are run; if none ran before, its first is not counted.
    """
    if step.condition.device_type == "cuda":
        return _measured_on_cuda(step, torch.cuda)
    return _measured_on_cpu(step)


def _measured_on_cuda(step: Step, cuda: Any) -> Memory:
    device = step.condition.device
    step()
    cuda.synchronize(device)
    cuda.empty_cache()
    cuda.reset_peak_memory_stats(device)
    step()
    cuda.synchronize(device)
    return Memory(
        peak_bytes=cuda.max_memory_allocated(device),
        resident_bytes=storage_bytes(step.tensors()),
        method="measured",
        reserved_bytes=cuda.max_memory_reserved(device),
    )


def _measured_on_cpu(step: Step) -> Memory:
    # events from the first step on: what it leaves behind (caches, optimiser state) is there in the second
    first = _allocations(step)
    left_behind = sum(first)
    peak = _highest(_allocations(step), start=left_behind)
    resident = storage_bytes(step.tensors())
    return Memory(peak_bytes=resident + peak, resident_bytes=resident, method="measured")


def _allocations(run: Callable[[], None]) -> list[int]:
    """Return what the CPU's allocator handed out (positive) and took back, in order, while `run` ran."""
    from torch.profiler import ProfilerActivity, profile

    os.environ.setdefault("KINETO_LOG_LEVEL", "99")  # else it reports a missing GPU as an error
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as recorded:
        run()
    events: list[Any] = recorded.profiler.kineto_results.events()  # pyright: ignore[reportOptionalMemberAccess]
    sizes = [(e.start_ns(), e.nbytes()) for e in events if e.name() == "[memory]"]
    return [size for _, size in sorted(sizes, key=lambda pair: pair[0])]


def _highest(changes: list[int], *, start: int) -> int:
    level = highest = start
    for change in changes:
        level += change
        highest = max(highest, level)
    return highest


def largest_batch(
    peak_bytes: Callable[[int], int], budget_bytes: int, *, least: int = 1, most: int = 65536
) -> int:
    """Return the largest batch whose peak fits into a budget; 0 if not even the smallest does.

    Memory is nearly affine in the batch: two predictions give a guess, which is then checked and closed in
    on by bisection, so the answer never rests on the guess.

    Args:
        peak_bytes: batch size → peak in bytes, growing with it.
        budget_bytes: what there is.
        least: the smallest batch that runs at all.
        most: where to stop.
    """
    if budget_bytes <= 0:
        raise InputError(f"The budget is {budget_bytes} bytes; it must be positive.")
    if peak_bytes(least) > budget_bytes:
        return 0
    fits, fails = least, most + 1
    guess = least - 1 + _affine_guess(peak_bytes(least), peak_bytes(least + 1), budget_bytes)
    while fails - fits > 1:
        guess = min(max(guess, fits + 1), fails - 1)
        if peak_bytes(guess) <= budget_bytes:
            fits, guess = guess, guess + 1
        else:
            fails, guess = guess, guess - 1
        guess = guess if fits < guess < fails and abs(guess - fits) <= 1 else (fits + fails) // 2
    return fits


def _affine_guess(one: int, two: int, budget: int) -> int:
    slope = max(two - one, 1)
    return max(1, 1 + (budget - one) // slope)
