"""Results at scale: a folder of Parquet parts on a shared disk or an object store, read lazily.

Every writer adds parts of its own, and each appears at once (a hidden file, then a rename), so many may
write while others read. A part carries a short hash of each row's key: a result that two parts hold counts
once. Reading streams: memory grows with the number of groups asked for, not with the number of results.

Any other tool reads the parts, too: `SELECT dataset, avg(error) FROM 'DIR/observations/*.parquet' GROUP BY 1`
is all that DuckDB needs.
"""

from __future__ import annotations

import math
import uuid
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
import pyarrow.fs as pafs
import pyarrow.parquet as pq

from .errors import InputError, UnknownNameError
from .keys import observation_key, profile_key
from .records import Observation, Profile
from .tables import arrow_of, schema_of, to_frame

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    import pandas as pd

    from .store import Store

__all__ = ["Lake", "Summary", "publish_store", "write_part"]

KEY = "key"
BATCH_ROWS = 1 << 18
MERGE_ROWS = 1 << 19
CELL = (
    "study",
    "dataset",
    "backbone",
    "weights",
    "published_name",
    "match",
    "pretraining",
    "recipe",
    "recipe_detail",
    "epochs",
    "learning_rate",
    "pooling",
    "resolution",
    "n_train",
    "metric",
)
GOOD = (pc.field("status") == "ok") & pc.field("error").is_valid()
MEASURES = (("error", "count"), ("error", "sum"), ("square", "sum"), ("error", "min"), ("error", "max"))


class Summary(NamedTuple):
    """Groups of results with their spread.

    Args:
        frame: the `by` columns, then `n`, `error_mean`, `error_sd` (NaN for one), `error_min`, `error_max`.
        rows: results read. repeated: of these, left out because an earlier part holds them.
        not_ok: left out because they are not `ok`. unmatched: results whose backbone has no profile.
    """

    frame: pd.DataFrame
    rows: int
    repeated: int
    not_ok: int
    unmatched: int


def write_part(folder: Path | str, records: Iterable[Any], record: type, name: str | None = None) -> int:
    """Add one part with these records; return how many.

    Args:
        folder: a path, or a URI that pyarrow opens (`s3://bucket/results`).
        records: profiles or observations.
        record: their class.
        name: the part's name; one of the same name is replaced. Random by default.

    Raises:
        InputError: if the folder cannot be written.
    """
    key_of = profile_key if record is Profile else observation_key
    rows = list(records)
    table = arrow_of(rows, record)
    short = [int.from_bytes(bytes.fromhex(key_of(row)[:16]), "big", signed=True) for row in rows]
    write_table_part(folder, table.append_column(KEY, pa.array(short, pa.int64())), record, name)
    return len(rows)


def write_table_part(folder: Path | str, table: pa.Table, record: type, name: str | None = None) -> None:
    """Add one part from an Arrow table with the record's columns and, where known, `key`."""
    filesystem, base = _located(folder)
    inside = f"{base}/{_room(record)}"
    final = f"{inside}/part-{name or uuid.uuid4().hex}.parquet"
    scratch = f"{inside}/.{uuid.uuid4().hex}"
    try:
        filesystem.create_dir(inside, recursive=True)
        pq.write_table(table, scratch, filesystem=filesystem, compression="zstd")
        filesystem.move(scratch, final)
    except (OSError, pa.ArrowException) as error:
        raise InputError(f"Cannot write the part {final}: {_first_line(error)}. Check the folder.") from error


def publish_store(store: Store, folder: Path | str) -> dict[str, int]:
    """Write all rows of a store as its parts, in place of those it wrote before; return rows per record."""
    name = store.identity()
    return {
        "profiles": write_part(folder, store.profiles(), Profile, name),
        "observations": write_part(folder, store.observations(), Observation, name),
    }


def _room(record: type) -> str:
    return "profiles" if record is Profile else "observations"


def _located(folder: Path | str) -> tuple[pafs.FileSystem, str]:
    text = str(folder)
    try:
        if "://" in text:
            filesystem, base = pafs.FileSystem.from_uri(text)
            return filesystem, base.rstrip("/")
    except (OSError, ValueError, pa.ArrowException) as error:
        raise InputError(f"Cannot open {text!r}: {_first_line(error)}. Give a folder or a URI.") from error
    return pafs.LocalFileSystem(), str(Path(text).expanduser())


def _first_line(error: BaseException) -> str:
    return str(error).splitlines()[0].rstrip(". ") if str(error) else type(error).__name__


@dataclass(frozen=True)
class Lake:
    """The results in a folder of parts.

    Args:
        folder: a path or URI that holds `observations/` (and `profiles/`), or the parts themselves.
    """

    folder: Path | str

    @cached_property
    def dataset(self) -> ds.Dataset:
        """The parts as one lazy table.

        Raises:
            InputError: if there is no part, one cannot be read, or they hold no results.
        """
        filesystem, base = _located(self.folder)
        inside = f"{base}/observations"
        try:
            nested = filesystem.get_file_info(inside).type == pafs.FileType.Directory
            found = ds.dataset(inside if nested else base, filesystem=filesystem, format="parquet")
        except (OSError, ValueError, pa.ArrowException) as error:
            raise InputError(f"Cannot read the parts in {self.folder}: {_first_line(error)}.") from error
        missing = {"dataset", "backbone", "error", "status"} - set(found.schema.names)
        if missing:
            raise InputError(
                f"{self.folder} holds no results: column {min(missing)!r} is missing. Give a folder that "
                f"`archimeter store publish` wrote."
            )
        return found

    def rows(self) -> int:
        """Return how many rows the parts hold, repeated ones included."""
        return self.dataset.count_rows()

    def frame(self) -> pd.DataFrame:
        """Return all rows, each once, as a frame of Observation's columns; for as many as fit in memory."""
        schema = schema_of(Observation)
        keep = [name for name in schema.names if name in self.dataset.schema.names]
        batches = [batch.select(keep) for batch, _ in self._batches([*keep, *self._key])]
        columns = pa.Table.from_batches(batches, schema=self._projected(keep))
        for column in schema:
            if column.name not in keep:
                columns = columns.append_column(column.name, pa.nulls(len(columns), column.type))
        return to_frame(columns.select(schema.names).cast(_nullable(schema)))

    def cells(self) -> pd.DataFrame:
        """Return one row per setting (study, data set, weights, recipe …): the mean error over its runs.

        Returns:
            Observation's columns: `error` the mean, `error_sd`, `n_replicates`; `replicate` is empty.
        """
        by = [name for name in CELL if name in self.dataset.schema.names]
        frame = self.summarise(by).frame
        means = frame[by].assign(
            error=frame["error_mean"], error_sd=frame["error_sd"], n_replicates=frame["n"], status="ok"
        )
        complete = means.reindex(columns=schema_of(Observation).names)
        schema = _nullable(schema_of(Observation))
        return to_frame(pa.Table.from_pandas(complete, schema, preserve_index=False))

    def summarise(self, by: Sequence[str], profiles: pd.DataFrame | None = None) -> Summary:
        """Group the `ok` results, joined with profiles, without holding them.

        Args:
            by: columns of the results or of `profiles`.
            profiles: one row per `backbone`; its other columns are joined to every result.

        Raises:
            UnknownNameError: for a column that neither side has.
            InputError: if `profiles` has a backbone twice.
        """
        side = None if profiles is None else _side(profiles, by)
        known = [*self.dataset.schema.names, *([] if side is None else side.column_names)]
        for name in by:
            if name not in known:
                raise UnknownNameError("column", name, known)
        own = [name for name in by if name in self.dataset.schema.names]
        keys = own if side is None else list(dict.fromkeys([*own, "backbone"]))
        needed = list(dict.fromkeys([*keys, "error", "status", *self._key]))
        rows = repeated = good = 0
        partials: list[pa.Table] = []
        for batch, left_out in self._batches(needed):
            ok = pa.Table.from_batches([batch]).filter(GOOD)
            rows, repeated, good = rows + len(batch) + left_out, repeated + left_out, good + len(ok)
            partials.append(_grouped(ok, keys))
            if sum(map(len, partials)) > MERGE_ROWS:
                partials = [_merged(partials, keys)]
        groups = _merged(partials, keys)
        unmatched = 0
        if side is not None:
            # many results to one profile: joining their groups gives the same as joining each of them
            groups = groups.join(side, "backbone", join_type="left outer")
            unmatched = sum(groups.filter(~pc.field("_matched").is_valid())["error_count"].to_pylist())
            groups = _merged([groups], by)
        return Summary(_spread(groups, by), rows, repeated, rows - repeated - good, unmatched)

    @cached_property
    def _key(self) -> list[str]:
        return [KEY] if KEY in self.dataset.schema.names else []

    def _projected(self, names: Sequence[str]) -> pa.Schema:
        return pa.schema([self.dataset.schema.field(name) for name in names])

    def _scan(self, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
        try:
            yield from self.dataset.to_batches(
                columns=list(columns), batch_size=BATCH_ROWS, batch_readahead=2, fragment_readahead=1
            )
        except (OSError, pa.ArrowException) as error:
            raise InputError(
                f"A part in {self.folder} is damaged: {_first_line(error)}. Write it again."
            ) from error

    def _batches(self, columns: Sequence[str]) -> Iterator[tuple[pa.RecordBatch, int]]:
        """Yield batches without the rows that an earlier one held, and how many those were."""
        seen = self._first_places() if self._key else None
        start = 0
        for batch in self._scan(columns):
            kept = batch
            if seen is not None:
                kept = batch.filter(pa.array(seen[start : start + len(batch)]))
            start += len(batch)
            yield kept, len(batch) - len(kept)

    def _first_places(self) -> np.ndarray[Any, np.dtype[np.bool_]] | None:
        keys = [batch.column(0).to_numpy(zero_copy_only=False) for batch in self._scan([KEY])]
        if not keys:
            return None
        joined = np.concatenate(keys)
        ordered = np.sort(joined)
        if not (ordered[1:] == ordered[:-1]).any():
            return None
        order = np.argsort(joined, kind="stable")
        again = joined[order[1:]] == joined[order[:-1]]
        first = np.ones(len(joined), dtype=bool)
        first[order[1:][again]] = False
        return first


def _side(profiles: pd.DataFrame, by: Sequence[str]) -> pa.Table:
    twice = profiles["backbone"][profiles["backbone"].duplicated()]
    if len(twice):
        raise InputError(f"The profiles hold {twice.iloc[0]!r} twice; one row per backbone can be joined.")
    columns = ["backbone", *(name for name in by if name in profiles.columns and name != "backbone")]
    table = pa.Table.from_pandas(profiles[columns], preserve_index=False)
    place = table.schema.get_field_index("backbone")
    table = table.set_column(place, "backbone", table["backbone"].cast(pa.string()))
    return table.append_column("_matched", pa.array(np.ones(len(table), dtype=np.int64)))


def _grouped(table: pa.Table, by: Sequence[str]) -> pa.Table:
    squares = table.append_column("square", pc.call_function("multiply", [table["error"], table["error"]]))
    return squares.group_by(list(by), use_threads=False).aggregate(list(MEASURES))


def _merged(partials: Sequence[pa.Table], by: Sequence[str]) -> pa.Table:
    how = {"count": "sum", "sum": "sum", "min": "min", "max": "max"}
    columns = [(f"{name}_{measure}", how[measure]) for name, measure in MEASURES]
    table = pa.concat_tables(partials).group_by(list(by), use_threads=False).aggregate(columns)
    names = {f"{column}_{merge}": column for column, merge in columns}
    return table.rename_columns([names.get(name, name) for name in table.column_names])


def _spread(table: pa.Table, by: Sequence[str]) -> pd.DataFrame:
    frame = table.to_pandas()
    n, total, squares = frame["error_count"], frame["error_sum"], frame["square_sum"]
    variance = (squares - total * total / n).clip(lower=0) / (n - 1).where(n > 1, math.nan)
    out = frame[list(by)].assign(
        n=n,
        error_mean=total / n,
        error_sd=np.sqrt(variance),
        error_min=frame["error_min"],
        error_max=frame["error_max"],
    )
    return out.sort_values(list(by), ignore_index=True)


def _nullable(schema: pa.Schema) -> pa.Schema:
    return pa.schema([column.with_nullable(True) for column in schema])
