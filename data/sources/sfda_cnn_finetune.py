"""SFDA's fine-tuning accuracies: 11 torchvision CNNs on 11 targets, hyper-parameters searched."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..records import Observation
from ..tables import TableEntry
from .rawfile import read_rows
from .transfer import backbone, from_percent

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["DATASETS", "ENTRY", "rows"]

# the study's name → our key and metric; the metric per set is what its `finetune_group1.py` evaluates
DATASETS = {
    "aircraft": ("fgvc-aircraft", "mean-per-class-accuracy"),
    "caltech101": ("caltech-101", "mean-per-class-accuracy"),
    "cars": ("stanford-cars", "top1"),
    "cifar10": ("cifar-10", "top1"),
    "cifar100": ("cifar-100", "top1"),
    "dtd": ("dtd", "top1"),
    "flowers": ("flowers-102", "mean-per-class-accuracy"),
    "food": ("food-101", "top1"),
    "pets": ("pets", "mean-per-class-accuracy"),
    "sun397": ("sun397", "top1"),
    "voc2007": ("voc-2007", "mean-average-precision"),
}

ENTRY = TableEntry(
    table="sfda-cnn-finetune",
    record="Observation",
    study="sfda-cnn-finetune",
    title="SFDA: fine-tuning accuracies of supervised CNNs",
    repository="TencentARC/SFDA",
    commit="3b7edf76bd682acb1eba4f4c5eb7ea7f3f7f6c59",
    path="tw_group1.py (the same numbers in BUserName/NCTI @ b18d39514a3f)",
    licence="none stated by SFDA; MIT for the copy in BUserName/NCTI",
    citation="Shao et al.: Not All Models Are Equal: Predicting Model Transferability in a Self-challenging Fisher Space (SFDA), ECCV 2022, arXiv:2207.03036; Wang et al.: NCTI, ICCV 2023",
    rows_are="fine-tuned backbones: one torchvision network on one target, the best of a search",
    notes=(
        "The metric differs by data set, as the study's own script evaluates it: mean per-class accuracy on FGVC Aircraft, Caltech-101, Flowers-102 and Pets, 11-point mean average precision on VOC 2007, top-1 elsewhere.",
        "One number per cell after a search over learning rate and weight decay: no replicates, no spread.",
        "The weights are torchvision's first ImageNet-1k weights, which timm has for eight of the networks; MobileNetV2 and MNASNet are matched by architecture only, and timm has no GoogLeNet.",
    ),
    built_by="archimeter.data.sources.sfda_cnn_finetune",
)


def rows(raw: Path) -> Iterator[Observation]:
    """Yield one row per network and target.

    Args:
        raw: folder of raw files that holds `transfer/sfda_cnn_finetune.csv`.
    """
    for row in read_rows(raw / "transfer" / "sfda_cnn_finetune.csv"):
        dataset, metric = DATASETS[row["dataset"]]
        yield Observation(
            study="sfda-cnn-finetune",
            dataset=dataset,
            **backbone(row, {}, "supervised-in1k"),
            recipe="fine-tune",
            recipe_detail="5000 SGD steps, learning rate and weight decay searched",
            error=from_percent(row["value"]),
            metric=metric,
        )
