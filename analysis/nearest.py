"""Which known data sets are most like the asked one, and why."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .evidence import Task

if TYPE_CHECKING:
    from .query import Query

__all__ = ["Neighbour", "nearest"]

_KIN = (
    frozenset({"natural", "fine-grained", "plants-animals", "texture"}),
    frozenset({"microscopy", "radiology", "dermatology"}),
    frozenset({"document", "synthetic"}),
)
MOST = 8
PER_STUDY = 3


@dataclass(frozen=True, slots=True)
class Neighbour:
    """A known task and its likeness to the question.

    Attributes:
        distance: 0 for the same in every stated respect; a decade in images or classes is 0.5, another
            domain 1 (a related one 0.5), another recipe 1.5.
        weight: exp(−distance), shared among the tasks of one group of data sets in one study.
        reasons: what is alike and what is not, in words.
    """

    task: Task
    distance: float
    weight: float
    reasons: tuple[str, ...]


def nearest(query: Query, tasks: tuple[Task, ...], most: int = MOST) -> tuple[Neighbour, ...]:
    """The tasks most like the query, nearest first; ties in the order of their names.

    Only what both sides state is compared; what one does not state costs half of a full difference, so that
    silence is never taken for likeness. A study gives at most PER_STUDY tasks: its pool of models is one
    choice of models, however many data sets it ran them on.
    """
    ordered = sorted(
        ((*_distance(query, task), task) for task in tasks),
        key=lambda item: (item[0], item[2].study, item[2].dataset, item[2].recipe),
    )
    seen: Counter[str] = Counter()
    measured = []
    for item in ordered:
        seen[item[2].study] += 1
        if seen[item[2].study] <= PER_STUDY and len(measured) < most:
            measured.append(item)
    groups = [(task.study, task.facts.get("group") or task.dataset, task.recipe) for _, _, task in measured]
    return tuple(
        Neighbour(task, distance, math.exp(-distance) / groups.count(group), reasons)
        for (distance, reasons, task), group in zip(measured, groups, strict=True)
    )


def _distance(query: Query, task: Task) -> tuple[float, tuple[str, ...]]:
    facts = task.facts
    parts = [
        _domain(query.domain, facts.get("domain") or "unknown"),
        _size("training images", query.images, facts.get("n_train")),
        _size("classes", query.classes, facts.get("n_classes")),
        _size("pixels a side", query.image_size, facts.get("image_size")),
        _channels(query.channels, facts.get("channels")),
        (0.0, None) if task.recipe == query.recipe else (1.5, f"another recipe: {task.recipe}"),
    ]
    return round(sum(cost for cost, _ in parts), 12), tuple(words for _, words in parts if words)


def _domain(asked: str, known: str) -> tuple[float, str | None]:
    if "unknown" in {asked, known}:
        return (
            0.75,
            f"domain {known}, not stated in the question" if asked == "unknown" else "domain not stated",
        )
    if asked == known:
        return 0.0, f"same domain: {known}"
    if any({asked, known} <= kin for kin in _KIN):
        return 0.5, f"related domain: {known}"
    return 1.0, f"another domain: {known}"


def _size(what: str, asked: float | None, known: float | None) -> tuple[float, str | None]:
    if asked is None:
        return 0.0, None
    if not known:
        return 0.25, f"{what} not stated"
    return abs(math.log10(asked / known)) / 2, f"{known:,.0f} {what} against {asked:,.0f}"


def _channels(asked: int | None, known: float | None) -> tuple[float, str | None]:
    if asked is None or not known or asked == known:
        return 0.0, None
    return 0.5, f"{known:.0f} channels against {asked}"
