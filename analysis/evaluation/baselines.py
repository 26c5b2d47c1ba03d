"""Orders that need no model: every score is printed beside them. Lower is better in all."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from ..prediction.likeness import likeness
from ..prediction.logits import logit
from ..prediction.ranking import mean_rank

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ..prediction.features import ModelFacts

__all__ = ["BASELINES", "baseline_orders", "nearest"]

Array = np.ndarray
BASELINES = ("mean-rank", "mean-z-logit", "mean-logit", "nearest-dataset", "imagenet-top1", "params", "macs")


def baseline_orders(
    errors: Array,
    models: Sequence[ModelFacts],
    facts: Sequence[Mapping[str, Any]],
    target: Mapping[str, Any],
) -> dict[str, Array]:
    """Order of every baseline from the known data sets' errors, `[models]` each; NaN: no opinion.

    Args:
        errors: `[models, known data sets]`.
        models: their facts.
        facts: the known data sets' rows.
        target: the row of the data set to be predicted.
    """
    size = {
        "imagenet-top1": np.array([m.imagenet for m in models]),
        "params": -np.array([m.params for m in models]),
        "macs": -np.array([m.macs for m in models]),
    }
    if not errors.shape[1]:
        return size
    y = logit(errors)
    centred = y - _column(np.nanmean, y)
    return size | {
        "mean-rank": mean_rank(errors),
        "mean-z-logit": _row(centred / np.maximum(_column(np.nanstd, y), 1e-9)),
        "mean-logit": _row(centred),
        "nearest-dataset": errors[:, nearest(facts, target)],
    }


def nearest(facts: Sequence[Mapping[str, Any]], target: Mapping[str, Any]) -> int:
    """The known data set most like the target by domain, images and classes; the first of equals."""

    def distance(row: Mapping[str, Any]) -> float:
        total = 1 - likeness(row.get("domain") or "unknown", target.get("domain") or "unknown")
        for name in ("n_train", "n_classes"):
            one, other = row.get(name), target.get(name)
            total += abs(math.log10(one / other)) / 2 if one and other else 0.25
        return total

    return min(range(len(facts)), key=lambda j: distance(facts[j]))


def _column(statistic: Any, values: Array) -> Array:
    return np.array([statistic(values[:, j]) for j in range(values.shape[1])])


def _row(values: Array) -> Array:
    seen = (~np.isnan(values)).sum(axis=1)
    return np.where(seen > 0, np.nansum(values, axis=1) / np.maximum(seen, 1), np.nan)
