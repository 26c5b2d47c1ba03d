"""Errors of a panel's models on a new data set: crossed effects on the logit scale, updated by anchors.

logit error = difficulty of the data set + spread × (effect of the model + what the two have with each other)
+ noise. The spread is larger where errors are rare (`belief`), and differs between data sets beyond that.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from .belief import USUAL, Belief, log_room, sampling_of
from .design import level_row
from .likeness import likeness_matrix
from .logits import logit

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["LevelTerms", "prior"]

Array = np.ndarray
POOLED = 0.5
"""Weight of the pooled, independent part of the interaction's covariance against the observed one."""
ELSEWHERE = 0.5
"""Weight of a data set of another domain in a level; one of the same domain has 1 more."""
FREEDOM = 4.0
"""Of a data set's spread within a laboratory: log spreads differ by about 0.4, with any study left out."""
ROUNDS = 10


@dataclass(frozen=True, slots=True)
class LevelTerms:
    """Learned from differences within other studies.

    Attributes:
        slopes: of the level on `design.level_row` without its first two. lean: how the spread of models grows
            where there is little room (`belief.Belief`).
    """

    slopes: Array
    lean: float = 0.0

    def of(self, facts: Sequence[Mapping[str, Any]], recipe: str) -> Array:
        """Their part of each data set's level."""
        return np.array([level_row(row, recipe)[2:] for row in facts]) @ self.slopes


def prior(
    errors: Array,
    facts: Sequence[Mapping[str, Any]],
    new: Mapping[str, Any],
    terms: LevelTerms | None = None,
    recipe: str = "fine-tune",
) -> Belief:
    """What a laboratory's known data sets say of a new one, before any run on it.

    Data sets of the same domain count more (`likeness`), both in the level and in what a model is better by.

    Args:
        errors: `[models, datasets]`, NaN where not measured; a model without any result keeps effect 0 and
            the variance of a whole model.
        facts: the known data sets' rows (`domain`, `n_classes`, `n_train`).
        new: the same of the new data set.
        terms: what domain, classes and images do to a level, learned elsewhere.
        recipe: how the laboratory uses its backbones.
    """
    y = logit(errors)
    seen = ~np.isnan(y)
    columns = np.nansum(y, axis=0) / np.maximum(seen.sum(axis=0), 1)
    domains = [row.get("domain") or "unknown" for row in facts]
    weight = ELSEWHERE + likeness_matrix(domains, [new.get("domain") or "unknown"])[:, 0]
    moved = columns
    if terms is not None:
        moved = columns + 0.5 * (terms.of([new], recipe) - terms.of(facts, recipe))
    level, variance = _level(moved, weight / weight.sum())
    lean, rooms = (terms.lean if terms else 0.0), log_room(columns)
    usual = float(rooms.mean()) if len(rooms) else USUAL
    centred = np.where(seen, y - columns, 0.0) * np.exp(lean * (rooms - usual))
    effect = centred @ weight / np.maximum(seen @ weight, 1e-9)
    kept, between = _kept(centred, seen, effect)
    effect = kept * effect
    residual = _typical(np.where(seen, centred - effect[:, None], 0.0), seen)
    observed = residual @ residual.T / max(y.shape[1] - 1, 1)
    pooled = float(np.trace(observed)) / max(len(y), 1)
    diagonal = np.diag(0.5 * np.diag(observed) + 0.5 * pooled)
    own = np.diag((1 - kept) * between) + (1 - POOLED) * observed + POOLED * diagonal
    return Belief(level, variance, effect, own, sampling_of(new), lean, usual, FREEDOM)


def _typical(residual: Array, seen: Array) -> Array:
    """Residuals with those of data sets of unusual spread drawn in: the weights of a multivariate t.

    Source: Lange, Little & Taylor (1989), "Robust statistical modeling using the t distribution".
    """
    counts, squares = seen.sum(axis=0), (residual**2).sum(axis=0)
    weight = np.ones(residual.shape[1])
    for _ in range(ROUNDS):
        usual = max(float(weight @ squares) / max(float(counts.sum()), 1.0), 1e-12)
        weight = (FREEDOM + counts) / (FREEDOM + squares / usual)
    return residual * np.sqrt(weight)


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


def _level(levels: Array, weight: Array) -> tuple[float, float]:
    """Mean and variance of the new data set's level, from those of the known ones."""
    if len(levels) < 2:
        return float(levels.mean()), 1.0
    mean, lone = float(weight @ levels), float(weight @ weight)
    return mean, float(weight @ (levels - mean) ** 2) / (1 - lone) * (1 + lone)
