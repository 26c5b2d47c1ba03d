"""Danish Fungi 2020, retrained on a split by observation: 13 ImageNet networks on two sets, up to three resolutions."""

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
pixels model                          df20 df20_f1 mini  mini_f1
224    legacy_seresnext101_32x4d.in1k 69.83 59.69  62.42 50.01
224    tf_efficientnet_b0.ap_in1k     64.57 53.74  58.58 46.00
224    tf_efficientnet_b3.ap_in1k     67.13 56.61  59.31 47.83
224    vit_base_patch16_224           70.26 60.31  65.33 52.28
224    vit_large_patch16_224          73.65 64.30  -     -
299    inception_resnet_v2.tf_in1k    70.16 59.34  63.06 50.49
299    inception_v3.tf_in1k           68.49 57.76  60.79 47.88
299    inception_v4.tf_in1k           70.39 60.11  63.47 51.83
299    legacy_seresnext101_32x4d.in1k 72.89 62.80  65.85 53.32
299    mobilenetv2_100.ra_in1k        66.12 55.21  60.58 48.59
299    resnet18.a1_in1k               60.16 49.13  55.80 42.98
299    resnet34.a1_in1k               63.54 52.88  56.80 43.21
299    resnet50.a1_in1k               66.63 56.24  60.58 48.43
299    tf_efficientnet_b0.ap_in1k     67.99 57.31  63.04 50.39
299    tf_efficientnet_b1.ap_in1k     69.20 58.54  64.14 52.59
299    tf_efficientnet_b3.ap_in1k     70.38 59.68  63.77 51.44
299    tf_efficientnet_b5.ap_in1k     71.51 60.94  63.28 51.50
384    legacy_seresnext101_32x4d.in1k 74.83 65.32  68.06 56.22
384    tf_efficientnet_b0.ap_in1k     70.16 59.34  63.79 51.22
384    tf_efficientnet_b3.ap_in1k     72.47 62.31  65.14 52.55
384    vit_base_patch16_384           76.08 66.76  69.33 57.94
"""
"""Resolution in pixels, timm's name as the study writes it, and for either set accuracy and macro F1 in percent."""

NAMES: dict[str, str | None] = {
    # without a tag in the study; of these two timm has had one default since it has tags
    "vit_large_patch16_224": "vit_large_patch16_224.augreg_in21k_ft_in1k",
    "vit_base_patch16_384": "vit_base_patch16_384.augreg_in21k_ft_in1k",
}
DATASETS = {"df20": "df20", "mini": "df20-mini"}

ENTRY = TableEntry(
    table="danish-fungi",
    record="Observation",
    study="danish-fungi",
    title="Danish Fungi 2020, retrained on a split by observation",
    repository="BohemianVRA/DanishFungiDataset",
    commit="5a4e9187055a443922d8fc255171857e41a846ad",
    path="Baseline2023/output/DF20_FIX_*.txt, Baseline2023/output/DanishFungi2023_*.txt (README.md names the sets)",
    licence="BSD, with limits on commercial use of data and models; facts only",
    citation="Picek et al.: Danish Fungi 2020 - Not Just Another Image Recognition Dataset, WACV 2022, arXiv:2103.10107",
    rows_are="fine-tuned backbones: one network at one resolution on one set, with one metric",
    notes=(
        "The figures of 2023: images of one observation are never on both sides of the split. The paper's first figures, on a leaky split and without weights tags, are left out.",
        "The study writes timm's names with their tags. Three ViTs have none: ViT-Base at 224 pixels is matched by architecture, as timm's default for it changed; the other two have one candidate.",
        "Every cell is two rows, top-1 and macro F1. Do not mix them. One run each, no spread.",
        "A file of drafts in the same folder names ViTs with other figures than the final tables; it is not used.",
    ),
    built_by="archimeter.data.sources.danish_fungi",
)


def rows(raw: Path) -> Iterator[Observation]:  # noqa: ARG001
    """Yield one row per network, resolution, set and metric.

    Args:
        raw: not needed; the figures stand in this module.
    """
    for row in parse(FIGURES):
        for column, dataset in DATASETS.items():
            for suffix, metric in (("", "top1"), ("_f1", "f1-macro")):
                if column + suffix in row:
                    yield Observation(
                        study="danish-fungi",
                        dataset=dataset,
                        **identified(row, {row["model"]: NAMES.get(row["model"], row["model"])}),
                        recipe="fine-tune",
                        recipe_detail="split by observation",
                        resolution=int(row["pixels"]),
                        error=from_percent(row[column + suffix]),
                        metric=metric,
                    )
