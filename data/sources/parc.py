"""PARC's fine-tuning accuracies: four CNNs, pretrained on ImageNet, on seven targets."""

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
dataset       alexnet googlenet resnet18 resnet50
caltech-101   85.5513 86.5399   87.6806  95.2852
cifar-10      92.89   88.7      95.86    94.53
cub-200-2011  53.9869 49.4477   68.9852  79.6686
nabirds       46.4702 52.8316   70.0118  77.1932
pets          78.3320 75.3066   88.6890  90.8694
stanford-dogs 62.0746 71.5618   79.7436  84.2890
voc-2007      95.9362 95.9545   96.7440  97.4719
"""
"""Our key of the target, and accuracy in percent of the networks that come from ImageNet."""

NAMES: dict[str, str | None] = {
    "alexnet": None,
    "googlenet": None,
    "resnet18": "resnet18",
    "resnet50": "resnet50",
}

ENTRY = TableEntry(
    table="parc",
    record="Observation",
    study="parc",
    title="PARC: scalable diverse model selection, the controlled bank",
    repository="dbolya/parc",
    commit="b05d06288203905d2a57f19ddb83edddc80c182c",
    path="oracles/controlled.csv, rows with source dataset imagenet",
    licence="none stated; facts only",
    citation="Bolya, Mittapalli, Hoffman: Scalable Diverse Model Selection for Accessible Transfer Learning, NeurIPS 2021, arXiv:2111.06977",
    rows_are="fine-tuned backbones: one network on one target",
    notes=(
        "Only networks that come from ImageNet; those that were trained on another target in between are left out.",
        "torchvision's architectures. The repository loads weights of its own from files, so ResNets are matched by architecture; timm has no AlexNet and no GoogLeNet.",
        "Pascal VOC 2007 is accuracy over the single labels, high for every network; top-1 elsewhere. One run each.",
    ),
    built_by="archimeter.data.sources.parc",
)


def rows(raw: Path) -> Iterator[Observation]:  # noqa: ARG001
    """Yield one row per target and network.

    Args:
        raw: not needed; the figures stand in this module.
    """
    for row in parse(FIGURES):
        for model in NAMES:
            yield Observation(
                study="parc",
                dataset=row["dataset"],
                **identified({"model": model}, NAMES, "supervised-in1k"),
                recipe="fine-tune",
                error=from_percent(row[model]),
                metric="label-accuracy" if row["dataset"] == "voc-2007" else "top1",
            )
