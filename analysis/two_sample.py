"""Whether two samples can be told apart: cross-validated AUC of a linear classifier, and its interval."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from .frechet import shrunk_covariance

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["Auc", "auc_interval", "told_apart"]

Array = np.ndarray
FOLDS = 5
SHARED = math.sqrt(1 + FOLDS / (FOLDS - 1))
"""How much wider an interval is for the images that the folds' classifiers share: the variance of a mean over
folds times 1 + folds · test / training images. Source: Nadeau and Bengio (2003), "Inference for the
generalization error"."""


class Auc(NamedTuple):
    """0.5 where nothing tells two samples apart, 1 where all does; with its interval at 95 %."""

    value: float
    low: float
    high: float


def told_apart(first: Array, second: Array, twins: Iterable[tuple[list[int], list[int]]] = ()) -> Auc:
    """How well a linear classifier tells vectors of one sample from those of the other that it has not seen.

    The classifier is Fisher's discriminant with the shrunk covariance of `frechet`. Pairs are compared within
    a fold only: thresholds differ between folds.

    Args:
        first: `[n, dimensions]`, as many as there are folds or more.
        second: `[m, dimensions]`.
        twins: groups of places in first and in second that show the same; a group goes into one fold, else
            the classifier would have seen one of them under the other's name.

    Source: Lopez-Paz and Oquab (2017), "Revisiting classifier two-sample tests"; a fold's AUC is Mann and
    Whitney's U over the number of pairs.
    """
    one, two = _folds(len(first)), _folds(len(second))
    for mine, theirs in twins:
        one[mine] = two[theirs] = min(*one[mine], *two[theirs])
    won, pairs = 0.0, 0
    for fold in range(FOLDS):
        weight = _discriminant(first[one != fold], second[two != fold])
        judged, others = first[one == fold] @ weight, second[two == fold] @ weight
        won += _won(judged, others)
        pairs += len(judged) * len(others)
    value = won / pairs
    return Auc(value, *auc_interval(value, len(first), len(second), SHARED * 1.959964))


def auc_interval(auc: float, n: int, m: int, z: float = 1.959964) -> tuple[float, float]:
    """Interval at 95 % of an AUC of n and m values; never empty, not even at 0 or 1.

    Source: Newcombe (2006), "Confidence intervals for an effect size measure based on the Mann-Whitney
    statistic", method 5: the values whose variance, that of Hanley and McNeil (1982), reaches the estimate.
    """
    more = (n + m) / 2 - 1

    def beyond(value: float) -> bool:
        spread = value * (1 - value) * (1 + more * ((1 - value) / (2 - value) + value / (1 + value)))
        return (auc - value) ** 2 > z * z * spread / (n * m)

    def edge(outside: float) -> float:
        inside = auc
        for _ in range(50):
            middle = (inside + outside) / 2
            inside, outside = (inside, middle) if beyond(middle) else (middle, outside)
        return inside

    return edge(0.0), edge(1.0)


def _folds(n: int) -> Array:
    return np.random.default_rng(0).permutation(n) % FOLDS


def _discriminant(first: Array, second: Array) -> Array:
    if not len(first) or not len(second):
        return np.zeros(first.shape[1])
    means = first.mean(axis=0), second.mean(axis=0)
    within = np.concatenate([first - means[0], second - means[1]])
    covariance, floor = shrunk_covariance(within)
    if not floor:
        return means[0] - means[1]
    return np.linalg.solve(covariance, means[0] - means[1])


def _won(first: Array, second: Array) -> float:
    """Pairs in which the first is larger; of equal ones half."""
    ordered = np.sort(second)
    below = np.searchsorted(ordered, first, "left") + np.searchsorted(ordered, first, "right")
    return float(below.sum()) / 2
