"""The Transfer Learning Library's plain fine-tuning of ResNet-50, on parts of five training sets."""

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
dataset        n_train part         supervised MoCo
cub-200-2011   899     15_%         51.2       28.0
cub-200-2011   1798    30_%         64.6       48.2
cub-200-2011   2997    50_%         74.6       62.7
cub-200-2011   5994    100_%        81.8       75.6
stanford-cars  1222    15_%         41.1       42.5
stanford-cars  2443    30_%         65.9       71.2
stanford-cars  4072    50_%         78.4       83.0
stanford-cars  8144    100_%        87.8       90.1
fgvc-aircraft  1000    15_%         41.6       45.8
fgvc-aircraft  2000    30_%         57.8       67.6
fgvc-aircraft  3334    50_%         68.7       78.8
fgvc-aircraft  6667    100_%        80.2       88.0
resisc45       450     10_a_class   74.0       -
resisc45       900     20_a_class   81.9       -
resisc45       1800    40_a_class   86.5       -
resisc45       3600    80_a_class   90.1       -
patch-camelyon 80      40_a_class   75.5       -
patch-camelyon 160     80_a_class   75.9       -
patch-camelyon 320     160_a_class  80.4       -
patch-camelyon 640     320_a_class  81.2       -
"""
"""Our key of the target, training images, what part of the set they are, and accuracy in percent by pretraining."""

NAMES: dict[str, str | None] = {
    "ResNet-50 supervised": "resnet50.tv_in1k",
    "ResNet-50 MoCo": "resnet50",  # timm does not have these weights
}

ENTRY = TableEntry(
    table="tllib-task-adaptation",
    record="Observation",
    study="tllib-task-adaptation",
    title="Transfer Learning Library: plain fine-tuning on parts of a training set",
    repository="thuml/Transfer-Learning-Library",
    commit="3687ffd1e5de538524102b79923589d9fd93f118",
    path="docs/talib/benchmarks/image_classification.rst, rows Baseline",
    licence="MIT",
    citation="Jiang et al.: Transferability in Deep Learning: A Survey, 2022, arXiv:2201.05867; the library's documentation",
    rows_are="fine-tuned backbones: one pretraining of ResNet-50 on one part of one training set",
    notes=(
        "One architecture, two pretrainings: for what the number of images does, not for claims about architectures.",
        "n_train of a share in percent is that share of the training set, rounded; the library's own lists may differ by a few images.",
        "torchvision's first weights for the supervised network. The six methods beside plain fine-tuning are left out. One figure a cell, no spread.",
    ),
    built_by="archimeter.data.sources.tllib_task_adaptation",
)


def rows(raw: Path) -> Iterator[Observation]:  # noqa: ARG001
    """Yield one row per part of a set and pretraining.

    Args:
        raw: not needed; the figures stand in this module.
    """
    for row in parse(FIGURES):
        for pretraining in ("supervised", "MoCo"):
            if pretraining in row:
                yield Observation(
                    study="tllib-task-adaptation",
                    dataset=row["dataset"],
                    **identified({"model": f"ResNet-50 {pretraining}"}, NAMES, "self-supervised"),
                    recipe="fine-tune",
                    recipe_detail=f"{row['part'].replace('_', ' ')} of the training images"
                    if "%" in row["part"]
                    else row["part"].replace("_", " "),
                    n_train=int(row["n_train"]),
                    error=from_percent(row[pretraining]),
                    metric="top1",
                )
