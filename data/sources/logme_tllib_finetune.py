"""LogME's fine-tuning accuracies as printed in the Transfer Learning Library: 10 CNNs on 8 targets."""

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

DATASETS = {
    "Aircraft": "fgvc-aircraft",
    "CIFAR10": "cifar-10",
    "CIFAR100": "cifar-100",
    "Caltech101": "caltech-101",
    "DTD": "dtd",
    "OxfordIIITPets": "pets",
    "SUN397": "sun397",
    "StanfordCars": "stanford-cars",
}
NAMES = {"GoogleNet": "googlenet"}

ENTRY = TableEntry(
    table="logme-tllib-finetune",
    record="Observation",
    study="logme-tllib-finetune",
    title="LogME: fine-tuning accuracies of supervised CNNs",
    repository="thuml/Transfer-Learning-Library",
    commit="c4aa59eb565650a552b809411601d0589efbbfe4",
    path="examples/model_selection/README.md",
    licence="MIT",
    citation="You et al.: LogME: Practical Assessment of Pre-trained Models for Transfer Learning, ICML 2021, arXiv:2102.11005; JMLR 2022, arXiv:2110.10545",
    rows_are="fine-tuned backbones: one torchvision network on one target",
    notes=(
        "Printed to a tenth of a percent, one number per cell: no replicates, no spread. The recipe and whether accuracy is per image or per class are not stated with the numbers.",
        "The same networks and eight of the sets as in sfda-cnn-finetune, from another laboratory: the two agree only moderately (mean weighted Kendall 0.54), so never pool them.",
        "MobileNetV2 and MNASNet are matched by architecture only; timm has no GoogLeNet. The transferability scores printed beside the accuracies are left out.",
    ),
    built_by="archimeter.data.sources.logme_tllib_finetune",
)


def rows(raw: Path) -> Iterator[Observation]:
    """Yield one row per network and target.

    Args:
        raw: folder of raw files that holds `transfer/logme_tllib_finetune.csv`.
    """
    for row in read_rows(raw / "transfer" / "logme_tllib_finetune.csv"):
        yield Observation(
            study="logme-tllib-finetune",
            dataset=DATASETS[row["dataset"]],
            **backbone(row, NAMES, "supervised-in1k"),
            recipe="fine-tune",
            error=from_percent(row["value"]),
            metric="accuracy",
        )
