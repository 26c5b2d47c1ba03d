"""The store's rows as files for other programs: CSV, JSON lines, Parquet; what is written can be imported.

A cell of a CSV that a spreadsheet would run as a formula gets an apostrophe in front, which the import
takes away again; so the round trip is exact and opening the file is safe.
"""

from __future__ import annotations

import csv
import io
import json
import os
import re
from typing import TYPE_CHECKING, Any

from .errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from .records import Observation, Profile

__all__ = ["export_records", "neutral", "undo_neutral"]

ENDINGS = (".csv", ".jsonl", ".parquet")
_RISKY = re.compile(r"'*[=+\-@\t\r]")
_NEUTRALISED = re.compile(r"'+[=+\-@\t\r]")


def neutral(text: str) -> str:
    """Put an apostrophe before text that a spreadsheet would take for a formula."""
    return f"'{text}" if _RISKY.match(text) else text


def undo_neutral(text: str) -> str:
    """Take away the apostrophe that `neutral` put there."""
    return text[1:] if _NEUTRALISED.match(text) else text


def export_records(records: Sequence[Profile] | Sequence[Observation], path: Path, record: type) -> None:
    """Write records; the ending decides the form, the file appears whole or not at all.

    Args:
        records: what to write.
        path: .csv, .jsonl or .parquet.
        record: their class.

    Raises:
        InputError: for another ending, or a path that cannot be written.
    """
    ending = path.suffix.lower()
    if ending not in ENDINGS:
        raise InputError(f"Cannot write {path.name!r}: the ending must be one of {', '.join(ENDINGS)}.")
    try:
        if ending == ".parquet":
            from .tables import write_table

            write_table(path, records, record)
        else:
            _write_text(path, (_csv_text if ending == ".csv" else _json_lines)(records, record))
    except OSError as error:
        raise InputError(
            f"Cannot write {path}: {error.strerror or error}. Give a path that can be written."
        ) from error


def _write_text(path: Path, text: str) -> None:
    scratch = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        scratch.write_text(text, encoding="utf-8", newline="")
        scratch.replace(path)
    finally:
        scratch.unlink(missing_ok=True)


def _json_lines(records: Sequence[Any], _: type) -> str:
    return "".join(json.dumps(r.as_row(), allow_nan=False) + "\n" for r in records)


def _csv_text(records: Sequence[Any], record: type) -> str:
    from dataclasses import fields

    names = [f.name for f in fields(record)]
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(names)
    for item in records:
        row = item.as_row()
        writer.writerow([_cell(row[name]) for name in names])
    return out.getvalue()


def _cell(value: Any) -> Any:
    if value is None:
        return ""
    if isinstance(value, list | dict):
        return json.dumps(value)
    return neutral(value) if isinstance(value, str) else value
