"""`archimeter import` and `archimeter export`: the user's own results, in and out."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..data.errors import InputError
from .render import Column, JsonFlag, emit, note, percent, plain
from .store import StoreOption, open_store

if TYPE_CHECKING:
    from ..data.importing import Import

__all__ = ["export_results", "import_results"]

PREVIEW_ROWS = 10
SHOWN_COLUMNS = 20
InFile = Annotated[
    Path, typer.Argument(help="CSV, Excel, Parquet, JSON or JSON lines, plain or .gz.", show_default=False)
]
OutFile = Annotated[Path, typer.Argument(help="Where to: .csv, .jsonl or .parquet.", show_default=False)]


def import_results(
    *,
    file: InFile,
    columns: Annotated[
        list[str] | None,
        typer.Option("--map", help="COLUMN=FIELD where the guess is wrong: --map val_score=accuracy."),
    ] = None,
    constants: Annotated[
        list[str] | None,
        typer.Option("--set", help="FIELD=VALUE for every row: --set dataset=pets."),
    ] = None,
    study: Annotated[str | None, typer.Option(help="What to call these results.", show_default=False)] = None,
    unit: Annotated[
        str | None,
        typer.Option(help="percent or fraction, where the figures do not say.", show_default=False),
    ] = None,
    keep_unknown: Annotated[
        bool, typer.Option("--keep-unknown", help="Take backbones that timm does not know as they stand.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would be imported; write nothing.")
    ] = False,
    store_path: StoreOption = None,
    as_json: JsonFlag = False,
) -> None:
    """Take your own results in: every row, or none and a list of what is wrong.

    Examples: archimeter import results.csv
    archimeter import wandb_export.csv --set dataset=pets --study sweep-1 --dry-run
    """
    from ..data import importing
    from ..data.results import known_names

    read = importing.read_results(
        file,
        columns=_pairs(columns, "--map", "COLUMN=FIELD"),
        constants=_pairs(constants, "--set", "FIELD=VALUE"),
        study=study,
        unit=importing.checked_unit(unit),
        keep_unknown=keep_unknown,
        known=known_names(store_path),
    )
    _say(read)
    if not dry_run:
        with open_store(store_path, create=True) as opened:
            read = importing.stored(read, opened)
            where = opened.path
        assert read.written is not None
        added, changed, unchanged = read.written
        note(f"{added} added, {changed} changed, {unchanged} as they were: study {read.study} in {where}")
    if dry_run or as_json:
        _preview(read, as_json=as_json)
    if dry_run:
        note(f"{len(read.observations)} rows would be imported as study {read.study}; nothing was written.")


def _pairs(given: list[str] | None, option: str, form: str) -> dict[str, str]:
    pairs = {}
    for text in given or []:
        left, sign, right = text.rpartition("=") if option == "--map" else text.partition("=")
        if not (sign and left.strip() and right.strip()):
            raise InputError(f"{option} {text!r} is not understood; it is {option} {form}.")
        if left.strip() in pairs:
            raise InputError(f"{option} names {left.strip()!r} twice. Name it once.")
        pairs[left.strip()] = right.strip()
    return pairs


def _say(read: Import) -> None:
    for column, field in read.columns.items():
        note(f"  {column} → {field}")
    if read.ignored:
        more = len(read.ignored) - SHOWN_COLUMNS
        shown = ", ".join(read.ignored[:SHOWN_COLUMNS]) + (f" and {more} more" if more > 0 else "")
        note(f"  without a meaning here: {shown}")
    for text in read.notes:
        note(f"note: {text}")


def _preview(read: Import, *, as_json: bool) -> None:
    rows: list[dict[str, Any]] = [observation.as_row() for observation in read.observations]
    text = plain()
    columns = [
        Column("dataset", "data set", right=False),
        Column("backbone", "backbone", right=False),
        Column("weights", "weights", text, right=False),
        Column("recipe", "recipe", right=False),
        Column("metric", "metric", right=False),
        Column("error", "error", percent(2)),
        Column("replicate", "run", text),
        Column("status", "status", right=False),
    ]
    emit(rows if as_json else rows[:PREVIEW_ROWS], columns, as_json=as_json)
    if not as_json and len(rows) > PREVIEW_ROWS:
        note(f"… and {len(rows) - PREVIEW_ROWS} more rows (--json prints all)")


def export_results(
    *,
    file: OutFile,
    profiles: Annotated[
        bool, typer.Option("--profiles", help="Write the profiles instead of the results.")
    ] = False,
    study: Annotated[
        str | None, typer.Option(help="Only the results of this study.", show_default=False)
    ] = None,
    store_path: StoreOption = None,
) -> None:
    """Write your own results to a file; importing it gives the same rows.

    Example: archimeter export results.csv
    """
    from ..data.exporting import export_records
    from ..data.records import Observation, Profile

    with open_store(store_path) as opened:
        records = opened.profiles() if profiles else opened.observations(study=study)
    export_records(records, file, Profile if profiles else Observation)
    note(f"{len(records)} rows written to {file}")
