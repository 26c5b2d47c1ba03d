"""The shipped tables as one frame, ready for an analysis."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from ..data.errors import UnknownNameError
from ..data.join import Joined, join, with_own
from ..data.tables import load_benchmarks, load_observations, load_profiles, load_weights
from .axes import with_axes

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

__all__ = ["choose", "shipped"]


def shipped(
    *,
    datasets: Sequence[str] = (),
    studies: Sequence[str] = (),
    recipes: Sequence[str] = (),
    observations: pd.DataFrame | None = None,
    own_profiles: pd.DataFrame | None = None,
) -> Joined:
    """Join results to the shipped profiles, weights and published speeds.

    Args:
        datasets: keys or globs; all when empty.
        studies: keys or globs; all when empty.
        recipes: fine-tune, linear-probe …, or globs; all when empty.
        observations: the results; the shipped studies when None.
        own_profiles: of networks that the shipped table does not have (`data.results.load_own_profiles`).

    Returns:
        What `data.join.join` returns, with every statistic of `axes.AXES` in the frame.

    Raises:
        UnknownNameError: for a data set, study or recipe that is not there.
    """
    rows = load_observations() if observations is None else observations
    rows = choose(rows, "study", studies)
    rows = choose(rows, "dataset", datasets, "data set")
    rows = choose(rows, "recipe", recipes)
    profiles = load_profiles() if own_profiles is None else with_own(load_profiles(), own_profiles)
    joined = join(rows, profiles, load_weights())
    return Joined(
        frame=with_axes(joined.frame, load_benchmarks()),
        unmatched_observations=joined.unmatched_observations,
        unmatched_profiles=joined.unmatched_profiles,
    )


def choose(rows: pd.DataFrame, column: str, patterns: Sequence[str], what: str | None = None) -> pd.DataFrame:
    """Return the rows whose `column` matches one of the patterns (globs, any case); all without a pattern.

    Raises:
        UnknownNameError: for a pattern that matches nothing.
    """
    if not patterns:
        return rows
    known = sorted(rows[column].dropna().unique())
    kept: set[str] = set()
    for pattern in patterns:
        found = [name for name in known if fnmatchcase(name.lower(), pattern.lower())]
        if not found:
            raise UnknownNameError(what or column, pattern, known)
        kept.update(found)
    return rows[rows[column].isin(kept)]
