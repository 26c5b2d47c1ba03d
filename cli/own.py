"""One's own results: the three flags of every command that uses results, and what they mean."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from .render import note
from .store import StoreOption

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    import pandas as pd

    from ..analysis.evidence import Evidence

__all__ = ["OnlyFlag", "Own", "ResultsFile", "StoreOption", "own_alone", "own_evidence", "own_results"]

ResultsFile = Annotated[
    Path | None,
    typer.Option(
        "--results",
        help="Your own results, a file `import` reads, beside those shipped and imported.",
        show_default=False,
    ),
]
OnlyFlag = Annotated[bool, typer.Option("--only", help="Your own results instead of the shipped.")]


class Own(NamedTuple):
    """What a command works on: all results, and the profiles of the networks that only the user has."""

    observations: pd.DataFrame
    profiles: pd.DataFrame


def own_results(results: Path | None, *, only: bool = False, store: Path | None = None) -> Own:
    """Return what a command works on: the shipped results, the imported ones, and those of a named file.

    Says on stderr how many are the user's own, since they change what is printed.

    Args:
        results: of --results.
        only: of --only.
        store: of --store; where the imported results and the profiles lie.
    """
    from ..data.results import load_own_profiles, load_own_results, with_shipped
    from ..data.tables import load_profiles, manifest

    own, profiles = load_own_results(results, store=store), load_own_profiles(results, store=store)
    rows = with_shipped(own, only=only)
    shipped = 0 if only else sum(entry.rows for entry in manifest() if entry.record == "Observation")
    _say(
        rows["backbone"].iloc[shipped:],
        len(own),
        {*load_profiles()["backbone"], *profiles["backbone"]},
        only=only,
    )
    return Own(rows, profiles)


def own_alone(results: Path) -> pd.DataFrame:
    """Return the results of --results and nothing else, not even the store's."""
    from ..data.results import network_names, results_alone
    from ..data.tables import load_profiles

    own = results_alone(results)
    known = {*load_profiles()["backbone"], *network_names(results).values()}
    _say(own["backbone"], len(own), known, only=True)
    return own


def own_evidence(
    results: Path | None, *, only: bool = False, store: Path | None = None, quiet: bool = False
) -> Evidence:
    """Return the same for a query, without pandas where no file is named.

    Args:
        results: of --results.
        only: of --only.
        store: of --store.
        quiet: where it was said already.
    """
    from ..analysis.evidence import load_evidence
    from ..analysis.own_results import own_networks, own_rows

    known, rows = load_evidence(), own_rows(results, only=only, store=store)
    if not rows:
        return known
    found = known.with_results(rows, only=only).with_models(own_networks(rows, results, store=store))
    if not quiet and found.own is not None:
        _say(found.own["backbone"], len(rows), {*known.profiles, *found.custom}, only=only)
    return found


def _say(taken: Iterable[str], n_given: int, known: Collection[str], *, only: bool) -> None:
    """Say how many results of one's own take part, and which of their backbones nobody knows.

    Args:
        taken: backbone of each result of one's own that takes part.
        n_given: results of one's own, with those that are a shipped study's.
        known: backbones that have a profile.
        only: whether the shipped studies take no part.
    """
    from ..data.resolving import unknown_note

    rows_of = Counter(taken)
    again = n_given - rows_of.total()
    if rows_of:
        note(f"{rows_of.total():,} results of your own take part{', and no others' if only else ''}.")
    if again:
        note(f"{again:,} are those of shipped studies, which take part anyway; --only takes nothing else.")
    strange = unknown_note(rows_of, known)
    if strange:
        note(strange)
