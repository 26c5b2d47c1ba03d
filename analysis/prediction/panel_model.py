"""Errors of a panel's models on a new data set: crossed effects on the logit scale, updated by anchors.

logit error = difficulty of the data set + effect of the model + what the two have with each other + noise.
Difficulty is mostly unknown before a run; one run (an anchor) tells nearly all of it, in closed form.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from .design import level_row
from .likeness import likeness_matrix
from .logits import expit, logit

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["LevelTerms", "PanelPosterior", "condition", "prior"]

Array = np.ndarray
SAMPLING = 0.0005
"""Where the number of images is not known: a test set of 2,000."""
POOLED = 0.5
"""Weight of the pooled, independent part of the interaction's covariance against the observed one."""
ELSEWHERE = 0.5
"""Weight of a data set of another domain in a level; one of the same domain has 1 more."""


@dataclass(frozen=True, slots=True)
class LevelTerms:
    """Slopes of the level on `design.level_row` without its first two, from differences within studies."""

    slopes: Array

    def of(self, facts: Sequence[Mapping[str, Any]]) -> Array:
        """Their part of each data set's level."""
        return np.array([level_row(row, "fine-tune")[2:] for row in facts]) @ self.slopes


@dataclass(frozen=True, slots=True)
class PanelPosterior:
    """Joint Gaussian of the logit errors: mean `[models]` and covariance `[models, models]`."""

    mean: Array
    covariance: Array


def prior(
    errors: Array,
    facts: Sequence[Mapping[str, Any]],
    new: Mapping[str, Any],
    terms: LevelTerms | None = None,
) -> PanelPosterior:
    """What a laboratory's known data sets say of a new one, before any run on it.

    Data sets of the same domain count more (`likeness`), both in the level and in what a model is better by.

    Args:
        errors: `[models, datasets]`, NaN where not measured; a model without any result keeps effect 0 and
            the variance of a whole model.
        facts: the known data sets' rows (`domain`, `n_classes`, `n_train`).
        new: the same of the new data set.
        terms: what domain, classes and images do to a level, learned elsewhere.
    """
    y = logit(errors)
    seen = ~np.isnan(y)
    columns = np.nansum(y, axis=0) / np.maximum(seen.sum(axis=0), 1)
    domains = [row.get("domain") or "unknown" for row in facts]
    weight = ELSEWHERE + likeness_matrix(domains, [new.get("domain") or "unknown"])[:, 0]
    centred = np.where(seen, y - columns, 0.0)
    effect = centred @ weight / np.maximum(seen @ weight, 1e-9)
    kept, between = _kept(centred, seen, effect)
    effect = kept * effect
    level, variance = _level(columns, weight / weight.sum(), facts, new, terms)
    mean = level + effect
    residual = np.where(seen, centred - effect[:, None], 0.0)
    observed = residual @ residual.T / max(y.shape[1] - 1, 1)
    pooled = float(np.trace(observed)) / max(len(y), 1)
    diagonal = np.diag(0.5 * np.diag(observed) + 0.5 * pooled)
    sampling = np.diag(_sampling(new) / np.maximum(slope_of_expit(mean), 1e-3))
    unsure = np.diag((1 - kept) * between)
    covariance = unsure + (1 - POOLED) * observed + POOLED * diagonal + sampling + variance
    return PanelPosterior(mean, covariance)


def slope_of_expit(value: Array) -> Array:
    """E (1 − e) of the errors behind logits."""
    e = expit(value)
    return e * (1 - e)


def condition(belief: PanelPosterior, anchors: Mapping[int, float], noise: float = 1e-6) -> PanelPosterior:
    """Update by real runs on the new data set, exactly.

    Args:
        belief: before.
        anchors: index of a model → its error in [0, 1].
        noise: variance of one run's logit error.
    """
    if not anchors:
        return belief
    at = list(anchors)
    seen = logit(np.array([anchors[i] for i in at]))
    cross = belief.covariance[:, at]
    inner = belief.covariance[np.ix_(at, at)] + noise * np.eye(len(at))
    gain = np.linalg.solve(inner, cross.T).T
    return PanelPosterior(belief.mean + gain @ (seen - belief.mean[at]), belief.covariance - gain @ cross.T)


def _kept(centred: Array, seen: Array, effect: Array) -> tuple[Array, float]:
    """Share of each model's effect that is not noise (the crossed model's shrinkage), and their variance."""
    counts = seen.sum(axis=1)
    if not (counts > 0).any():
        return np.zeros(len(counts)), 1.0
    residual = np.where(seen, centred - effect[:, None], 0.0)
    noise = float((residual**2).sum()) / max(len(counts) * (seen.shape[1] - 1), 1) / np.maximum(counts, 1)
    spread = float(np.var(effect[counts > 0]))
    between = max(spread - float(noise[counts > 0].mean()), 0.1 * spread)
    return np.where(counts > 0, between / np.maximum(between + noise, 1e-12), 0.0), between


def _level(
    columns: Array,
    weight: Array,
    facts: Sequence[Mapping[str, Any]],
    new: Mapping[str, Any],
    terms: LevelTerms | None,
) -> tuple[float, float]:
    """Mean and variance of the new data set's level: that of the known ones, moved by half of `terms`."""
    if len(columns) < 2:
        return float(columns.mean()), 1.0
    moved = columns if terms is None else columns + 0.5 * (terms.of([new]) - terms.of(facts))
    mean, lone = float(weight @ moved), float(weight @ weight)
    return mean, float(weight @ (moved - mean) ** 2) / (1 - lone) * (1 + lone)


def _sampling(new: Mapping[str, Any]) -> float:
    """Variance of an error rate over its e (1 − e), of a test set a third as large as the training set."""
    images = new.get("n_train")
    return 1 / float(np.clip(images / 3, 100, 10_000)) if images else SAMPLING
