"""Juodelyte et al.: nine torchvision networks on eleven MedMNIST sets, a hundred images per class."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ..records import Observation
from ..tables import TableEntry
from .rawfile import read_rows
from .transfer import backbone, from_percent

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["ENTRY", "rows"]

TORCHVISION = re.compile(r"\w+ \(torchvision (\w+) IMAGENET1K_V1\)")

ENTRY = TableEntry(
    table="juodelyte-medmnist-archs",
    record="Observation",
    study="juodelyte-medmnist-archs",
    title="On dataset transferability in medical image classification: architectures",
    repository="DovileDo/transferability-in-medical-imaging",
    commit="7e308c4998e98d5781fbac5cdde2fa7c0002977d",
    path="results/AUCs_model.csv",
    licence="MIT",
    citation="Juodelyte et al.: On dataset transferability in medical image classification, 2024, arXiv:2412.20172",
    rows_are="fine-tuned backbones: one torchvision network on one MedMNIST set, about 100 images per class",
    notes=(
        "error is 1 − AUC on the test split at the checkpoint that was best on validation: do not compare with accuracies.",
        "n_train is the number of images drawn, 100 times the classes.",
        "DenseNet-121, VGG11 and ResNet-18 carry torchvision's IMAGENET1K_V1 weights, which timm has; ConvNeXt, EfficientNetV2, MNASNet and MobileNetV3 are matched by architecture, and timm has no GoogLeNet or ShuffleNetV2.",
    ),
    built_by="archimeter.data.sources.juodelyte_medmnist_archs",
)


def rows(raw: Path) -> Iterator[Observation]:
    """Yield one row per network and data set.

    Args:
        raw: folder of raw files that holds `transfer/juodelyte_medmnist_archs.csv`.

    Raises:
        KeyError: for a model name of another form.
    """
    for row in read_rows(raw / "transfer" / "juodelyte_medmnist_archs.csv"):
        found = TORCHVISION.fullmatch(row["model"])
        if not found:
            raise KeyError(f"{row['model']!r} does not name a torchvision network")
        names = {row["model"]: found[1]} if row["timm_match"] == "none" else {}
        who = backbone(row, names, "supervised-in1k")
        who["published_name"] = found[1]
        yield Observation(
            study="juodelyte-medmnist-archs",
            dataset=row["dataset"],
            **who,
            recipe="fine-tune",
            recipe_detail="SGD, 100 images per class, best on validation",
            n_train=int(row["n_train"]),
            error=from_percent(row["value"]),
            metric="auc",
        )
