"""Which backbone to try: what the fitted model expects of each, beside what was really measured nearby.

On the shipped tables every model has a predicted error (`prediction`), and the order is that of `Outlook`. On
other evidence there is no fitted model: there the order is the weighted mean rank over the nearest data sets.
"""

from __future__ import annotations

import json
import math
from dataclasses import replace
from typing import TYPE_CHECKING

from ..data.errors import InputError
from .answer import BestThere, FitTime, KnownResult, MemoryNeed, Recommendation, Recommended, Speed, Support
from .budgets import Budget, affordable
from .costs import Costs
from .custom import with_custom, with_unnamed
from .evidence import Candidate, Evidence, Result, Task, load_evidence
from .laboratory import as_evaluated, with_laboratory
from .limits import MemoryBudget
from .nearest import Neighbour, nearest
from .outlook import CHECKLIST, Expected, Outlook, advice, foreign
from .prediction.forecast import load_fitted

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
        query: the data in a few numbers, and what may be spent. Without any limit on size, time or memory, a
            fine-tune is held to ASSUMED, and a note says so.
        evidence: the tables; the shipped ones when None.

    Returns:
        At most `query.top` rows, best first. The same query over the same tables gives the same answer.

    Raises:
        InputError: if no backbone keeps the budget; the message says the smallest value that one has.
        UnknownNameError: for a device without published speeds.
    """
    known = load_evidence() if evidence is None else evidence
    assumed = known.shipped and query.recipe == "fine-tune" and not _limited(query)
    if assumed:
        query = replace(query, memory=(ASSUMED,))
    costs = Costs(query, known)
    budgets = costs.budgets()
    near = nearest(query, known.tasks)
    if not near:
        raise InputError("There is no result to rank by: the tables hold no usable observation.")
    fitted = _fitted(known, query) if known.shipped else None
    measured = {model for neighbour in near for model in neighbour.task.results}
    models = sorted(measured if fitted is None else {*fitted.models} - {*known.custom})
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
            custom=model in known.custom,
        )
        for rank, model in shown
    )
    best_there = tuple(_best_there(neighbour.task, kept) for neighbour in near)
    notes = _notes(query, known, near, (len(models), len(kept)), rows)
    if assumed:
        notes = (_ASSUMED, *notes)
    if outlook is None:
        return Recommendation(query, rows, near, len(models), notes, best_there=best_there)
    return Recommendation(
        query,
        rows,
        near,
        len(models),
        notes,
        shortlist=outlook.shortlist(),
        next_runs=outlook.next_runs(candidates, costs.training_seconds),
        highest_level=outlook.forecast.highest_level,
        advice=advice(query),
        checklist=CHECKLIST,
        best_there=best_there,
    )


def _fitted(known: Evidence, query: Query) -> Fitted:
    unnamed = sorted({name for task in known.own_tasks for name in task.runs})
    fitted = with_laboratory(with_unnamed(load_fitted(), unnamed, known), known.own_tasks)
    fitted = as_evaluated(fitted, known.own_tasks, query.recipe, query.domain)
    return with_custom(fitted, known.custom)


def _best_there(task: Task, kept: Iterable[str], most: int = 3) -> tuple[BestThere, ...]:
    """What did best on a data set, of the weights and architectures that the budget leaves."""
    names = {*kept}
    names |= {name.partition(".")[0] for name in names}
    places = sorted(task.results, key=lambda model: (task.results[model].error, model))
    ranked = [
        BestThere(model, task.results[model].error, place)
        for place, model in enumerate(places, start=1)
        if model in names
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
        self[model] = self._known.candidate(model)
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
    custom: bool,
) -> Recommended:
    model = candidate.model
    spent = [b.of(candidate, cost) for b in budgets if (cost := b.cost(candidate)) is not None]
    seen = [neighbour.task for neighbour in near if model in neighbour.task.results]
    costed = next((task for task in seen if task.results[model].fit_time_s), None)
    cost = costed.results[model] if costed else None
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
        reasons=(*_because(expected), *_reasons(model, seen), *([why_tied] if why_tied else [])),
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


def _because(expected: Expected | None, most: int = 2) -> list[str]:
    """The strongest terms in words, against the average candidate."""
    if expected is None:
        return []
    terms = sorted(expected.terms.items(), key=lambda term: (-abs(term[1]), term[0]))[:most]
    return [f"{value:+.1f} points: {name}" for name, value in terms if abs(value) >= 0.05]


def _reasons(model: str, seen: list[Task]) -> list[str]:
    words = []
    for task in seen[:3]:
        known = _known_result(model, task)
        words.append(f"{known.place} of {known.n_models} on {task.dataset} ({100 * known.error:.2f} % error)")
    return words


def _notes(
    query: Query,
    known: Evidence,
    near: tuple[Neighbour, ...],
    counts: tuple[int, int],
    rows: tuple[Recommended, ...],
) -> tuple[str, ...]:
    ties = sum(row.tied_with_first for row in rows)
    predicted = rows[0].expected is not None
    n_models, n_kept = counts
    larger = [row for row in rows if _expects_more(row, known)]
    said = [
        (not predicted, _ORDER),
        (predicted, _PREDICTED),
        (predicted and bool(foreign(query)), _foreign(query)),
        (
            True,
            f"{n_models} models are known; {n_kept} fit the budget."
            if predicted
            else f"{n_models} models have results on the {len(near)} nearest data sets; "
            f"{n_kept} fit the budget.",
        ),
        (predicted and not _limited(query), _NO_BUDGET),
        (query.domain == "unknown", _NO_DOMAIN),
        (query.domain != "unknown" and not any(_alike(n, query) for n in near), _outside(query)),
        (_timed(rows, single=False), _OFFLINE),
        (_timed(rows, single=True), _SINGLE),
        (any(row.fit_times for row in rows), _FIT.format(epochs=query.epochs)),
        (bool(larger), _larger(larger)),
        (ties > 0, f"{ties} of {len(rows)} rows cannot be told from the first by the published noise."),
        (any(row.custom for row in rows), _CUSTOM),
        (bool(known.custom) and not predicted, _CUSTOM_ALONE),
        (any(n.task.study == "fastai" for n in near), _FASTAI_GAPS),
    ]
    return tuple(words for holds, words in said if holds)


def _expects_more(row: Recommended, known: Evidence) -> bool:
    """Whether the weights expect larger images than the architecture was counted at."""
    shapes = known.profiles.get(row.backbone, {}).get("input_shapes")
    if not row.preprocessing or not isinstance(shapes, str):
        return False
    return row.preprocessing["input_size"][-1] > json.loads(shapes)[0][-1]


def _larger(rows: list[Recommended]) -> str:
    named = ", ".join(
        f"{row.weights} ({row.preprocessing['input_size'][-1]})" for row in rows if row.preprocessing
    )
    return (
        "MACs are those of an architecture's default size; these weights expect larger images, and their "
        f"times and memory are scaled by the area: {named}."
    )


def _limited(query: Query) -> bool:
    return bool(query.max_params or query.max_macs or query.within or query.memory or query.fit_within)


def _timed(rows: tuple[Recommended, ...], *, single: bool) -> bool:
    sources = [speed.source for row in rows for speed in row.speeds if not speed.p90_s]
    return any(("batch 1," in source or "one image" in source) == single for source in sources)


def _alike(neighbour: Neighbour, query: Query) -> bool:
    task = neighbour.task
    return task.facts.get("domain") == query.domain and task.recipe == query.recipe


def _foreign(query: Query) -> str:
    return (
        f"Outside the tables' support: {', '.join(foreign(query))}. The intervals are widened; this is a "
        "prior only: run two anchors of different families."
    )


def _outside(query: Query) -> str:
    return (
        f"Outside the tables' support: no {query.recipe} result near it is of the domain {query.domain}. "
        "Take the list as a prior, and try two of different families."
    )


_ORDER = (
    "The order is a weighted mean rank over the nearest data sets. It says what to try first, not what error "
    "to expect: only a run on your images tells that."
)
_PREDICTED = (
    "The order is that of the predicted errors, which come from what a model is and from results on other "
    "data sets; in laboratories left out it is better than that of the results nearby, which stand beside it "
    "(archimeter evaluate). The interval is mostly the unknown difficulty of your data: one run of your own "
    "(--anchor backbone=error) narrows it more than anything else."
)
_ASSUMED = (
    "No budget was stated: training steps of 32 images on one GPU of 24 GB are assumed. Say what you have: "
    "--max-memory '80GB @ 64', --max-fit-time '2 h @ RTX 3090', --within '5 ms @ RTX 4090', --max-params 50M."
)
_NO_BUDGET = (
    "No budget was stated, and larger models are expected to do better: say what you can spend (--max-memory "
    "8GB, --max-fit-time '2 h @ RTX 3090', --within '5 ms @ RTX 4090', --max-params 50M)."
)
_NO_DOMAIN = "No domain was stated, so every data set counts as half foreign: --domain narrows it."
_OFFLINE = (
    "Times per image are published throughputs at large batches (offline), inverted; a single image takes "
    "longer. A time that is predicted says so, with its interval."
)
_SINGLE = (
    "Times per image on CPUs are published means, one image at a time; how far single images stray from them "
    "(p90) nobody published: `archimeter calibrate` measures both on your device."
)
_FIT = (
    "Fit times are images × {epochs} epochs at the published training speed (float16 autocast, torch 1.12, "
    "the largest batch, default size), without loading, augmentation and evaluation."
)
_CUSTOM = (
    "Your own network is predicted from its counts with the full variance of what nobody measured, as if "
    "pretrained like the others; trained from scratch on few images expect much more error."
)
_CUSTOM_ALONE = (
    "Your own network is left out: it is placed by a model of the shipped studies, which --only leaves out."
)
_FASTAI_GAPS = (
    "The fast.ai sweep has no result for MobileNetV3, BEiT and the large ConvNeXt and ViT (they did not fit "
    "its GPU), and ran EfficientNetV2 with a recipe its authors call unsuitable."
)
