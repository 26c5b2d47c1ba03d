"""A table of labels: one image a row, its labels in one cell or in a column each."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING, Any, NamedTuple

from .errors import InputError

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["LabelTable", "read_labels"]

IMAGES = ("image", "images", "file", "filename", "file_name", "path", "image_path", "image_name", "image_id")
IMAGES_MAYBE = ("img", "name", "id", "fname", "filepath")
LABELS = ("label", "labels", "class", "class_name", "classes", "target", "tags", "category", "species", "y")
SPLIT = ("split", "set", "fold", "subset", "partition", "is_valid")
SEVERAL = ("labels", "classes")
"""Columns whose name speaks of several labels, beside `tags`, which always holds several."""
Row = tuple[str, tuple[str, ...], str]
Cells = list[tuple[str, ...]]


class LabelTable(NamedTuple):
    """Rows as (image, labels, split), and how blanks in the labels were read where that was a guess."""

    rows: list[Row]
    reading: str | None = None


def read_labels(path: Path) -> LabelTable:
    """Read the image, its labels and its split of every row.

    The image's column is called `image`, `file`, `path` … or is the first. Labels stand in one column called
    `label`, `class`, `tags` … (several separated by commas, semicolons or bars, or by blanks where the column
    is called `tags` or the same few words make up its cells), or, where there is none, in one column each
    with 0 and 1. A column `split` tells the split; fastai's `is_valid` does, too.

    Raises:
        InputError: if the file cannot be read, or its columns are none of this.
    """
    names, rows = _table(path)
    if not rows:
        raise InputError(f"{path} has a header but no row.")
    lower = [name.strip().lower() for name in names]
    image = _first(lower, (*IMAGES, *IMAGES_MAYBE), 0)
    split = _first(lower, SPLIT, None)
    label = _first(lower, LABELS, None)
    reading = None
    if label is not None:
        labels, reading = _in_one([row[label] for row in rows], lower[label])
    else:
        others = [i for i in range(len(names)) if i not in (image, split)]
        labels = _in_many(path, names, rows, others)
    valid = split is not None and lower[split] == "is_valid"
    read = [
        (str(row[image]).strip(), own, _split(row[split], valid=valid) if split is not None else "")
        for row, own in zip(rows, labels, strict=True)
    ]
    return LabelTable(read, reading)


def _table(path: Path) -> tuple[list[str], list[list[Any]]]:
    if path.suffix.lower() in (".parquet", ".pq"):
        return _parquet(path)
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            sample = file.read(8192)
            file.seek(0)
            separator = max(",;\t", key=sample.partition("\n")[0].count)
            header, *rows = [row for row in csv.reader(file, delimiter=separator) if row]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(
            f"The labels {path} cannot be read ({error}). Give a CSV in UTF-8, or Parquet."
        ) from error
    except ValueError as error:
        raise InputError(f"{path} is empty; the first line names the columns.") from error
    for number, row in enumerate(rows, start=2):
        if len(row) != len(header):
            raise InputError(f"{path}:{number}: {len(row)} cells, the header has {len(header)} columns.")
    return header, rows


def _parquet(path: Path) -> tuple[list[str], list[list[Any]]]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        table = pq.ParquetFile(path).read()
    except (OSError, pa.ArrowException) as error:
        raise InputError(
            f"The labels {path} cannot be read ({error}). Give a CSV in UTF-8, or Parquet."
        ) from error
    columns = [table[name].to_pylist() for name in table.column_names]
    return table.column_names, [list(row) for row in zip(*columns, strict=True)]


def _first(lower: list[str], names: tuple[str, ...], otherwise: Any) -> Any:
    return next((lower.index(name) for name in names if name in lower), otherwise)


def _in_one(cells: list[Any], column: str) -> tuple[Cells, str | None]:
    """A cell's labels: a list, or text split at the separator that the column uses."""
    if any(isinstance(cell, list | tuple) for cell in cells):
        return [tuple(str(one) for one in (cell or ())) for cell in cells], None
    texts = ["" if cell is None else str(cell).strip() for cell in cells]
    separator = next((mark for mark in ("|", ";", ",") if any(mark in text for text in texts)), None)
    reading = None
    if separator is None and any(" " in text for text in texts):
        separator, reading = _blanks({*texts} - {""}, column)
    if separator is None:
        return [(text,) if text else () for text in texts], reading
    return [tuple(part.strip() for part in text.split(separator) if part.strip()) for text in texts], reading


def _blanks(texts: set[str], column: str) -> tuple[str | None, str | None]:
    """Whether blanks separate labels, and what to say of it where that was a guess.

    They do where fewer words than cells make up all cells: they recur in other company, unlike in
    `polar bear`. Where the column's name speaks of several labels, as many words as cells are few enough.
    """
    if column == "tags":
        return " ", None
    words = {word for text in texts for word in text.split()}
    example = min(text for text in texts if " " in text)
    if len(words) < len(texts) + (column in SEVERAL):
        return " ", (
            f"The column {column} is read as labels apart by blanks, such as {example!r}; if that is one "
            "name, write it with dashes."
        )
    if any(word in texts for text in texts if " " in text for word in text.split()):
        return None, f"{example!r} is read as one name; if it is several labels, call the column tags."
    return None, None


def _in_many(path: Path, names: list[str], rows: list[list[Any]], at: list[int]) -> list[tuple[str, ...]]:
    binary = {"0", "1", "0.0", "1.0", "true", "false", ""}
    flags = [i for i in at if all(_text(row[i]) in binary for row in rows)]
    if not flags:
        raise InputError(
            f"{path} has no column of labels: it has {', '.join(names)}. Call it label (or class, target, "
            "tags), or give one column of 0 and 1 per label."
        )
    yes = {"1", "1.0", "true"}
    return [tuple(names[i].strip() for i in flags if _text(row[i]) in yes) for row in rows]


def _text(cell: Any) -> str:
    return "" if cell is None else str(cell).strip().lower()


def _split(cell: Any, *, valid: bool) -> str:
    if valid:
        return "val" if _text(cell) in ("1", "1.0", "true") else "train"
    return "" if cell is None else str(cell).strip()
