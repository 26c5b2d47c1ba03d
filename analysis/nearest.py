"""Which known data sets are most like the asked one, and why."""

from __future__ import annotations

import math
import statistics
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from .tasks import Task

if TYPE_CHECKING:
    from .query import Query

__all__ = ["FAR", "LEAST", "Nearness", "Neighbour", "nearest", "unlike"]

Nearness = Literal["near", "least far", "broadly measured"]
Asked = tuple[str, float, float | None]

_KIN = (
    frozenset({"natural", "fine-grained", "plants-animals", "texture"}),
    frozenset({"microscopy", "radiology", "dermatology"}),
    frozenset({"document", "synthetic"}),
)
MOST = 8
PER_STUDY = 3
LEAST = 3
"""Models that a data set must have results of: an order of two says nothing of the others."""
FAR = 1.0
"""Distance of a data set that is the same in all but its domain: what is not nearer is not like the asked."""
FEW = 3
"""Tasks to show where none is near."""
_IMAGES = "training images"
_UNKNOWN = 0.5
"""Cost of a fact that no data set states: a decade in size."""


@dataclass(frozen=True, slots=True)
class Neighbour:
    """A known task and its likeness to the question.

    Attributes:
        distance: 0 for the same in every stated respect; a decade in images, classes or pixels is 0.5, other
            channels 0.5, another domain 1 (a related one 0.5), another recipe 1.5.
        weight: exp(−distance), shared among the tasks of one group of data sets in one study.
        likeness: `near` below FAR; `least far` where it is not; `broadly measured` where the question says
            nothing of its data, so that nothing can be near.
        reasons: what is alike and what is not, in words.
    """

    task: Task
    distance: float
    weight: float
    likeness: Nearness
    reasons: tuple[str, ...]


def nearest(
    query: Query, tasks: Sequence[Task], most: int = MOST, *, far: bool = False
) -> tuple[Neighbour, ...]:
    """The tasks most like the query, nearest first; of equally near ones that with most models.

    Only what the query states is compared. What a data set does not state costs what the typical data set's
    mismatch with this query costs, so that silence is never taken for likeness. A data set counts once in a
    study, under the condition that is nearest. A study gives at most PER_STUDY tasks: its pool of models is
    one choice of models, however many data sets it ran them on.

    Args:
        query: the question.
        tasks: what is known; those with results of fewer than LEAST models count only where all have fewer.
        most: tasks wanted; without a near one FEW.
        far: whether those that are not near are wanted too.
    """
    enough = [task for task in tasks if task.n_choices >= LEAST] or tasks
    ordered = sorted(_compared(query, enough), key=_order)
    near = [one for one in ordered if one.likeness == "near"]
    chosen = _spread(ordered, most) if far else _spread(near, most) or _spread(ordered, min(most, FEW))
    groups = [(one.task.study, one.task.facts.get("group") or one.task.dataset) for one in chosen]
    return tuple(
        replace(one, weight=one.weight / groups.count(group))
        for one, group in zip(chosen, groups, strict=True)
    )


def unlike(near: Sequence[Neighbour]) -> str | None:
    """What to know of neighbours that are not near, in a sentence; None where they are."""
    return _UNLIKE.get(near[0].likeness) if near else None


_UNLIKE = {
    "least far": "No known data set is like yours in what you state; these are the least far.",
    "broadly measured": (
        "Nothing is stated of your images, so no data set is near; these are those that most models were "
        "measured on (--images, --classes and --domain tell what is near)."
    ),
}


def _order(one: Neighbour) -> tuple[object, ...]:
    task = one.task
    breadth = -len(task.runs), task.metric != "top1", -(task.n_train or 0)
    return (one.distance, *breadth, task.study, task.dataset, task.recipe, task.metric, task.condition)


def _spread(ordered: Iterable[Neighbour], most: int) -> list[Neighbour]:
    """The first of each data set in a study, and of those the first PER_STUDY of each study."""
    known: set[tuple[str, str]] = set()
    seen: Counter[str] = Counter()
    chosen = []
    for one in ordered:
        data = one.task.study, one.task.dataset
        if data not in known and seen[one.task.study] < PER_STUDY:
            known.add(data)
            seen[one.task.study] += 1
            chosen.append(one)
    return chosen[:most]


def _compared(query: Query, tasks: Sequence[Task]) -> Iterator[Neighbour]:
    sizes = _sizes(query)
    stated = query.domain != "unknown" or any(one.asked is not None for one in sizes)
    typical = [one.typical(tasks) for one in sizes]
    for task in tasks:
        parts = [
            _domain(query.domain, task.facts.get("domain") or "unknown"),
            *(one.compare(task, cost) for one, cost in zip(sizes, typical, strict=True)),
            (0.0, None) if task.recipe == query.recipe else (1.5, f"another recipe: {task.recipe}"),
        ]
        distance = round(sum(cost for cost, _ in parts), 12)
        likeness = ("near" if distance < FAR else "least far") if stated else "broadly measured"
        yield Neighbour(
            task, distance, math.exp(-distance), likeness, tuple(words for _, words in parts if words)
        )


@dataclass(frozen=True, slots=True)
class _Size:
    """A number that a query may state, and a task."""

    what: str
    asked: float | None
    read: Callable[[Task], float | None]
    cost: Callable[[float, float], float]

    def typical(self, tasks: Iterable[Task]) -> float:
        """Median cost over the data sets that state it."""
        if self.asked is None:
            return 0.0
        known = {(task.dataset, value) for task in tasks if (value := self.read(task))}
        return statistics.median(self.cost(self.asked, value) for _, value in known) if known else _UNKNOWN

    def compare(self, task: Task, typical: float) -> tuple[float, str | None]:
        known = self.read(task)
        if self.asked is None:
            return 0.0, f"{known:,.0f} {self.what}" if known and self.what == _IMAGES else None
        if not known:
            return typical, f"{self.what} not stated"
        what = self.what.removesuffix("s") if known == 1 else self.what
        return self.cost(self.asked, known), f"{known:,.0f} {what} against {self.asked:,.0f}"


def _sizes(query: Query) -> tuple[_Size, ...]:
    return (
        _Size(_IMAGES, query.images, lambda task: task.n_train, _decades),
        _Size("classes", query.classes, lambda task: task.facts.get("n_classes"), _decades),
        _Size("pixels a side", query.image_size, lambda task: task.image_size, _decades),
        _Size("channels", query.channels, lambda task: task.facts.get("channels"), _unequal),
    )


def _decades(asked: float, known: float) -> float:
    return abs(math.log10(asked / known)) / 2


def _unequal(asked: float, known: float) -> float:
    return 0.0 if asked == known else 0.5


def _domain(asked: str, known: str) -> tuple[float, str]:
    if asked == "unknown":
        return 0.0, f"domain: {known}" if known != "unknown" else "domain not stated"
    if known == "unknown":
        return 1.0, "domain not stated"
    if asked == known:
        return 0.0, f"same domain: {known}"
    if any({asked, known} <= kin for kin in _KIN):
        return 0.5, f"related domain: {known}"
    return 1.0, f"another domain: {known}"
