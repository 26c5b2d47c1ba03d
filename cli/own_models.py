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


def memory_line(spec: tuple[Any, str, str]) -> dict[str, int | None]:
    """What `profilers.batch_memory` says of one network; runs in a process of its own."""
    from ..profilers.batch_memory import memory_line as line_of
    from ..profilers.conditions import Condition
    from ..profilers.meta import to_meta
    from ..profilers.running import make_inputs, on_meta

    target, mode, optimiser = spec
    condition = Condition(device="cuda", mode=mode, optimiser=optimiser)  # pyright: ignore[reportArgumentType]
    with condition.active():
        built = on_meta(target)
        args, kwargs = to_meta(make_inputs(built))
        return line_of(built.module, args, kwargs, condition)
