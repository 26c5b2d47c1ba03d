"""How a model and a data set become the columns of the pooled model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from .features import ModelFacts

__all__ = ["BRANCHES", "FEATURES", "RECIPES", "branch", "contexts", "features", "recipe_branch"]

Array = np.ndarray
PRETRAININGS = (
    *("supervised-in1k", "supervised-in21k", "supervised-in12k", "supervised-in22k", "image-text"),
    *("distilled", "masked-image", "self-supervised", "adversarial", "segmentation", "noisy-student"),
    *("weakly-supervised", "unknown"),
)
KINDS = ("convolutional", "attention", "hybrid", "mlp")
NUMBERS = ("imagenet", "no imagenet", "macs", "params per mac", "activations per root mac")
FEATURES = (*NUMBERS, *PRETRAININGS, *KINDS)
"""Columns of `features`, in order."""
MIDDLES = {"imagenet": -1.35, "macs": 22.2, "params per mac": -5.2, "activations per root mac": 5.6}
SPREADS = {"imagenet": 0.35, "macs": 1.5, "params per mac": 0.8, "activations per root mac": 0.8}
"""Fixed scales, so that a custom model's columns need no table."""
BRANCHES = ("photographs", "medicine", "remote-sensing", "other")
RECIPES = ("trained", "frozen")
_BRANCH = {
    **dict.fromkeys(("natural", "fine-grained", "texture", "plants-animals"), "photographs"),
    **dict.fromkeys(("microscopy", "radiology", "dermatology"), "medicine"),
    "remote-sensing": "remote-sensing",
}


def branch(domain: str | None) -> str | None:
    """Which of BRANCHES a domain belongs to; None where it is unknown."""
    return None if domain in (None, "unknown") else _BRANCH.get(str(domain), "other")


def recipe_branch(recipe: str) -> str:
    """Whether the backbone itself is trained (`fine-tune` …) or stays `frozen`."""
    return "frozen" if recipe in ("linear-probe", "knn", "zero-shot") else "trained"


def features(models: Sequence[ModelFacts]) -> Array:
    """Columns FEATURES of every model, `[models, features]`; what is not known stands at the middle."""
    out = np.zeros((len(models), len(FEATURES)))
    for i, m in enumerate(models):
        raw = {
            "imagenet": m.imagenet,
            "macs": np.log(m.macs) if m.macs > 0 else np.nan,
            "params per mac": np.log(m.params / m.macs) if m.params > 0 and m.macs > 0 else np.nan,
            "activations per root mac": (
                np.log(m.activations / np.sqrt(m.macs)) if m.activations > 0 and m.macs > 0 else np.nan
            ),
        }
        for name, value in raw.items():
            if np.isfinite(value):
                out[i, FEATURES.index(name)] = np.clip((value - MIDDLES[name]) / SPREADS[name], -3, 3)
        out[i, FEATURES.index("no imagenet")] = float(not np.isfinite(m.imagenet))
        how = m.pretraining if m.pretraining in PRETRAININGS else "unknown"
        out[i, FEATURES.index(how)] = 1.0
        if m.kind in KINDS:
            out[i, FEATURES.index(m.kind)] = 1.0
    return out


def contexts(dataset: Mapping[str, Any], recipe: str, n_train: float | None = None) -> Array:
    """What the slopes may depend on: always, branch of the domain, recipe, images; `[1 + 4 + 2 + 1]`."""
    out = np.zeros(1 + len(BRANCHES) + len(RECIPES) + 1)
    out[0] = 1.0
    where = branch(dataset.get("domain"))
    if where:
        out[1 + BRANCHES.index(where)] = 1.0
    out[1 + len(BRANCHES) + RECIPES.index(recipe_branch(recipe))] = 1.0
    images = n_train or dataset.get("n_train")
    if images:
        out[-1] = np.clip((np.log10(images) - 3.7) / 1.0, -2, 2)
    return out
