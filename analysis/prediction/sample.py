"""Joint draws of several models' errors: chances, differences, the set that holds the best."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from .logits import expit

__all__ = ["Sample"]

Array = np.ndarray


@dataclass(frozen=True)
class Sample:
    """Draws of what the models of a question may turn out to do.

    Attributes:
        mean: predicted logit errors `[models]`. draws: of them, jointly, `[draws, models]`.
        stretch: of a difference on the logit scale to its calibrated reach.
    """

    mean: Array
    draws: Array
    stretch: float = 1.0

    @cached_property
    def _errors(self) -> Array:
        return 1 / (1 + np.exp(-self.draws))

    @cached_property
    def chances(self) -> tuple[Array, Array]:
        """Probability of being the best of all, and of lying within 1 point of it, `[models]` each."""
        best = self._errors.min(axis=1, keepdims=True)
        first = np.bincount(self._errors.argmin(axis=1), minlength=len(self.mean)) / len(self.draws)
        return first, (self._errors <= best + np.float32(0.01)).mean(axis=0)

    def behind(self, model: int, first: int) -> tuple[float, float, float]:
        """Error of a model less that of the first: as predicted, and its 80 % interval."""
        base, expected = self.draws[:, first], self.mean[model] - self.mean[first]
        apart = self.draws[:, model] - base - expected
        low, high = np.quantile(expit(base + expected + self.stretch * apart) - expit(base), [0.1, 0.9])
        return float(expit(self.mean[model]) - expit(self.mean[first])), float(low), float(high)

    def smallest_set(self, level: float = 0.8) -> list[int]:
        """Fewest models that hold the best with probability `level`, most probable first."""
        first, _ = self.chances
        order = np.argsort(-first, kind="stable")
        needed = int(np.searchsorted(np.cumsum(first[order]), level - 1e-9)) + 1
        return order[:needed].tolist()
