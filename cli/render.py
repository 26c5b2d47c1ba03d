"""How answers leave the command line: data on stdout, notes on stderr.

Rows go out as a table for people, as JSON or CSV for programs, or into a file whose ending decides.
"""

from __future__ import annotations

import csv
import io
import json
import math
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from ..data.errors import InputError

__all__ = [
    "Column",
    "CsvFlag",
    "JsonFlag",
    "OutputFile",
    "emit",
    "fail",
    "note",
    "percent",
    "plain",
    "si",
    "to_csv",
    "to_json",
]

JsonFlag = Annotated[bool, typer.Option("--json", help="Print JSON: an array of rows keyed by field names.")]
CsvFlag = Annotated[bool, typer.Option("--csv", help="Print CSV with a header.")]
OutputFile = Annotated[
    Path | None,
    typer.Option(
        "-o", "--output", help="Write to a file instead: .json, .csv, .parquet or .txt.", show_default=False
    ),
]

Rows = Sequence[Mapping[str, Any]]
ENDINGS = (".json", ".csv", ".parquet", ".txt")


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a table for people: the row's key, its heading with unit, and how a value is written."""

    key: str
    heading: str
    write: Callable[[Any], str] = str
    right: bool = True


def si(digits: int = 3) -> Callable[[Any], str]:
    """Write a number with `digits` significant figures and k, M, G or T; None as a dash."""

    def write(value: Any) -> str:
        if _missing(value):
            return "–"
        size = abs(value)
        for scale, unit in ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k")):
            if size >= scale:
                return f"{_significant(value / scale, digits)} {unit}"
        return _significant(value, digits)

    return write


def percent(places: int = 1) -> Callable[[Any], str]:
    """Write a fraction as a percentage; None as a dash."""
    return lambda value: "–" if _missing(value) else f"{100 * value:.{places}f} %"


def plain(digits: int = 3) -> Callable[[Any], str]:
    """Write a number with `digits` significant figures, or text as it is; None as a dash."""

    def write(value: Any) -> str:
        if _missing(value):
            return "–"
        return _significant(value, digits) if isinstance(value, float) else str(value)

    return write


def _missing(value: Any) -> bool:
    return value is None or (isinstance(value, float) and math.isnan(value))


def _significant(value: float, digits: int) -> str:
    if value == 0:
        return "0"
    if abs(value) < 1e-4:
        return f"{value:.{digits - 1}e}"
    places = max(0, digits - 1 - math.floor(math.log10(abs(value))))
    return f"{value:.{places}f}"


def emit(
    rows: Rows,
    columns: Sequence[Column],
    *,
    as_json: bool = False,
    as_csv: bool = False,
    output: Path | None = None,
    title: str | None = None,
    document: Any = None,
) -> None:
    """Write `rows` in the form that was asked for.

    Args:
        rows: what the library returned, as rows.
        columns: what a person sees; JSON and CSV carry every key.
        as_json: the command's --json.
        as_csv: the command's --csv.
        output: the command's --output.
        title: printed over the table.
        document: what `--json` prints instead of the plain array (one object that holds such arrays).

    Raises:
        InputError: for contradictory flags, or a file ending that is not known or cannot be written.
    """
    if as_json and as_csv:
        raise InputError("--json and --csv contradict each other: give one.")
    ending = output.suffix.lower() if output else ".json" if as_json else ".csv" if as_csv else ".txt"
    if ending not in ENDINGS:
        raise InputError(f"Cannot write {str(output)!r}: the ending must be one of {', '.join(ENDINGS)}.")
    if ending == ".parquet" and output:
        _write_parquet(rows, output)
    else:
        if ending == ".json":
            text = to_json(rows if document is None else document)
        elif ending == ".csv":
            text = to_csv(rows)
        else:
            text = _table_text(rows, columns, title, to_file=output is not None)
        _deliver(text, output)
    if output:
        note(f"{len(rows)} rows written to {output}")


def to_json(document: Any) -> str:
    """JSON text, one key order, with NaN and infinities as null."""
    return json.dumps(_jsonable(document), indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def _jsonable(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _jsonable(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_jsonable(item) for item in value]
    if hasattr(value, "item") and not isinstance(value, str):  # a numpy scalar
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if value is None or isinstance(value, str | int | float | bool):
        return value
    return None if value != value else str(value)  # noqa: PLR0124  # pandas' NA and NaT


def to_csv(rows: Rows) -> str:
    """CSV text with a header; nested values as JSON text, missing ones empty."""
    keys = list(dict.fromkeys(key for row in rows for key in row))
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(keys)
    for row in rows:
        cells = (_jsonable(row.get(key)) for key in keys)
        writer.writerow(
            ["" if c is None else json.dumps(c) if isinstance(c, list | dict) else c for c in cells]
        )
    return out.getvalue()


def _write_parquet(rows: Rows, output: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    flat = [
        {k: json.dumps(v) if isinstance(v, list | dict) else v for k, v in _jsonable(row).items()}
        for row in rows
    ]
    try:
        pq.write_table(pa.Table.from_pylist(flat), output)
    except OSError as error:
        raise InputError(
            f"Cannot write {output}: {error.strerror or error}. Give a path that can be written."
        ) from error


def _table_text(rows: Rows, columns: Sequence[Column], title: str | None, *, to_file: bool) -> str:
    from rich.console import Console
    from rich.table import Table

    terminal = sys.stdout.isatty() and not to_file
    table = Table(title=title, title_justify="left", header_style="bold", show_edge=False, pad_edge=False)
    for column in columns:
        table.add_column(column.heading, justify="right" if column.right else "left", no_wrap=not terminal)
    for row in rows:
        table.add_row(*("–" if _missing(row.get(c.key)) else c.write(row[c.key]) for c in columns))
    buffer = io.StringIO()
    # away from a terminal nothing is cut: a pipe has no width
    console = Console(file=buffer, force_terminal=terminal, width=None if terminal else 10_000, markup=False)
    console.print(table)
    return "\n".join(line.rstrip() for line in buffer.getvalue().splitlines()) + "\n"


def _deliver(text: str, output: Path | None) -> None:
    if output is None:
        sys.stdout.write(text)
        sys.stdout.flush()
        return
    try:
        output.write_text(text, encoding="utf-8")
    except OSError as error:
        raise InputError(
            f"Cannot write {output}: {error.strerror or error}. Give a path that can be written."
        ) from error


def note(message: str) -> None:
    """Say something to the person at the terminal, on stderr."""
    typer.echo(message, err=True)


def fail(message: str) -> None:
    """Say what went wrong, on stderr."""
    typer.echo(f"error: {message}", err=True)
