"""`archimeter store`: look at, verify, compact and publish the store of one's own results."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .render import Column, CsvFlag, JsonFlag, OutputFile, emit, note, plain, si

if TYPE_CHECKING:
    from ..data.store import Store

__all__ = ["StoreOption", "open_store", "store"]

StoreOption = Annotated[
    Path | None,
    typer.Option(
        "--store",
        help="The store's file; by default runs.db in ARCHIMETER_HOME, else in your data folder.",
        show_default=False,
    ),
]

Folder = Annotated[
    str, typer.Argument(help="A folder, or a URI such as s3://bucket/results.", show_default=False)
]

store = typer.Typer(help="Your own results: where they lie and how they are.", no_args_is_help=True)


def open_store(path: Path | None, *, create: bool = False) -> Store:
    """Open the store that the command's --store names."""
    from ..data.store import Store

    return Store(path, create=create)


@store.command()
def info(
    *,
    store_path: StoreOption = None,
    as_json: JsonFlag = False,
    as_csv: CsvFlag = False,
    output: OutputFile = None,
) -> None:
    """Say where the store lies, how large it is and what it holds.

    Example: archimeter store info
    """
    with open_store(store_path) as opened:
        counts = opened.counts()
        rows = [
            {"table": table, "status": status, "rows": number}
            for table, by_status in counts.items()
            for status, number in by_status.items()
        ]
        place = {
            "path": str(opened.path),
            "bytes": opened.size_bytes(),
            "schema_version": opened.schema_version,
        }
    columns = [
        Column("table", "table", right=False),
        Column("status", "status", right=False),
        Column("rows", "rows"),
    ]
    document = {**place, "tables": rows}
    emit(rows, columns, as_json=as_json, as_csv=as_csv, output=output, document=document)
    note(f"{place['path']}: {si()(place['bytes'])}B, schema {place['schema_version']}")


@store.command()
def check(*, store_path: StoreOption = None, as_json: JsonFlag = False, as_csv: CsvFlag = False) -> None:
    """Verify the file and every row; exit with 1 where something is wrong.

    Example: archimeter store check
    """
    with open_store(store_path) as opened:
        found = [problem._asdict() for problem in opened.check()]
        where = opened.path
    columns = [Column(name, name, plain(), right=False) for name in ("table", "key", "message")]
    if found or as_json or as_csv:
        emit(found, columns, as_json=as_json, as_csv=as_csv)
    note(f"{where}: {f'problems: {len(found)}' if found else 'all is well'}")
    if found:
        raise typer.Exit(1)


@store.command()
def compact(*, store_path: StoreOption = None) -> None:
    """Rewrite the file without gaps.

    Example: archimeter store compact
    """
    with open_store(store_path) as opened:
        before, after = opened.compact()
        note(f"{opened.path}: {si()(before)}B before, {si()(after)}B now")


@store.command()
def publish(
    *,
    folder: Folder,
    store_path: StoreOption = None,
) -> None:
    """Write all rows as Parquet parts for others to read, replacing this store's earlier ones.

    Example: archimeter store publish /shared/results
    """
    from ..data.lake import publish_store

    with open_store(store_path) as opened:
        written = publish_store(opened, folder)
    note(f"{written['profiles']} profiles and {written['observations']} results are in {folder}")
