"""Doerrich et al.: ten networks on the twelve MedMNIST+ sets, three protocols, images of four sizes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..datasets import key
from ..records import Observation
from ..tables import TableEntry
from .rawfile import read_rows
from .transfer import backbone, from_percent

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from ..records import Recipe

__all__ = ["ENTRY", "rows"]

PROTOCOLS: dict[str, tuple[Recipe, str]] = {
    "fine-tune (end-to-end)": ("fine-tune", "all layers"),
    "linear-probe": ("linear-probe", "linear head"),
    "kNN (k=11, frozen)": ("knn", "k = 11"),
}
PRETRAININGS = {
    **dict.fromkeys(("AlexNet", "ResNet-18", "DenseNet-121"), "supervised-in1k"),
    "ViT-B/16": "supervised-in21k",
    "CLIP ViT-B/16": "image-text",
}
"""What all that could have been the default have in common, where the very weights are not known."""
SEEDS = 3

ENTRY = TableEntry(
    table="medmnistplus-doerrich",
    record="Observation",
    study="medmnistplus-doerrich",
    title="Rethinking model prototyping through the MedMNIST+ dataset collection",
    repository="sdoerrich97/rethinking-model-prototyping-MedMNISTPlus",
    commit="b67b7722c26cc88de622b7c0b1eb5934c7a42832",
    path="assets/benchmark_results_*.png",
    licence="Apache-2.0",
    citation="Doerrich, Di Salvo, Brockmann, Ledig: Rethinking model prototyping through the MedMNIST+ dataset collection, Sci. Rep. 15:7669 (2025), arXiv:2404.15786",
    rows_are="cells of the published tables: one network, protocol, image size and metric on one set, mean of three seeds",
    notes=(
        "Every cell is two rows, accuracy and AUC, except kNN, which has accuracy only and no seeds. Do not mix them.",
        "Images of 28, 64, 128 and 224 pixels were padded with black to 224, not enlarged: the network's input is always 224, and recipe_detail says how much of it is image.",
        "The accuracy of ChestMNIST is per label (14 labels an image).",
        "The figures were read from published images; their averages over the sets agree with the published Average table to 0.005. The standard deviations were not read.",
        "timm's default weights of the study's day: exact where timm has had only one; ResNet-18, DenseNet-121, ViT-B/16 and CLIP are matched by architecture. AlexNet is torchvision's, not in timm.",
    ),
    built_by="archimeter.data.sources.medmnistplus_doerrich",
)


def rows(raw: Path) -> Iterator[Observation]:
    """Yield one row per network, set, protocol, image size and metric.

    Args:
        raw: folder of raw files that holds `transfer/medmnistplus_doerrich.csv`.
    """
    for row in read_rows(raw / "transfer" / "medmnistplus_doerrich.csv"):
        recipe, detail = PROTOCOLS[row["protocol"]]
        yield Observation(
            study="medmnistplus-doerrich",
            dataset=key(row["dataset"]),
            **backbone(row, {"AlexNet": "alexnet"}, PRETRAININGS.get(row["model"])),
            recipe=recipe,
            recipe_detail=f"{detail}, {row['image_size']} px images padded to 224",
            resolution=224,
            error=from_percent(row["value"]),
            metric=_metric(row),
            n_replicates=None if recipe == "knn" else SEEDS,
        )


def _metric(row: Mapping[str, str]) -> str:
    if row["metric"] == "auc_percent":
        return "auc"
    return "label-accuracy" if row["dataset"] == "chestmnist" else "top1"
