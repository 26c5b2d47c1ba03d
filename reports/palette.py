"""Eight colours and symbols for families, the rest grey: told apart by colour-blind readers, on paper too."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["GREY", "MARKS", "Mark", "coloured_families"]


class Mark(NamedTuple):
    """How a family is drawn: a colour on white, one on black, and a plotly symbol."""

    light: str
    dark: str
    symbol: str


MARKS: tuple[Mark, ...] = (
    Mark("#1255ab", "#39c0ff", "circle"),
    Mark("#f85900", "#f0803c", "square"),
    Mark("#00966e", "#129b84", "diamond"),
    Mark("#c0589a", "#ca6ebf", "triangle-up"),
    Mark("#8f9d21", "#ece561", "triangle-down"),
    Mark("#4088d9", "#b6dbf9", "cross"),
    Mark("#544888", "#975eed", "star"),
    Mark("#3a3a3a", "#f5ffff", "x"),
)
"""After Okabe and Ito, moved until any two stay apart under simulated protan, deutan and tritan vision."""

GREY = Mark("#a3a8ae", "#6d747c", "circle")


def coloured_families(results: pd.DataFrame) -> list[str]:
    """Return the families that have a colour wherever they are shown: those with the largest shares.

    A study counts once, however many data sets it has: a family's share is that of its models in a data
    set, averaged over the study's data sets and added up over the studies.

    Args:
        results: one row per model and data set, with columns `study`, `key` and `family`.

    Returns:
        At most eight families, in the order of `MARKS`.
    """
    sets = results.groupby("study")["key"].nunique()
    shares = (
        results.groupby(["study", "key"])["family"].value_counts(normalize=True).reset_index(name="share")
    )
    shares["share"] /= shares["study"].map(sets)
    ranked = shares.groupby("family")["share"].sum().reset_index()
    return list(ranked.sort_values(["share", "family"], ascending=[False, True])["family"][: len(MARKS)])
