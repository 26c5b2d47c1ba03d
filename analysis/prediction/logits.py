"""Errors on the logit scale, where a model's advantage is about the same on easy and on hard data sets."""

from __future__ import annotations

import numpy as np

__all__ = ["CLIP", "expit", "logit"]

CLIP = 0.002
"""Errors nearer to 0 or 1 than this are moved there: half an image of a small test set."""


def logit(error: np.ndarray | float, clip: float = CLIP) -> np.ndarray:
    """log(error / (1 − error)), of errors clipped to [clip, 1 − clip]; NaN stays."""
    e = np.clip(np.asarray(error, float), clip, 1 - clip)
    return np.log(e) - np.log1p(-e)


def expit(value: np.ndarray | float) -> np.ndarray:
    """The inverse of `logit`."""
    return 1 / (1 + np.exp(-np.clip(np.asarray(value, float), -700, 700)))
