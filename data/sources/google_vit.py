"""Google's own ViTs and MLP-Mixers of ImageNet-21k, fine-tuned on CIFAR and ImageNet-1k."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..records import Observation
from ..tables import TableEntry
from .figures import parse
from .transfer import from_percent, identified

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

__all__ = ["ENTRY", "FIGURES", "NAMES", "rows"]

FIGURES = """
model                  dataset     accuracy hours condition
R50+ViT-B_16           cifar-10    98.72 3.9  dropout_0.0
R50+ViT-B_16           cifar-10    98.94 10.1 dropout_0.1
R50+ViT-B_16           cifar-100   90.88 4.1  dropout_0.0
R50+ViT-B_16           cifar-100   92.30 10.1 dropout_0.1
R50+ViT-B_16           imagenet-1k 83.72 9.9  dropout_0.0
R50+ViT-B_16           imagenet-1k 85.08 24.2 dropout_0.1
ViT-B_16               cifar-10    99.02 2.2  dropout_0.0
ViT-B_16               cifar-10    98.76 7.8  dropout_0.1
ViT-B_16               cifar-100   92.06 2.2  dropout_0.0
ViT-B_16               cifar-100   91.92 7.8  dropout_0.1
ViT-B_16               imagenet-1k 84.53 6.5  dropout_0.0
ViT-B_16               imagenet-1k 84.12 19.3 dropout_0.1
ViT-B_32               cifar-10    98.88 0.8  dropout_0.0
ViT-B_32               cifar-10    98.75 1.8  dropout_0.1
ViT-B_32               cifar-100   92.31 0.8  dropout_0.0
ViT-B_32               cifar-100   92.05 1.8  dropout_0.1
ViT-B_32               imagenet-1k 81.66 3.3  dropout_0.0
ViT-B_32               imagenet-1k 81.31 4.9  dropout_0.1
ViT-L_16               cifar-10    99.13 6.9  dropout_0.0
ViT-L_16               cifar-10    99.14 24.7 dropout_0.1
ViT-L_16               cifar-100   92.91 7.1  dropout_0.0
ViT-L_16               cifar-100   93.22 24.4 dropout_0.1
ViT-L_16               imagenet-1k 84.47 16.8 dropout_0.0
ViT-L_16               imagenet-1k 85.05 59.7 dropout_0.1
ViT-L_32               cifar-10    99.06 1.9  dropout_0.0
ViT-L_32               cifar-10    99.09 6.1  dropout_0.1
ViT-L_32               cifar-100   93.29 1.9  dropout_0.0
ViT-L_32               cifar-100   93.34 6.2  dropout_0.1
ViT-L_32               imagenet-1k 81.89 7.5  dropout_0.0
ViT-L_32               imagenet-1k 81.13 15.0 dropout_0.1
ViT-B_16               cifar-10    98.59 -    500_steps
ViT-B_16               cifar-10    98.86 -    1000_steps
ViT-B_16               cifar-100   89.17 -    500_steps
ViT-B_16               cifar-100   91.15 -    1000_steps
Mixer-B/16_ImageNet-1k cifar-10    96.72 3.0  -
Mixer-L/16_ImageNet-1k cifar-10    96.59 3.0  -
Mixer-B/16             cifar-10    96.82 9.6  -
Mixer-L/16             cifar-10    98.34 10.0 -
"""
"""The study's name, our key of the target, accuracy in percent, hours of training, and the run's condition."""

NAMES: dict[str, str | None] = {
    "R50+ViT-B_16": "vit_base_r50_s16_224.orig_in21k",
    "ViT-B_16": "vit_base_patch16_224.orig_in21k",
    "ViT-B_32": "vit_base_patch32_224.orig_in21k",
    "ViT-L_16": "vit_large_patch16_224.orig_in21k",
    "ViT-L_32": "vit_large_patch32_224.orig_in21k",
    "Mixer-B/16": "mixer_b16_224.goog_in21k",
    "Mixer-L/16": "mixer_l16_224.goog_in21k",
    # trained on ImageNet-1k alone: timm does not have these weights
    "Mixer-B/16_ImageNet-1k": "mixer_b16_224",
    "Mixer-L/16_ImageNet-1k": "mixer_l16_224",
}

ENTRY = TableEntry(
    table="google-vit",
    record="Observation",
    study="google-vit",
    title="Vision Transformer and MLP-Mixer: the authors' fine-tuning results",
    repository="google-research/vision_transformer",
    commit="86782a8a0403a7bd26ccbc49e62b01838c16d240",
    path="README.md, Expected ViT results and Expected Mixer results",
    licence="Apache-2.0",
    citation="Dosovitskiy et al.: An Image is Worth 16x16 Words, ICLR 2021, arXiv:2010.11929; Tolstikhin et al.: MLP-Mixer, NeurIPS 2021, arXiv:2105.01601",
    rows_are="fine-tuning runs: one set of weights on one target under one condition",
    notes=(
        "The weights of the papers, imagenet21k/*.npz, which timm has under the tags orig_in21k and goog_in21k.",
        "Single runs. Without dropout on A100 GPUs, with it on eight V100, the Mixers on four V100: do not compare the times across conditions.",
        "The page does not state the resolution of the ViT runs; they start from 224 pixels.",
    ),
    built_by="archimeter.data.sources.google_vit",
)


def rows(raw: Path) -> Iterator[Observation]:  # noqa: ARG001
    """Yield one row per run.

    Args:
        raw: not needed; the figures stand in this module.
    """
    for row in parse(FIGURES):
        yield Observation(
            study="google-vit",
            dataset=row["dataset"],
            **identified(row, NAMES, "supervised-in1k"),
            recipe="fine-tune",
            error=from_percent(row["accuracy"]),
            metric="top1",
            **_condition(row),
        )


def _condition(row: Mapping[str, str]) -> dict[str, Any]:
    hours = row.get("hours")
    return {
        "recipe_detail": row["condition"].replace("_", " ") if "condition" in row else None,
        "fit_time_s": round(float(hours) * 3600, 3) if hours else None,
    }
