"""The store's file: opening, creating, migrating it, and saying plainly why it cannot be used."""

from __future__ import annotations

import contextlib
import sqlite3
import time
from typing import TYPE_CHECKING

from .errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

__all__ = ["APPLICATION_ID", "MIGRATIONS", "SCHEMA_VERSION", "connect", "explained"]

APPLICATION_ID = 0x41524348  # "ARCH" in the header of the file tells our stores from other databases
SCHEMA_VERSION = 3
BUSY_SECONDS = 30.0
MAGIC = b"SQLite format 3\0"
FOREIGN = "this file is no store of archimeter's. Give another path with --store."

_V1 = (
    "CREATE TABLE profiles (key TEXT PRIMARY KEY, row TEXT NOT NULL) WITHOUT ROWID",
    "CREATE TABLE observations (key TEXT PRIMARY KEY, row TEXT NOT NULL) WITHOUT ROWID",
)
_V2 = (
    "ALTER TABLE profiles ADD COLUMN status TEXT NOT NULL DEFAULT 'ok'",
    "ALTER TABLE observations ADD COLUMN status TEXT NOT NULL DEFAULT 'ok'",
    "UPDATE profiles SET status = coalesce(json_extract(row, '$.status'), 'ok')",
    "UPDATE observations SET status = coalesce(json_extract(row, '$.status'), 'ok')",
    "CREATE INDEX profiles_by_status ON profiles (status)",
    "CREATE INDEX observations_by_status ON observations (status)",
)
_V3 = (
    "CREATE TABLE about (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID",
    "INSERT INTO about VALUES ('id', lower(hex(randomblob(8))))",  # tells this store's parts from others'
)
MIGRATIONS: Mapping[int, tuple[str, ...]] = {1: _V1, 2: _V2, 3: _V3}
"""The statements that lead to each schema version from the one before it."""


def connect(path: Path, *, create: bool) -> sqlite3.Connection:
    """Open the store at `path`, bring it to today's schema, and return the connection.

    Raises:
        InputError: see `Store`.
    """
    if not create and not path.exists():
        raise InputError(f"There is no store at {path}. Nothing was put there yet, or --store is wrong.")
    with explained(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        _refuse_other_files(path)
        connection = sqlite3.connect(
            path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False
        )
        try:
            _patiently(lambda: _prepare(connection, path))
        except BaseException:
            connection.close()
            raise
    return connection


def _refuse_other_files(path: Path) -> None:
    # SQLite takes a file shorter than its header for a new database, and writes over it
    if path.exists():
        with path.open("rb") as file:
            start = file.read(len(MAGIC))
        if start and start != MAGIC:
            raise InputError(f"{path}: {FOREIGN}")


def _prepare(connection: sqlite3.Connection, path: Path) -> None:
    _refuse_foreign(connection, path)
    mode = connection.execute("PRAGMA journal_mode = WAL").fetchone()[0]
    if mode != "wal":
        raise InputError(
            f"{path} lies on a disk without shared memory (journal mode {mode!r}). Put the store on a local "
            f"disk (--store, ARCHIMETER_HOME) and publish Parquet with `archimeter store publish`."
        )
    connection.execute("PRAGMA synchronous = NORMAL")
    if connection.execute("PRAGMA user_version").fetchone()[0] != SCHEMA_VERSION:
        _migrate(connection)


def _migrate(connection: sqlite3.Connection) -> None:
    connection.execute("BEGIN IMMEDIATE")
    try:
        version = connection.execute("PRAGMA user_version").fetchone()[0]  # another may have been faster
        for step in range(version + 1, SCHEMA_VERSION + 1):
            for statement in MIGRATIONS[step]:
                connection.execute(statement)
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
        connection.execute("COMMIT")
    except BaseException:
        connection.execute("ROLLBACK")
        raise


def _refuse_foreign(connection: sqlite3.Connection, path: Path) -> None:
    # one statement, so one snapshot: another process may be creating the very tables
    application, version, tables = connection.execute(
        "SELECT a.application_id, v.user_version, (SELECT count(*) FROM sqlite_master) "
        "FROM pragma_application_id AS a, pragma_user_version AS v"
    ).fetchone()
    if application != APPLICATION_ID and (application or version or tables):
        raise InputError(
            f"{path} is a database, but not a store of archimeter's. Give another path with --store."
        )
    if version > SCHEMA_VERSION:
        raise InputError(
            f"{path} has schema version {version}; this archimeter reads up to {SCHEMA_VERSION}. "
            f"Upgrade archimeter, or give another path with --store."
        )


def _patiently(attempt: Callable[[], None]) -> None:
    """Repeat while another process prepares the same new file: turning the log on ignores the timeout."""
    deadline = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            return attempt()
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > deadline:
                raise
            time.sleep(0.01)


@contextlib.contextmanager
def explained(path: Path) -> Iterator[None]:
    """Turn what SQLite or the system says into one clear InputError that names the file."""
    try:
        yield
    except sqlite3.Error as error:
        raise InputError(f"{path}: {_explanation(error)}") from error
    except OSError as error:
        raise InputError(
            f"{path}: {error.strerror or error}. Give a path that can be written with --store."
        ) from error


def _explanation(error: sqlite3.Error) -> str:
    text = str(error)
    if "not a database" in text:
        return FOREIGN
    if "malformed" in text or "corrupt" in text or "disk I/O" in text:
        return (
            f"the store is damaged ({text}). Move it away and restore a copy, or save what is left with "
            f"`sqlite3 FILE .recover`."
        )
    if "locked" in text or "busy" in text:
        return f"another process has kept the store locked for {BUSY_SECONDS:.0f} s. End it, then try again."
    if "readonly" in text or "unable to open" in text:
        return f"the store cannot be opened for writing ({text}). Give another path with --store."
    if "full" in text:
        return "the disk is full; nothing of this call was written. Free some space, then try again."
    return f"the store cannot be used ({text}). `archimeter store check` says more."
