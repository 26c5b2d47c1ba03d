"""The store: every profile and every result of the user's own, in one SQLite file.

A row is acknowledged once `put_profiles` or `put_observations` returns: it then survives a kill of any
process. Several processes may write at once (write-ahead log, one immediate transaction a call); a row's
key is a hash of all that identifies the measurement, so that putting it again replaces it: the same
command continues where it stopped. Failed measurements are rows too, with `status` and `reason`.

The write-ahead log needs a local disk. On a shared one publish Parquet parts (`data.lake`).
"""

from __future__ import annotations

import contextlib
import json
import os
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Self, TypeVar

from .database import connect, explained
from .errors import InputError, UnknownNameError
from .keys import canonical_text, observation_key, profile_key
from .records import Observation, Profile

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Iterable, Iterator, Mapping

__all__ = ["Problem", "Store", "Written", "default_path", "observation_key", "profile_key"]

FILE_NAME = "runs.db"
Row = dict[str, Any]
MEASURED_TOGETHER = (
    ("peak_memory_bytes", "peak_memory_method", "peak_memory_error", "memory_reserved_bytes"),
    ("latencies_s", "throughput", "noisy", "contended"),
)

R = TypeVar("R", Profile, Observation)


class Written(NamedTuple):
    """What a call wrote: rows that are new, rows that replaced another, rows that changed nothing."""

    added: int
    changed: int
    unchanged: int


class Problem(NamedTuple):
    """One thing that `check` found: the table, the row's key and what is wrong with it."""

    table: str
    key: str
    message: str


def default_path() -> Path:
    """Return where the store lies: in `ARCHIMETER_HOME` where set, else the user's data folder."""
    home = os.environ.get("ARCHIMETER_HOME")
    if home:
        return Path(home).expanduser() / FILE_NAME
    from platformdirs import user_data_path

    return user_data_path("archimeter", appauthor=False) / FILE_NAME


class Store:
    """An open store; use it as a context manager.

    Args:
        path: the file, or a folder that holds `runs.db`; by default `default_path()`.
        create: make the file where there is none.

    Raises:
        InputError: if the file is no store of archimeter's, is damaged, comes from a newer version, cannot
            be opened or written, or does not exist and `create` is false.
    """

    def __init__(self, path: Path | str | None = None, *, create: bool = True) -> None:
        path = default_path() if path is None else Path(path).expanduser()
        self.path = path / FILE_NAME if path.is_dir() else path
        self._lock = threading.RLock()
        self._connection = connect(self.path, create=create)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file; everything that was put is in it already."""
        self._connection.close()

    # -- writing

    def put_profiles(self, profiles: Iterable[Profile]) -> Written:
        """Write profiles, all or none; on return they are safe.

        A profile whose key is there already is merged into that row: what the new one measured replaces the
        old values, what it did not measure stays. A failed one never replaces a good one.
        """
        return self._put("profiles", [(profile_key(p), p.as_row()) for p in profiles], _merged)

    def put_observations(self, observations: Iterable[Observation]) -> Written:
        """Write results, all or none; on return they are safe.

        One whose key is there already replaces that row; one that is not `ok` never replaces one that is.
        """
        return self._put("observations", [(observation_key(o), o.as_row()) for o in observations], _replaced)

    def _put(self, table: str, rows: list[tuple[str, Row]], combine: Callable[[Row, Row], Row]) -> Written:
        counts = {"added": 0, "changed": 0, "unchanged": 0}
        with self._transaction() as connection:
            for key, row in rows:
                found = connection.execute(f"SELECT row FROM {table} WHERE key = ?", (key,)).fetchone()  # noqa: S608
                new = _stated(row) if found is None else combine(self._loaded(key, found[0]), _stated(row))
                text = canonical_text(new)
                outcome = "added" if found is None else "unchanged" if text == found[0] else "changed"
                counts[outcome] += 1
                if outcome != "unchanged":
                    connection.execute(
                        f"INSERT OR REPLACE INTO {table} (key, row, status) VALUES (?, ?, ?)",  # noqa: S608
                        (key, text, new["status"]),
                    )
        return Written(**counts)

    # -- reading

    def has(self, key: str, *, status: str | None = None) -> bool:
        """Say whether a profile or result with this key is there, of any status or of the one given."""
        found = self.status(key)
        return found is not None and status in (None, found)

    def status(self, key: str) -> str | None:
        """Return the status of the row with this key, None where there is no such row."""
        query = (
            "SELECT status FROM profiles WHERE key = :key "
            "UNION ALL SELECT status FROM observations WHERE key = :key"
        )
        found = self._read(query, key=key)
        return found[0][0] if found else None

    def profile(self, key: str) -> Profile | None:
        """Return the profile with this key, None where there is none."""
        found = self._read("SELECT key, row FROM profiles WHERE key = :key", key=key)
        return self._record(Profile, *found[0]) if found else None

    def profiles(self, *, status: str | None = None) -> list[Profile]:
        """Return all profiles, or those of one status, ordered by key."""
        return self._records(Profile, "profiles", status)

    def observations(self, *, status: str | None = None, study: str | None = None) -> list[Observation]:
        """Return all results, or those of one status or one study, ordered by key.

        Raises:
            UnknownNameError: for a study that is not there.
        """
        found = self._records(Observation, "observations", status)
        if study is None:
            return found
        chosen = [observation for observation in found if observation.study == study]
        if not chosen:
            raise UnknownNameError("study", study, {o.study for o in found})
        return chosen

    def identity(self) -> str:
        """Return the random name that this store was given when it was made."""
        return str(self._read("SELECT value FROM about WHERE name = 'id'")[0][0])

    def counts(self) -> dict[str, dict[str, int]]:
        """Return table → status → number of rows."""
        return {
            table: dict(self._read(f"SELECT status, count(*) FROM {table} GROUP BY status ORDER BY status"))  # noqa: S608
            for table in ("profiles", "observations")
        }

    def _records(self, record: type[R], table: str, status: str | None) -> list[R]:
        query = f"SELECT key, row FROM {table} WHERE :status IS NULL OR status = :status ORDER BY key"  # noqa: S608
        return [self._record(record, key, row) for key, row in self._read(query, status=status)]

    def _record(self, record: type[R], key: str, row: str) -> R:
        values = self._loaded(key, row)
        try:
            return record.from_row(values)
        except (ValueError, TypeError) as error:
            raise self._unreadable(key, error) from error

    def _loaded(self, key: str, row: str) -> Row:
        try:
            return dict(json.loads(row))
        except (ValueError, TypeError) as error:
            raise self._unreadable(key, error) from error

    def _unreadable(self, key: str, error: Exception) -> InputError:
        return InputError(
            f"{self.path}: row {key} cannot be read ({error}). Was it written by a newer archimeter, or by "
            f"hand? `archimeter store check` lists every such row."
        )

    # -- care

    def check(self) -> list[Problem]:
        """Verify the file and every row; return what is wrong, nothing where all is well."""
        damage = [Problem("file", "", str(row[0])) for row in self._read("PRAGMA integrity_check")]
        found = [problem for problem in damage if problem.message != "ok"]
        for record, table, key_of in (
            (Profile, "profiles", profile_key),
            (Observation, "observations", observation_key),
        ):
            for key, row in self._read(f"SELECT key, row FROM {table} ORDER BY key"):  # noqa: S608
                try:
                    expected = key_of(self._record(record, key, row))  # pyright: ignore[reportArgumentType]
                except InputError as error:
                    found.append(Problem(table, key, str(error)))
                else:
                    if expected != key:
                        found.append(Problem(table, key, f"the row's own key is {expected}"))
        return found

    def compact(self) -> tuple[int, int]:
        """Rewrite the file without gaps and empty the log; return its size in bytes before and after."""
        before = self.size_bytes()
        with self._lock, explained(self.path):
            self._connection.execute("VACUUM")
            self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        return before, self.size_bytes()

    @property
    def schema_version(self) -> int:
        """The version of the file's schema."""
        return int(self._read("PRAGMA user_version")[0][0])

    def size_bytes(self) -> int:
        """Return what the file and its log take on the disk, in bytes."""
        files = (self.path, self.path.with_name(self.path.name + "-wal"))
        return sum(file.stat().st_size for file in files if file.exists())

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with self._lock, explained(self.path):
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
                self._connection.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise

    def _read(self, query: str, **values: Any) -> list[tuple[Any, ...]]:
        with self._lock, explained(self.path):
            return self._connection.execute(query, values).fetchall()


def _stated(row: Mapping[str, Any]) -> Row:
    return {name: value for name, value in row.items() if value is not None and value not in ([], {})}


def _replaced(old: Row, new: Row) -> Row:
    return old if old.get("status") == "ok" and new.get("status") != "ok" else new


def _merged(old: Row, new: Row) -> Row:
    if old.get("status") != "ok" or new.get("status") != "ok":
        return _replaced(old, new)
    kept = old
    for group in MEASURED_TOGETHER:
        if any(name in new for name in group):
            kept = {name: value for name, value in kept.items() if name not in group}
    return kept | new
