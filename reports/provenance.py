"""Where the numbers are from: the manifest of the shipped tables, for people."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ..data.tables import TableEntry

__all__ = ["Source", "sources", "study_notes"]


class Source(NamedTuple):
    """One table: its title, its size in words, what is known of it, and its traps."""

    title: str
    rows: str
    facts: tuple[tuple[str, str], ...]
    notes: tuple[str, ...]


def sources(manifest: Iterable[TableEntry]) -> tuple[Source, ...]:
    """Describe every table, those with results first, the larger first."""
    ordered = sorted(manifest, key=lambda entry: (entry.record != "Observation", -entry.rows, entry.table))
    return tuple(_source(entry) for entry in ordered)


def _source(entry: TableEntry) -> Source:
    statuses = ", ".join(f"{n:,} {status}" for status, n in entry.rows_by_status.items())
    repository = (
        f"{entry.repository} @ {entry.commit}" if entry.repository and entry.commit else entry.repository
    )
    facts = {
        "Study": entry.study,
        "Citation": entry.citation,
        "Repository": repository,
        "Files": entry.path,
        "Licence": entry.licence,
        "A row is": entry.rows_are,
        "Rows": f"{entry.rows:,}" + (f" ({statuses})" if statuses else ""),
        "Table": f"{entry.file}, SHA-256 {entry.sha256}" if entry.sha256 else entry.file,
        "Built by": entry.built_by,
    }
    return Source(
        title=entry.title,
        rows=f"{entry.rows:,} rows",
        facts=tuple((term, text) for term, text in facts.items() if text),
        notes=tuple(entry.notes),
    )


def study_notes(manifest: Iterable[TableEntry]) -> dict[str, tuple[str, str]]:
    """Per study: its title, and the gaps that must stand wherever a ranking from it is shown ("" if none)."""
    return {
        entry.study: (
            entry.title,
            " ".join(n.removeprefix("Gaps: ") for n in entry.notes if n.startswith("Gaps: ")),
        )
        for entry in manifest
        if entry.study
    }
