"""AiTLAS Benchmark Arena: ten pretrained networks fine-tuned on 22 remote-sensing sets."""

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
    "AID": "aid",
    "AID (mlc)": "aid-multilabel",
    "BCS": "brazilian-coffee-scenes",
    "BigEarthNet 19": "bigearthnet-19",
    "BigEarthNet 43": "bigearthnet-43",
    "CLRS": "clrs",
    "DFC15": "dfc15-multilabel",
    "Eurosat": "eurosat",
    "MLRSNet": "mlrsnet",
    "Optimal31": "optimal-31",
    "PatternNet": "patternnet",
    "Planet UAS": "planet-uas",
    "RESISC45": "resisc45",
    "RSD46-WHU": "rsd46-whu",
    "RSI-CB256": "rsi-cb256",
    "RSSCN7": "rsscn7",
    "SAT6": "sat-6",
    "SIRI-WHU": "siri-whu",
    "So2Sat": "so2sat",
    "UC Merced": "uc-merced",
    "UC Merced (mlc)": "uc-merced-multilabel",
    "WHU-RS19": "whu-rs19",
}
METRICS = {"top1_accuracy_percent": "top1", "mAP_percent": "mean-average-precision"}
# "SwinT" in the tables is torchvision's swin_v2_s in the study's toolbox (its runs are called swin2)
NAMES = {"AlexNet": "alexnet", "SwinT": "swinv2_small_window8_256"}

ENTRY = TableEntry(
    table="aitlas-arena-finetune",
    record="Observation",
    study="aitlas-arena-finetune",
    title="AiTLAS Benchmark Arena: image classification in Earth observation",
    repository="biasvariancelabs/aitlas-arena",
    commit="b640d13cd645e72d6017223ec584a3e30095fdf8",
    path="README.md",
    licence="MIT",
    citation="Dimitrovski, Kitanovski, Kocev, Simidjievski: Current trends in deep learning for Earth observation, ISPRS J. Photogramm. Remote Sens. 197 (2023) 18-35, arXiv:2207.07189",
    rows_are="fine-tuned backbones: one ImageNet-1k network on one data set, test split",
    notes=(
        "Fifteen multi-class sets are scored by top-1, seven multi-label sets by mean average precision: compare within a set.",
        "One number per cell: no replicates, no spread. Several sets are near saturation (errors below 1 %), where ranks are mostly noise.",
        "SwinT is Swin V2 small, as the study's toolbox builds it, not Swin tiny. VGG16, ResNet-50/152 and DenseNet-161 carry torchvision's first ImageNet-1k weights; the others are matched by architecture, and timm has no AlexNet.",
        "planet-uas is the whole competition set; fast.ai's `planet` is a sample of it.",
    ),
    built_by="archimeter.data.sources.aitlas_arena_finetune",
)


def rows(raw: Path) -> Iterator[Observation]:
    """Yield one row per network and data set.

    Args:
        raw: folder of raw files that holds `transfer/aitlas_arena_finetune.csv`.
    """
    for row in read_rows(raw / "transfer" / "aitlas_arena_finetune.csv"):
        yield Observation(
            study="aitlas-arena-finetune",
            dataset=DATASETS[row["dataset"]],
            **backbone(row, NAMES, "supervised-in1k"),
            recipe="fine-tune",
            recipe_detail="ImageNet-1k weights, test split",
            error=from_percent(row["value"]),
            metric=METRICS[row["metric"]],
        )
