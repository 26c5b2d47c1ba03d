"""Files of results as raw tables: CSV, JSON lines, JSON, Excel, Parquet, plain or gzipped.

Nothing is interpreted here but the file's form: cells stay as they stand, and each row keeps its line, so
that whoever finds something wrong can say where. Every size has a limit that its message names; a file
beyond it is refused, never cut.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
import re
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .errors import InputError, MissingPartError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = ["RawTable", "read_raw"]

FILE_BYTES = 50_000_000
EXCEL_BYTES = 32_000_000
JSON_BYTES = 20_000_000
RECORD_CHARS = 1_000_000
NAME_CHARS = 200
MAX_ROWS = 200_000
MAX_COLUMNS = 1_000
MAX_CELLS = 10_000_000
DELIMITERS = ",;\t|"
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
ENDINGS = (".csv", ".tsv", ".txt", ".jsonl", ".ndjson", ".json", ".xlsx", ".parquet", ".pq")


@dataclass(frozen=True, slots=True)
class RawTable:
    """A table as the file holds it.

    Args:
        source: the file's name, for messages.
        header: the columns' names as written.
        rows: (line, cells); `place` says what the line counts: `line`, or `row` where the file has no lines.
        place: `line` or `row`.
        decimal_comma: whether the file writes 0,5 for 0.5 (a table separated by semicolons may).
        notes: what a reader should know of how the file was read.
    """

    source: str
    header: tuple[str, ...]
    rows: list[tuple[int, tuple[Any, ...]]]
    place: str = "line"
    decimal_comma: bool = False
    notes: tuple[str, ...] = ()


def read_raw(path: Path | str) -> RawTable:
    """Read a file of results; its ending says what it is (`.gz` on top is unpacked).

    Raises:
        InputError: if the file cannot be read, is not what its ending says, or exceeds a limit.
        MissingPartError: for Excel without openpyxl.
    """
    path = Path(path)
    packed = path.suffix.lower() == ".gz"
    ending = Path(path.stem).suffix.lower() if packed else path.suffix.lower()
    if ending not in ENDINGS or (packed and ending in (".xlsx", ".parquet", ".pq")):
        raise InputError(
            f"Cannot import {path.name!r}: its ending must be one of {', '.join(ENDINGS)} (or .gz on top of "
            f"a text file's). Export the table as CSV."
        )
    if ending in (".parquet", ".pq"):
        return _read_parquet(path)
    data = _read_bytes(path, packed=packed)
    if ending == ".xlsx":
        return _read_excel(path.name, data)
    if ending in (".jsonl", ".ndjson"):
        return _read_json_lines(path.name, data)
    if ending == ".json":
        return _read_json(path, data)
    return _read_csv(path.name, data, delimiter="\t" if ending == ".tsv" else None)


def _read_bytes(path: Path, *, packed: bool) -> bytes:
    try:
        with gzip.open(path) if packed else path.open("rb") as stream:
            data = stream.read(FILE_BYTES + 1)
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise InputError(f"{path.name} is not a whole gzip file ({error}). Pack it again.") from error
    except OSError as error:
        raise InputError(f"Cannot read {path}: {error.strerror or error}. Check the path.") from error
    if len(data) > FILE_BYTES:
        raise InputError(
            f"{path.name} holds more than {FILE_BYTES // 10**6} MB{' unpacked' if packed else ''}, the "
            f"limit for an import. Keep only the columns that matter, or split it."
        )
    if not data.strip():
        raise InputError(f"{path.name} is empty. It needs a header and at least one row.")
    return data


# -- text


def _text_lines(name: str, data: bytes) -> Iterator[str]:
    encoding = "utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    if encoding == "utf-8-sig" and b"\0" in data[:65536]:
        raise InputError(
            f"{name} is not text: it holds zero bytes. Is it an Excel or Parquet file with the wrong ending?"
        )
    stream = io.TextIOWrapper(io.BytesIO(data), encoding=encoding, newline="")
    number = 0
    try:
        while line := stream.readline(RECORD_CHARS + 1):
            number += 1
            if len(line) > RECORD_CHARS:
                raise InputError(
                    f"{name}:{number}: the line has more than {RECORD_CHARS:,} characters, the limit. "
                    f"Is this a table of results?"
                )
            yield line
    except UnicodeError as error:
        raise InputError(
            f"{name} is not in UTF-8 (after line {number}: {error}). "
            f"Save it as 'CSV UTF-8', or run `iconv -f latin1 -t utf-8`."
        ) from error


class _Record:
    """Lines for the csv reader, which may join many into one record: that length has a limit too."""

    def __init__(self, name: str, lines: Iterable[str]) -> None:
        self._name, self._lines = name, iter(lines)
        self._length = 0
        self.line = 0  # where the current record ends
        self.start = 1  # where it starts

    def __iter__(self) -> Iterator[str]:
        for line in self._lines:
            self.line += 1
            self._length += len(line)
            if self._length > RECORD_CHARS:
                raise InputError(
                    f"{self._name}:{self.start}: the row that starts here has more than {RECORD_CHARS:,} "
                    f"characters, the limit. Is a quotation mark left open?"
                )
            yield line

    def close(self) -> None:
        self._length, self.start = 0, self.line + 1


def _delimiter(header: str) -> str:
    outside = "".join(header.split('"')[::2])
    return max(DELIMITERS, key=outside.count)


def _read_csv(name: str, data: bytes, *, delimiter: str | None) -> RawTable:
    lines = _text_lines(name, data)
    first = next(lines, "")
    delimiter = delimiter or _delimiter(first)
    record = _Record(name, (line for part in ((first,), lines) for line in part))
    rows: list[tuple[int, tuple[Any, ...]]] = []
    header: tuple[str, ...] = ()
    try:
        for cells in csv.reader(record, delimiter=delimiter, strict=True):
            if not header:
                header = _checked_header(name, cells)
            elif any(cell.strip() for cell in cells):
                rows.append((record.start, tuple(cells[: len(header) + 1])))
                _check_count(name, len(rows))
            record.close()
    except csv.Error as error:
        raise InputError(
            f"{name}:{record.start}: {error}. Check the quotation marks of the row that starts here."
        ) from error
    notes = () if delimiter == "," else (f"Columns are separated by {_spelled(delimiter)}.",)
    return RawTable(name, header, rows, decimal_comma=delimiter != ",", notes=notes)


def _spelled(delimiter: str) -> str:
    return {";": "semicolons", "\t": "tabs", "|": "vertical bars"}[delimiter]


def _checked_header(name: str, cells: Iterable[Any]) -> tuple[str, ...]:
    header = tuple("" if cell is None else _CONTROL.sub("?", str(cell)).strip() for cell in cells)
    if not any(header):
        raise InputError(f"{name}: the first row is empty. It must hold the columns' names.")
    if len(header) > MAX_COLUMNS:
        raise InputError(
            f"{name} has {len(header):,} columns; the limit is {MAX_COLUMNS:,}. Keep those that matter."
        )
    longest = max(header, key=len)
    if len(longest) > NAME_CHARS:
        raise InputError(
            f"{name}: a column's name has {len(longest):,} characters ({longest[:40]!r}…); the limit is "
            f"{NAME_CHARS}. Does the first row hold the columns' names?"
        )
    return header


def _check_count(name: str, rows: int, columns: int = 1) -> None:
    if rows * columns > MAX_CELLS:
        raise InputError(
            f"{name} has more than {MAX_CELLS:,} cells ({columns} columns), the limit for an import. "
            f"Keep only the columns that matter, or split it."
        )
    if rows > MAX_ROWS:
        raise InputError(
            f"{name} has more than {MAX_ROWS:,} rows, the limit for an import. Split it; for millions "
            f"read a folder of Parquet parts with --results."
        )


# -- JSON


def _read_json_lines(name: str, data: bytes) -> RawTable:
    objects: list[tuple[int, dict[str, Any]]] = []
    for number, line in enumerate(_text_lines(name, data), 1):
        if not line.strip():
            continue
        value = _parsed(line, f"{name}:{number}")
        if not isinstance(value, dict):
            raise InputError(f"{name}:{number}: each line must be a JSON object, not {type(value).__name__}.")
        objects.append((number, flat(value)))
        _check_count(name, len(objects))
    return from_objects(name, objects)


def _read_json(path: Path, data: bytes) -> RawTable:
    from .trackers import trainer_rows  # they read a RawTable in turn

    if len(data) > JSON_BYTES:
        raise InputError(f"{path.name} has more than {JSON_BYTES // 10**6} MB, the limit. Write JSON lines.")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeError as error:
        raise InputError(f"{path.name} is not in UTF-8 ({error}). Write it again as UTF-8.") from error
    value = _parsed(text, path.name)
    found = trainer_rows(path, value)
    if found is not None:
        rows, notes = found
        return from_objects(path.name, [(n, flat(row)) for n, row in enumerate(rows, 1)], notes, place="row")
    if isinstance(value, dict):
        value = [value]
    if not isinstance(value, list) or not all(isinstance(row, dict) for row in value):
        raise InputError(f"{path.name} must hold an array of JSON objects, one per result, or one object.")
    _check_count(path.name, len(value))
    return from_objects(path.name, [(n, flat(row)) for n, row in enumerate(value, 1)], place="row")


def _parsed(text: str, where: str) -> Any:
    try:
        return json.loads(text)
    except RecursionError as error:
        raise InputError(f"{where}: the JSON is nested too deeply for a table of results.") from error
    except ValueError as error:
        raise InputError(f"{where}: not JSON ({error}). Is the file whole?") from error


def flat(value: dict[str, Any], prefix: str = "", depth: int = 0) -> dict[str, Any]:
    """Return nested objects as one, names joined by dots (`config.model`), three levels deep."""
    out: dict[str, Any] = {}
    for key, item in value.items():
        if isinstance(item, dict) and depth < 3:
            out |= flat(item, f"{prefix}{key}.", depth + 1)
        else:
            out[f"{prefix}{key}"] = item
    return out


def from_objects(
    name: str, objects: list[tuple[int, dict[str, Any]]], notes: tuple[str, ...] = (), place: str = "line"
) -> RawTable:
    """Lay objects out as a table: every key is a column, an object without it has an empty cell."""
    keys: dict[str, None] = {}
    for _, row in objects:
        keys.update(dict.fromkeys(row))
        if len(keys) > MAX_COLUMNS:
            break
    header = _checked_header(name, keys)
    _check_count(name, len(objects), len(header))
    return RawTable(
        name, header, [(n, tuple(row.get(k) for k in header)) for n, row in objects], place, notes=notes
    )


# -- Excel and Parquet


def _read_excel(name: str, data: bytes) -> RawTable:
    try:
        import openpyxl
    except ImportError as error:
        raise MissingPartError(
            "Reading Excel needs openpyxl: pip install 'archimeter[excel]', or save the sheet as CSV."
        ) from error
    _check_zip(name, data)
    try:
        book = openpyxl.load_workbook(io.BytesIO(data), read_only=True, data_only=True)
        sheets = book.worksheets
        header, rows = _sheet(name, sheets[0])
    except InputError:
        raise
    except Exception as error:  # openpyxl raises whatever its parsers raise on a damaged file
        raise InputError(f"{name} cannot be read as Excel ({_first_line(error)}). Save it as CSV.") from error
    others = [sheet.title for sheet in sheets[1:]]
    notes = (
        (f"Only the first sheet {sheets[0].title!r} was read, not {', '.join(others)}.",) if others else ()
    )
    return RawTable(name, header, rows, place="row", notes=notes)


def _check_zip(name: str, data: bytes) -> None:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            unpacked = sum(entry.file_size for entry in archive.infolist())
    except (zipfile.BadZipFile, ValueError, NotImplementedError) as error:
        raise InputError(f"{name} is not an Excel workbook ({error}). Save the sheet as CSV.") from error
    if unpacked > EXCEL_BYTES:
        raise InputError(
            f"{name} unpacks to {unpacked / 1e6:,.0f} MB; the limit for Excel is {EXCEL_BYTES // 10**6} MB. "
            f"Save the sheet as CSV."
        )


def _sheet(name: str, sheet: Any) -> tuple[tuple[str, ...], list[tuple[int, tuple[Any, ...]]]]:
    sheet.reset_dimensions()  # what the file claims of its size may be wrong
    first = next(sheet.iter_rows(max_row=1, max_col=MAX_COLUMNS + 1, values_only=True), ())
    while first and first[-1] is None:
        first = first[:-1]
    header = _checked_header(name, first)
    rows: list[tuple[int, tuple[Any, ...]]] = []
    for number, cells in enumerate(sheet.iter_rows(min_row=2, max_col=len(header), values_only=True), 2):
        if any(cell is not None and str(cell).strip() for cell in cells):
            rows.append((number, cells + (None,) * (len(header) - len(cells))))
            _check_count(name, len(rows), len(header))
    return header, rows


def _read_parquet(path: Path) -> RawTable:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path) as file:
            header = _checked_header(path.name, file.schema_arrow.names)
            _check_count(path.name, file.metadata.num_rows, len(header))
            size = sum(
                file.metadata.row_group(i).total_byte_size for i in range(file.metadata.num_row_groups)
            )
            if size > 4 * FILE_BYTES:
                raise InputError(f"{path.name} unpacks to more than {4 * FILE_BYTES // 10**6} MB, the limit.")
            cells = [
                row
                for batch in file.iter_batches(batch_size=1000)
                for row in zip(*(column.to_pylist() for column in batch.columns), strict=True)
            ]
    except (OSError, pa.ArrowException) as error:
        raise InputError(
            f"{path.name} cannot be read as Parquet ({_first_line(error)}). Check the file."
        ) from error
    return RawTable(path.name, header, list(enumerate(cells, 1)), place="row")


def _first_line(error: BaseException) -> str:
    return str(error).splitlines()[0].rstrip(". ") if str(error) else type(error).__name__
