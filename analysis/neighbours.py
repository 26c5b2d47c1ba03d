"""How well frozen features tell classes apart: what an image's nearest neighbours say it is."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

__all__ = ["MOST_NEIGHBOURS", "Probed", "binomial_interval", "nearest_labels", "neighbours_for"]

Array = np.ndarray
MOST_NEIGHBOURS = 11
"""As in the published k-NN results of medical images (MedMNIST+, Doerrich et al. 2024)."""
BLOCK = 512


@dataclass(frozen=True, slots=True)
class Probed:
    """What a k-NN probe of one backbone measured.

    Attributes:
        model: the weights. file: where they lie. k: neighbours that vote, by cosine similarity.
        split: the held-out split, or `leave-one-out`. n_train: images that vote. n_eval: images judged.
        wrong: of these. left_out: images not used: unreadable, repeated, or beyond the limit.
        anchor: whether the answer rests on it, as an own run of this recipe.
    """

    model: str
    file: str
    k: int
    split: str
    n_train: int
    n_eval: int
    wrong: int
    left_out: int
    anchor: bool = False

    @property
    def error(self) -> float:
        """Share of the judged images whose neighbours name another class."""
        return self.wrong / self.n_eval

    @property
    def interval(self) -> tuple[float, float]:
        """95 %, binomial."""
        return binomial_interval(self.wrong, self.n_eval)


def neighbours_for(per_class: Array) -> int:
    """How many neighbours vote: MOST_NEIGHBOURS, or the largest odd number that the middle class can fill."""
    most = min(MOST_NEIGHBOURS, int(np.median(per_class)))
    return max(1, most - (most % 2 == 0))


def nearest_labels(features: Array, labels: Array, k: int, queries: Array | None = None) -> Array:
    """The label that most of the k nearest have, by cosine similarity; of equal votes the nearest decides.

    Args:
        features: `[images, dimensions]` of those that vote.
        labels: theirs.
        k: how many vote.
        queries: `[queries, dimensions]`; None judges each image by the others (leave one out).
    """
    voters, asked = _unit(features), _unit(features if queries is None else queries)
    k = min(k, len(voters) - (queries is None))
    found = []
    for start in range(0, len(asked), BLOCK):
        similar = asked[start : start + BLOCK] @ voters.T
        if queries is None:
            rows = np.arange(len(similar))
            similar[rows, start + rows] = -np.inf
        nearest = np.argsort(-similar, axis=1, kind="stable")[:, :k]
        votes = labels[nearest]
        counts = (votes[:, :, None] == votes[:, None, :]).sum(axis=2)
        found.append(votes[np.arange(len(votes)), counts.argmax(axis=1)])
    return np.concatenate(found)


def binomial_interval(wrong: int, n: int, z: float = 1.959964) -> tuple[float, float]:
    """Interval of an error rate at 95 %.

    Source: Wilson (1927), "Probable inference, the law of succession, and statistical inference".
    """
    share, spread = wrong / n, z * z / n
    middle = (share + spread / 2) / (1 + spread)
    reach = z * math.sqrt(share * (1 - share) / n + spread / (4 * n)) / (1 + spread)
    return max(0.0, middle - reach), min(1.0, middle + reach)


def _unit(features: Array) -> Array:
    wide = np.asarray(features, np.float64)
    return wide / np.maximum(np.linalg.norm(wide, axis=1, keepdims=True), 1e-12)
