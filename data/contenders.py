"""The contenders that people ask for by a project's name, and the backbones behind the names.

A project is a family, a training method or a whole multi-modal model; what can be profiled and fine-tuned is
its image tower. Where no such tower is public, the reason stands in its place.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from .errors import TargetError, UnknownNameError
from .names import select

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["CONTENDERS", "Contender", "resolve"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Contender:
    """One name and what stands behind it.

    Identity: name, as people write it; paper (arXiv number).
    Backbones: patterns over timm's weights names (`backbone.tag`), empty where nothing is available;
    note, what the patterns cover and what they do not, or why there is nothing.
    """

    name: str
    paper: str
    patterns: tuple[str, ...] = ()
    note: str


CONTENDERS = (
    Contender(
        name="EfficientNetV2",
        paper="2104.00298",
        patterns=("efficientnetv2_*", "tf_efficientnetv2_*"),
        note="Google's weights (tf_, in1k and in21k) and timm's own trainings (rw)",
    ),
    Contender(
        name="BEiT",
        paper="2106.08254",
        patterns=("beit_*", "beitv2_*", "beit3_*"),
        note="BEiT, BEiT v2 and the image tower of BEiT-3",
    ),
    Contender(
        name="Swin V2",
        paper="2111.09883",
        patterns=("swinv2_*",),
        note="Microsoft's weights up to large; swinv2_cr is timm's own reading of the paper. The 3-billion "
        "giant's weights were never published",
    ),
    Contender(
        name="ConvNeXt",
        paper="2201.03545",
        patterns=("convnext_*", "convnextv2_*"),
        note="supervised, CLIP, DINOv3 and, for V2, masked-image pretraining",
    ),
    Contender(
        name="CoAtNet",
        paper="2106.04803",
        patterns=("coatnet_*",),
        note="timm's own trainings (rw); Google published neither the JFT-3B weights nor any other",
    ),
    Contender(
        name="CoCa",
        paper="2205.01917",
        note="Google published no weights. OpenCLIP trained CoCa anew on LAION-2B, and timm does not carry "
        "its towers; they are plain ViTs with attention pooling, so vit_base_patch32_clip_224 and "
        "vit_large_patch14_clip_224 have nearly their cost, and their laion2b weights the same "
        "pretraining data",
    ),
    Contender(
        name="PaLI",
        paper="2209.06794",
        patterns=("*.pali*",),
        note="the SigLIP towers as PaliGemma and PaliGemma 2 tuned them (descendants of PaLI-3); PaLI's own "
        "ViT-G and ViT-e were never published",
    ),
    Contender(
        name="Florence",
        paper="2311.06242",
        patterns=("davit_*.msft_florence2",),
        note="the DaViT towers of Florence-2; the CoSwin of the first Florence was never published",
    ),
    Contender(
        name="EVA",
        paper="2211.07636",
        patterns=("eva_*", "eva02_*"),
        note="EVA, EVA-02 and their CLIP towers",
    ),
)


def resolve(name: str, known: Iterable[str]) -> list[str]:
    """Return the known weights behind a contender's name (case, dashes and spaces do not matter).

    Args:
        name: a contender, such as `"Swin V2"`.
        known: weights names, `backbone.tag`.

    Raises:
        UnknownNameError: if it is no contender of the table, or none of its backbones is known.
        TargetError: if nothing of it is public, with the reason.
    """
    by_key = {_key(contender.name): contender for contender in CONTENDERS}
    if _key(name) not in by_key:
        raise UnknownNameError("contender", name, (contender.name for contender in CONTENDERS))
    contender = by_key[_key(name)]
    if not contender.patterns:
        raise TargetError(f"No backbone of {contender.name} is available: {contender.note}.")
    return select(contender.patterns, known)


def _key(name: str) -> str:
    return "".join(letter for letter in name.lower() if letter.isalnum())
