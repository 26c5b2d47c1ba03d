"""`archimeter recommend`: which backbones to try on data that nobody has measured yet."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from .render import Column, CsvFlag, JsonFlag, OutputFile, emit, note, plain, si

if TYPE_CHECKING:
    from ..analysis.answer import Recommendation, Recommended
    from ..analysis.outlook import Expected

__all__ = ["recommend"]

Some = list[str] | None


def recommend(
    *,
    images: Annotated[int | None, typer.Option(help="Training images.", show_default=False)] = None,
    classes: Annotated[int | None, typer.Option(help="Classes or labels.", show_default=False)] = None,
    domain: Annotated[str, typer.Option(help="What the images are of, e.g. remote-sensing.")] = "unknown",
    image_size: Annotated[
        int | None, typer.Option(help="Pixels of the shorter side.", show_default=False)
    ] = None,
    channels: Annotated[int | None, typer.Option(help="Channels.", show_default=False)] = None,
    recipe: Annotated[str, typer.Option(help="fine-tune, linear-probe, knn, zero-shot …")] = "fine-tune",
    max_params: Annotated[str | None, typer.Option(help="E.g. 50M.", show_default=False)] = None,
    max_macs: Annotated[str | None, typer.Option(help="E.g. 4.5G.", show_default=False)] = None,
    within: Annotated[
        Some, typer.Option(help="Time per image on a device: '5 ms @ RTX 4090'; repeatable.")
    ] = None,
    licence: Annotated[Some, typer.Option(help="Allowed licence or glob; repeatable.")] = None,
    exclude_pretraining: Annotated[
        Some, typer.Option(help="Pretraining to leave out, or glob; repeatable.")
    ] = None,
    anchor: Annotated[Some, typer.Option(help="Your own run: 'resnet50=0.041' (error); up to three.")] = None,
    top: Annotated[int, typer.Option(min=1, help="Rows wanted.")] = 10,
    as_json: JsonFlag = False,
    as_csv: CsvFlag = False,
    output: OutputFile = None,
) -> None:
    """Rank backbones by how they did on the data sets most like yours, within your budget.

    Example: archimeter recommend --images 1000 --classes 17 --domain remote-sensing --max-params 50M
    """
    from ..analysis.query import Query, parse_anchor, parse_count, parse_latency_budget
    from ..analysis.recommend import recommend as answer_to

    query = Query(
        images=images,
        classes=classes,
        domain=domain,
        image_size=image_size,
        channels=channels,
        recipe=recipe,
        max_params=parse_count(max_params) if max_params else None,
        max_macs=parse_count(max_macs) if max_macs else None,
        within=tuple(parse_latency_budget(text) for text in within or ()),
        licences=tuple(licence or ()),
        exclude_pretraining=tuple(exclude_pretraining or ()),
        top=top,
        anchors=tuple(parse_anchor(text) for text in anchor or ()),
    )
    answer = answer_to(query)
    document = answer.as_document()
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
        "behind": _behind(expected) if expected else None,
        "p_best": f"{expected.p_best:.0%}" if expected else None,
        "p_within": f"{expected.p_within_1_point:.0%}" if expected else None,
        "model": row.weights or row.backbone,
        "ms": [f"{1e3 * speed.seconds_per_image:.2f}" for speed in row.speeds],
        "tie": "tie" if row.tied_with_first else None,
        "why": "; ".join(row.reasons),
    }


def _columns(answer: Recommendation) -> list[Column]:
    columns = [
        Column("rank", ""),
        Column("model", "backbone and weights", right=False),
        *(_PREDICTED if answer.rows[0].expected else _RANKED),
        Column("params", "params", si()),
        Column("macs", "MACs", si()),
    ]
    if answer.query.within:
        columns.append(Column("ms", "ms per image", " / ".join))
    return [
        *columns,
        Column("licence", "licence", right=False),
        Column("support", "support", right=False),
        Column("why", "on the nearest data sets", right=False),
    ]


def _span(expected: Expected) -> str:
    return f"{100 * expected.error:.1f} ({100 * expected.low:.1f} to {100 * expected.high:.1f})"


def _behind(expected: Expected) -> str:
    low, high = 100 * expected.behind_low, 100 * expected.behind_high
    return f"{100 * expected.behind:+.1f} ({low:+.1f} to {high:+.1f})"


_RANKED = (Column("rank_score", "rank score", plain(2)), Column("tie", "with first", right=False))
_PREDICTED = (
    Column("predicted", "error % (80 %)", right=False),
    Column("behind", "behind first", right=False),
    Column("p_best", "best"),
    Column("p_within", "within 1 pt"),
)


def _explain(answer: Recommendation) -> None:
    for neighbour in answer.nearest[:3]:
        task = neighbour.task
        note(f"near: {task.dataset} ({task.study}, {task.recipe}): {'; '.join(neighbour.reasons)}")
    for words in answer.notes:
        note(words)
    if answer.shortlist:
        note(
            f"{len(answer.shortlist)} models hold the best with 80 %: {', '.join(answer.shortlist[:6])}"
            + (f" and {len(answer.shortlist) - 6} more" if len(answer.shortlist) > 6 else "")
        )
    for run in answer.next_runs[:1] if answer.next_runs and answer.next_runs[0].saves_points >= 0.01 else ():
        note(
            f"Run next: {run.model}; it is expected to save {run.saves_points:.2f} points for about "
            f"{run.minutes:.0f} minutes (at an assumed 5 TMAC/s), then give it as --anchor."
        )
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


def _triple(values: list[float]) -> str:
    return "(" + ", ".join(f"{value:.3f}" for value in values) + ")"
