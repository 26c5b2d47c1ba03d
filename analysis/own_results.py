"""The user's own results and networks as plain rows, for a query; pandas is loaded for files only."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..data.errors import InputError
from ..data.results import network_names, own_profiles
from ..data.store import Store, default_path

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

__all__ = ["own_networks", "own_rows"]


def own_rows(
    results: Path | None = None, *, only: bool = False, store: Path | None = None
) -> list[dict[str, Any]]:
    """What `data.results.load_own_results` holds, as rows keyed by Observation's fields.

    Args:
        results: a file that `archimeter import` reads, a store or a folder of parts; may be None.
        only: whether nothing else will be there, so that having none is an error.
        store: the store; by default the user's, where there is one.

    Raises:
        InputError: if something named cannot be read, or `only` and there are none.
    """
    if results is not None:
        from ..data.results import load_own_results

        frame = load_own_results(results, store=store)
        rows = frame.astype(object).where(frame.notna(), None).to_dict("records")
    else:
        rows = _stored(store)
    if only and not rows:
        raise InputError(
            "There are no results of your own yet. Import some (`archimeter import results.csv`), or name "
            "them: --results FILE."
        )
    return rows  # pyright: ignore[reportReturnType]


def _stored(store: Path | None) -> list[dict[str, Any]]:
    if store is None and not default_path().exists():
        return []
    with Store(store, create=False) as opened:
        rows = [observation.as_row() for observation in opened.observations()]
    named = network_names(store=store) if rows else {}
    for row in rows:
        if row["backbone"] in named:
            match = "architecture" if row["match"] == "none" else row["match"]
            row |= {"backbone": named[row["backbone"]], "match": match}
    return rows


def own_networks(
    rows: Iterable[Mapping[str, Any]], results: Path | None = None, *, store: Path | None = None
) -> list[dict[str, Any]]:
    """Profiles of the networks that these results are of and that only the user has, one each, the latest.

    Args:
        rows: of `own_rows`.
        results: what they are from.
        store: the same.
    """
    measured = {row["backbone"] for row in rows}
    found = {one.backbone: one for one in own_profiles(results, store=store) if one.source != "timm"}
    return [one.as_row() for name, one in sorted(found.items()) if name in measured]
