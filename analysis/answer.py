"""What `recommend` answers with: rows, the data sets they rest on, and what is not known."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

from .nearest import Neighbour
from .outlook import Expected, NextRun
from .query import Query

__all__ = [
    "BestThere",
    "FitTime",
    "KnownResult",
    "MemoryNeed",
    "Recommendation",
    "Recommended",
    "Speed",
    "Support",
    "Verdict",
]

Support = Literal["inside", "edge", "outside"]
Verdict = Literal["keeps", "measure", "exceeds"]


@dataclass(frozen=True, slots=True)
class KnownResult:
    """What the model really scored on a near data set; `place` of `n_models`, 1 is best.

    Attributes:
        condition: in words, empty where the study has one only. n_train: images trained on, None where
            nobody states it.
    """

    study: str
    dataset: str
    recipe: str
    metric: str
    error: float
    n_runs: int
    place: int
    n_models: int
    condition: str
    n_train: int | None


@dataclass(frozen=True, slots=True)
class BestThere:
    """A model that did best on a near data set, of those that the budget leaves; `place` of all there."""

    model: str
    error: float
    place: int


@dataclass(frozen=True, slots=True)
class Speed:
    """Time per image on a device, at the batch and setting that `source` names.

    Attributes:
        low, high: 90 % interval; equal to the value where it was published or measured.
        verdict: `keeps` the budget, or `measure`: it lies within the interval.
        p90_s: 90th percentile of single steps, where a calibration measured how they spread.
    """

    device: str
    seconds_per_image: float
    source: str
    low: float
    high: float
    verdict: Verdict
    p90_s: float | None = None


@dataclass(frozen=True, slots=True)
class MemoryNeed:
    """Peak memory of a step of `batch_size` images; interval and verdict as in Speed.

    `largest_batch`: the largest whose upper end keeps the budget, 0 where not even one image does.
    """

    mode: str
    optimiser: str | None
    batch_size: int
    peak_bytes: float
    low: float
    high: float
    verdict: Verdict
    largest_batch: int
    source: str


@dataclass(frozen=True, slots=True)
class FitTime:
    """Time of the whole fine-tune on a device; interval and verdict as in Speed."""

    device: str
    epochs: int
    seconds: float
    low: float
    high: float
    verdict: Verdict
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Recommended:
    """One row of the answer.

    Attributes:
        rank_score: expected share of models that are better, 0 to 1, lower is better; not an error.
        results: real results on the nearest data sets, nearest first.
        licence, preprocessing: where `weights` names none, those of the backbone's default weights.
        params, macs, activations: counted at the default input size; None where no profile is known.
        speeds, memory, fit_times: for each budget of that kind, in its order.
        fit_time_s, training_memory_bytes: measured by the nearest study that states them (`cost_study`).
        tied_with_first: the results cannot tell it from the first row.
        support: `inside` (measured under this recipe in this domain), `edge` (under this recipe elsewhere),
            `outside` (only under another recipe); never better than the answer's.
        reasons: why it stands here, in words. preprocessing: what its weights expect of an image.
        expected: predicted error, interval and chances; None where no fitted model covers the tables. Of a
            model that the user ran the error is that of the run.
        custom: the user's own network, asked for by name.
    """

    rank: int
    backbone: str
    weights: str | None
    family: str
    kind: str
    pretraining: str | None
    licence: str | None
    rank_score: float
    results: tuple[KnownResult, ...]
    params: int | None
    macs: int | None
    activations: int | None
    speeds: tuple[Speed, ...]
    memory: tuple[MemoryNeed, ...]
    fit_times: tuple[FitTime, ...]
    fit_time_s: float | None
    training_memory_bytes: float | None
    cost_study: str | None
    tied_with_first: bool
    support: Support
    reasons: tuple[str, ...]
    preprocessing: Mapping[str, Any] | None
    expected: Expected | None = None
    custom: bool = False


@dataclass(frozen=True, slots=True)
class Recommendation:
    """The answer: rows, the data sets most like the asked one, and what it does not know.

    n_candidates: models known. n_fitting: those that keep the budget. n_ranked: those in the order, where
    errors are predicted one set of weights of each backbone.
    best_there: for each of `nearest` what really did best there, within the budget. highest_level: what the
    known data sets can promise. support: of the question, which no row's is better than; why: the reason.
    """

    query: Query
    rows: tuple[Recommended, ...]
    nearest: tuple[Neighbour, ...]
    n_candidates: int
    notes: tuple[str, ...]
    support: Support
    why: str
    shortlist: tuple[str, ...] = ()
    next_runs: tuple[NextRun, ...] = ()
    highest_level: float | None = None
    advice: str | None = None
    checklist: tuple[str, ...] = ()
    best_there: tuple[tuple[BestThere, ...], ...] = ()
    n_fitting: int = 0
    n_ranked: int = 0

    @property
    def level(self) -> float | None:
        """Level of the predicted errors' intervals: 80 %, or what so few data sets can promise."""
        return None if self.highest_level is None else min(0.8, self.highest_level)

    def as_document(self) -> dict[str, Any]:
        """The whole answer as one JSON-able object."""
        return {
            "query": asdict(self.query),
            "recommendations": [asdict(row) for row in self.rows],
            "nearest": [
                _neighbour_row(neighbour) | {"best_there": [asdict(one) for one in best]}
                for neighbour, best in zip(self.nearest, self.best_there, strict=True)
            ],
            "n_candidates": self.n_candidates,
            "n_fitting": self.n_fitting,
            "n_ranked": self.n_ranked,
            "notes": list(self.notes),
            "support": self.support,
            "why": self.why,
            "shortlist": list(self.shortlist),
            "next_runs": [asdict(run) for run in self.next_runs],
            "level": self.level,
            "highest_level": self.highest_level,
            "advice": self.advice,
            "checklist": list(self.checklist),
        }


def _neighbour_row(neighbour: Neighbour) -> dict[str, Any]:
    task = neighbour.task
    return {
        "study": task.study,
        "dataset": task.dataset,
        "recipe": task.recipe,
        "metric": task.metric,
        "condition": task.condition,
        "n_train": task.n_train,
        "domain": task.facts.get("domain"),
        "n_models": len(task.results),
        "likeness": neighbour.likeness,
        "distance": round(neighbour.distance, 6),
        "weight": round(neighbour.weight, 6),
        "noise": task.noise,
        "noise_from": task.noise_from,
        "reasons": list(neighbour.reasons),
    }
