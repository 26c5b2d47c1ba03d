"""The record of the shipped weights table: one row per set of pretrained weights."""

from __future__ import annotations

from dataclasses import dataclass

from .records import _Row

__all__ = ["Weights"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Weights(_Row):
    """One set of pretrained weights of timm, and the preprocessing that it expects.

    Identity:
        weights: timm's name with its tag (`convnext_tiny.fb_in1k`). backbone: the architecture.
        family, kind: what `data.names` says of the architecture.
        is_default: whether timm loads these for the bare architecture's name today.
    Origin:
        pretraining: see `data.pretraining.PRETRAININGS`. finetuned_on: labels of a later fine-tune, or None.
        licence: as timm states it; None where it states none or "unknown".
    Head:
        num_classes: outputs of the released head; 0 where it has none.
    Preprocessing:
        input_size: channels, height, width in pixels. fixed_input_size: whether another size needs a change
        of the model. interpolation: of the resize. crop_pct: the resize's target is the size divided by this.
        crop_mode: `center` (resize the shorter side, crop), `squash` (ignore the aspect), `border` (pad).
        mean, std: per channel, of pixel values in [0, 1].
    """

    weights: str
    backbone: str
    family: str
    kind: str
    pretraining: str
    finetuned_on: str | None = None
    licence: str | None = None
    is_default: bool
    num_classes: int
    input_size: tuple[int, ...]
    fixed_input_size: bool
    interpolation: str
    crop_pct: float
    crop_mode: str
    mean: tuple[float, ...]
    std: tuple[float, ...]
