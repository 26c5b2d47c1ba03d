"""Models that no study measured, from what their architecture and pretraining say: ridge on their facts.

The slopes are learned from the panel's measured models; their standing is what is explained.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .features import ModelFacts

__all__ = ["cold_standing", "numeric"]

Array = np.ndarray


def numeric(models: Sequence[ModelFacts]) -> Array:
    """Standardised columns: ImageNet logit and log MACs; gaps at the mean, 0."""
    raw = np.array([(m.imagenet, np.log(m.macs)) for m in models], float).reshape(len(models), 2)
    out = np.zeros_like(raw)
    for j in range(raw.shape[1]):
        seen = np.isfinite(raw[:, j])
        if seen.sum() > 1 and raw[seen, j].std() > 0:
            out[seen, j] = (raw[seen, j] - raw[seen, j].mean()) / raw[seen, j].std()
    return out


def cold_standing(standing: Array, models: Sequence[ModelFacts], hidden: Array, ridge: float = 2.0) -> Array:
    """Fill the standing of the hidden models from that of the others.

    Args:
        standing: `[models]`, of the measured ones; entries of hidden models are ignored.
        models: all models' facts.
        hidden: boolean `[models]`.
        ridge: pseudo-observations that say a fact does not matter.

    Returns:
        `[models]`: the given standing, and the predicted one where hidden.
    """
    x = numeric(models)
    use = ~hidden & np.isfinite(standing)
    if use.sum() < 3:
        return np.where(hidden, x[:, 0] - x[:, 1], standing)
    middle = x[use].mean(axis=0)
    a, b = x[use] - middle, standing[use] - standing[use].mean()
    beta = np.linalg.solve(a.T @ a + ridge * np.eye(a.shape[1]), a.T @ b)
    return np.where(hidden, standing[use].mean() + (x - middle) @ beta, standing)
