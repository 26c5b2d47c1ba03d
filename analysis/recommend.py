"""Which backbone to try: what the fitted model expects of each, beside what was really measured nearby.

On the shipped tables every model has a predicted error (`prediction`), and the order is that of `Outlook`. On
the user's results alone the model is fitted on these (`own_model`). Where they are too few for that, and on
other evidence, the order is the weighted mean rank over the nearest data sets.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

from ..data.errors import InputError
from .advice import advice, at_most, checklist, support
from .answer import BestThere, FitTime, KnownResult, MemoryNeed, Recommendation, Recommended, Speed, Support
from .budgets import Budget, affordable, check_globs
from .costs import Costs
from .custom import as_default, candidates_of, with_custom, with_unnamed
from .evidence import Candidate, Evidence, Result, Task, load_evidence
from .laboratory import as_evaluated, with_laboratory
from .limits import MemoryBudget
from .nearest import Neighbour, nearest
from .outlook import Expected, Outlook
from .prediction.forecast import load_fitted
from .remarks import remarks

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from .prediction.forecast import Fitted
    from .query import Query

__all__ = ["recommend"]

PULL = 0.35
"""Weight of the middle rank: a model seen only on distant data sets is not trusted to lead."""
ASSUMED = MemoryBudget(24 * 2**30, 32, "training")
"""One GPU of 24 GB, the largest card that published speeds are from. Without a limit the largest models lead,
far beyond those that any study fine-tuned."""


def recommend(query: Query, evidence: Evidence | None = None) -> Recommendation:
    """Rank the backbones that keep the budget by how they did on the nearest known data sets.

    Args:
        query: the data in a few numbers, and what may be spent. Without a limit on memory a fine-tune is held
            to ASSUMED, and a note says so: a time that a card is given says nothing of what fits on it.
        evidence: the tables; the shipped ones when None.

    Returns:
        At most `query.top` rows, best first. The same query over the same tables gives the same answer.

    Raises:
        InputError: if no backbone keeps the budget; the message says the smallest value that one has.
        UnknownNameError: for a device without published speeds.
    """
    known = load_evidence() if evidence is None else evidence
    assumed = known.shipped and query.recipe == "fine-tune" and not query.memory
    if assumed:
        query = replace(query, memory=(ASSUMED,))
    check_globs(query, known.weights.values())
    costs = Costs(query, known)
    budgets = costs.budgets()
    fitted = _fitted(known, query)
    near = nearest(query, known.tasks, far=fitted is None)
    if not near:
        raise InputError("There is no result to rank by: the tables hold no usable observation.")
    measured = {model for neighbour in near for model in neighbour.task.results}
    models, n_without = (sorted(measured), 0) if fitted is None else candidates_of(fitted, known)
    candidates = Candidates(known, models)
    kept = affordable(query, candidates, budgets)
    scores = {model: _score(model, near) for model in kept}
    ranked = {model: scores[model] for model in kept if model in measured}
    outlook = Outlook(fitted, query, known, [*kept, *known.custom], ranked) if fitted else None
    ordered = outlook.order if outlook else sorted(kept, key=lambda model: (scores[model], model))
    shown = [
        (rank, model)
        for rank, model in enumerate(ordered, start=1)
        if rank <= query.top or model in known.custom
    ]
    rows = tuple(
        _row(
            candidates[model],
            near,
            query,
            tasks=known.tasks,
            rank=rank,
            score=scores.get(model, _score(model, near)),
            first=ordered[0],
            budgets=budgets,
            expected=outlook.expected(model) if outlook else None,
            ran=dict(outlook.anchors).get(model) if outlook else None,
            custom=model in known.custom,
        )
        for rank, model in shown
    )
    best_there = tuple(_best_there(neighbour.task, kept) for neighbour in near)
    counts = len(models), len(kept), n_without
    place, why = support(query, known.tasks)
    notes = remarks(
        query, known, near, rows, counts=counts, outlook=outlook, assumed=assumed, support=(place, why)
    )
    rows = tuple(replace(row, support=at_most(row.support, place)) for row in rows)
    answer = Recommendation(
        *(query, rows, near, len(models), notes, place, why),
        best_there=best_there,
        n_fitting=len(kept),
        n_ranked=len(ordered),
    )
    if outlook is None:
        return answer
    return replace(
        answer,
        shortlist=outlook.shortlist(),
        next_runs=outlook.next_runs(candidates, costs.training_seconds),
        highest_level=outlook.forecast.highest_level,
        advice=advice(query),
        checklist=checklist(query),
    )


def _fitted(known: Evidence, query: Query) -> Fitted | None:
    """The shipped model told of the user's results, or one of these alone; None where there is neither."""
    if known.shipped:
        fitted = with_custom(with_unnamed(load_fitted(), known.own_models, known), known.custom)
        fitted = with_laboratory(fitted, known.own_tasks)
        return as_evaluated(fitted, known.own_tasks, query.recipe, query.domain)
    if known.own is None:
        return None
    from .own_model import fit_alone

    fitted = fit_alone(known, query.recipe, query.domain)
    return fitted and with_custom(fitted, known.custom)


def _best_there(task: Task, kept: Iterable[str], most: int = 3) -> tuple[BestThere, ...]:
    """What did best on a data set, of the weights and architectures that the budget leaves."""
    names = {*kept}
    names |= {name.partition(".")[0] for name in names}
    places = sorted(task.results, key=lambda model: (task.results[model].error, model))
    ranked = [
        BestThere(model, task.results[model].error, place)
        for place, model in enumerate(places, start=1)
        if model.partition(" (")[0] in names
    ]
    return tuple(ranked[:most])


class Candidates(dict[str, Candidate]):
    """Models by name; what is known of one is looked up when it is first asked for."""

    def __init__(self, known: Evidence, models: Iterable[str]) -> None:
        super().__init__()
        self._known, self._models = known, tuple(models)

    def __iter__(self) -> Iterator[str]:
        return iter(self._models)

    def __missing__(self, model: str) -> Candidate:
        self[model] = as_default(self._known.candidate(model), self._known)
        return self[model]


def _score(model: str, near: Iterable[Neighbour]) -> float:
    """Weighted mean of the model's rank shares, pulled to the middle by PULL."""
    above, below = 0.5 * PULL, PULL
    for neighbour in near:
        share = neighbour.task.rank_shares.get(model)
        if share is not None:
            above += neighbour.weight * share
            below += neighbour.weight
    return above / below


def _row(
    candidate: Candidate,
    near: tuple[Neighbour, ...],
    query: Query,
    *,
    tasks: Iterable[Task],
    rank: int,
    score: float,
    first: str,
    budgets: Iterable[Budget],
    expected: Expected | None,
    ran: float | None,
    custom: bool,
) -> Recommended:
    model = candidate.model
    spent = [b.of(candidate, cost) for b in budgets if (cost := b.cost(candidate)) is not None]
    seen = [neighbour.task for neighbour in near if model in neighbour.task.results]
    costed = next((task for task in seen if task.results[model].fit_time_s), None)
    cost = costed.results[model] if costed else None
    if expected is not None and ran is not None:  # what the user saw is no prediction
        expected = replace(expected, error=ran, low=min(expected.low, ran), high=max(expected.high, ran))
    tied, why_tied = _tie(model, first, near)
    if expected is not None and not tied:
        why_tied = None  # the predicted difference says it better
    return Recommended(
        rank=rank,
        backbone=candidate.backbone,
        weights=candidate.weights,
        family=candidate.family,
        kind=candidate.kind,
        pretraining=candidate.pretraining,
        licence=candidate.licence,
        rank_score=round(score, 6),
        results=tuple(_known_result(model, task) for task in seen),
        params=candidate.params,
        macs=candidate.macs,
        activations=candidate.activations,
        speeds=tuple(one for one in spent if isinstance(one, Speed)),
        memory=tuple(one for one in spent if isinstance(one, MemoryNeed)),
        fit_times=tuple(one for one in spent if isinstance(one, FitTime)),
        fit_time_s=cost.fit_time_s if cost else None,
        training_memory_bytes=cost.peak_memory_bytes if cost else None,
        cost_study=costed.study if costed else None,
        tied_with_first=tied,
        support=_support([task for task in tasks if model in task.runs], query),
        reasons=(*_because(expected, ran), *_reasons(model, seen), *([why_tied] if why_tied else [])),
        preprocessing=candidate.preprocessing,
        expected=expected,
        custom=custom,
    )


def _known_result(model: str, task: Task) -> KnownResult:
    result = task.results[model]
    place = 1 + sum(other.error < result.error for other in task.results.values())
    return KnownResult(
        task.study,
        task.dataset,
        task.recipe,
        task.metric,
        result.error,
        result.n_runs,
        place,
        len(task.results),
        task.condition,
        task.n_train,
    )


def _tie(model: str, first: str, near: tuple[Neighbour, ...]) -> tuple[bool, str | None]:
    """Compare with the first on the nearest data set that measured both: within two standard errors?"""
    if model == first:
        return False, None
    task = next((n.task for n in near if model in n.task.results and first in n.task.results), None)
    if task is None:
        return False, "never measured beside the first"
    if task.noise is None:
        return False, None
    ours, theirs = task.results[model], task.results[first]
    error = math.sqrt(_variance(ours, task) + _variance(theirs, task))
    gap = ours.error - theirs.error
    if abs(gap) > 2 * error:
        return False, None
    points = f"{100 * abs(gap):.2f} points {'behind' if gap >= 0 else 'ahead of'} the first on {task.dataset}"
    return True, f"{points}, within the noise of ± {200 * error:.2f} (from {task.noise_from})"


def _variance(result: Result, task: Task) -> float:
    runs = result.n_runs if task.noise_from == "replicates" else 1
    return (task.noise or 0.0) ** 2 / runs


def _support(seen: list[Task], query: Query) -> Support:
    same = [task for task in seen if task.recipe == query.recipe]
    if any(task.facts.get("domain") == query.domain != "unknown" for task in same):
        return "inside"
    return "edge" if same else "outside"


def _because(expected: Expected | None, ran: float | None, most: int = 2) -> list[str]:
    """The user's own run of it, or the strongest terms in words, against the average candidate."""
    if ran is not None:
        return [f"your own run: {100 * ran:.2f} % error"]
    if expected is None:
        return []
    terms = sorted(expected.terms.items(), key=lambda term: (-abs(term[1]), term[0]))[:most]
    return [f"{value:+.1f} points: {name}" for name, value in terms if abs(value) >= 0.05]


def _reasons(model: str, seen: list[Task]) -> list[str]:
    words = []
    for task in seen[:3]:
        known = _known_result(model, task)
        of = f"{100 * known.error:.2f} % {task.measure}"
        words.append(f"{known.place} of {known.n_models} on {task.dataset} ({of})")
    return words
