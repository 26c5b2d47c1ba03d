"""The user's own networks in the fitted model: what their counts say, and the full variance of the rest."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from .prediction.design import features
from .prediction.features import ModelFacts

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .prediction.forecast import Fitted

__all__ = ["with_custom"]


def with_custom(fitted: Fitted, custom: Mapping[str, Mapping[str, Any]]) -> Fitted:
    """Add networks that no study measured.

    Their family, architecture and weights are unknown levels: effect 0 with the whole variance. How they
    were pretrained and their ImageNet error are unknown too, as they are for the studies' unnamed weights.

    Args:
        fitted: the shipped model.
        custom: name → a profile's row (`params`, `macs`, `activations`, `input_shapes`, `kind`).
    """
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
