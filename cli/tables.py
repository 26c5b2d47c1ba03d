"""`archimeter tables`: what ships with the package, whose work it is, and its rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..data.errors import ArchimeterError
from .render import Column, CsvFlag, JsonFlag, OutputFile, emit, note, percent, plain

if TYPE_CHECKING:
    from ..data.tables import TableEntry

__all__ = ["tables"]

COLUMNS = (
    Column("table", "table", right=False),
    Column("record", "rows are", right=False),
    Column("rows", "n", lambda n: f"{n:,}"),
    Column("ok", "ok", lambda n: f"{n:,}"),
    Column("licence", "licence", right=False),
    Column("source", "source @ commit", right=False),
)


QUALITY = {
    "studies": (
        Column("study", "study", right=False),
        *(Column(key, key, "{:,}".format) for key in ("rows", "ok", "dropped", "duplicates")),
        *(Column(key, key, "{:,}".format) for key in ("backbones", "datasets")),
        *(Column(key, key, percent(0)) for key in ("exact", "architecture", "unmatched")),
    ),
    "dropped": tuple(
        Column(key, key, plain(), right=key == "rows") for key in ("study", "status", "rows", "reason")
    ),
    "duplicates": (
        *(Column(key, key, plain(), right=False) for key in ("study", "dataset", "published_name", "recipe")),
        Column("rows", "rows"),
        Column("lowest", "lowest error", percent(2)),
        Column("highest", "highest error", percent(2)),
    ),
    "disagreements": (
        *(Column(key, key, right=False) for key in ("dataset", "recipe", "study_a", "study_b")),
        Column("n", "n"),
        Column("spearman", "rank corr.", plain(2)),
        Column("median_difference", "median gap", percent(1)),
        Column("largest_difference", "largest gap", percent(1)),
        Column("largest_at", "at", right=False),
        *(Column(key, key, right=False) for key in ("metric_a", "metric_b")),
    ),
}
TITLES = {
    "studies": "Studies: rows, and the share of good rows by how surely the weights are known",
    "dropped": "Rows that no analysis uses, and why",
    "duplicates": "Results that stand more than once",
    "disagreements": "Studies on the same backbones, data set and kind of recipe: how far they disagree",
}


def tables(
    name: Annotated[
        str | None, typer.Argument(help="Show the rows of this table; list all tables without.")
    ] = None,
    *,
    verify: Annotated[bool, typer.Option(help="Compare every table with its SHA-256 and stop.")] = False,
    quality: Annotated[
        bool, typer.Option(help="Say what was dropped and why, what stands twice, where studies disagree.")
    ] = False,
    top: Annotated[int, typer.Option(min=1, help="Rows on screen; files, JSON and CSV have all.")] = 20,
    as_json: JsonFlag = False,
    as_csv: CsvFlag = False,
    output: OutputFile = None,
) -> None:
    """List the shipped tables with their size, licence and source, or show the rows of one.

    Example: archimeter tables fastai --csv
    """
    if verify:
        _verify()
    elif quality:
        _quality(name, as_json=as_json, as_csv=as_csv, output=output)
    elif name is None:
        _list(as_json=as_json, as_csv=as_csv, output=output)
    else:
        _show(name, top, as_json=as_json, as_csv=as_csv, output=output)


def _verify() -> None:
    from ..data.tables import manifest, verify

    if problems := verify():
        raise ArchimeterError("\n       ".join(problems.values()))
    note(f"All {len(manifest())} tables are as shipped.")


def _list(**out: Any) -> None:
    from ..data.coverage import SMALL, coverage
    from ..data.tables import manifest

    rows = [_line(entry) for entry in manifest()]
    held = coverage()
    emit(rows, COLUMNS, document={"tables": rows, "coverage": [held]}, **out)
    note(
        f"{held['studies']} studies, {held['observations']:,} good results on {held['datasets']} data sets, "
        f"{held['small_datasets']} of them with results from at most {SMALL:,} training images.\n"
        f"timm weights: {held['weights_under_shift']:,} with results under ImageNet shift, "
        f"{held['weights_elsewhere']:,} with results on other targets.\n"
        "`archimeter tables NAME` shows a table and its citation."
    )


def _line(entry: TableEntry) -> dict[str, Any]:
    from dataclasses import asdict

    source = f"{entry.repository} @ {entry.commit[:12]}" if entry.repository and entry.commit else None
    ok = entry.rows_by_status.get("ok", entry.rows if not entry.rows_by_status else 0)
    return {**asdict(entry), "ok": ok, "source": source or entry.built_by}


def _quality(name: str | None, **out: Any) -> None:
    from ..data.quality import by_study, disagreements, dropped, duplicates
    from ..data.tables import load_observations

    observations = load_observations(name)
    frames = {
        "studies": by_study(observations),
        "dropped": dropped(observations),
        "duplicates": duplicates(observations),
        "disagreements": disagreements(observations),
    }
    reports: dict[str, list[dict[str, Any]]] = {
        part: [dict(zip(frame.columns, cells, strict=True)) for cells in frame.itertuples(index=False)]
        for part, frame in frames.items()
    }
    if out["as_json"] or out["as_csv"] or out["output"]:
        emit(reports["studies"], QUALITY["studies"], document=reports, **out)
        return
    for part, rows in reports.items():
        if rows:
            emit(rows, QUALITY[part], title=TITLES[part])
        else:
            note(f"{TITLES[part]}: none.")


def _show(name: str, top: int, **out: Any) -> None:
    from ..data.tables import load_rows, manifest

    rows = load_rows(name)
    entry = next(e for e in manifest() if e.table == name)
    on_screen = not (out["as_json"] or out["as_csv"] or out["output"])
    filled = [key for key in rows[0] if any(row[key] not in (None, [], {}) for row in rows)] if rows else []
    columns = [Column(key, key, plain(4), right=_is_number(rows, key)) for key in filled]
    emit(rows[:top] if on_screen else rows, columns, title=f"{entry.title}: {entry.rows_are}", **out)
    if on_screen and len(rows) > top:
        note(f"{top} of {len(rows):,} rows; --top shows more, --csv, --json and -o write all.")
    traps = entry.notes if on_screen else ()
    for text in (entry.citation, entry.licence and f"Licence: {entry.licence}", *traps):
        if text:
            note(text)


def _is_number(rows: list[dict[str, Any]], key: str) -> bool:
    return all(row[key] is None or isinstance(row[key], int | float) for row in rows)
