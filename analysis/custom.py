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

    from .evidence import Candidate, Evidence
    from .prediction.forecast import Fitted

__all__ = ["as_default", "candidates_of", "default_of", "with_custom", "with_unnamed"]

TESTS = "test_"
"""How timm's networks begin that are there for its own tests."""


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
    """The backbone's default weights, or else any of it; None where the model does not know it.

    Case does not count, and the name of weights means these.
    """
    plain = backbone.lower()
    same = [model for model in fitted.models if model.lower() == plain]
    own = [model for model in fitted.models if model.partition(".")[0].lower() == plain]
    chosen = [model for model in own if known.weights.get(model, {}).get("is_default")]
    return next(iter([*same, *chosen, *own]), None)


def candidates_of(fitted: Fitted, known: Evidence) -> tuple[list[str], int]:
    """What may be recommended, sorted, and how many models are not, for want of weights to start from.

    Beside what the user has results of that is what has pretrained weights, without timm's networks for
    tests. Default weights are not listed beside results of their architecture that name none.
    """
    own = {*known.own_models} - {*known.custom}
    others = {*fitted.models} - {*known.custom} - own
    usable = {model for model in others if model in known.weights and not model.startswith(TESTS)}
    defaults = {row["backbone"]: model for model, row in known.weights.items() if row.get("is_default")}
    same = {defaults.get(model) for model in own}
    return sorted((usable - same) | (own & {*fitted.models})), len(others - usable)


def as_default(candidate: Candidate, known: Evidence) -> Candidate:
    """An architecture whose weights nobody named, with what is stated of its default weights."""
    rows = known.weights.values() if candidate.stated is None else ()
    row = next((r for r in rows if r["backbone"] == candidate.model and r.get("is_default")), None)
    if row is None:
        return candidate
    return replace(candidate, pretraining=row["pretraining"], licence=row["licence"], stated=row)


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
