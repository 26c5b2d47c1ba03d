"""The user's own networks, counted for a recommendation; torch is imported here and nowhere before."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..data.errors import InputError, TargetError
from .progress import Progress
from .render import note
from .store import open_store

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from pathlib import Path

__all__ = ["profiled"]


def profiled(
    models: Sequence[str], store_path: Path | None, *, weighed: Collection[str] = (), optimiser: str = "sgd"
) -> list[dict[str, Any]]:
    """Count each network and say what it would need: rows of profiles, with `memory` per mode.

    Args:
        models: what `archimeter profile` takes, such as `net.py:build`.
        store_path: the store, None for the user's.
        weighed: modes whose memory is asked for: `training`, `inference`.
        optimiser: of training.

    Raises:
        InputError, UnknownNameError: for a name that is none.
        TargetError: for one that cannot be built.
    """
    from ..profilers.survey import resolve_each, survey

    targets, unknown = resolve_each(models)
    for target in targets:
        if target.form == "timm" and not target.arguments:
            raise InputError(
                f"{target.backbone} is among the known backbones already; --model is for networks of your "
                "own, such as net.py:build."
            )
    with open_store(store_path, create=True) as store:
        rows = survey(targets, store=store, watch=Progress)
    for row in [*unknown, *rows]:
        if row.status != "ok":
            raise TargetError(f"{row.source_ref or row.backbone}: {row.reason}")
    found = [row.as_row() for row in rows]
    if weighed:
        _weigh(found, targets, sorted(weighed), optimiser)
    return found


def _weigh(rows: list[dict[str, Any]], targets: Sequence[Any], modes: list[str], optimiser: str) -> None:
    from ..profilers.survey import ask_each

    specs = [(target, mode, optimiser) for target in targets for mode in modes]
    outcomes = iter(ask_each(memory_line, specs, what="predicting memory", watch=Progress))
    for row in rows:
        row["memory"] = {}
        for mode in modes:
            outcome = next(outcomes)
            if outcome.ok:
                row["memory"][mode] = outcome.value
            else:
                note(f"{row['backbone']}: its memory in {mode} is not known: {outcome.error}")


def memory_line(spec: tuple[Any, str, str]) -> dict[str, int]:
    """Lay a line through the predicted peaks at batches 8 and 64; runs in a process of its own."""
    from ..profilers.capacity import predict_memory
    from ..profilers.conditions import Condition

    target, mode, optimiser = spec
    low, high = 8, 64
    peaks = [
        predict_memory(
            target,
            Condition(device="cuda", mode=mode, optimiser=optimiser, batch_size=size),  # pyright: ignore[reportArgumentType]
        ).peak_bytes
        for size in (low, high)
    ]
    slope = (peaks[1] - peaks[0]) // (high - low)
    return {"fixed_bytes": peaks[1] - slope * high, "bytes_per_image": slope}
