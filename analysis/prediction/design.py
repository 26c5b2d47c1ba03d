"""How a model and a data set become the columns of the pooled model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from .features import ModelFacts

__all__ = [
    "BRANCHES",
    "FEATURES",
    "LEVEL_TERMS",
    "N_NUMBERS",
    "USED",
    "branch",
    "features",
    "level_row",
    "recipe_branch",
]

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
USED = np.array([FEATURES.index(n) for n in ("imagenet", "no imagenet", "macs", *PRETRAININGS)])
"""Those that the pooled model has slopes on: the others did not help on studies left out."""
N_NUMBERS = 3
"""How many of USED are no kind of pretraining."""
MIDDLES = {"imagenet": -1.35, "macs": 22.2, "params per mac": -5.2, "activations per root mac": 5.6}
SPREADS = {"imagenet": 0.35, "macs": 1.5, "params per mac": 0.8, "activations per root mac": 0.8}
"""Fixed scales, so that a custom model's columns need no table."""
BRANCHES = ("photographs", "medicine", "remote-sensing", "other")
LEVEL_TERMS = ("frozen", *BRANCHES, "log classes", "log images per class")
"""What moves the difficulty of a data set."""
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


def level_row(dataset: Mapping[str, Any], recipe: str) -> Array:
    """What the difficulty of a data set is predicted from: 1 and LEVEL_TERMS, unknown at the middle."""
    classes = dataset.get("n_classes")
    images = None if recipe == "zero-shot" else dataset.get("n_train")  # such a model sees none of them
    where = branch(dataset.get("domain"))
    return np.array(
        [
            1.0,
            float(recipe_branch(recipe) == "frozen"),
            *(float(name == where) for name in BRANCHES),
            np.clip(np.log10(classes) - 1.3, -1.5, 2) if classes else 0.0,
            np.clip(np.log10(images / classes) - 2, -2, 2) if classes and images else 0.0,
        ]
    )
