"""Reading the studies' raw CSV files: text in, text out, nothing guessed."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["number", "read_rows"]


def read_rows(path: Path) -> Iterator[dict[str, str]]:
    """Yield the rows of a CSV file with a header, every value as the text that stands there."""
    with path.open(encoding="utf-8", newline="") as file:
        yield from csv.DictReader(file)


def number(text: str | None) -> float | None:
    """Return the number that the text says, without thousands separators; None for empty text."""
    return float(text.replace(",", "")) if text else None
