"""The tables that ship with the package: how they are written, read, listed and verified.

A table is Parquet whose schema follows from a record's annotations, so the same rows give the same
bytes under one pyarrow version (the version is part of the file, and stands in the manifest).

In a frame every column is a record's field. Counts that may be missing are floats with NaN, exact up
to 2**53, because numpy, scipy and statsmodels read them as they are; counts that are always there are
int64; flags that may be missing are objects (True, False, None); nested fields are JSON text.
`Record.from_row` takes such a row back.
"""

from __future__ import annotations

import hashlib
import json
import os
import types
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Union, get_args, get_origin, get_type_hints

import pyarrow as pa
import pyarrow.parquet as pq

from .errors import InputError, UnknownNameError

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "TABLES",
    "TableEntry",
    "arrow_of",
    "load_benchmarks",
    "load_datasets",
    "load_memory",
    "load_observations",
    "load_profiles",
    "load_rows",
    "load_table",
    "load_weights",
    "manifest",
    "publish",
    "read_table",
    "schema_of",
    "to_frame",
    "verify",
    "write_table",
]

TABLES = Path(__file__).parent / "tables"
MANIFEST = "manifest.json"
REMEDY = "Reinstall archimeter, or rebuild the tables with `python -m archimeter.data.build RAW_DIR`."


@dataclass(frozen=True, slots=True, kw_only=True)
class TableEntry:
    """What the manifest says of one shipped table.

    Identity: table (file stem), record (what a row is: `Profile`, `Observation`, `Dataset` …),
    study (key of the observations; None for other tables), title.
    Source: repository, commit, path (files inside it), licence, citation (with arXiv or DOI where known).
    Contents: rows_are, notes (traps of the raw data and what was done), built_by (source module),
    rows, rows_by_status, sha256 (of the file).
    """

    table: str
    record: str
    title: str
    rows_are: str
    built_by: str
    study: str | None = None
    repository: str | None = None
    commit: str | None = None
    path: str | None = None
    licence: str | None = None
    citation: str | None = None
    notes: tuple[str, ...] = ()
    rows: int = 0
    rows_by_status: Mapping[str, int] = field(default_factory=dict)
    sha256: str = ""

    @property
    def file(self) -> str:
        """Name of the table's file in the tables' folder."""
        return f"{self.table}.parquet"


def write_table(path: Path, rows: Iterable[Any], record: type) -> None:
    """Write rows as Parquet, in their order; the same rows give the same bytes.

    The file appears at once or not at all, so a reader never sees half a table.

    Args:
        path: where to; an existing file is replaced.
        rows: records, or mappings keyed by the record's fields (missing fields are null).
        record: the dataclass whose annotations are the schema.

    Raises:
        InputError: if a row does not fit the record, with the row's number.
    """
    table = arrow_of(rows, record)
    scratch = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        pq.write_table(
            table,
            scratch,
            compression="zstd",
            compression_level=19,
            write_page_checksum=True,
            store_schema=False,  # nothing of the writer beyond Parquet's own schema
        )
        scratch.replace(path)
    finally:
        scratch.unlink(missing_ok=True)


def read_table(path: Path) -> pd.DataFrame:
    """Read a table that `write_table` wrote into a frame (dtypes: see the module).

    Raises:
        InputError: if the file is missing, damaged or no Parquet.
    """
    return _to_frame(_parse(_content(path), path))


def arrow_of(rows: Iterable[Any], record: type) -> pa.Table:
    """Return records as the Arrow table that `write_table` writes.

    Raises:
        InputError: if a row does not fit the record, with the row's number.
    """
    schema = _schema(record)
    return pa.table(_columns(rows, schema, record.__name__), schema=schema)


def to_frame(table: pa.Table) -> pd.DataFrame:
    """Return a record's Arrow table as a frame with the dtypes that reading its file gives."""
    return _to_frame(table)


def schema_of(record: type) -> pa.Schema:
    """Return the columns of a record's table."""
    return _schema(record)


def manifest(folder: Path = TABLES) -> list[TableEntry]:
    """Return what is known of every shipped table, sorted by name.

    Raises:
        InputError: if the manifest is missing or damaged.
    """
    path = folder / MANIFEST
    try:
        entries = json.loads(path.read_text(encoding="utf-8"))["tables"]
        return [TableEntry(**{**entry, "notes": tuple(entry["notes"])}) for entry in entries]
    except OSError as error:
        raise InputError(f"The tables' manifest {path} cannot be read: {error.strerror}. {REMEDY}") from error
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(f"The tables' manifest {path} is damaged ({error}). {REMEDY}") from error


def publish(entry: TableEntry, rows: Iterable[Any], record: type, folder: Path = TABLES) -> TableEntry:
    """Write a table into the folder and its line into the manifest; other lines stay as they are.

    Args:
        entry: what the source says of itself; rows, rows_by_status and sha256 are filled in here.
        rows: records, or mappings keyed by the record's fields.
        record: the dataclass whose annotations are the schema.
        folder: where the tables lie.

    Returns:
        The entry as it now stands in the manifest.
    """
    if entry.record != record.__name__:
        raise InputError(f"Table {entry.table!r} says its rows are {entry.record}, not {record.__name__}.")
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / entry.file
    write_table(path, rows, record)
    content = _content(path)
    written = _parse(content, path)
    statuses = Counter(written["status"].to_pylist()) if "status" in written.column_names else Counter()
    entry = replace(
        entry,
        rows=written.num_rows,
        rows_by_status=dict(sorted(statuses.items())),
        sha256=hashlib.sha256(content).hexdigest(),
    )
    others = [e for e in manifest(folder) if e.table != entry.table] if (folder / MANIFEST).exists() else []
    document = {
        "pyarrow": pa.__version__,
        "tables": [asdict(e) for e in sorted([*others, entry], key=lambda e: e.table)],
    }
    scratch = folder / f".{MANIFEST}.{os.getpid()}"
    scratch.write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    scratch.replace(folder / MANIFEST)
    return entry


def verify(folder: Path = TABLES) -> dict[str, str]:
    """Compare every shipped table with its hash in the manifest.

    Returns:
        Per table that is not as shipped, what is wrong with it; empty when all is well.
    """
    problems = {}
    for entry in manifest(folder):
        try:
            _shipped(entry, folder)
        except InputError as error:
            problems[entry.table] = str(error)
    return problems


def load_profiles(folder: Path = TABLES) -> pd.DataFrame:
    """Static profiles of every timm architecture at its default size, one row each."""
    return load_table("profiles", folder)


def load_benchmarks(folder: Path = TABLES) -> pd.DataFrame:
    """Published speeds: `Profile` rows with source `published`, one per model, size and device setting."""
    return load_table("benchmarks", folder)


def load_weights(folder: Path = TABLES) -> pd.DataFrame:
    """Every pretrained weights name of timm with its architecture, pretraining and licence."""
    return load_table("weights", folder)


def load_memory(folder: Path = TABLES) -> pd.DataFrame:
    """Predicted peak memory of every timm architecture as a line in the batch: see `data.memory`."""
    return load_table("memory", folder)


def load_datasets(folder: Path = TABLES) -> pd.DataFrame:
    """The target data sets, one row each, blank where no source states the figure."""
    return load_table("datasets", folder)


def load_observations(studies: str | Iterable[str] | None = None, folder: Path = TABLES) -> pd.DataFrame:
    """Results of the shipped studies, all rows (also those that are not `ok`).

    Metrics, recipes and scales differ between studies: compare within a study.

    Args:
        studies: which studies, by key; all when None.
        folder: where the tables lie.

    Raises:
        UnknownNameError: for a study that is not shipped.
    """
    entries = {e.study: e for e in manifest(folder) if e.record == "Observation" and e.study}
    wanted = list(entries) if studies is None else [studies] if isinstance(studies, str) else list(studies)
    for study in wanted:
        if study not in entries:
            raise UnknownNameError("study", study, entries, "`archimeter tables` lists them.")
    if not wanted:
        raise InputError(f"No study was named. Known: {', '.join(sorted(entries))}.")
    return _to_frame(pa.concat_tables([_shipped(entries[study], folder) for study in wanted]))


def load_table(table: str, folder: Path = TABLES) -> pd.DataFrame:
    """Any shipped table by its name in the manifest.

    Raises:
        UnknownNameError: for a table that is not shipped.
        InputError: if it is missing or damaged.
    """
    return _to_frame(_named(table, folder))


def load_rows(table: str, folder: Path = TABLES) -> list[dict[str, Any]]:
    """Any shipped table as plain rows: missing is None, counts are ints, nested fields are what they hold."""
    arrow = _named(table, folder)
    columns = {name: arrow[name].to_pylist() for name in arrow.column_names}
    for name, values in columns.items():
        if values and all(isinstance(v, str) and v[:1] in {"[", "{"} for v in values):
            columns[name] = [json.loads(v) for v in values]
    return [dict(zip(columns, cells, strict=True)) for cells in zip(*columns.values(), strict=True)]


def _named(table: str, folder: Path) -> pa.Table:
    entries = {e.table: e for e in manifest(folder)}
    if table not in entries:
        raise UnknownNameError("table", table, entries, "`archimeter tables` lists them.")
    return _shipped(entries[table], folder)


def _shipped(entry: TableEntry, folder: Path) -> pa.Table:
    path = folder / entry.file
    content = _content(path)
    if hashlib.sha256(content).hexdigest() != entry.sha256:
        raise InputError(f"{path} is not the file that was shipped (its SHA-256 differs). {REMEDY}")
    return _parse(content, path)


def _schema(record: type) -> pa.Schema:
    hints = get_type_hints(record)
    columns = []
    for f in fields(record):
        kinds = get_args(hints[f.name]) if _is_union(hints[f.name]) else (hints[f.name],)
        kind = next(k for k in kinds if k is not types.NoneType)
        columns.append(pa.field(f.name, _arrow_type(kind), nullable=types.NoneType in kinds))
    return pa.schema(columns)


def _is_union(hint: Any) -> bool:
    return get_origin(hint) in {Union, types.UnionType}


def _arrow_type(kind: Any) -> pa.DataType:
    plain = {int: pa.int64(), float: pa.float64(), bool: pa.bool_()}
    return plain.get(kind, pa.string())  # text, literals, and nested values as JSON text


def _columns(rows: Iterable[Any], schema: pa.Schema, record: str) -> dict[str, pa.Array]:
    values: dict[str, list[Any]] = {name: [] for name in schema.names}
    for number, row in enumerate(rows):
        flat = row if isinstance(row, Mapping) else row.as_row()
        unknown = [key for key in flat if key not in values]
        if unknown:
            raise InputError(f"Row {number}: {record} has no field {unknown[0]!r}.")
        for name, column in values.items():
            column.append(_cell(flat.get(name)))
    return {name: _array(column, schema.field(name), record) for name, column in values.items()}


def _cell(value: Any) -> Any:
    if isinstance(value, Mapping | list | tuple):
        return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return value


def _array(column: list[Any], column_field: pa.Field, record: str) -> pa.Array:
    try:
        array = pa.array(column, type=column_field.type)
    except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
        raise InputError(f"{record}.{column_field.name}: {error}") from error
    if array.null_count and not column_field.nullable:
        raise InputError(f"Row {column.index(None)}: {record}.{column_field.name} is missing.")
    return array


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError as error:
        raise InputError(f"The table {path} is missing. {REMEDY}") from error
    except OSError as error:
        raise InputError(f"The table {path} cannot be read: {error.strerror}. {REMEDY}") from error


def _parse(content: bytes, path: Path) -> pa.Table:
    try:
        return pq.ParquetFile(pa.BufferReader(content), page_checksum_verification=True).read()
    except (OSError, pa.ArrowException) as error:
        raise InputError(f"The table {path} is damaged ({_first_line(error)}). {REMEDY}") from error


def _first_line(error: BaseException) -> str:
    return str(error).splitlines()[0].rstrip(". ") if str(error) else type(error).__name__


def _to_frame(table: pa.Table) -> pd.DataFrame:
    flags = []
    for place, column in enumerate(table.schema):
        if column.nullable and pa.types.is_integer(column.type):
            # in Arrow, because a frame's astype copies column by column
            table = table.set_column(place, column.name, table[place].cast(pa.float64(), safe=False))
        elif column.nullable and pa.types.is_boolean(column.type):
            flags.append(column.name)
    frame = table.to_pandas()
    for name in flags:
        frame[name] = frame[name].astype(object)
    return frame
