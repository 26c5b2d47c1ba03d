"""What identifies a measurement: the keys under which the store and the lake keep rows apart."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

from .errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .records import Observation, Profile

__all__ = ["canonical_text", "observation_key", "profile_key"]

PROFILE_KEY = (
    "backbone",
    "source",
    "source_ref",
    "input_shapes",
    "batch_size",
    "dtype",
    "device",
    "mode",
    "optimiser",
    "memory_format",
    "attention_fused",
    "compiled",
    "torch_version",
    "timm_version",
)
OBSERVATION_KEY = (
    "study",
    "dataset",
    "backbone",
    "recipe",
    "recipe_detail",
    "epochs",
    "learning_rate",
    "pooling",
    "resolution",
    "n_train",
    "metric",
    "replicate",
)


def profile_key(profile: Profile) -> str:
    """Hash what identifies a profile: target, condition, device and versions; not the date, not results."""
    return _key("profile", {name: getattr(profile, name) for name in PROFILE_KEY})


def observation_key(observation: Observation) -> str:
    """Hash what identifies a result: study, data set, weights, recipe with its condition, metric, replicate.

    Where the weights are not known, the study's own name and the pretraining tell its models apart.
    """
    values = {name: getattr(observation, name) for name in OBSERVATION_KEY}
    if values["learning_rate"] is not None:
        values["learning_rate"] = float(values["learning_rate"])
    if observation.weights:
        return _key("observation", values | {"weights": observation.weights})
    who = {"name": observation.published_name, "pretraining": observation.pretraining}
    return _key("observation", values | who)


def _key(kind: str, values: Mapping[str, Any]) -> str:
    # absent conditions stay out: a field that a later version adds must not change the older keys
    stated = {name: value for name, value in values.items() if value is not None}
    return hashlib.sha256(canonical_text([kind, stated]).encode()).hexdigest()[:32]


def canonical_text(value: Any) -> str:
    """Return JSON text, the same for equal values, plain ASCII.

    Raises:
        InputError: for NaN, an infinity, or a value that JSON cannot hold.
    """
    try:
        return json.dumps(value, sort_keys=True, allow_nan=False, separators=(",", ":"), default=_scalar)
    except InputError:
        raise
    except ValueError as error:
        raise InputError(
            f"Cannot store a value that is not finite ({error}); leave it empty instead."
        ) from error


def _scalar(value: Any) -> Any:
    if callable(getattr(value, "item", None)):
        return value.item()
    raise InputError(
        f"Cannot store {value!r} ({type(value).__name__}): numbers, text, lists and objects only."
    )
