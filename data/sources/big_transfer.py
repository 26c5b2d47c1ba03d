"""BiT's own ResNets of ImageNet-21k, fine-tuned on CIFAR and ImageNet-1k with 1, 5 or all images a class."""

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
dataset     shots BiT-M-R50x1 BiT-M-R101x3 BiT-M-R152x2
cifar-10    1     57.9        56.7         55.5
cifar-10    5     82.3        85.8         85.8
cifar-10    -     97.4        98.6         98.5
cifar-100   1     35.2        33.8         36.8
cifar-100   5     65.5        71.6         72.0
cifar-100   -     86.6        91.2         91.3
imagenet-1k 1     18.36       25.55        24.5
imagenet-1k 5     50.64       64.18        64.5
imagenet-1k -     80.68       -            85.15
"""
"""Our key of the target, training images a class (blank: all), and accuracy in percent, in PyTorch."""

NAMES: dict[str, str | None] = {
    "BiT-M-R50x1": "resnetv2_50x1_bit.goog_in21k",
    "BiT-M-R101x3": "resnetv2_101x3_bit.goog_in21k",
    "BiT-M-R152x2": "resnetv2_152x2_bit.goog_in21k",
}
CLASSES = {"cifar-10": 10, "cifar-100": 100, "imagenet-1k": 1000}

ENTRY = TableEntry(
    table="big-transfer",
    record="Observation",
    study="big-transfer",
    title="Big Transfer: the authors' fine-tuning results",
    repository="google-research/big_transfer",
    commit="140de6e704fd8d61f3e5ea20ffde130b7d5fd065",
    path="README.md, Expected results",
    licence="Apache-2.0",
    citation="Kolesnikov et al.: Big Transfer (BiT): General Visual Representation Learning, ECCV 2020, arXiv:1912.11370",
    rows_are="fine-tuned backbones: the median of at least five runs on CIFAR, single runs on ImageNet-1k",
    notes=(
        "The weights BiT-M-*.npz, which timm has under the tag goog_in21k. In PyTorch; the same runs in TensorFlow and JAX are left out as the same condition measured again.",
        "BiT-HyperRule, on CIFAR with batch 128 and learning rate 0.001. Medians are as printed; the ranges, which widen to ten points with one image a class, are left out.",
        "R101x3 on all of ImageNet-1k is not printed.",
    ),
    built_by="archimeter.data.sources.big_transfer",
)


def rows(raw: Path) -> Iterator[Observation]:  # noqa: ARG001
    """Yield one row per target, number of shots and network.

    Args:
        raw: not needed; the figures stand in this module.
    """
    for row in parse(FIGURES):
        shots = int(row["shots"]) if "shots" in row else None
        for model in NAMES:
            if model in row:
                yield Observation(
                    study="big-transfer",
                    dataset=row["dataset"],
                    **identified({"model": model}, NAMES),
                    recipe="fine-tune",
                    recipe_detail=f"{shots}-shot" if shots else "whole training set",
                    n_train=shots * CLASSES[row["dataset"]] if shots else None,
                    error=from_percent(row[model]),
                    metric="top1",
                )
