"""What is believed of a data set's logit errors, before and after runs on it.

logit error = level of the data set + spread × (effect of the model + what is left) + sampling of test images.
The level is mostly unknown before a run; one run (an anchor) tells nearly all of it, in closed form. It tells
two things more: models spread further where errors are rare, and so does the luck of a finite test set. From
the second run on, how far the runs lie from what was expected of them tells the spread itself.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from .logits import CLIP, expit

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "RERUN",
    "USUAL",
    "Belief",
    "Posterior",
    "log_room",
    "outcomes",
    "sampling_of",
    "studentised",
    "widening",
]

Array = np.ndarray
USUAL = math.log(0.1)
"""Log room at which a spread is stated: of an error of about 11 %."""
RERUN = 1e-3
"""Variance of an anchor's logit error: it is the very run that is reported."""
SAMPLING = 0.0005
"""Where the number of images is not known: a test set of 2,000."""
SUBSETS = 10


@dataclass(frozen=True, slots=True)
class Posterior:
    """Joint distribution of the logit errors: mean `[models]` and covariance `[models, models]`."""

    mean: Array
    covariance: Array


@dataclass(frozen=True, slots=True)
class Belief:
    """What is believed before any run.

    Attributes:
        level, level_variance: of the data set.
        effect, own: of the models, `[models]`, and the covariance of what else they differ by, both where the
            log room is `usual`.
        sampling: variance of a measured error over e (1 − e): 1 / test images.
        lean: how fast the spread of the models grows as room is lost.
        freedom: degrees of freedom of the spread; infinite where runs shall not correct it.
    """

    level: float
    level_variance: float
    effect: Array
    own: Array
    sampling: float = 0.0
    lean: float = 0.0
    usual: float = USUAL
    freedom: float = math.inf

    def at(self, where: Array | float) -> Posterior:
        """Were the data set's level about `where`, a logit error."""
        spread = self.spread(where)
        covariance = spread**2 * self.own + self.level_variance
        covariance[np.diag_indices(len(self.effect))] += self.sampling / np.exp(log_room(where))
        return Posterior(self.level + spread * self.effect, covariance)

    def spread(self, where: Array | float) -> Array:
        """How much further than usual the models lie apart there."""
        return np.exp(-self.lean * (log_room(where) - self.usual))

    def after(self, anchors: Mapping[int, float]) -> Posterior:
        """Updated by runs: index of a model → its measured logit error."""
        if not anchors:
            return self.at(self.level)
        at, seen = list(anchors), np.array(list(anchors.values()))
        before = self.at(float(seen.mean()))
        cross = before.covariance[:, at]
        inner = cross[at] + RERUN * np.eye(len(at))
        gain = np.linalg.solve(inner, cross.T).T
        away = seen - before.mean[at]
        factor = widening(inner, away, self.freedom)
        return Posterior(before.mean + gain @ away, factor * (before.covariance - gain @ cross.T))

    def after_each(self, y: Array) -> tuple[Array, Array]:
        """Mean and deviation of every model (row) after one run of each anchor (column); NaN for itself."""
        spread = self.spread(y)
        lucky = self.sampling / np.exp(log_room(y))
        variance = spread**2 * np.diag(self.own)[:, None] + self.level_variance + lucky
        cross = spread**2 * self.own + self.level_variance
        mean = self.level + spread * self.effect[:, None]
        gain = cross / (np.diag(variance) + RERUN)
        after = mean + gain * (y - np.diag(mean))
        np.fill_diagonal(after, np.nan)
        return after, np.sqrt(np.maximum(variance - gain * cross, 1e-9))


def log_room(logit_error: Array | float) -> Array:
    """Log of e (1 − e): little where an error is rare, or the rule."""
    e = np.clip(expit(logit_error), CLIP, 1 - CLIP)
    return np.log(e * (1 - e))


def widening(inner: Array, away: Array, freedom: float) -> float:
    """How much larger the spread's variance is, judged by anchors, than before: 1 with a single one.

    The posterior mean under an inverse-gamma prior of `freedom` degrees, the level profiled out.

    Args:
        inner: covariance of the anchors.
        away: by how much they came out above expectation.
        freedom: of the prior.
    """
    if math.isinf(freedom) or len(away) < 2:
        return 1.0
    weights, ones = np.linalg.solve(inner, np.array([away, np.ones(len(away))]).T).T
    square = float(away @ weights) - float(ones @ away) ** 2 / float(ones.sum())
    return (freedom + max(square, 0.0)) / (freedom + len(away) - 1)


def sampling_of(facts: Mapping[str, Any]) -> float:
    """Variance of an error rate over its e (1 − e), of a test set a third as large as the training set."""
    images = facts.get("n_train")
    return 1 / float(np.clip(images / 3, 100, 10_000)) if images else SAMPLING


def outcomes(belief: Belief, y: Array, anchors: int) -> tuple[Array, Array]:
    """Mean and deviation of every model after so many runs, `[models, sets of anchors]`; NaN for anchors.

    Every model is an anchor once for one; more are SUBSETS random sets, the same for the same number.
    """
    if anchors == 1:
        return belief.after_each(y)
    sets = _sets(len(y), anchors)
    means, deviations = np.full((2, len(y), len(sets)), np.nan)
    for k, at in enumerate(sets):
        after = belief.after({i: float(y[i]) for i in at})
        means[:, k] = after.mean
        means[at, k] = np.nan
        deviations[:, k] = np.sqrt(np.maximum(np.diag(after.covariance), 1e-9))
    return means, deviations


def studentised(belief: Belief, y: Array, anchors: int) -> Array:
    """How many deviations the measured logit errors lie from the predicted ones, over all sets of anchors."""
    mean, deviation = outcomes(belief, y, anchors)
    away = (y[:, None] - mean) / deviation
    return away[~np.isnan(away)]


def differences(belief: Belief, y: Array, anchors: int) -> Array:
    """The same of the differences to the model that is predicted best, over SUBSETS sets of anchors."""
    found = [np.empty(0)]
    for at in _sets(len(y), anchors):
        after = belief.after({i: float(y[i]) for i in at})
        v, first, away = after.covariance, int(after.mean.argmin()), y - after.mean
        deviation = np.sqrt(np.maximum(np.diag(v) + v[first, first] - 2 * v[first], 1e-9))
        found.append(np.delete((away - away[first]) / deviation, [*at, first]))
    return np.concatenate(found)


def _sets(n: int, anchors: int) -> list[list[int]]:
    if not anchors:
        return [[]]
    rng = np.random.default_rng(0)
    return [rng.choice(n, anchors, replace=False).tolist() for _ in range(SUBSETS if n > anchors else 0)]
