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
        where: column values → the table of the rows that have them.
    """

    def __init__(
        self,
        read: Callable[[str], list[Any]],
        names: Callable[[], Sequence[str]],
        where: Callable[[Mapping[str, Any]], Columns],
    ) -> None:
        self._read, self._names, self._where = read, names, where
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
        """The rows that have these values in these columns; None matches what is missing."""
        return self._where(values)


def columns_of_rows(rows: Iterable[Mapping[str, Any]]) -> Columns:
    """A table of rows; a missing key is a missing value."""
    held = list(rows)

    def where(values: Mapping[str, Any]) -> Columns:
        return columns_of_rows(row for row in held if all(row.get(k) == v for k, v in values.items()))

    return Columns(lambda name: [row.get(name) for row in held], lambda: list(held[0]) if held else [], where)


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
    def where(values: Mapping[str, Any]) -> Columns:
        found = table()
        for name, value in values.items():
            found = _rows_with(found, name, value)
        return _lazily(lambda: found)

    return Columns(lambda name: table()[name].to_pylist(), lambda: table().column_names, where)


def _rows_with(table: pa.Table, name: str, value: Any) -> pa.Table:
    """The rows as slices of the table: pyarrow's own filters load pandas, a quarter of a second."""
    import pyarrow as pa

    held = table[name].to_pylist()
    same = [False, *(one == value for one in held), False]
    edges = [i for i in range(len(same) - 1) if same[i] != same[i + 1]]
    slices = [table.slice(a, b - a) for a, b in zip(edges[::2], edges[1::2], strict=True)]
    return pa.concat_tables(slices) if slices else table.slice(0, 0)


def _read(path: Path, names: Sequence[str] | None) -> pa.Table:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        return pq.ParquetFile(path).read(columns=names and list(names))
    except FileNotFoundError as error:
        raise InputError(f"The table {path} is missing. {_REMEDY}") from error
    except (OSError, pa.ArrowException) as error:
        raise InputError(f"The table {path} is damaged. {_REMEDY}") from error
