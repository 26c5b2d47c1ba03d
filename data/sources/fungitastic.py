"""FungiTastic's closed-set baselines: five networks on fungi, with classes as rare as in the field."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..records import Observation
from ..tables import TableEntry
from .figures import parse
from .transfer import from_percent, identified

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["ENTRY", "FIGURES", "NAMES", "rows"]

FIGURES = """
model           top1 f1
ResNet-50       61.7 35.2
EfficientNet-B3 61.9 36.0
ConvNeXt-Base   66.9 41.0
ViT-Base/p16    68.0 39.9
BEiT-Base/p16   69.1 42.3
"""
"""The study's name, accuracy and macro F1 in percent."""

NAMES: dict[str, str | None] = {
    "ResNet-50": "resnet50",
    "EfficientNet-B3": "tf_efficientnet_b3",
    "ConvNeXt-Base": "convnext_base",
    "ViT-Base/p16": "vit_base_patch16_224",
    "BEiT-Base/p16": "beit_base_patch16_224",
}

ENTRY = TableEntry(
    table="fungitastic",
    record="Observation",
    study="fungitastic",
    title="FungiTastic: closed-set baselines",
    repository="BohemianVRA/FungiTastic",
    commit="c9ce14e33cf55d870ff8055f9326135e21a8c840",
    path="docs/baselines_and_models/closed.md",
    licence="none stated; facts only",
    citation="Picek et al.: FungiTastic: A multi-modal dataset and benchmark for image categorization, 2024, arXiv:2408.13632",
    rows_are="fine-tuned backbones: one network with one metric",
    notes=(
        "The five networks whose figures the page prints, to a tenth of a percent; one run each.",
        "The page names no weights and no resolution: matched by architecture only, the ViTs under their 224 pixel names.",
        "Every network is two rows, top-1 and macro F1. Do not mix them.",
    ),
    built_by="archimeter.data.sources.fungitastic",
)


def rows(raw: Path) -> Iterator[Observation]:  # noqa: ARG001
    """Yield one row per network and metric.

    Args:
        raw: not needed; the figures stand in this module.
    """
    for row in parse(FIGURES):
        for column, metric in (("top1", "top1"), ("f1", "f1-macro")):
            yield Observation(
                study="fungitastic",
                dataset="fungitastic",
                **identified(row, NAMES),
                recipe="fine-tune",
                recipe_detail="closed set",
                error=from_percent(row[column]),
                metric=metric,
            )
