"""What a person asks of `recommend`: the data in a few numbers, and what may be spent."""

from __future__ import annotations

import math
from dataclasses import dataclass

from ..data.domains import domain_matches
from ..data.errors import InputError, close_matches
from ..data.records import DOMAINS, RECIPES
from .limits import FitBudget, LatencyBudget, MemoryBudget

__all__ = ["Query"]

OPTIMISERS = ("sgd", "adamw")


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """The question.

    Data:
        images: training images. classes. domain: see `data.records.DOMAINS`. image_size: pixels, shorter
        side. channels. multi_label: whether an image may
        show several. recipe: how the backbone will be used, see `data.records.RECIPES`.
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
        _one_of("domain", self.domain, DOMAINS)
        _one_of("recipe", self.recipe, RECIPES)
        _one_of("optimiser", self.optimiser, OPTIMISERS)
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
        for model, error in self.anchors:
            if not 0 <= error <= 1:
                raise InputError(f"The anchor {model}={error:g} is no error in [0, 1]. Is it a percentage?")
        if self.fit_within and self.images is None:
            raise InputError("A fit time depends on the number of training images: give --images.")
        few = self.images is not None and self.classes is not None and self.images < self.classes
        if few and not self.multi_label:
            raise InputError(
                f"{self.images} images cannot show {self.classes} classes; give at least one image per class."
            )


def _one_of(name: str, value: str, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        near = domain_matches(value) if name == "domain" else close_matches(value, allowed)
        hint = f" Did you mean {' or '.join(near[:3])}?" if near else ""
        raise InputError(f"Unknown {name} {value!r}.{hint} Allowed: {', '.join(allowed)}.")
