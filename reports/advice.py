"""A recommendation as a section of the report, and as a page of its own without network or script."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from ..analysis.budgets import si, written_bytes, written_seconds
from ..analysis.nearest import unlike
from ..analysis.remarks import SUPPORT, choice
from ..analysis.tasks import measure
from .assets import content_security_policy, write_page
from .section import TEMPLATES, Section, environment, part

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from ..analysis.answer import BestThere, Recommendation, Recommended, Support
    from ..analysis.nearest import Neighbour
    from .page import Tables

__all__ = ["Choice", "Span", "advice_of", "advice_section", "choices", "write_advice"]

WIDTH = 100.0


class Span(NamedTuple):
    """An interval on a bar from 0 to WIDTH: where it begins and ends, its middle, and where zero lies."""

    low: float
    high: float
    middle: float
    zero: float


class Choice(NamedTuple):
    """One recommended model as the page shows it: texts, and the bar of its difference to the first."""

    rank: int
    name: str
    custom: bool
    error: str
    behind: str
    span: Span | None
    p_best: str
    p_near: str
    score: str
    costs: tuple[tuple[str, str], ...]
    reasons: tuple[str, ...]
    results: tuple[str, ...]
    facts: tuple[tuple[str, str], ...]


def choices(answer: Recommendation) -> list[Choice]:
    """The rows of the answer, ready to be shown."""
    spans = _spans(answer.rows)
    return [_choice(row, span, answer.support) for row, span in zip(answer.rows, spans, strict=True)]


def _spans(rows: Sequence[Recommended]) -> list[Span | None]:
    known = [row.expected for row in rows if row.expected is not None]
    if not known:
        return [None] * len(rows)
    left = min(0.0, *(one.behind_low for one in known), *(one.behind for one in known))
    right = max(0.0, *(one.behind_high for one in known), *(one.behind for one in known))
    scale = WIDTH / max(right - left, 1e-9)

    def at(value: float) -> float:
        return round((value - left) * scale, 2)

    return [
        None
        if (one := row.expected) is None
        else Span(at(one.behind_low), at(one.behind_high), at(one.behind), at(0.0))
        for row in rows
    ]


def _choice(row: Recommended, span: Span | None, limit: Support) -> Choice:
    expected = row.expected
    return Choice(
        rank=row.rank,
        name=row.weights or row.backbone,
        custom=row.custom,
        error=f"{100 * expected.error:.1f} % ({100 * expected.low:.1f} to {100 * expected.high:.1f})"
        if expected
        else "",
        behind=_points(expected.behind, expected.behind_low, expected.behind_high) if expected else "",
        span=span,
        p_best=f"{expected.p_best:.0%}" if expected else "",
        p_near=f"{expected.p_within_1_point:.0%}" if expected else "",
        score=f"{row.rank_score:.2f}",
        costs=tuple(_costs(row)),
        reasons=row.reasons,
        results=tuple(
            f"{known.dataset} ({_how(known.study, known.recipe, known.condition)}): "
            f"{100 * known.error:.2f} % {measure(known.metric)}, {known.place} of {known.n_models}"
            for known in row.results
        ),
        facts=tuple(_facts(row, limit)),
    )


def _points(middle: float, low: float, high: float) -> str:
    return f"{100 * middle:+z.1f} ({100 * low:+.1f} to {100 * high:+.1f})"


def _costs(row: Recommended) -> list[tuple[str, str]]:
    found = [
        ("parameters", si(row.params) if row.params else "–"),
        ("MACs", si(row.macs) if row.macs else "–"),
    ]
    for one in row.speeds:
        p90 = f", 90 % of images within {written_seconds(one.p90_s)}" if one.p90_s else ""
        said = f"{written_seconds(one.seconds_per_image)} per image{p90} ({one.source})"
        found.append((one.device, said + _verdict(one.verdict)))
    for one in row.memory:
        name = f"memory, {one.mode}" + (f" with {one.optimiser}" if one.optimiser else "")
        said = f"{written_bytes(one.peak_bytes)} at batch {one.batch_size}; {one.largest_batch} images fit"
        found.append((name, said + _verdict(one.verdict)))
    for one in row.fit_times:
        said = f"{written_seconds(one.seconds)} for {one.epochs} epochs ({one.source})"
        found.append((f"fine-tune on {one.device}", said + _verdict(one.verdict)))
    return found


def _verdict(verdict: str) -> str:
    return {"keeps": "", "measure": " – measure it", "exceeds": " – over your limit"}[verdict]


def _facts(row: Recommended, limit: Support) -> list[tuple[str, str]]:
    found = [
        ("family", f"{row.family}, {row.kind}"),
        ("pretraining", row.pretraining or "unknown"),
        ("licence", row.licence or "unknown"),
        ("support", "outside, as the question is" if limit == "outside" else SUPPORT[row.support]),
    ]
    if row.preprocessing:
        found.append(("preprocessing", preprocessing(row.preprocessing)))
    if row.fit_time_s:
        found.append((f"measured by {row.cost_study}", f"{written_seconds(row.fit_time_s)} to fit"))
    return found


def preprocessing(known: Any) -> str:
    """Size, interpolation, crop, mean and deviation in one line."""
    size = " × ".join(str(side) for side in known["input_size"])
    mean, std = (", ".join(f"{value:.3f}" for value in known[name]) for name in ("mean", "std"))
    return f"{size}, {known['interpolation']}, crop {known['crop_pct']:g}, mean {mean}, deviation {std}"


def _neighbour(neighbour: Neighbour, best: Sequence[BestThere]) -> dict[str, Any]:
    task = neighbour.task
    return {
        "dataset": task.dataset,
        "study": _how(task.study, task.recipe, task.condition),
        "n": f"{len(task.results)} models",
        "best": [f"{one.model} ({100 * one.error:.2f}\u00a0%)" for one in best],
        "by": task.measure,
        "why": "; ".join(neighbour.reasons),
        "far": neighbour.likeness == "least far",
    }


def _how(*parts: str) -> str:
    return ", ".join(part for part in parts if part)


def advice_section(answer: Recommendation, images: Sequence[str] = ()) -> Section:
    """The answer as a card.

    Args:
        answer: of `recommend`.
        images: what a look at the user's images found, in sentences.
    """
    shown = choices(answer)
    body = part(
        "advice.html.j2",
        choices=shown,
        nearest=[_neighbour(*pair) for pair in zip(answer.nearest, answer.best_there, strict=True)],
        unlike=unlike(answer.nearest),
        choice=tuple(choice(answer)),
        advice=answer.advice,
        checklist=answer.checklist,
        notes=answer.notes,
        images=images,
        width=WIDTH,
    )
    return Section(
        key="advice",
        title="Which to try first",
        finding=_finding(answer),
        body=body,
        caption=_CAPTION if answer.rows[0].expected else _RANKED,
    )


def advice_of(given: Tables) -> Section | None:
    """The answer that a report is to hold, where a question was asked."""
    return advice_section(given.answer) if given.answer else None


def _finding(answer: Recommendation) -> str:
    first = answer.rows[0]
    name = first.weights or first.backbone
    if first.expected is None:
        return (
            f"{name} leads {answer.n_ranked:,} models by its rank on the nearest data sets "
            f"({len(answer.nearest)})."
        )
    said = (
        f"{name} leads {answer.n_ranked:,} backbones, each with its best weights among the "
        f"{answer.n_fitting:,} models that fit the budget"
    )
    ties = sum(
        row.expected is not None and row.expected.behind_low <= 0 <= row.expected.behind_high
        for row in answer.rows[1:]
    )
    expected, level = first.expected, f"{100 * (answer.level or 0.8):.0f} %"
    return (
        f"{said}: expected error {100 * expected.error:.1f} % ({level} interval "
        f"{100 * expected.low:.1f} to {100 * expected.high:.1f}). Of the {len(answer.rows) - 1} "
        f"others shown, {ties} cannot be told from it."
    )


_CAPTION = (
    "Chances are among all that are ranked. Error: predicted from other "
    "data sets, with an interval that is mostly the unknown difficulty of yours. Open a line for "
    "reasons, real results and costs; ~ and “predicted” mark what nobody measured."
)
_RANKED = "Rank score: expected share of models that are better, 0 is best; not an error."


def _title(answer: Recommendation) -> tuple[str, str, list[tuple[str, str]]]:
    query = answer.query
    domain = "" if query.domain == "unknown" else f"{query.domain} "
    many = f"{query.images:,} " if query.images else ""
    what = f"{many}{domain}images"
    figures = [
        ("images", f"{query.images:,}" if query.images else "not stated"),
        (
            "labels" if query.multi_label else "classes",
            f"{query.classes:,}" if query.classes else "not stated",
        ),
        ("models that fit", f"{answer.n_fitting:,} of {answer.n_candidates:,}"),
        ("support", answer.support),
        ("data sets like yours", f"{len(_alike(answer))}" if _alike(answer) else "none"),
    ]
    lead = (
        f"Asked for {query.recipe}{_budget(answer)}. Real results are of the studies named beside them; "
        "predictions say so and carry their interval."
    )
    return f"Which backbones to try on {what}", lead, figures


def _alike(answer: Recommendation) -> set[str]:
    return {one.task.dataset for one in answer.nearest if one.likeness == "near"}


def _budget(answer: Recommendation) -> str:
    query = answer.query
    said = [
        *([f"at most {si(query.max_params)} parameters"] if query.max_params else []),
        *([f"at most {si(query.max_macs)} MACs"] if query.max_macs else []),
        *(f"{written_seconds(one.seconds_per_image)} per image on {one.device}" for one in query.within),
        *(
            f"{written_bytes(one.limit_bytes)} for a step of {one.batch_size} ({one.mode})"
            for one in query.memory
        ),
        *(f"{written_seconds(one.seconds)} of fine-tuning on {one.device}" for one in query.fit_within),
        *(f"licence {one}" for one in query.licences),
        *(f"no {one} pretraining" for one in query.exclude_pretraining),
    ]
    return f" within {', '.join(said)}" if said else ""


def write_advice(path: Path, answer: Recommendation, images: Sequence[str] = ()) -> Path:
    """Write the answer as one HTML page; the same answer gives the same bytes.

    Raises:
        InputError: if the file cannot be written.
    """
    title, lead, figures = _title(answer)
    text = (
        environment()
        .get_template("answer.html.j2")
        .render(
            title=title,
            lead=lead,
            figures=figures,
            section=advice_section(answer, images),
            styles=(TEMPLATES / "page.css").read_text(encoding="utf-8")
            + (TEMPLATES / "advice.css").read_text(encoding="utf-8"),
            policy=content_security_policy([]),
        )
    )
    return write_page(path, text)
