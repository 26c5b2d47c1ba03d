"""What is expected of each candidate on the asked data: error, interval, chances, reasons, the next run."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..data.errors import InputError, UnknownNameError
from .advice import foreign
from .custom import default_of
from .prediction.design import FEATURES, KINDS, NUMBERS, PRETRAININGS
from .prediction.forecast import Fitted, Forecast
from .prediction.logits import expit

if TYPE_CHECKING:
    from .evidence import Candidate, Evidence
    from .query import Query

__all__ = ["Expected", "NextRun", "Outlook"]

MOST = 40
"""Candidates among which the chances and the next run are reckoned: the best by expected error."""
MOST_ANCHORS = 3


@dataclass(frozen=True, slots=True)
class Expected:
    """What is expected of one model.

    Attributes:
        error, low, high: predicted error and its 80 % interval, in [0, 1]. behind, behind_low, behind_high:
            error less that of the first row, with its own 80 % interval. p_best, p_within_1_point: chances
            among the candidates shown and their like. terms: what moves it against the average candidate, in
            error points, negative is better.
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
        self._among = [fitted.place[model] for model in self.order[:MOST]]
        self._best, self._near = self.forecast.chances(self._among)
        self._low, self._high = self.forecast.interval()

    def expected(self, model: str) -> Expected:
        """What is expected of one of `order`."""
        i = self.fitted.place[model]
        at = self._among.index(i) if i in self._among else None
        middle, low, high = self.forecast.behind(i, self._among[0])
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
        """The smallest set that holds the best with 80 %."""
        return tuple(self.fitted.models[i] for i in self.forecast.smallest_set(self._among))

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
            saves = 100 * self.forecast.regret_reduction(self.fitted.place[model], self._among)
            runs.append(NextRun(model, _short(saves), _short(minutes)))
        runs.sort(key=lambda run: (-run.saves_points / (run.minutes + 1), run.model))
        return tuple(runs[:most])

    def _terms(self, i: int) -> dict[str, float]:
        """Signed contributions in points, by group, against the mean over the candidates reckoned with."""
        fitted, e = self.fitted, float(expit(self.forecast.mean[i]))
        away = (fitted.x[i] - fitted.x[self._among].mean(axis=0)) * self.forecast.slopes
        groups = {
            "its ImageNet error": [n for n in NUMBERS if "imagenet" in n],
            "its size": [n for n in NUMBERS if "imagenet" not in n],
            "its pretraining": PRETRAININGS,
            "its kind": KINDS,
        }
        found = {
            name: float(sum(away[FEATURES.index(f)] for f in members)) for name, members in groups.items()
        }
        return {name: _short(100 * e * (1 - e) * value) for name, value in found.items()}


def anchored(fitted: Fitted, query: Query, known: Evidence) -> list[tuple[str, float]]:
    """The query's own runs as (model, error); a bare architecture means its default weights.

    Raises:
        UnknownNameError: for a model that is not known.
        InputError: for more than MOST_ANCHORS.
    """
    if len(query.anchors) > MOST_ANCHORS:
        raise InputError(f"{len(query.anchors)} anchors were given; give at most {MOST_ANCHORS}.")
    found = []
    for name, error in query.anchors:
        model = name if name in fitted.place else default_of(fitted, known, name)
        if model is None:
            raise UnknownNameError("backbone", name, sorted({m.partition(".")[0] for m in fitted.models}))
        found.append((model, error))
    return found


def _short(value: Any) -> float:
    return round(float(value), 6)
