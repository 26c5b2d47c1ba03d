"""`archimeter profile … --by module|kind`: where a backbone's parameters and work lie, as a tree."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..data.errors import InputError, TargetError
from .render import Column, emit, note, percent, si

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from ..profilers.breakdown import Part

__all__ = ["COLUMNS", "drawn", "show_breakdown"]

COLUMNS = [
    Column("tree", "module", right=False),
    Column("type", "type", right=False),
    Column("params", "params", si()),
    Column("params_share", "of all", percent(1)),
    Column("macs", "MACs", si()),
    Column("macs_share", "of all", percent(1)),
    Column("activations", "activations", si()),
    Column("output_bytes", "output bytes", si()),
]
DEFAULT_DEPTH = 2


def show_breakdown(
    patterns: Sequence[str],
    *,
    by: str,
    depth: int | None,
    input_size: int | tuple[int, ...] | None,
    as_json: bool = False,
    as_csv: bool = False,
    output: Path | None = None,
) -> tuple[int, int]:
    """Print the parts of every target; a failed target costs only itself.

    Args:
        patterns: what to split, as people write targets.
        by: `module` or `kind`.
        depth: levels shown; if None, two for people and all for programs.
        input_size: as for `profile`.
        as_json: the command's --json.
        as_csv: the command's --csv.
        output: the command's --output.

    Returns:
        How many targets failed, each named on stderr, and of how many.
    """
    from ..profilers.breakdown import breakdown
    from ..profilers.survey import resolve_each

    if by not in {"module", "kind"}:
        raise InputError(f"--by is {by!r}; write module or kind.")
    for_people = not (as_json or as_csv) and (output is None or output.suffix.lower() == ".txt")
    levels = DEFAULT_DEPTH if depth is None and for_people else depth
    targets, failed = resolve_each(patterns)
    rows: list[dict[str, Any]] = []
    pages: list[tuple[str, list[Part]]] = []
    reasons = [str(row.reason) for row in failed]
    for target in targets:
        try:
            parts = breakdown(target, by=by, depth=levels, input_size=input_size)  # pyright: ignore[reportArgumentType]  # checked above
        except TargetError as error:
            reasons.append(str(error))
        else:
            rows += [part.as_row() for part in parts]
            pages += [(target.backbone, parts)]
    for reason in reasons:
        note(f"failed: {reason}")
    done = len(reasons), len(targets) + len(failed)
    if output is not None and output.suffix.lower() == ".html":
        _write_page(pages, by, output)
        return done
    shown = COLUMNS if by == "module" else [Column("path", "kind", right=False), *COLUMNS[4:]]
    if for_people and not rows:
        return done
    emit(drawn(rows) if for_people else rows, shown, as_json=as_json, as_csv=as_csv, output=output)
    return done


def _write_page(pages: Sequence[tuple[str, list[Part]]], by: str, output: Path) -> None:
    from ..profilers.breakdown import own_shares
    from ..reports.breakdown import write_breakdown

    if by != "module" or len(pages) != 1:
        raise InputError("A page shows the module tree of one backbone: give one, with --by module.")
    ((title, parts),) = pages
    note(f"{write_breakdown(own_shares(parts), output, title=title)} written")


def drawn(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Add to each row its place in the tree, drawn with lines; a whole backbone's row carries its name."""
    return [{**row, "tree": _branch(index, row, rows)} for index, row in enumerate(rows)]


def _branch(index: int, row: dict[str, Any], rows: Sequence[dict[str, Any]]) -> str:
    if not row["path"]:
        return row["backbone"]
    lines = ["   " if _is_last(index, level, rows) else "│  " for level in range(1, row["depth"])]
    corner = "└─ " if _is_last(index, row["depth"], rows) else "├─ "
    return "".join(lines) + corner + row["path"].rpartition(".")[2]


def _is_last(index: int, level: int, rows: Sequence[dict[str, Any]]) -> bool:
    """Whether no sibling on `level` follows row `index` or its ancestor there."""
    following = (row["depth"] for row in rows[index + 1 :])
    return next((depth < level for depth in following if depth <= level), True)
