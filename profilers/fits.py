"""What fits into a device's memory: the largest batch of each backbone, predicted without the device."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from ..data.errors import InputError
from .capacity import largest_batch_that_fits, planned_bytes, predict_room
from .memory import PREDICTION_ERROR
from .static import profile

if TYPE_CHECKING:
    from .conditions import Condition
    from .targets import Target

__all__ = ["Fit", "fit", "fit_row", "largest_row", "parse_bytes"]

_UNITS = {"": 1, "k": 2**10, "m": 2**20, "g": 2**30, "t": 2**40}
SURE = 2.0
"""How many standard errors of the prediction a sure answer keeps free."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fit:
    """How a backbone fits into a budget of memory under one condition.

    backbone, source_ref, params; device, mode, optimiser, dtype, memory_format of the condition.
    budget_bytes: what there is. smallest_batch: 1, or 2 where batch norm cannot train on one image.
    peak_memory_bytes: predicted peak of a step at that. peak_memory_error: relative, 1 sigma.
    largest_batch: the largest whose predicted peak is within the budget, 0 if not even the smallest is.
    largest_batch_sure: the same with two sigma to spare.
    """

    backbone: str
    source_ref: str
    params: int
    device: str
    mode: str
    optimiser: str | None
    dtype: str
    memory_format: str
    budget_bytes: int
    smallest_batch: int
    peak_memory_bytes: int
    peak_memory_error: float
    largest_batch: int
    largest_batch_sure: int

    def as_row(self) -> dict[str, Any]:
        """Return the fields."""
        return asdict(self)


def fit(
    target: Target, condition: Condition, budget_bytes: int, input_size: int | tuple[int, ...] | None = None
) -> Fit:
    """Find the largest batch of a target whose step is predicted to fit.

    Args:
        target: what is to run.
        condition: device to predict for, mode, optimiser, layout; its batch size is what is searched.
        budget_bytes: memory that there is.
        input_size: side in pixels or shape without the batch.

    Raises:
        TargetError: if it does not run on the meta device.
        InputError: for conditions that cannot be predicted (compiled), or no budget.
    """
    sure = int(budget_bytes / (1 + SURE * PREDICTION_ERROR[condition.mode]))
    room = predict_room(target, condition, [budget_bytes, sure], input_size=input_size)
    return Fit(
        backbone=target.backbone,
        source_ref=target.source_ref,
        params=profile(target, input_size=input_size).params or 0,
        device=condition.device_type,
        mode=condition.mode,
        optimiser=condition.optimiser if condition.training else None,
        dtype=condition.dtype,
        memory_format=condition.memory_format,
        budget_bytes=budget_bytes,
        smallest_batch=room.smallest,
        peak_memory_bytes=room.memory.peak_bytes,
        peak_memory_error=room.memory.error or 0.0,
        largest_batch=room.largest[0],
        largest_batch_sure=room.largest[1],
    )


def fit_row(spec: tuple[Target, Condition, int, Any]) -> dict[str, Any]:
    """`fit` as a call with one argument and a plain answer, for a process of its own."""
    return fit(*spec).as_row()


def largest_row(spec: tuple[Target, Condition, int | None, Any]) -> dict[str, Any]:
    """The largest batch of (target, condition, budget or None, input size), for a process of its own.

    Returns:
        largest_batch (0 if none fits), budget_bytes (what was planned with: the budget, or nine tenths of
        what the device has free) and method: `predicted`, or `tried` where the device itself decided.
    """
    target, condition, budget_bytes, input_size = spec
    planned = budget_bytes or planned_bytes(condition.device)
    tried = budget_bytes is None and condition.device_type == "cuda"
    largest = largest_batch_that_fits(
        target, condition, budget_bytes=None if tried else planned, input_size=input_size
    )
    return {
        "largest_batch": largest,
        "budget_bytes": planned,
        "method": "tried" if tried else "predicted",
    }


def parse_bytes(text: str) -> int:
    """Read an amount of memory: `8GB`, `24 GiB`, `512M`; 1 GB is 2**30 bytes, as on a graphics card's box.

    Raises:
        InputError: if it cannot be read or is not positive.
    """
    found = re.fullmatch(r"\s*(\d+(?:\.\d*)?)\s*([kmgt]?)(?:i?b)?\s*", text, re.IGNORECASE)
    amount = int(float(found[1]) * _UNITS[found[2].lower()]) if found else 0
    if amount <= 0:
        raise InputError(f"Cannot read {text!r} as an amount of memory; write 8GB or 512MB.")
    return amount
