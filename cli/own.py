"""One's own results: the three flags of every command that uses results, and what they mean."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .render import note
from .store import StoreOption

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["OnlyFlag", "ResultsFile", "StoreOption", "own_results"]

ResultsFile = Annotated[
    Path | None,
    typer.Option(
        "--results",
        help="Your own results, a file `import` reads, beside those shipped and imported.",
        show_default=False,
    ),
]
OnlyFlag = Annotated[bool, typer.Option("--only", help="Your own results instead of the shipped.")]


def own_results(results: Path | None, *, only: bool = False, store: Path | None = None) -> pd.DataFrame:
    """Return what a command works on: the shipped results, the imported ones, and those of a named file.

    Says on stderr how many are the user's own, since they change what is printed.

    Args:
        results: of --results.
        only: of --only.
        store: of --store; where the imported results lie.
    """
    from ..data.results import load_results
    from ..data.tables import manifest

    rows = load_results(results, only=only, store=store)
    shipped = 0 if only else sum(entry.rows for entry in manifest() if entry.record == "Observation")
    if len(rows) > shipped:
        note(f"{len(rows) - shipped:,} results of your own take part{', and no others' if only else ''}.")
    return rows
