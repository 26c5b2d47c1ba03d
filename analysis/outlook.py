"""What is expected of each candidate on the asked data: error, interval, chances, reasons, the next run."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..data.errors import InputError, UnknownNameError
from .advice import foreign
from .custom import default_of
from .prediction.design import FEATURES, NUMBERS, PRETRAININGS
from .prediction.forecast import Fitted, Forecast
from .prediction.logits import expit

if TYPE_CHECKING:
    from .evidence import Candidate, Evidence
    from .prediction.sample import Sample
    from .query import Query

__all__ = ["Expected", "NextRun", "Outlook"]

MOST = 40
"""Candidates that the next run is sought among: the best by expected error."""
MOST_ANCHORS = 3


@dataclass(frozen=True, slots=True)
class Expected:
    """What is expected of one model.

    Attributes:
        error, low, high: predicted error and its 80 % interval, in [0, 1]. behind, behind_low, behind_high:
            error less that of the first row, with its own 80 % interval. p_best, p_within_1_point: chances
            among all that keep the budget. terms: what moves it against their average, in error points,
            negative is better.
    """

    error: float
    low: float
    high: float
    behind: float
    behind_low: float
    behind_high: float
    p_best: float
    p_within_1_point: float
    terms: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class NextRun:
    """A run worth making: expected error points saved, and minutes of a fine-tune on an RTX 3090."""

    model: str
    saves_points: float
    minutes: float


class Outlook:
    """The forecast for one query, over the models that keep its budget.

    `order` is that of the predicted errors, which `evaluate` scores on laboratories left out: there, real
    results on the nearest data sets of other laboratories order worse than a model's facts do.

    Args:
        fitted: the model.
        query: the question.
        known: the tables.
        kept: models that keep the budget.
        scores: rank on the nearest data sets, lower is better, of the models with results there: between
            models that are predicted the same, the better of them leads.
    """

    def __init__(
        self, fitted: Fitted, query: Query, known: Evidence, kept: Sequence[str], scores: Mapping[str, float]
    ) -> None:
        self.fitted, self.query = fitted, query
        self.anchors = anchored(fitted, query, known)
        self.forecast = Forecast.of(
            fitted,
            {
                "domain": query.domain,
                "n_train": query.images,
                "n_classes": query.classes,
                "foreign": bool(foreign(query)),
            },
            query.recipe,
            {fitted.place[model]: error for model, error in self.anchors},
        )
        mean = self.forecast.mean
        foretold = [model for model in kept if model in fitted.place]
        foretold.sort(key=lambda m: (mean[fitted.place[m]], scores.get(m, 1.0), m))
        first: dict[str, str] = {}
        for model in foretold:
            first.setdefault(model if model in known.custom else model.partition(".")[0], model)
        self.order = list(first.values())
        self._among = [fitted.place[model] for model in self.order]
        self._at = {model: i for i, model in enumerate(self.order)}
        self._sample = self.forecast.sample(self._among)
        self._best, self._near = self._sample.chances
        self._low, self._high = self.forecast.interval()

    def expected(self, model: str) -> Expected:
        """What is expected of one of `order`."""
        i, at = self.fitted.place[model], self._at.get(model)
        sample, place = (self._sample, at) if at is not None else self._beside_first(i)
        middle, low, high = sample.behind(place, 0)
        return Expected(
            error=_short(expit(self.forecast.mean[i])),
            low=_short(self._low[i]),
            high=_short(self._high[i]),
            behind=_short(middle),
            behind_low=_short(low),
            behind_high=_short(high),
            p_best=_short(self._best[at]) if at is not None else 0.0,
            p_within_1_point=_short(self._near[at]) if at is not None else 0.0,
            terms=self._terms(i),
        )

    def shortlist(self) -> tuple[str, ...]:
        """The smallest set that holds the best with 80 %, in the order of the predicted errors."""
        return tuple(self.order[i] for i in sorted(self._sample.smallest_set()))

    def _beside_first(self, i: int) -> tuple[Sample, int]:
        """A model that is not among those ranked, with the first: the user's own run of other weights."""
        return self.forecast.sample([self._among[0], i]), 1

    def next_runs(
        self, candidates: Mapping[str, Candidate], seconds: Callable[[Candidate], float | None], most: int = 3
    ) -> tuple[NextRun, ...]:
        """The runs that save the most expected error per minute.

        Args:
            candidates: what is known of the models.
            seconds: of training per image of one.
            most: how many to return.
        """
        if len(self.anchors) >= MOST_ANCHORS:
            return ()
        done = {model for model, _ in self.anchors}
        runs = []
        for model in self.order[:MOST]:
            each = seconds(candidates[model])
            if model in done or each is None:
                continue
            minutes = each * (self.query.images or 1000) * self.query.epochs / 60
            saves = _short(100 * self.forecast.regret_reduction(self.fitted.place[model], self._among))
            if saves > 0:
                runs.append(NextRun(model, saves, _short(minutes)))
        runs.sort(key=lambda run: (-run.saves_points / (run.minutes + 1), run.model))
        return tuple(runs[:most])

    def _terms(self, i: int) -> dict[str, float]:
        """Signed contributions in points, by group, against the mean over the candidates."""
        fitted, e = self.fitted, float(expit(self.forecast.mean[i]))
        facts = fitted.x * self.forecast.slopes
        found = {name: facts[:, at].sum(axis=1) for name, at in _GROUPS.items()}
        found["your results"] = self.forecast.mean - facts.sum(axis=1)
        away = {name: float(part[i] - part[self._among].mean()) for name, part in found.items()}
        return {name: _short(100 * e * (1 - e) * value) for name, value in away.items()}


_GROUPS = {
    name: [FEATURES.index(one) for one in members]
    for name, members in {
        "its ImageNet error": [n for n in NUMBERS if "imagenet" in n],
        "its MACs": ["macs"],
        "its pretraining": PRETRAININGS,
    }.items()
}
"""The facts that the fitted model has slopes on, as a person calls them."""


def anchored(fitted: Fitted, query: Query, known: Evidence) -> list[tuple[str, float]]:
    """The query's own runs as (model, error); a bare architecture means its default weights.

    Raises:
        UnknownNameError: for a model that is not known.
        InputError: for more than MOST_ANCHORS, or one model twice.
    """
    if len(query.anchors) > MOST_ANCHORS:
        raise InputError(f"{len(query.anchors)} anchors were given; give at most {MOST_ANCHORS}.")
    found = []
    for name, error in query.anchors:
        model = name if name in fitted.place else default_of(fitted, known, name)
        if model is None:
            raise UnknownNameError("backbone", name, sorted({m.partition(".")[0] for m in fitted.models}))
        if model in dict(found):
            raise InputError(f"The anchor {name} is {model}, which is given already: give the mean once.")
        found.append((model, error))
    return found


def _short(value: Any) -> float:
    return round(float(value), 6) + 0.0  # no −0.0
