"""The results that an analysis works on: the shipped studies, beside or instead of them the user's own."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .errors import InputError
from .records import Observation, Profile
from .store import Store, default_path

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["load_own_profiles", "load_results", "results_alone"]

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
    import pandas as pd

    from .tables import load_observations

    networks = frozenset() if results is None else _own_networks(store)
    own = [] if results is None else [_read(Path(results), str(results), networks=networks)]
    stored = _stored(store)
    if stored is not None:
        own.insert(0, stored)
    if only and not own:
        raise InputError(
            "There are no results of your own yet. Import some (`archimeter import results.csv`), or name "
            "them: --results FILE."
        )
    frames = own if only else [load_observations(), *own]
    if len(own) == 2:
        frames = [*frames[:-2], _without_repeated(own[0], own[1]), own[1]]
    return pd.concat([f for f in frames if len(f)] or frames[-1:], ignore_index=True)


def results_alone(results: Path | str, *, keep_unknown: bool = False) -> pd.DataFrame:
    """Return one's own results and nothing else, not even what was imported; arguments as `load_results`.

    Args:
        results: a file that `archimeter import` reads, a store, or a folder of Parquet parts.
        keep_unknown: take backbones that timm does not know as they stand.
    """
    return _read(Path(results), str(results), keep_unknown=keep_unknown)


def load_own_profiles(results: Path | str | None = None, *, store: Path | str | None = None) -> pd.DataFrame:
    """Return what the user counted, so that results of networks that nobody else has can be joined.

    Args:
        results: as in `load_results`; where it is a store, its profiles come as well.
        store: as in `load_results`.

    Returns:
        Static profiles that went well, columns of Profile, the latest last.
    """
    paths = [Path(path) for path in (store or default_path(), results) if path is not None]
    counted: list[Profile] = []
    for path in paths:
        if path.exists() and (path is paths[0] or path.suffix.lower() in STORES):
            with Store(path, create=False) as opened:
                counted += [one for one in opened.profiles(status="ok") if one.mode == "static"]
    return _frame(sorted(counted, key=lambda one: one.date or ""), Profile)


def _stored(store: Path | str | None) -> pd.DataFrame | None:
    if store is None and not default_path().exists():
        return None
    with Store(store, create=False) as opened:
        observations = opened.observations()
    return _frame(observations) if observations or store is not None else None


def _own_networks(store: Path | str | None) -> frozenset[str]:
    profiles = load_own_profiles(store=store)
    return frozenset(profiles["backbone"]) | frozenset(profiles["source_ref"].dropna())


def _read(
    path: Path, text: str, *, keep_unknown: bool = False, networks: frozenset[str] = frozenset()
) -> pd.DataFrame:
    if "://" in text or path.is_dir():
        from .lake import Lake

        lake = Lake(text)
        return lake.frame() if lake.rows() <= LAKE_ROWS else lake.cells()
    if path.suffix.lower() in STORES:
        with Store(path, create=False) as opened:
            return _frame(opened.observations())
    from .importing import read_results
    from .resolving import KnownNames

    known = KnownNames.shipped()
    known = replace(known, backbones=known.backbones | networks) if networks else known
    return _frame(read_results(path, keep_unknown=keep_unknown, known=known).observations)


def _frame(records: Any, record: type[Observation | Profile] = Observation) -> pd.DataFrame:
    from .tables import arrow_of, to_frame

    return to_frame(arrow_of(records, record))


def _without_repeated(first: pd.DataFrame, second: pd.DataFrame) -> pd.DataFrame:
    import pandas as pd

    from .keys import OBSERVATION_KEY

    columns = [*OBSERVATION_KEY, "weights", "published_name"]
    both = pd.concat([first[columns], second[columns]], ignore_index=True)
    # known weights need no other name, and a name that is the backbone's says nothing more
    both.loc[both["weights"].notna() | (both["published_name"] == both["backbone"]), "published_name"] = None
    again = both.duplicated(keep="last").to_numpy()[: len(first)]
    return first[~again]
