"""The user's own results as plain rows, for a query; pandas is loaded for files only."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..data.errors import InputError
from ..data.store import Store, default_path

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["own_rows"]


def own_rows(
    results: Path | None = None, *, only: bool = False, store: Path | None = None
) -> list[dict[str, Any]]:
    """What `data.results.load_results(results, only=True)` holds, as rows keyed by Observation's fields.

    Args:
        results: a file that `archimeter import` reads, a store or a folder of parts; may be None.
        only: whether nothing else will be there, so that having none is an error.
        store: the store; by default the user's, where there is one.

    Raises:
        InputError: if something named cannot be read, or `only` and there are none.
    """
    if results is not None:
        from ..data.results import load_results

        frame = load_results(results, only=True, store=store)
        return frame.astype(object).where(frame.notna(), None).to_dict("records")  # pyright: ignore[reportReturnType]
    rows = []
    if store is not None or default_path().exists():
        with Store(store, create=False) as opened:
            rows = [observation.as_row() for observation in opened.observations()]
    if only and not rows:
        raise InputError(
            "There are no results of your own yet. Import some (`archimeter import results.csv`), or name "
            "them: --results FILE."
        )
    return rows
