"""The user's own networks, counted for a recommendation; torch is imported here and nowhere before."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..data.errors import TargetError
from .progress import Progress
from .store import open_store

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

__all__ = ["profiled"]


def profiled(models: Sequence[str], store_path: Path | None) -> list[dict[str, Any]]:
    """Count each network and say what it would need: rows of profiles, with `memory` per mode.

    Args:
        models: what `archimeter profile` takes, such as `net.py:build`.
        store_path: the store, None for the user's.

    Raises:
        InputError, UnknownNameError: for a name that is none.
        TargetError: for one that cannot be built.
    """
    from ..profilers.survey import resolve_each, survey

    targets, unknown = resolve_each(models)
    with open_store(store_path, create=True) as store:
        rows = survey(targets, store=store, watch=Progress)
    for row in [*unknown, *rows]:
        if row.status != "ok":
            raise TargetError(f"{row.source_ref or row.backbone}: {row.reason}")
    return [row.as_row() for row in rows]
