"""OpenCLIP's evaluation of 121 CLIP models without any training, on 38 sets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..datasets import key
from ..records import Observation
from ..tables import TableEntry
from .rawfile import read_rows
from .transfer import from_fraction, identified

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

__all__ = ["ENTRY", "METRICS", "NAMES", "REPEATED", "WRONG_ACTIVATION", "rows"]

METRICS = {
    "acc1": "top1",
    "mean_per_class_recall": "mean-per-class-accuracy",
    "acc_top5_wg": "worst-group-top5",
    "acc_wg": "worst-group-accuracy",
    "acc_worst_region": "worst-region-accuracy",
    "F1-macro_all": "f1-macro",
    "mean_recall@1": "mean-recall-at-1",
    "jaccard_score_10-12": "jaccard",
}
RETRIEVAL = {
    "Flickr": "retrieval of images and captions, not classification",
    "MSCOCO": "retrieval of images and captions, not classification",
    "WinoGAViL": "association of images and cues, not classification",
}
NAMES: dict[str, str | None] = {
    # OpenAI's weights always run with QuickGELU, whatever the model's name says
    "ViT-B-16 openai": "vit_base_patch16_clip_quickgelu_224.openai",
    "ViT-B-32 openai": "vit_base_patch32_clip_quickgelu_224.openai",
    "ViT-L-14 openai": "vit_large_patch14_clip_quickgelu_224.openai",
    "ViT-L-14-336 openai": "vit_large_patch14_clip_quickgelu_336.openai",
    # QuickGELU weights under a GELU network
    "ViT-B-32 laion400m_e32": "vit_base_patch32_clip_224",
    # another text tower; the image tower is a plain one
    "nllb-clip-base v1": "vit_base_patch32_clip_224",
    "nllb-clip-base-siglip v1": "vit_base_patch16_siglip_384",
    "nllb-clip-large v1": "vit_huge_patch14_clip_224",
    "nllb-clip-large-siglip v1": "vit_so400m_patch14_siglip_384",
    "roberta-ViT-B-32 laion2b_s12b_b32k": "vit_base_patch32_clip_224",
    "xlm-roberta-base-ViT-B-32 laion5b_s13b_b90k": "vit_base_patch32_clip_224",
    "xlm-roberta-large-ViT-H-14 frozen_laion5b_s13b_b90k": "vit_huge_patch14_clip_224",
}
REPEATED = {
    "RN50 openai": "RN50-quickgelu openai",
    "RN101 openai": "RN101-quickgelu openai",
    "ViT-B-32 openai": "ViT-B-32-quickgelu openai",
    "ViT-B-32 commonpool_s_image_s13m_b4k": "ViT-B-32 datacomp_s_s13m_b4k",
}
"""Models with the very figures of another on all 38 sets."""
WRONG_ACTIVATION = (
    "RN50 cc12m",
    "RN50 yfcc15m",
    "RN101 yfcc15m",
    "ViT-B-32 laion400m_e31",
    "ViT-B-32 laion400m_e32",
)
"""Weights trained with QuickGELU and run with GELU; the model with -quickgelu in its name is the proper one."""

ENTRY = TableEntry(
    table="open-clip-zeroshot",
    record="Observation",
    study="open-clip-zeroshot",
    title="OpenCLIP: zero-shot results of all pretrained models",
    repository="mlfoundations/open_clip",
    commit="89fb801f1e6087880e951fc8354b8a2077b79c6d",
    path="docs/openclip_results.csv (metrics and class counts: mlfoundations/datacomp @ 4a8df199, tasklist.yml)",
    licence="MIT",
    citation="Cherti et al.: Reproducible scaling laws for contrastive language-image learning, CVPR 2023, arXiv:2212.07143; Ilharco et al.: OpenCLIP, 2021; Gadre et al.: DataComp, arXiv:2304.14108",
    rows_are="evaluations: one CLIP model on one set, no training",
    notes=(
        "Zero-shot: image and text tower together, nothing is fitted, so n_train does not apply. The figures say more of the pretraining than of the image tower.",
        "Metrics differ by set and stand under their own names. n_eval is given for top-1. FMoW's worst region is small: an error of 1 is possible.",
        "Flickr30k, MSCOCO (recall) and WinoGAViL (Jaccard) are no classification: excluded, with their figures kept so that the published averages over 38 sets can be checked.",
        "Four models repeat another's figures on every set and five run weights with another activation than they were trained with: excluded.",
        "OpenAI's weights run with QuickGELU under every name, so they stand under timm's quickgelu architectures.",
        "CLIP models with another text tower (RoBERTa, NLLB) are matched by the architecture of their image tower, whose parameters agree. CoCa and CLIPA have no counterpart in timm.",
    ),
    built_by="archimeter.data.sources.open_clip_zeroshot",
)


def rows(raw: Path) -> Iterator[Observation]:
    """Yield one row per model and set.

    Args:
        raw: folder of raw files that holds `transfer/open_clip_zeroshot.csv`.
    """
    for row in read_rows(raw / "transfer" / "open_clip_zeroshot.csv"):
        metric = METRICS[row["metric"]]
        yield Observation(
            study="open-clip-zeroshot",
            dataset=key(row["dataset"]),
            **identified(row, NAMES, "image-text"),
            recipe="zero-shot",
            error=from_fraction(row["value"]),
            metric=metric,
            n_eval=int(row["n_test"]) if metric == "top1" else None,
            **_outcome(row),
        )


def _outcome(row: Mapping[str, str]) -> dict[str, Any]:
    model = row["model"]
    if row["dataset"] in RETRIEVAL:
        return {"status": "excluded", "reason": RETRIEVAL[row["dataset"]]}
    if model in REPEATED:
        return {"status": "excluded", "reason": f"the same figures as {REPEATED[model]}"}
    if model in WRONG_ACTIVATION:
        return {"status": "excluded", "reason": "run with GELU, though trained with QuickGELU"}
    return {"status": "ok"}
