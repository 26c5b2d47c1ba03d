"""Small tables of published figures that stand in a source module itself, in our own layout.

For studies that print a page of figures and ship no file of their own among the raw ones. A table is text: a
header, then one row a line, cells apart by blanks, `-` where the study states nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["parse"]


def parse(text: str) -> Iterator[dict[str, str]]:
    """Yield the rows of a table as column → text, without the cells that are blank.

    Raises:
        ValueError: if a row has more or fewer cells than the header.
    """
    header, *lines = (line.split() for line in text.strip().splitlines())
    for cells in lines:
        yield {name: cell for name, cell in zip(header, cells, strict=True) if cell != "-"}
