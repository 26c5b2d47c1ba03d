"""What fits into memory: a target's predicted peak, the largest batch, the backbones that fit a budget."""

from __future__ import annotations

import gc
from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import nn
from torch.utils._pytree import tree_map_only

from ..data.errors import InputError, TargetError
from .batch_memory import peaks_by_batch
from .conditions import Condition
from .devices import free_memory_bytes, require_device
from .latency import largest_fitting
from .memory import Memory, largest_batch, predict_step_memory
from .meta import to_meta
from .running import Inputs, make_inputs, on_cpu, on_meta
from .steps import Step, with_batch
from .targets import Target, resolve_targets

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

__all__ = [
    "Room",
    "chosen_target",
    "fitting",
    "largest_batch_that_fits",
    "planned_bytes",
    "predict_memory",
    "predict_room",
    "real_step",
    "smallest_batch",
]

MEMORY_SHARE = 0.9
"""Of what a device has free, this much may be planned for: allocators round up and fragment."""


def largest_batch_that_fits(
    target: str | Target | nn.Module,
    condition: Condition,
    *,
    budget_bytes: int | None = None,
    most: int = 4096,
    input_size: int | Sequence[int] | None = None,
    inputs: Inputs | None = None,
) -> int:
    """Return the largest batch whose step fits into memory; 0 if not even the smallest does.

    With a budget it is predicted (for a compiled step, what it would take uncompiled). Without one it is
    what fits on the condition's device now: tried there on CUDA, starting from the prediction; predicted on
    a CPU, where trying would have the process killed.

    Args:
        target: what `profile` takes.
        condition: its batch is replaced.
        budget_bytes: what there is, such as 8 * 2**30 for a GPU of 8 GiB.
        most: where to stop.
        input_size: as in `profile`.
        inputs: as in `profile`.
    """
    chosen = chosen_target(target)
    budget = budget_bytes or planned_bytes(condition.device)

    uncompiled = replace(condition, compiled=False)
    guess = predict_room(
        chosen, uncompiled, [budget], most=most, input_size=input_size, inputs=inputs
    ).largest[0]
    if budget_bytes is not None or condition.device_type == "cpu":
        return guess

    def runs(batch: int) -> bool:
        return _runs(chosen, replace(condition, batch_size=batch), input_size, inputs)

    return largest_fitting(runs, start=max(1, guess), most=most)


@dataclass(frozen=True, slots=True)
class Room:
    """What fits: `smallest` batch that runs at all, its `memory`, and for each budget the `largest`, or 0."""

    smallest: int
    memory: Memory
    largest: tuple[int, ...]


def predict_room(
    target: Target | nn.Module,
    condition: Condition,
    budgets_bytes: Sequence[int],
    *,
    most: int = 65536,
    input_size: int | Sequence[int] | None = None,
    inputs: Inputs | None = None,
) -> Room:
    """Predict the largest batch that fits into each of several budgets.

    Args:
        target: what is to run.
        condition: device to predict for, mode, optimiser …; its batch is what is searched.
        budgets_bytes: what there may be.
        most: where to stop.
        input_size: as in `profile`.
        inputs: as in `profile`, for a batch of one.
    """

    @cache
    def alone(batch: int) -> Memory:
        at = replace(condition, batch_size=batch)
        return predict_memory(target, at, input_size=input_size, inputs=inputs)

    least = smallest_batch(alone)
    peaks = _peaks_at(target, condition, input_size, inputs)
    if peaks is not None and peaks(np.array([least]))[0] == alone(least).peak_bytes:
        largest = [_narrowed(peaks, budget, least, most) for budget in budgets_bytes]
    else:
        largest = [
            largest_batch(lambda batch: alone(batch).peak_bytes, budget, least=least, most=most)
            for budget in budgets_bytes
        ]
    return Room(least, alone(least), tuple(largest))


def _peaks_at(
    target: Target | nn.Module, condition: Condition, input_size: Any, inputs: Any
) -> Callable[[np.ndarray], np.ndarray] | None:
    """Return what predicts the peaks at many batches at once; None where only one at a time is possible."""
    if condition.device_type != "cuda":
        return None
    with condition.active():
        built = on_meta(target, input_size)
        args, kwargs = to_meta(make_inputs(built, input_size=input_size, inputs=inputs))

    def peaks(batches: np.ndarray) -> np.ndarray:
        passes, update = peaks_by_batch(built.module, args, kwargs, condition, batches.tolist())
        return passes if update is None else np.maximum(passes, update)

    return peaks


def _narrowed(peaks: Callable[[np.ndarray], np.ndarray], budget: int, least: int, most: int) -> int:
    doubled = 2 ** np.arange(most.bit_length() + 1)
    grid = np.unique(np.clip(doubled, least, most))
    while True:
        fits = int(np.sum(peaks(grid) <= budget))
        if not fits:
            return 0
        if fits == len(grid) or grid[fits] - grid[fits - 1] == 1:
            return int(grid[fits - 1])
        grid = np.unique(np.linspace(grid[fits - 1], grid[fits], 129).astype(int))


def planned_bytes(device: str) -> int:
    """Return how much memory of a device may be planned for: nine tenths of what it has free.

    Raises:
        MissingPartError: if the device is not there.
    """
    require_device(device)
    return int(MEMORY_SHARE * free_memory_bytes(device))


def smallest_batch(predicted: Callable[[int], object]) -> int:
    """Return 1, or 2 where batch norm sees one value a channel and refuses to train on a single image.

    Args:
        predicted: predicts for a batch; raises if its step does not run.
    """
    try:
        predicted(1)
    except TargetError as error:
        if "more than 1 value per channel" not in str(error):
            raise
        return 2
    return 1


def _runs(target: Target | nn.Module, condition: Condition, input_size: Any, inputs: Any) -> bool:
    try:
        with condition.active():
            step = real_step(target, condition, input_size=input_size, inputs=inputs)
            step()
            step()  # the optimiser's state is there from the second on
            torch.cuda.synchronize(condition.device)
    except torch.OutOfMemoryError:
        return False
    finally:
        step = None
        gc.collect()
        torch.cuda.empty_cache()
    return True


def predict_memory(
    target: str | Target | nn.Module,
    condition: Condition | None = None,
    *,
    input_size: int | Sequence[int] | None = None,
    inputs: Inputs | None = None,
) -> Memory:
    """Predict the peak memory of a target's step from shapes alone.

    Args:
        target: what `profile` takes.
        condition: device to predict for, batch, mode, optimiser …
        input_size: as in `profile`.
        inputs: as in `profile`, for a batch of one.
    """
    condition = condition or Condition()
    chosen = chosen_target(target)
    with condition.active():
        built = on_meta(chosen, input_size)
        if isinstance(built.module, torch.jit.ScriptModule):
            raise TargetError(
                f"The memory of {chosen.source_ref if isinstance(chosen, Target) else 'a script'} cannot be "
                "predicted; measure it on a real device instead."
            )
        args, kwargs = to_meta(make_inputs(built, input_size=input_size, inputs=inputs))
        args, kwargs = with_batch((args, kwargs), condition.batch_size)
        return predict_step_memory(built.module, args, kwargs, condition)


def fitting(
    targets: Sequence[str | Target], budget_bytes: int, condition: Condition | None = None
) -> Iterator[tuple[Target, Memory]]:
    """Yield the targets whose predicted peak fits into a budget, with it, in the order given.

    Args:
        targets: names or Targets; one that cannot be predicted is left out.
        budget_bytes: what there is.
        condition: batch, mode, optimiser and device to predict for.
    """
    for target in targets:
        chosen = chosen_target(target)
        assert isinstance(chosen, Target)
        try:
            memory = predict_memory(chosen, condition)
        except TargetError:
            continue
        if memory.peak_bytes <= budget_bytes:
            yield chosen, memory


def chosen_target(target: str | Target | nn.Module) -> Target | nn.Module:
    """Return the one target that a name stands for; Targets and modules as they are.

    Raises:
        InputError: if the name stands for several.
    """
    if not isinstance(target, str):
        return target
    found = resolve_targets(target)
    if len(found) > 1:
        raise InputError(
            f"{target!r} names {len(found)} architectures; give one, or loop over resolve_targets()."
        )
    return found[0]


def real_step(
    target: Target | nn.Module,
    condition: Condition,
    *,
    input_size: int | Sequence[int] | None = None,
    inputs: Inputs | None = None,
) -> Step:
    """Build a target with values and make its step; within `condition.active()`.

    A live module is copied. Inputs are repeated to the condition's batch; images of zeros become noise, as
    a network of zeros may be faster than one at work.
    """
    built = on_cpu(target, input_size)
    made = make_inputs(built, input_size=input_size, inputs=inputs)
    args, kwargs = with_batch(tree_map_only(torch.Tensor, _filled, made), condition.batch_size)
    return Step(built.module, args, kwargs, condition)


def _filled(tensor: torch.Tensor) -> torch.Tensor:
    if tensor.is_meta:
        tensor = torch.zeros(tensor.shape, dtype=tensor.dtype)
    return torch.randn_like(tensor) if tensor.is_floating_point() and not tensor.any() else tensor
