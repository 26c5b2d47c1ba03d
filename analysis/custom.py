"""What only the user has, in the fitted model: own networks, and backbones whose weights they did not name.

A network that no study measured is predicted from its counts, with the full variance of the rest.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from .prediction.design import features
from .prediction.features import ModelFacts

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from .evidence import Evidence
    from .prediction.forecast import Fitted

__all__ = ["default_of", "with_custom", "with_unnamed"]


def with_custom(fitted: Fitted, custom: Mapping[str, Mapping[str, Any]]) -> Fitted:
    """Add networks that no study measured; one that is there already stays as it is.

    Their family, architecture and weights are unknown levels: effect 0 with the whole variance. How they
    were pretrained and their ImageNet error are unknown too, as they are for the studies' unnamed weights.

    Args:
        fitted: the shipped model.
        custom: name → a profile's row (`params`, `macs`, `activations`, `input_shapes`, `kind`).
    """
    custom = {name: row for name, row in custom.items() if name not in fitted.place}
    if not custom:
        return fitted
    x = features([_facts(name, row) for name, row in custom.items()])
    unknown = np.full(len(custom), -1)
    return replace(
        fitted,
        models=(*fitted.models, *custom),
        x=np.vstack([fitted.x, x]),
        groups={name: np.concatenate([at, unknown]) for name, at in fitted.groups.items()},
    )


def with_unnamed(fitted: Fitted, models: Iterable[str], known: Evidence) -> Fitted:
    """Add architectures that the user has results of without timm's weights, or without saying which.

    They are what the default weights are, but for the weights' own effect, which is unknown.
    """
    found = {
        model: default_of(fitted, known, model.partition(" (")[0])
        for model in models
        if model not in fitted.place
    }
    like = [fitted.place[default] for default in found.values() if default is not None]
    if not like:
        return fitted
    unknown = np.full(len(like), -1)
    groups = {name: np.concatenate([at, at[like]]) for name, at in fitted.groups.items()}
    groups["weights"] = np.concatenate([fitted.groups["weights"], unknown])
    names = (*fitted.models, *(model for model, default in found.items() if default is not None))
    return replace(fitted, models=names, x=np.vstack([fitted.x, fitted.x[like]]), groups=groups)


def default_of(fitted: Fitted, known: Evidence, backbone: str) -> str | None:
    """The backbone's default weights, or else any of it; None where the model does not know it."""
    own = [model for model in fitted.models if model.partition(".")[0] == backbone]
    chosen = [model for model in own if known.weights.get(model, {}).get("is_default")]
    return next(iter([*chosen, *own]), None)


def _facts(name: str, row: Mapping[str, Any]) -> ModelFacts:
    side = row["input_shapes"][0][-1] if row.get("input_shapes") else 224
    at_224 = (224 / side) ** 2
    return ModelFacts(
        backbone=name,
        weights=None,
        family="custom",
        kind=row.get("kind") or "other",
        pretraining="unknown",
        params=float(row.get("params") or np.nan),
        macs=float(row.get("macs") or np.nan) * at_224,
        activations=float(row.get("activations") or np.nan) * at_224,
        imagenet=float("nan"),
    )
