"""What OpenCLIP publishes of its models' size: image towers, as profiles of source `published`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..names import family, kind
from ..records import Profile
from ..tables import TableEntry
from .rawfile import read_rows

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

__all__ = ["ENTRY", "TOWERS", "rows"]

TOWERS = {
    "EVA01-g-14": "eva_giant_patch14_clip_224",
    "EVA01-g-14-plus": "eva_giant_patch14_clip_224",
    "EVA02-B-16": "eva02_base_patch16_clip_224",
    "EVA02-E-14": "eva02_enormous_patch14_clip_224",
    "EVA02-E-14-plus": "eva02_enormous_patch14_clip_224",
    "EVA02-L-14": "eva02_large_patch14_clip_224",
    "EVA02-L-14-336": "eva02_large_patch14_clip_336",
    "RN101": "resnet101_clip",
    "RN101-quickgelu": "resnet101_clip",
    "RN50": "resnet50_clip",
    "RN50-quickgelu": "resnet50_clip",
    "RN50x16": "resnet50x16_clip",
    "RN50x4": "resnet50x4_clip",
    "RN50x64": "resnet50x64_clip",
    "ViT-B-16": "vit_base_patch16_clip_224",
    "ViT-B-16-SigLIP": "vit_base_patch16_siglip_224",
    "ViT-B-16-SigLIP-256": "vit_base_patch16_siglip_256",
    "ViT-B-16-SigLIP-384": "vit_base_patch16_siglip_384",
    "ViT-B-16-SigLIP-512": "vit_base_patch16_siglip_512",
    "ViT-B-16-SigLIP-i18n-256": "vit_base_patch16_siglip_256",
    "ViT-B-16-plus-240": "vit_base_patch16_plus_clip_240",
    "ViT-B-16-quickgelu": "vit_base_patch16_clip_quickgelu_224",
    "ViT-B-32": "vit_base_patch32_clip_224",
    "ViT-B-32-256": "vit_base_patch32_clip_256",
    "ViT-B-32-quickgelu": "vit_base_patch32_clip_quickgelu_224",
    "ViT-H-14": "vit_huge_patch14_clip_224",
    "ViT-H-14-378-quickgelu": "vit_huge_patch14_clip_quickgelu_378",
    "ViT-H-14-quickgelu": "vit_huge_patch14_clip_quickgelu_224",
    "ViT-L-14": "vit_large_patch14_clip_224",
    "ViT-L-14-336": "vit_large_patch14_clip_336",
    "ViT-L-14-quickgelu": "vit_large_patch14_clip_quickgelu_224",
    "ViT-L-16-SigLIP-256": "vit_large_patch16_siglip_256",
    "ViT-L-16-SigLIP-384": "vit_large_patch16_siglip_384",
    "ViT-SO400M-14-SigLIP": "vit_so400m_patch14_siglip_224",
    "ViT-SO400M-14-SigLIP-384": "vit_so400m_patch14_siglip_384",
    "ViT-bigG-14": "vit_gigantic_patch14_clip_224",
    "ViT-g-14": "vit_giant_patch14_clip_224",
    "coca_roberta-ViT-B-32": "vit_base_patch32_clip_224",
    "convnext_base": "convnext_base",
    "convnext_base_w": "convnext_base",
    "convnext_base_w_320": "convnext_base",
    "convnext_large": "convnext_large",
    "convnext_large_d": "convnext_large_mlp",
    "convnext_large_d_320": "convnext_large_mlp",
    "convnext_small": "convnext_small",
    "convnext_tiny": "convnext_tiny",
    "convnext_xlarge": "convnext_xlarge",
    "convnext_xxlarge": "convnext_xxlarge",
    "convnext_xxlarge_320": "convnext_xxlarge",
    "mt5-base-ViT-B-32": "vit_base_patch32_clip_224",
    "mt5-xl-ViT-H-14": "vit_huge_patch14_clip_224",
    "nllb-clip-base": "vit_base_patch32_clip_224",
    "nllb-clip-base-siglip": "vit_base_patch16_siglip_384",
    "nllb-clip-large": "vit_huge_patch14_clip_224",
    "nllb-clip-large-siglip": "vit_so400m_patch14_siglip_384",
    "roberta-ViT-B-32": "vit_base_patch32_clip_224",
    "swin_base_patch4_window7_224": "swin_base_patch4_window7_224",
    "vit_medium_patch16_gap_256": "vit_medium_patch16_gap_256",
    "vit_relpos_medium_patch16_cls_224": "vit_relpos_medium_patch16_cls_224",
    "xlm-roberta-base-ViT-B-32": "vit_base_patch32_clip_224",
    "xlm-roberta-large-ViT-H-14": "vit_huge_patch14_clip_224",
}
"""OpenCLIP's model → timm's architecture of its image tower; models of other towers keep their own name."""
MILLION, BILLION = 1e6, 1e9

ENTRY = TableEntry(
    table="open-clip-towers",
    record="Profile",
    title="OpenCLIP: size and work of the image towers",
    repository="mlfoundations/open_clip",
    commit="89fb801f1e6087880e951fc8354b8a2077b79c6d",
    path="docs/model_profile.csv",
    licence="MIT",
    citation="Ilharco et al.: OpenCLIP, 2021, doi:10.5281/zenodo.5143773",
    rows_are="model configurations: the image tower alone, with its projection into the shared space",
    notes=(
        "params and macs_fvcore are as published, to hundredths of a million and of a billion operations. The file counts operations as twice the multiply-accumulates; macs_fvcore is half of them, so not `macs`.",
        "Towers that timm has stand under its architecture, and agree in parameters within 0.5 % with the projection counted in. Models that share a tower and differ in text repeat it.",
    ),
    built_by="archimeter.data.sources.open_clip_towers",
)


def rows(raw: Path) -> Iterator[Profile]:
    """Yield one row per model configuration, in the published order.

    Args:
        raw: folder of raw files that holds `transfer/open_clip_model_profile.csv`.
    """
    for row in read_rows(raw / "transfer" / "open_clip_model_profile.csv"):
        yield _profile(row)


def _profile(row: Mapping[str, str]) -> Profile:
    model, side = row["model"], int(row["image_size"])
    backbone = TOWERS.get(model, model)
    return Profile(
        backbone=backbone,
        family=family(backbone) if model in TOWERS else None,
        kind=kind(backbone) if model in TOWERS else None,
        source="published",
        source_ref=f"open_clip:{model}",
        input_shapes=((3, side, side),),
        params=round(float(row["image_mparams"]) * MILLION),
        macs_fvcore=round(float(row["image_gflops"]) * BILLION / 2),
        reason=None if model in TOWERS else "no counterpart in timm",
    )
