"""Tables as plain columns and rows, without pandas; of a file only what is asked for is made Python of."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..data.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from pathlib import Path

    import pyarrow as pa

__all__ = ["Columns", "columns_of_file", "columns_of_rows"]

_REMEDY = "Reinstall archimeter, or rebuild the tables with `python -m archimeter.data.build RAW_DIR`."


class Columns:
    """A table by column; a column becomes a list when it is first asked for.

    Args:
        read: name → its values.
        names: all columns' names, for `rows`.
        pick: runs of places, as (first, end) → the table of these rows.
    """

    def __init__(
        self,
        read: Callable[[str], list[Any]],
        names: Callable[[], Sequence[str]],
        pick: Callable[[list[tuple[int, int]]], Columns],
    ) -> None:
        self._read, self._names, self._pick = read, names, pick
        self._known: dict[str, list[Any]] = {}

    def __getitem__(self, name: str) -> list[Any]:
        if name not in self._known:
            self._known[name] = self._read(name)
        return self._known[name]

    def rows(self, names: Sequence[str] | None = None) -> list[dict[str, Any]]:
        """Every row as a mapping, with these columns or all."""
        held = {name: self[name] for name in (names or self._names())}
        return [dict(zip(held, row, strict=True)) for row in zip(*held.values(), strict=True)]

    def where(self, **values: Any) -> Columns:
        """The rows that have these values in these columns; they should lie together."""
        wanted = tuple(values.values())
        held = zip(*(self[name] for name in values), strict=True)
        same = [False, *(row == wanted for row in held), False]
        edges = [i for i in range(len(same) - 1) if same[i] != same[i + 1]]
        return self._pick(list(zip(edges[::2], edges[1::2], strict=True)))


def columns_of_rows(rows: Iterable[Mapping[str, Any]]) -> Columns:
    """A table of rows; a missing key is a missing value."""
    held = list(rows)
    return Columns(
        lambda name: [row.get(name) for row in held],
        lambda: list(held[0]) if held else [],
        lambda runs: columns_of_rows(row for first, end in runs for row in held[first:end]),
    )


def columns_of_file(path: Path, names: Sequence[str] | None = None) -> Columns:
    """A Parquet table; the file is read when the first column is asked for.

    Raises:
        InputError: then, if it is missing or damaged.
    """
    held: list[pa.Table] = []

    def table() -> pa.Table:
        if not held:
            held.append(_read(path, names))
        return held[0]

    return _lazily(table)


def _lazily(table: Callable[[], pa.Table]) -> Columns:
    def pick(runs: list[tuple[int, int]]) -> Columns:
        import pyarrow as pa

        # as slices: pyarrow's own filters load pandas, a quarter of a second
        slices = [table().slice(first, end - first) for first, end in runs]
        found = pa.concat_tables(slices) if slices else table().slice(0, 0)
        return _lazily(lambda: found)

    return Columns(lambda name: table()[name].to_pylist(), lambda: table().column_names, pick)


def _read(path: Path, names: Sequence[str] | None) -> pa.Table:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        return pq.ParquetFile(path).read(columns=names and list(names))
    except FileNotFoundError as error:
        raise InputError(f"The table {path} is missing. {_REMEDY}") from error
    except (OSError, pa.ArrowException) as error:
        raise InputError(f"The table {path} is damaged. {_REMEDY}") from error
