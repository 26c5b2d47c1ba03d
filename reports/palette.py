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


def coloured_families(results: pd.DataFrame, least: int = 3) -> list[str]:
    """Return the families that get a colour: those with the most data sets, then the most models.

    Args:
        results: one row per model and data set, with columns `key`, `family` and `backbone`.
        least: models that a family needs in a data set for it to count.

    Returns:
        At most eight families, in the order of `MARKS`.
    """
    cells = results.groupby(["key", "family"])["backbone"].nunique()
    sets = cells[cells >= least].groupby("family").size().rename("sets")
    models = results.groupby("family")["backbone"].nunique().rename("models")
    ranked = sets.to_frame().join(models).reset_index()
    ranked = ranked.sort_values(["sets", "models", "family"], ascending=[False, False, True])
    return list(ranked["family"][: len(MARKS)])
