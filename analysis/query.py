"""What a person asks of `recommend`: the data in a few numbers, and what may be spent."""

from __future__ import annotations

import math
from dataclasses import dataclass

from ..data.domains import domain_matches
from ..data.errors import InputError, close_matches
from ..data.records import DOMAINS, RECIPES
from .limits import FitBudget, LatencyBudget, MemoryBudget

__all__ = ["ANSWERED", "Query"]

OPTIMISERS = ("sgd", "adamw")
ANSWERED = ("fine-tune", "linear-probe", "knn", "zero-shot")
"""Recipes that start from pretrained weights, which is what is ranked."""
_WHY_NOT = {
    "from-scratch": "it uses no pretrained weights, and these are what is ranked",
    "pretraining-task": "how well weights do on what they were pretrained for is no transfer",
    "unstated": "it marks results whose recipe no source tells; say how you will use the backbone",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """The question.

    Data:
        images: training images. classes. domain: see `data.records.DOMAINS`. image_size: pixels, shorter
        side. channels. multi_label: whether an image may show several. recipe: how the backbone will be
        used, one of ANSWERED. Case, blanks and underscores of names do not count.
        None is "not stated", never a guess.
    Budget:
        max_params, max_macs: at the backbone's default input size. within: latency budgets, memory: of steps,
        fit_within: of the whole fine-tune of `epochs` over the images; all are to be kept. optimiser: of the
        training step whose memory counts, `sgd` (with momentum) or `adamw`.
        licences: globs over the weights' licence, one of which must match; empty allows any.
        exclude_pretraining: globs over the kind of pretraining that must not match.
    Answer:
        top: rows wanted. anchors: the user's own runs on these data, as (backbone or weights, error).
    """

    images: int | None = None
    classes: int | None = None
    domain: str = "unknown"
    image_size: int | None = None
    channels: int | None = None
    multi_label: bool = False
    recipe: str = "fine-tune"

    max_params: float | None = None
    max_macs: float | None = None
    within: tuple[LatencyBudget, ...] = ()
    memory: tuple[MemoryBudget, ...] = ()
    fit_within: tuple[FitBudget, ...] = ()
    epochs: int = 6
    optimiser: str = "sgd"
    licences: tuple[str, ...] = ()
    exclude_pretraining: tuple[str, ...] = ()

    top: int = 10
    anchors: tuple[tuple[str, float], ...] = ()

    def __post_init__(self) -> None:
        for name, allowed in (("domain", DOMAINS), ("recipe", RECIPES), ("optimiser", OPTIMISERS)):
            object.__setattr__(self, name, _one_of(name, getattr(self, name), allowed))
        if self.recipe not in ANSWERED:
            raise InputError(
                f"The recipe {self.recipe} cannot be answered: {_WHY_NOT[self.recipe]}. Allowed: "
                f"{', '.join(ANSWERED)}."
            )
        for name in (
            "images",
            "classes",
            "image_size",
            "channels",
            "max_params",
            "max_macs",
            "epochs",
            "top",
        ):
            value = getattr(self, name)
            if value is not None and not (math.isfinite(value) and value > 0):
                raise InputError(f"{name} is {value:g}; it must be a number above 0.")
        if self.classes is not None and self.classes < 2 and not self.multi_label:
            raise InputError(f"classes is {self.classes}; there must be two or more to tell apart.")
        _check_anchors(self.anchors)
        if self.fit_within and self.images is None:
            raise InputError("A fit time depends on the number of training images: give --images.")


def _check_anchors(anchors: tuple[tuple[str, float], ...]) -> None:
    for model, error in anchors:
        if not 0 <= error <= 1:
            raise InputError(f"The anchor {model}={error:g} is no error in [0, 1]. Is it a percentage?")
    names = [model.lower() for model, _ in anchors]
    twice = next((model for model, _ in anchors if names.count(model.lower()) > 1), None)
    if twice:
        raise InputError(f"The anchor {twice} is given twice; give the mean of its runs once.")


def _one_of(name: str, value: str, allowed: tuple[str, ...]) -> str:
    plain = "-".join(value.lower().replace("_", " ").split())
    if plain in allowed:
        return plain
    near = domain_matches(value) if name == "domain" else close_matches(value, allowed)
    hint = f" Did you mean {' or '.join(near[:3])}?" if near else ""
    listed = ", ".join(one for one in allowed if name != "recipe" or one in ANSWERED)
    if name == "domain":
        listed += "; where none of them fits: --domain unknown"
    raise InputError(f"Unknown {name} {value!r}.{hint} Allowed: {listed}.")
