"""A recommendation as a person reads it: the table on stdout, everything around it on stderr."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..data.errors import InputError
from .render import Column, emit, note, plain, si

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from ..analysis.answer import BestThere, FitTime, MemoryNeed, Recommendation, Recommended, Speed
    from ..analysis.nearest import Neighbour
    from ..analysis.outlook import Expected
    from .looking import Seen

__all__ = ["show"]


def show(
    answer: Recommendation,
    *,
    seen: Seen | None = None,
    as_json: bool = False,
    as_csv: bool = False,
    output: Path | None = None,
) -> None:
    """Write the answer in the form that was asked for."""
    if output is not None and output.suffix.lower() in (".html", ".htm"):
        from ..reports.advice import write_advice

        if as_json or as_csv:
            raise InputError("A page is neither JSON nor CSV: leave the flag out, or name another file.")
        path = write_advice(output, answer, seen.notes(answer.query.domain) if seen else ())
        note(f"{path} written. Open it in any browser; it needs no network.")
        return
    document = answer.as_document()
    if seen is not None:
        document["images"] = seen.as_document()
    rows = document["recommendations"]
    shown = [row | _for_people(of) for row, of in zip(rows, answer.rows, strict=True)]
    plainly = as_json or as_csv or output is not None
    emit(
        rows if plainly else shown,
        _columns(answer),
        as_json=as_json,
        as_csv=as_csv,
        output=output,
        document=document,
    )
    if not plainly:
        _explain(answer)


def _for_people(row: Recommended) -> dict[str, Any]:
    expected = row.expected
    return {
        "predicted": _span(expected) if expected else None,
        "behind": _behind(expected, row.rank) if expected else None,
        "p_best": f"{expected.p_best:.0%}" if expected else None,
        "p_within": f"{expected.p_within_1_point:.0%}" if expected else None,
        "model": ("your " if row.custom else "") + (row.weights or row.backbone),
        "ms": [_cost(1e3 * one.seconds_per_image, one, 2) for one in row.speeds],
        "gb": [_cost(one.peak_bytes / 2**30, one, 1) + _fits(one) for one in row.memory],
        "fit": [_cost(one.seconds / 60, one, 1) for one in row.fit_times],
        "tie": "tie" if row.tied_with_first else None,
        "why": "; ".join(row.reasons),
    }


def _columns(answer: Recommendation) -> list[Column]:
    columns = [
        Column("rank", ""),
        Column("model", "backbone and weights", right=False),
        *(_predicted(answer) if answer.rows[0].expected else _RANKED),
        Column("params", "params", si()),
        Column("macs", "MACs", si()),
    ]
    if answer.query.within:
        columns.append(Column("ms", "ms per image", " / ".join))
    if answer.query.memory:
        modes = [budget.mode for budget in answer.query.memory]
        of = f"{' / '.join(modes)} " if len(modes) > 1 else ""
        columns.append(Column("gb", f"GB a {of}step (batch that fits)", " / ".join))
    if answer.query.fit_within:
        columns.append(Column("fit", "minutes to fit", " / ".join))
    return [
        *columns,
        Column("licence", "licence", right=False),
        Column("support", "support", right=False),
        Column("why", "why", right=False),
    ]


def _cost(value: float, of: Speed | MemoryNeed | FitTime, places: int) -> str:
    """A figure, with a tilde where it is predicted, and what the budget says of it unless it is kept."""
    small = 0 < value < 0.5 * 10 ** (1 - places)
    written = f"{'' if of.low == of.high else '~'}{value:{'.2g' if small else f'.{places}f'}}"
    return (
        written
        if of.verdict == "keeps"
        else f"{written} {of.verdict}{'!' if of.verdict == 'measure' else ''}"
    )


def _fits(of: MemoryNeed) -> str:
    return f" (≤ {of.largest_batch})" if of.largest_batch else " (none for sure)"


def _span(expected: Expected) -> str:
    return f"{100 * expected.error:.1f} ({100 * expected.low:.1f} to {100 * expected.high:.1f})"


def _behind(expected: Expected, rank: int) -> str:
    if rank == 1:
        return "–"
    low, high = 100 * expected.behind_low, 100 * expected.behind_high
    return f"{100 * expected.behind:+z.1f} ({low:+.1f} to {high:+.1f})"


_RANKED = (Column("rank_score", "rank score", plain(2)), Column("tie", "with first", right=False))


def _predicted(answer: Recommendation) -> tuple[Column, ...]:
    level = f"{100 * answer.level:.0f} %" if answer.level else "80 %"
    return (
        Column("predicted", f"error % ({level})", right=False),
        Column("behind", "behind first", right=False),
        Column("p_best", "best"),
        Column("p_within", "within 1 pt"),
    )


def _explain(answer: Recommendation) -> None:
    """The choice first, then what it rests on, then what to do."""
    from ..analysis.nearest import unlike
    from ..analysis.remarks import choice

    near, far = map(_near, answer.nearest[:3], answer.best_there), unlike(answer.nearest)
    for words in (*choice(answer), *answer.notes, *([far] if far else []), *near):
        note(words)
    if answer.advice:
        note(answer.advice)
    for item in answer.checklist:
        note(f"- {item}")
    first = answer.rows[0].preprocessing
    if first:
        size = "×".join(str(side) for side in first["input_size"])
        note(
            f"Preprocessing of the first: {size}, {first['interpolation']}, crop {first['crop_pct']:g}, mean "
            f"{_triple(first['mean'])}, std {_triple(first['std'])}; --json has every row's."
        )


def _near(neighbour: Neighbour, best: Sequence[BestThere]) -> str:
    task = neighbour.task
    by = "" if task.measure == "error" else f" by {task.measure}"
    did = ", ".join(f"{one.model} ({100 * one.error:.2f} %)" for one in best)
    there = f"best of {len(task.results)} within your budget{by}: {did}" if did else ""
    said = "; ".join(part for part in (*neighbour.reasons, there) if part)
    how = ", ".join(part for part in (task.study, task.recipe, task.condition) if part)
    return f"{neighbour.likeness}: {task.dataset} ({how}){': ' * bool(said)}{said}"


def _triple(values: list[float]) -> str:
    return "(" + ", ".join(f"{value:.3f}" for value in values) + ")"
