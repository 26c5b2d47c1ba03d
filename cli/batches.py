"""What `profile --batch` may say: numbers, `max` for the largest that fits, `1..max` for all up to it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from ..data.errors import InputError
from .progress import Progress
from .render import note

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..data.records import Profile
    from ..profilers.conditions import Condition
    from ..profilers.machines import Machine
    from ..profilers.targets import Target

__all__ = ["Batches", "read_batches", "search_largest"]


@dataclass(frozen=True, slots=True)
class Batches:
    """Batch sizes that were asked for: numbers, and whether the largest that fits and all up to it."""

    sizes: tuple[int, ...]
    largest: bool = False
    all_up_to_it: bool = False


def read_batches(text: str) -> Batches:
    """Read `--batch`: `8`, `1,8,32`, `max`, `1,max` or `1..max`."""
    parts = list(dict.fromkeys(part.strip().lower() for part in text.split(",")))
    words = {"max", "1..max"} & set(parts)
    sizes = [part for part in parts if part not in words]
    if not all(size.isdigit() for size in sizes):
        raise InputError(
            f"--batch is {text!r}; write numbers such as 1,64, max for the largest that fits, "
            "or 1..max for 1, 2, 4 and so on up to it."
        )
    return Batches(tuple(map(int, sizes)), bool(words), "1..max" in words)


def search_largest(
    targets: Sequence[Target],
    conditions: Sequence[Condition],
    batches: Batches,
    *,
    budget: str | None,
    size: Any,
    timeout_s: float | None,
    machine: Machine,
) -> tuple[dict[Target, list[Condition]], list[Profile]]:
    """Find for each target and condition the largest batch that fits, and say it on stderr.

    Args:
        targets: what is to run.
        conditions: under what; their batch is replaced.
        batches: what else is wanted.
        budget: memory that there is, such as `8GB`; what the device has free if None.
        size: as for `profile`.
        timeout_s: limit for each search.
        machine: where to search: on CUDA without a budget it is tried there.

    Returns:
        Per target its conditions, and a failed row for each search that found none.
    """
    from ..profilers.fits import largest_row, parse_bytes
    from ..profilers.survey import ask_each

    budget_bytes = None if budget is None else parse_bytes(budget)
    plan: dict[Target, list[Condition]] = {target: [] for target in targets}
    failed: list[Profile] = []
    for condition in conditions:
        specs = [(target, condition, budget_bytes, size) for target in targets]
        tried = budget is None and condition.device_type == "cuda"
        outcomes = ask_each(
            largest_row,
            specs,
            what="searching the largest batch",
            timeout_s=timeout_s,
            machine=machine,
            device=condition.device if tried else None,
            watch=Progress,
        )
        for target, outcome in zip(targets, outcomes, strict=True):
            if not outcome.ok:
                failed.append(_failed(target, condition, outcome.error or "no reason was given"))
                continue
            largest = outcome.value["largest_batch"]
            note(f"{target.backbone}: {_said(outcome.value, condition)}")
            plan[target] += [replace(condition, batch_size=n) for n in _sizes(largest, batches)]
            if not largest:
                failed.append(_failed(target, condition, _said(outcome.value, condition)))
    return plan, failed


def _sizes(largest: int, batches: Batches) -> list[int]:
    from ..profilers.latency import batch_sizes

    found = list(batch_sizes(largest)) if batches.all_up_to_it else [largest] if largest else []
    return sorted({*batches.sizes, *found})


def _said(row: dict[str, Any], condition: Condition) -> str:
    where = f"{condition.device}, {condition.mode}, {condition.dtype}"
    how = f"{row['method']}, of {row['budget_bytes'] / 2**30:.3g} GiB"
    if not row["largest_batch"]:
        return f"not even the smallest batch fits ({where}; {how})"
    return f"the largest batch that fits is {row['largest_batch']} ({where}; {how})"


def _failed(target: Target, condition: Condition, reason: str) -> Profile:
    from ..data.records import Profile

    return Profile(
        backbone=target.backbone,
        family=target.family,
        kind=target.kind,
        source=target.source,
        source_ref=target.source_ref,
        dtype=condition.dtype,
        mode=condition.mode,
        status="failed",
        reason=reason,
    )
