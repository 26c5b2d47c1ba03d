"""What may be spent, applied to candidates: licence, pretraining, size, time per image, memory, fit time.

A cost is known exactly, published, or predicted with an interval. What may keep the budget stays; where
the limit lies within the interval the row says that it has to be measured.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from ..data.errors import InputError
from ..data.pretraining import PRETRAININGS
from .evidence import Candidate

if TYPE_CHECKING:
    from .answer import Verdict
    from .query import Query

__all__ = ["Budget", "Cost", "affordable", "check_globs", "si", "written_bytes", "written_seconds"]


@dataclass(frozen=True, slots=True)
class Cost:
    """What one candidate would take: value and 90 % interval in the budget's unit, and where it is from."""

    value: float
    low: float
    high: float
    source: str

    def verdict(self, limit: float) -> Verdict:
        """Whether it `keeps` the limit, must be `measure`d, or `exceeds` it."""
        return "keeps" if self.high <= limit else "measure" if self.low <= limit else "exceeds"


@dataclass(frozen=True)
class Budget:
    """One limit.

    Attributes:
        what: the option as a person writes it, with {} for the limit. limit: in base units. cost: of a
            candidate, None where nothing tells it. write: the unit for people. of: what the answer says of a
            kept candidate.
    """

    what: str
    limit: float
    cost: Callable[[Candidate], Cost | None]
    write: Callable[[float], str]
    of: Callable[[Candidate, Cost], Any]


def check_globs(query: Query, weights: Iterable[Mapping[str, Any]]) -> None:
    """See that every licence and pretraining of the query means something.

    Args:
        query: the question.
        weights: all known weights.

    Raises:
        InputError: for one that no weights have; the message lists those that there are.
    """
    rows = list(weights)
    asked = {
        "licence": (query.licences, {"unknown", *(row["licence"] or "unknown" for row in rows)}),
        "pretraining": (query.exclude_pretraining, {*PRETRAININGS}),
    }
    for field, (patterns, there) in asked.items():
        for pattern in patterns if rows else ():
            if not any(fnmatchcase(name.lower(), pattern.lower()) for name in there):
                raise InputError(
                    f"No weights have the {field} {pattern!r}. There are: {', '.join(sorted(there))}."
                )


def affordable(
    query: Query, candidates: Mapping[str, Candidate], budgets: Sequence[Budget] = ()
) -> list[str]:
    """Apply one budget after the other; the one that leaves nobody is the one that is reported.

    Raises:
        InputError: if nobody is left; the message says the smallest value that one has.
    """
    kept = list(candidates)
    if query.licences:
        kept = _named(kept, candidates, query.licences, "licence", wanted=True)
    if query.exclude_pretraining:
        kept = _named(kept, candidates, query.exclude_pretraining, "pretraining", wanted=False)
    for name in ("params", "macs"):
        limit = getattr(query, f"max_{name}")
        if limit is not None:
            kept = _within(
                kept, lambda m, name=name: getattr(candidates[m], name), limit, f"--max-{name} {{}}", si
            )
    for budget in budgets:
        kept = _within(
            kept,
            lambda m, budget=budget: cost.low if (cost := budget.cost(candidates[m])) else None,
            budget.limit,
            budget.what,
            budget.write,
        )
    return kept


def _within(
    models: list[str],
    cost: Callable[[str], float | None],
    limit: float,
    what: str,
    write: Callable[[float], str],
) -> list[str]:
    asked = what.replace("{}", write(limit))
    costs = {model: value for model in models if (value := cost(model)) is not None}
    kept = [model for model, value in costs.items() if value <= limit]
    if kept:
        return kept
    if not costs:
        raise InputError(
            f"{asked} cannot be checked: none of the {len(models)} backbones left has that figure."
        )
    smallest = min(costs, key=lambda model: (costs[model], model))
    raise InputError(
        f"No backbone keeps {asked}: the smallest of {len(costs)} is "
        f"{smallest} with {write(costs[smallest])}. Allow at least that."
    )


def _named(
    models: list[str],
    candidates: Mapping[str, Candidate],
    patterns: tuple[str, ...],
    field: str,
    *,
    wanted: bool,
) -> list[str]:
    def matches(model: str) -> bool:
        value = getattr(candidates[model], field) or "unknown"
        return any(fnmatchcase(value.lower(), pattern.lower()) for pattern in patterns)

    kept = [model for model in models if matches(model) == wanted]
    if not kept:
        there = sorted({getattr(candidates[model], field) or "unknown" for model in models})
        raise InputError(
            f"No backbone is left after {'allowing' if wanted else 'excluding'} {field} "
            f"{', '.join(patterns)}. There are: {', '.join(there)}."
        )
    return kept


def si(value: float) -> str:
    """A count for people."""
    for scale, unit in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if value >= scale:
            return f"{value / scale:.4g} {unit}"
    return f"{value:g}"


def written_seconds(seconds: float) -> str:
    """A time for people, from milliseconds to hours."""
    for scale, unit in ((3600, "h"), (60, "min"), (1, "s")):
        if seconds >= 2 * scale:
            return f"{seconds / scale:.3g} {unit}"
    return f"{1e3 * seconds:.4g} ms"


def written_bytes(value: float) -> str:
    """Memory for people; 1 GB is 2**30 bytes."""
    return f"{value / 2**30:.3g} GB" if value >= 2**30 else f"{value / 2**20:.3g} MB"
