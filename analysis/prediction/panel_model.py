"""Errors of a panel's models on a new data set: crossed effects on the logit scale, updated by anchors.

logit error = difficulty of the data set + effect of the model + what the two have with each other + noise.
Difficulty is mostly unknown before a run; one run (an anchor) tells nearly all of it, in closed form.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from .logits import expit, logit

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["PanelPosterior", "condition", "prior"]

Array = np.ndarray
SAMPLING = 0.0005
"""Variance of an error rate over its e (1 − e): a test set of 2,000 images."""
POOLED = 0.5
"""Weight of the pooled, independent part of the interaction's covariance against the observed one."""


@dataclass(frozen=True, slots=True)
class PanelPosterior:
    """Joint Gaussian of the logit errors: mean `[models]` and covariance `[models, models]`."""

    mean: Array
    covariance: Array


def prior(errors: Array, facts: Sequence[Mapping[str, Any]], new: Mapping[str, Any]) -> PanelPosterior:
    """What the known data sets say of a new one, before any run on it.

    Args:
        errors: `[models, datasets]`, NaN where not measured; a model without any result keeps effect 0 and
            the variance of a whole model.
        facts: the known data sets' rows (`n_classes`, `n_train`).
        new: the same of the new data set.
    """
    y = logit(errors)
    seen = ~np.isnan(y)
    level = np.nansum(y, axis=0) / np.maximum(seen.sum(axis=0), 1)
    centred = y - level
    n_seen = seen.sum(axis=1)
    effect = np.nansum(centred, axis=1) / np.maximum(n_seen, 1)
    residual = np.where(seen, centred - effect[:, None], 0.0)
    n, d = y.shape
    observed = residual @ residual.T / max(d - 1, 1)
    pooled = float(np.trace(observed)) / max(n, 1)
    own = 0.5 * np.diag(observed) + 0.5 * pooled
    interaction = (1 - POOLED) * observed + POOLED * np.diag(own)
    spread = float(np.var(effect[n_seen > 0])) if (n_seen > 0).any() else 1.0
    own_noise = pooled / np.maximum(n_seen, 1)
    between = max(spread - float(own_noise[n_seen > 0].mean()), 0.1 * spread) if (n_seen > 0).any() else 1.0
    kept = np.where(n_seen > 0, between / (between + own_noise), 0.0)
    mean, variance = _difficulty(level, facts, new)
    sampling = np.diag(SAMPLING / np.maximum(slope_of_expit(mean + kept * effect), 1e-3))
    return PanelPosterior(
        mean + kept * effect, interaction + np.diag((1 - kept) * between) + sampling + variance
    )


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


def _difficulty(
    level: Array, facts: Sequence[Mapping[str, Any]], new: Mapping[str, Any]
) -> tuple[float, float]:
    """Mean and variance of the new data set's level: ridge on log classes, shrunk to the panel's mean."""
    d = len(level)
    if d < 2:
        return float(level.mean()), 1.0
    spread = float(level.var(ddof=1))
    known = [row.get("n_classes") for row in facts]
    asked = new.get("n_classes")
    pairs = [(np.log(k), v) for k, v in zip(known, level, strict=True) if k]
    if not asked or len(pairs) < 5:
        return float(level.mean()), spread * (1 + 1 / d)
    x, v = np.array(pairs).T
    slope = ((x - x.mean()) @ (v - v.mean())) / (((x - x.mean()) ** 2).sum() + max(x.var(), 1e-9) * RIDGE)
    rest = v - v.mean() - slope * (x - x.mean())
    mean = v.mean() + slope * (np.clip(np.log(asked), x.min(), x.max()) - x.mean())
    return float(mean), float((rest**2).sum() / max(len(v) - 2, 1)) * (1 + 2 / len(v))


RIDGE = 3.0
"""Pseudo-observations that say the number of classes does not matter."""
