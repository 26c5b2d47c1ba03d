"""The results that an analysis works on: the shipped studies, beside or instead of them the user's own."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .errors import InputError
from .records import Observation, Profile
from .store import Store, default_path

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import pandas as pd

    from .resolving import KnownNames

__all__ = [
    "known_names",
    "load_own_profiles",
    "load_own_results",
    "load_results",
    "network_names",
    "own_profiles",
    "results_alone",
    "with_shipped",
]

STORES = (".db", ".sqlite")
LAKE_ROWS = 1_000_000
"""Above this a folder of parts comes as one row per setting (mean over its runs) instead of one per run."""


def load_results(
    results: Path | str | None = None, *, only: bool = False, store: Path | str | None = None
) -> pd.DataFrame:
    """Return all results as one frame of Observation's columns, with the dtypes of the shipped tables.

    Args:
        results: the user's own: a file that `archimeter import` reads, a store (`.db`), or a folder of
            Parquet parts. It is read, not imported; networks that were profiled into the store are known.
        only: leave the shipped studies out.
        store: the store whose imported results take part; by default the user's, where there is one.

    Returns:
        Shipped rows first, then the store's, then those of `results`; a result that is in both counts once,
        as `results` has it. Rows of every status.

    Raises:
        InputError: if something named cannot be read, or nothing is left.
    """
    return with_shipped(load_own_results(results, store=store), only=only)


def load_own_results(results: Path | str | None = None, *, store: Path | str | None = None) -> pd.DataFrame:
    """Return the user's own results alone; arguments, columns and order as `load_results`.

    Networks that were profiled are called what their profile is called.
    """
    import pandas as pd

    own = [] if results is None else [_read(Path(results), str(results), known=known_names(store))]
    stored = _stored(store)
    if stored is not None:
        own.insert(0, stored)
    named = network_names(results, store=store) if own else {}
    own = [_recognised(frame, named) for frame in own]
    if len(own) == 2:
        own[0] = _without_repeated(own[0], own[1])
    return pd.concat([f for f in own if len(f)] or own or [_frame([])], ignore_index=True)


def with_shipped(own: pd.DataFrame, *, only: bool = False) -> pd.DataFrame:
    """Put one's own results beside the shipped ones, or return them alone.

    Rows of a shipped study, as an export of it has them, are the study's own and count once.

    Raises:
        InputError: if none are left.
    """
    import pandas as pd

    from .tables import load_observations

    if only and own.empty:
        raise InputError(
            "There are no results of your own yet. Import some (`archimeter import results.csv`), or name "
            "them: --results FILE."
        )
    if only:
        return own
    shipped = load_observations()
    beside = own[~_among(own, shipped)]
    return pd.concat([shipped, *([beside] if len(beside) else [])], ignore_index=True)


def _among(own: pd.DataFrame, shipped: pd.DataFrame) -> pd.Series:
    import pandas as pd

    there = {*_identities(shipped[shipped["study"].isin(own["study"].unique())])}
    return pd.Series([one in there for one in _identities(own)], own.index, dtype=bool)


def _identities(frame: pd.DataFrame) -> Iterator[tuple[Any, ...]]:
    from .resolving import IDENTITY

    held = frame[list(IDENTITY)].astype(object)
    return zip(*(held[name].where(held[name].notna(), None) for name in IDENTITY), strict=True)


def known_names(store: Path | str | None = None) -> KnownNames:
    """Return the shipped names and those of the networks that were profiled into the store."""
    from .resolving import KnownNames

    known, named = KnownNames.shipped(), network_names(store=store)
    return replace(known, backbones=known.backbones | {*named, *named.values()}) if named else known


def results_alone(results: Path | str) -> pd.DataFrame:
    """Return one's own results and nothing else, not even what was imported; `results` as `load_results`."""
    return _recognised(_read(Path(results), str(results), known=known_names()), network_names(results))


def load_own_profiles(results: Path | str | None = None, *, store: Path | str | None = None) -> pd.DataFrame:
    """Return what the user counted, so that results of networks that nobody else has can be joined.

    Args:
        results: as in `load_results`; where it is a store, its profiles come as well.
        store: as in `load_results`.

    Returns:
        Static profiles that went well, columns of Profile, the latest last.
    """
    return _frame(own_profiles(results, store=store), Profile)


def own_profiles(results: Path | str | None = None, *, store: Path | str | None = None) -> list[Profile]:
    """Return the rows of `load_own_profiles` without pandas."""
    paths = [Path(path) for path in (store or default_path(), results) if path is not None]
    counted: list[Profile] = []
    for path in paths:
        if path.exists() and (path is paths[0] or path.suffix.lower() in STORES):
            with Store(path, create=False) as opened:
                counted += [one for one in opened.profiles(status="ok") if one.mode == "static"]
    return sorted(counted, key=lambda one: one.date or "")


def network_names(results: Path | str | None = None, *, store: Path | str | None = None) -> dict[str, str]:
    """Return what a profiled network is called, or where it is from → what its profile is called."""
    counted = own_profiles(results, store=store)
    refs = {one.source_ref: one.backbone for one in counted if one.source_ref}
    return refs | {one.backbone: one.backbone for one in counted}


def _stored(store: Path | str | None) -> pd.DataFrame | None:
    if store is None and not default_path().exists():
        return None
    with Store(store, create=False) as opened:
        observations = opened.observations()
    return _frame(observations) if observations or store is not None else None


def _recognised(frame: pd.DataFrame, named: Mapping[str, str]) -> pd.DataFrame:
    names = frame["backbone"].map(named)
    known = names.notna()
    match = frame["match"].mask(known & (frame["match"] == "none"), "architecture")
    backbone = names.where(known, frame["backbone"]).astype(frame["backbone"].dtype)
    other = frame["published_name"].mask(frame["published_name"].isin(named))
    return frame.assign(
        backbone=backbone,
        match=match.astype(frame["match"].dtype),
        published_name=other.astype(frame["published_name"].dtype),
    )


def _read(path: Path, text: str, *, known: KnownNames) -> pd.DataFrame:
    if "://" in text or path.is_dir():
        from .lake import Lake

        lake = Lake(text)
        return lake.frame() if lake.rows() <= LAKE_ROWS else lake.cells()
    if path.suffix.lower() in STORES:
        with Store(path, create=False) as opened:
            return _frame(opened.observations())
    from .importing import read_results

    try:
        return _frame(read_results(path, keep_unknown=True, known=known).observations)
    except InputError as error:
        if not any(option in str(error) for option in ("--map", "--set")):
            raise
        raise InputError(
            f"{error}\n--map and --set are options of `archimeter import {path.name}`; what that imports "
            "takes part without --results."
        ) from error


def _frame(records: Any, record: type[Observation | Profile] = Observation) -> pd.DataFrame:
    from .tables import arrow_of, to_frame

    return to_frame(arrow_of(records, record))


def _without_repeated(first: pd.DataFrame, second: pd.DataFrame) -> pd.DataFrame:
    import pandas as pd

    from .keys import OBSERVATION_KEY

    columns = [*OBSERVATION_KEY, "weights", "published_name", "pretraining"]
    both = pd.concat([first[columns], second[columns]], ignore_index=True)
    # known weights need no other name, and a name that is the backbone's says nothing more
    both.loc[both["weights"].notna() | (both["published_name"] == both["backbone"]), "published_name"] = None
    again = both.duplicated(keep="last").to_numpy()[: len(first)]
    return first[~again]
