"""What a person has to know of an answer, one sentence or two each, in the order of how much it matters."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from .advice import at_most, few, foreign
from .prediction.design import recipe_branch

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from .answer import Recommendation, Recommended, Support
    from .evidence import Evidence
    from .nearest import Neighbour
    from .outlook import Outlook
    from .query import Query

__all__ = ["SUPPORT", "choice", "limited", "remarks"]

SAVES = 0.1
"""Expected error points below which no run is worth naming."""


def remarks(
    query: Query,
    known: Evidence,
    near: Sequence[Neighbour],
    rows: Sequence[Recommended],
    *,
    counts: tuple[int, int, int],
    outlook: Outlook | None,
    assumed: bool,
    support: tuple[Support, str],
) -> tuple[str, ...]:
    """Collect them.

    Args:
        query: the question.
        known: the tables.
        near: the nearest data sets.
        rows: of the answer.
        counts: models known, those of them that fit the budget, and those left out for want of weights.
        outlook: the forecast; None where no model could be fitted.
        assumed: whether the query's budget was assumed.
        support: of the question, and why.
    """
    predicted, alone = outlook is not None, known.own is not None and not known.shipped
    ties = sum(row.tied_with_first for row in rows)
    larger = [row for row in rows if _expects_more(row, known)]
    n_models, n_kept, n_without = counts
    said = [
        (True, _place(query, known, outlook, support)),
        (assumed, _ASSUMED),
        (not predicted, _ORDER),
        (not predicted and alone, _TOO_FEW),
        (not predicted and bool(query.anchors), _NO_ANCHORS),
        (predicted and not alone, _PREDICTED if query.anchors or known.own_tasks else _SAME_ORDER),
        (predicted and alone, _ALONE),
        (predicted and not query.anchors, _LEVEL),
        *((True, words) for words in _anchors(outlook)),
        (predicted and alone, _promise(outlook)),
        (
            True,
            f"{n_models} models are known; {n_kept} fit the budget. Points in 'why' are against their mean."
            if predicted
            else f"{n_models} models have results on the nearest data sets ({len(near)}); "
            f"{n_kept} fit the budget.",
        ),
        (n_without > 0, _WITHOUT.format(n=n_without)),
        (bool(rows), _support(rows, support[0])),
        (predicted and not alone and not limited(query), _NO_BUDGET),
        (query.domain == "unknown" and support[0] == "outside", _NO_DOMAIN),
        (_timed(rows, single=False), _OFFLINE),
        (_timed(rows, single=True), _SINGLE),
        (
            any(row.fit_times for row in rows),
            _FIT_FROZEN if recipe_branch(query.recipe) == "frozen" else _FIT.format(epochs=query.epochs),
        ),
        (bool(larger), _larger(larger)),
        (ties > 0, f"{ties} of {len(rows)} rows cannot be told from the first by the published noise."),
        (any(row.custom and row.support == "outside" for row in rows), _CUSTOM),
        (not predicted and bool({*known.custom} - {row.backbone for row in rows}), _CUSTOM_ALONE),
        (not predicted and any(n.task.study == "fastai" for n in near), _FASTAI_GAPS),
    ]
    return tuple(words for holds, words in said if holds and words)


def choice(answer: Recommendation, most: int = 6) -> Iterator[str]:
    """How clear the choice is, and which run to make next: nothing where the answer has no predicted errors.

    Args:
        answer: the answer.
        most: models to name.
    """
    names, n = ", ".join(answer.shortlist[:most]), len(answer.shortlist)
    if n == 1:
        yield f"{names} is the best of all with 80 %."
    elif n > most:
        yield (
            f"No clear first: it takes {n} models to hold the best with 80 %. Between the first rows let "
            "cost decide, or runs of your own."
        )
    elif n:
        yield f"{n} models hold the best with 80 %: {names}."
    run, tuned = next(iter(answer.next_runs), None), answer.query.recipe == "fine-tune"
    if run and run.saves_points >= SAVES and not (tuned and few(answer.query)):
        time = f", {_minutes(run.minutes)} on an RTX 3090" if tuned else ""
        yield (
            f"Run next: {run.model}{time}, and give its error as --anchor: the pick that follows is expected "
            f"to be {run.saves_points:.2f} points better."
        )


def _minutes(value: float) -> str:
    if value < 1.5:
        return "a minute or less"
    return f"about {value:.0f} minutes" if value < 120 else f"about {value / 60:,.0f} hours"


def limited(query: Query) -> bool:
    """Whether any limit on size, time or memory was stated."""
    return bool(query.max_params or query.max_macs or query.within or query.memory or query.fit_within)


def _anchors(outlook: Outlook | None) -> list[str]:
    """Where the user's own runs stand among the candidates."""
    if outlook is None or not outlook.anchors:
        return []
    place, mean, runs = outlook.fitted.place, outlook.forecast.mean, []
    for model, error in outlook.anchors:
        ahead = sum(mean[place[other]] < mean[place[model]] for other in outlook.order)
        points = 100 * outlook.expected(model).behind
        better = f"{ahead:,} of {len(outlook.order):,} are expected to do better"
        by = f", the first by {points:.1f} points" if ahead else ""
        runs.append(f"{model} with {100 * error:.2f} % ({better}{by})")
    who = "Your own run sets" if len(runs) == 1 else "Your own runs set"
    return [f"{who} the level of all predictions: {'; '.join(runs)}."]


def _promise(outlook: Outlook | None) -> str:
    """What so few data sets can promise."""
    if outlook is None or outlook.forecast.highest_level >= 0.8:
        return ""
    n, level = outlook.fitted.n_datasets, outlook.forecast.highest_level
    return (
        f"Results on {n} unrelated data sets can promise {100 * level:.0f} % and no more, so the intervals "
        "are of that level; 80 % takes four."
    )


def _support(rows: Sequence[Recommended], limit: Support) -> str:
    """The words of the column, those that occur."""
    if limit == "outside":
        return "Support of every row – outside, as the question is."
    there = {at_most(row.support, limit) for row in rows}
    found = [f"{word}: {words}" for word, words in SUPPORT.items() if word in there]
    return f"Support of a backbone – {'; '.join(found)}."


def _place(query: Query, known: Evidence, outlook: Outlook | None, support: tuple[Support, str]) -> str:
    """Where the question lies, and what to do where that is outside."""
    word, why = support
    said = f"{_PLACES[word]} the tables' support: {why}."
    if word != "outside":
        return said
    widened = "The intervals are widened; this" if outlook and foreign(query) else "This"
    if query.recipe == "fine-tune" and few(query):
        return f"{said} {widened} is a prior only."  # a run would be noise
    first, *others = outlook.order if outlook else ("",)
    family = known.candidate(first).family
    other = next((model for model in others if known.candidate(model).family != family), None)
    named = f", such as {first} and {other}" if other else ""
    return f"{said} {widened} is a prior only: run two anchors of different families{named}."


def _expects_more(row: Recommended, known: Evidence) -> bool:
    """Whether the weights expect larger images than the architecture was counted at."""
    shapes = known.profiles.get(row.backbone, {}).get("input_shapes")
    if not row.preprocessing or not isinstance(shapes, str):
        return False
    return row.preprocessing["input_size"][-1] > json.loads(shapes)[0][-1]


def _larger(rows: Sequence[Recommended]) -> str:
    named = ", ".join(
        f"{row.weights} ({row.preprocessing['input_size'][-1]})" for row in rows if row.preprocessing
    )
    return (
        "MACs are those of an architecture's default size; these weights expect larger images, and their "
        f"times and memory are scaled by the area: {named}."
    )


def _timed(rows: Sequence[Recommended], *, single: bool) -> bool:
    sources = [speed.source for row in rows for speed in row.speeds if not speed.p90_s]
    return any(("batch 1," in source or "one image" in source) == single for source in sources)


_PLACES = {"inside": "Inside", "edge": "At the edge of", "outside": "Outside"}
SUPPORT = {
    "inside": "measured under this recipe in this domain",
    "edge": "measured under this recipe in other domains",
    "outside": "not measured under this recipe",
}
"""What the words of a row mean."""
_ORDER = (
    "The order is a weighted mean rank over the nearest data sets. It says what to try first, not what error "
    "to expect: only a run on your images tells that."
)
_TOO_FEW = (
    "No error is predicted: that takes results of three backbones on each of two unrelated data sets, which "
    "tell how much harder one is than another."
)
_NO_ANCHORS = "Your own runs (--anchor) take no part: without a predicted error there is nothing to correct."
_PREDICTED = (
    "The order is that of the predicted errors, which come from what a model is and from results on other "
    "data sets; in laboratories left out it is better than that of the results nearby, which stand beside it "
    "(archimeter evaluate)."
)
_SAME_ORDER = (
    "The order is that of the predicted errors. Until you give results of your own it is the same for all "
    "data: what you state moves the level and the interval, and no rule that let it move the order has held "
    "in laboratories left out (archimeter evaluate)."
)
_ALONE = (
    "Errors, intervals and chances are fitted on these results alone, and only their backbones are ranked; "
    "the intervals are calibrated on each data set as predicted from the others."
)
_LEVEL = (
    "The interval is mostly the unknown difficulty of your data: one run of your own (--anchor "
    "backbone=error) narrows it more than anything else."
)
_ASSUMED = (
    "No memory was stated: training steps of 32 images on one GPU of 24 GB are assumed. Say what you have: "
    "--max-memory '80GB @ 64'; further limits are --max-fit-time '2 h @ RTX 3090', --within '5 ms @ RTX "
    "4090' and --max-params 50M."
)
_NO_BUDGET = (
    "No budget was stated, and larger models are expected to do better: say what you can spend (--max-memory "
    "8GB, --max-fit-time '2 h @ RTX 3090', --within '5 ms @ RTX 4090', --max-params 50M)."
)
_WITHOUT = (
    "{n} more are left out: architectures without pretrained weights, and timm's networks for its own tests."
)
_NO_DOMAIN = "No domain was stated; --domain narrows it."
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
_FIT_FROZEN = (
    "Fit times are those of embedding the images once, at the time per image of inference, without loading; "
    "the head on top takes next to nothing."
)
_CUSTOM = (
    "Your own network is predicted from its counts with the full variance of what nobody measured, as if "
    "pretrained like the others; trained from scratch on few images expect much more error."
)
_CUSTOM_ALONE = (
    "Your own network is left out: without a predicted error nothing places a network that nobody measured."
)
_FASTAI_GAPS = (
    "The fast.ai sweep has no result for MobileNetV3, BEiT and the large ConvNeXt and ViT (they did not fit "
    "its GPU), and ran EfficientNetV2 with a recipe its authors call unsuitable."
)
