"""The user's own results: from a file into the store, every row or none.

The file's columns are mapped (`data.columns`), its unit is decided (`data.units`), every row is checked by
pydantic and its names are resolved (`data.resolving`). Everything that is wrong is collected as
`file:line: column: what, and what to do`; one wrong row and nothing is written. Importing the same file
again changes nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from .columns import OBSERVATION_FIELDS, Columns, Measure, map_columns, measure_named
from .errors import ArchimeterError, InputError, UnknownNameError
from .exporting import undo_neutral
from .imported_row import ImportedRow, WrongRowError, checked_row
from .reading import RawTable, read_raw
from .records import Observation
from .replicates import check_replicates, number_replicates
from .resolving import KnownNames, not_of_shipped, slug, unknown_note
from .store import Written
from .trackers import unpacked
from .units import UNITS, Figure, Unit, decide_unit, error_of, parse_figure

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .store import Store

__all__ = ["Import", "RefusedImportError", "checked_unit", "import_results", "read_results", "stored"]

MISSING = frozenset({"", "-", "–", "na", "n/a", "nan", "none", "null", "<na>", "#n/a"})
SHOWN_PROBLEMS = 200
MOST_PROBLEMS = 5_000
Problem = tuple[int, str]


class _Row(NamedTuple):
    """One row under way: its line, its cells by field, its figure and what the figure measures."""

    line: int
    cells: dict[str, Any]
    figure: Figure | None
    measure: Measure


@dataclass(frozen=True, slots=True, kw_only=True)
class Import:
    """What a file holds, ready for the store.

    Args:
        source: the file's name. study: the key, or several joined by commas.
        columns: the file's column → the field it was taken for. ignored: columns without a meaning here.
        notes: every reading that a user may want to overrule.
        observations: the results.
        written: what the store said; None where nothing was to be written.
    """

    source: str
    study: str
    columns: Mapping[str, str]
    ignored: tuple[str, ...]
    notes: tuple[str, ...]
    observations: tuple[Observation, ...]
    written: Written | None = None


class RefusedImportError(InputError):
    """A file with wrong rows; nothing of it was written.

    Args:
        source: the file's name.
        problems: (line, what is wrong and what to do); printed as `file:line: column: what`.
        rows: rows in the file.
        stopped: whether the check stopped at so many problems, without looking at the other rows.
    """

    def __init__(self, source: str, problems: list[Problem], rows: int, *, stopped: bool = False) -> None:
        self.problems = problems
        shown = [f"{source}:{line}: {what}" for line, what in problems[:SHOWN_PROBLEMS]]
        more = len(problems) - len(shown)
        tail = [f"… and {more:,} more."] if more else []
        count = (
            f"more than {MOST_PROBLEMS:,} problems, where the check stopped,"
            if stopped
            else f"{len(problems):,} problem{'s' * (len(problems) != 1)}"
        )
        head = f"{source}: {count} in {rows:,} rows; nothing was imported."
        super().__init__("\n".join([head, *shown, *tail]))


def import_results(path: Path | str, store: Store, **options: Any) -> Import:
    """Read a file of results and put all of them into the store, or none.

    Args:
        path: CSV, JSON lines, JSON, Excel or Parquet.
        store: where to.
        **options: see `read_results`.

    Raises:
        InputError: see `read_results`.
    """
    return stored(read_results(path, **options), store)


def stored(read: Import, store: Store) -> Import:
    """Put what was read into the store, all or nothing."""
    return replace(read, written=store.put_observations(read.observations))


def checked_unit(unit: str | None) -> Unit | None:
    """Return the unit that was asked for.

    Raises:
        InputError: if it is none.
    """
    if unit is None:
        return None
    for allowed in UNITS:
        if unit == allowed:
            return allowed
    raise InputError(f"--unit {unit!r} is not known; it is percent or fraction.")


def read_results(
    path: Path | str,
    *,
    columns: Mapping[str, str] | None = None,
    constants: Mapping[str, str] | None = None,
    study: str | None = None,
    unit: Unit | None = None,
    keep_unknown: bool = False,
    known: KnownNames | None = None,
) -> Import:
    """Read a file of results without writing anything.

    Args:
        path: CSV, JSON lines, JSON, Excel or Parquet.
        columns: column → field where the guess is wrong (see `data.columns.map_columns`).
        constants: field → value for every row, where the file has no such column.
        study: what to call these results; by default the file's `study` column, else its name.
        unit: `percent` or `fraction`, where the figures do not say.
        keep_unknown: take backbones that timm does not know as they stand.
        known: the names to resolve against; by default those of the shipped tables.

    Raises:
        RefusedImportError: if any row is wrong, with every such row.
        InputError: if the file or its columns cannot be understood.
        UnknownNameError: if an option names a column or a field that is not there.
    """
    known = KnownNames.shipped() if known is None else known
    constants = _checked_constants(constants or {})
    table = unpacked(read_raw(path))
    if not table.rows:
        raise InputError(f"{table.source} has a header but no row.")
    table, said = _final_only(table)
    mapped = map_columns(table.header, columns or {}, tuple(constants))
    problems: list[Problem] = []
    rows = list(_rows(table, mapped, constants, problems))
    errors, unit_notes = _errors(table, mapped, rows, unit, problems)
    fallback = study or slug(Path(table.source).name.split(".")[0]) or "imported"
    notes: Counter[str] = Counter()
    observations: list[tuple[int, Observation]] = []
    for row in rows:
        fields = {
            **row.cells,
            "error": errors.get(row.line),
            "study": study or row.cells.get("study") or fallback,
        }
        fields["metric"] = constants.get("metric", row.measure.metric)
        try:
            observations.append((row.line, _observation(fields, known, notes, keep_unknown, mapped.native)))
        except WrongRowError as wrong:
            problems += [(row.line, what) for what in wrong.what]
        if len(problems) > MOST_PROBLEMS:
            raise RefusedImportError(table.source, sorted(problems), len(table.rows), stopped=True)
    if "replicate" in mapped.places:
        numbered, repeated = check_replicates(observations, table.place)
        problems += repeated
    else:
        numbered, alike = number_replicates([observation for _, observation in observations])
        if alike:
            notes[f"{alike} rows differ in nothing but their result: they are numbered as replicates"] += 1
    problems += not_of_shipped(observations, known)
    if problems:
        raise RefusedImportError(table.source, sorted(problems), len(table.rows))
    strange = unknown_note(Counter(o.backbone for o in numbered), known.backbones)
    return Import(
        source=table.source,
        study=", ".join(sorted({o.study for o in numbered})),
        columns={table.header[i]: _meaning(field, mapped) for field, i in mapped.places.items()},
        ignored=mapped.ignored,
        notes=(
            *(*table.notes, *said, *mapped.notes, *unit_notes),
            *(_counted(n, c) for n, c in notes.items()),
            *([strange] if strange else []),
        ),
        observations=tuple(numbered),
    )


def _checked_constants(constants: Mapping[str, str]) -> dict[str, str]:
    for name, value in constants.items():
        if name not in OBSERVATION_FIELDS or name == "error":
            raise UnknownNameError(
                "field", name, set(OBSERVATION_FIELDS) - {"error"}, "--set is FIELD=VALUE."
            )
        if not value.strip():
            raise InputError(f"--set {name}= has no value.")
    return dict(constants)


def _final_only(table: RawTable) -> tuple[RawTable, tuple[str, ...]]:
    """A Trainer's history written as a table has a row per evaluation; the last one is the result."""
    steps = [i for i, name in enumerate(table.header) if name in ("step", "global_step")]
    figures = [i for i, name in enumerate(table.header) if name.startswith("eval_")]
    if not steps or not figures or len(table.rows) < 2:
        return table, ()
    with_figures = [
        (n, cells)
        for n, cells in table.rows
        if any(i < len(cells) and not _missing(cells[i]) for i in figures)
    ]
    if not with_figures:
        raise InputError(f"{table.source} is a history without any evaluation (no eval_… figure).")
    note = f"This is the history of one run: the last of {len(with_figures)} evaluations was taken."
    return replace(table, rows=with_figures[-1:]), (note,)


def _missing(cell: Any, *, native: bool = False) -> bool:
    if isinstance(cell, str):
        return cell == "" if native else cell.strip().lower() in MISSING
    return cell is None or cell != cell  # noqa: PLR0124  # NaN


def _rows(
    table: RawTable, mapped: Columns, constants: Mapping[str, str], problems: list[Problem]
) -> Iterator[_Row]:
    width = len(table.header)
    for line, cells in table.rows:
        if len(cells) != width:
            what = f"more than {width}" if len(cells) > width else str(len(cells))
            remedy = "Is a separator or a quotation mark wrong, or the file cut off?"
            problems.append((line, f"{what} cells, the header has {width} columns. {remedy}"))
            continue
        values = {
            field: _cell(cells[i], native=mapped.native)
            for field, i in mapped.places.items()
            if not _missing(cells[i], native=mapped.native)
        }
        values = {**constants, **values}
        figure = values.pop("error", None)
        try:
            measure = _measure(mapped, values.get("metric"))
            parsed = None if figure is None else parse_figure(figure, line, decimal_comma=table.decimal_comma)
        except InputError as error:
            column = table.header[mapped.places["error"]]
            problems.append((line, f"{column}: {error}"))
            continue
        if table.decimal_comma:
            for field in ("learning_rate", "error_sd", "fit_time_s"):
                if isinstance(values.get(field), str):
                    values[field] = values[field].replace(",", ".")
        yield _Row(line, values, parsed, measure)


def _cell(cell: Any, *, native: bool) -> Any:
    if not isinstance(cell, str):
        return cell
    return undo_neutral(cell if native else cell.strip())


def _measure(mapped: Columns, metric: Any) -> Measure:
    if mapped.native:
        return Measure(str(metric or "top1"), is_error=True, percent=False)
    stated = None if metric is None else measure_named(str(metric))
    if mapped.measure is not None:
        if metric is None:
            return mapped.measure
        return replace(mapped.measure, metric=stated[0].metric if stated else str(metric).strip())
    if stated is None:
        raise InputError(
            f"metric {metric!r} is not known, so it is not clear whether higher is better. Name the column's "
            f"meaning: --map COLUMN=accuracy (or auc, f1, error …)."
        )
    return stated[0]


def _errors(
    table: RawTable, mapped: Columns, rows: list[_Row], unit: Unit | None, problems: list[Problem]
) -> tuple[dict[int, float], list[str]]:
    """Convert all figures to errors, each metric's column by its own unit."""
    column = table.header[mapped.places["error"]]
    if mapped.native:
        return {row.line: row.figure.value for row in rows if row.figure is not None}, []
    groups: dict[Measure, list[_Row]] = {}
    for row in rows:
        if row.figure is not None:
            groups.setdefault(row.measure, []).append(row)
    errors: dict[int, float] = {}
    notes: list[str] = []
    for measure, members in groups.items():
        name = column if mapped.measure is not None else f"{column} ({measure.metric})"
        decided, note = decide_unit(
            [row.figure for row in members if row.figure],
            is_error=measure.is_error,
            stated_percent=measure.percent,
            given=unit,
            column=name,
        )
        kind = "an error" if measure.is_error else f"{measure.metric}; error = 1 − {measure.metric}"
        notes.append(f"{note} It is {kind}.")
        for row in members:
            assert row.figure is not None
            try:
                errors[row.line] = error_of(row.figure, is_error=measure.is_error, unit=decided)
            except InputError as error:
                problems.append((row.line, f"{column}: {error}"))
                errors[row.line] = 0.0  # said already; the row is still checked for the rest
            _scale_spread(row, decided)
    return errors, notes


def _scale_spread(row: _Row, unit: Unit) -> None:
    spread = row.cells.get("error_sd")
    try:
        value = float(str(spread).strip().removesuffix("%"))
    except ValueError:
        return  # absent, or pydantic says what is wrong with it
    percent = unit == "percent" or str(spread).strip().endswith("%")
    row.cells["error_sd"] = round(value / 100, 12) if percent else value


def _observation(
    fields: dict[str, Any], known: KnownNames, notes: Counter[str], keep_unknown: bool, native: bool
) -> Observation:
    row = checked_row(fields)
    values = row.model_dump(exclude_none=True)
    try:
        if not native:
            values["dataset"], said = known.dataset(row.dataset)
            notes.update([said] if said else [])
        values |= _resolved(row, known, notes, keep_unknown=keep_unknown)
        return Observation(**values)
    except ArchimeterError as error:
        raise WrongRowError(str(error)) from error


def _resolved(
    row: ImportedRow, known: KnownNames, notes: Counter[str], *, keep_unknown: bool
) -> dict[str, Any]:
    name = row.backbone or row.weights
    if name is None:
        raise WrongRowError("backbone: missing. Fill the cell, or give it with --set backbone=NAME.")
    stated = row.weights if row.backbone else None
    if row.match is not None:  # an export of our own says what was resolved
        return {
            "backbone": name,
            "weights": row.weights,
            "published_name": row.published_name,
            "match": row.match,
        }
    found = known.backbone(name, stated, keep_unknown=keep_unknown)
    if found.note:
        notes[found.note] += 1
    # two spellings of one architecture are one: only a name that nobody knows is kept as it was
    published = row.published_name or (name if found.match == "none" else None)
    return {
        "backbone": found.backbone,
        "weights": found.weights,
        "published_name": published,
        "match": found.match,
    }


def _meaning(field: str, mapped: Columns) -> str:
    if field == "error" and mapped.measure is not None and not mapped.measure.is_error:
        return f"error, from {mapped.measure.metric}"
    return field


def _counted(note: str, count: int) -> str:
    return f"{note[:1].upper()}{note[1:]} ({count} rows)." if count > 1 else f"{note[:1].upper()}{note[1:]}."
