"""Which small weights lie in timm's cache, found without loading torch."""

from __future__ import annotations

from pathlib import Path

from huggingface_hub import constants

from ..data.names import split

__all__ = ["SMALL", "small_weights_here"]

SMALL = (
    "resnet18",
    "mobilenetv3_large_100",
    "efficientnet_b0",
    "tf_efficientnet_lite0",
    "vit_tiny_patch16_224",
    "deit_tiny_patch16_224",
    "resnet34",
    "vit_small_patch16_224",
    "deit_small_patch16_224",
    "resnet50",
    "convnext_tiny",
)
"""Backbones of at most 5 G MACs that many have, in the order in which they are taken."""
PREFIX = "models--timm--"


def small_weights_here() -> list[str]:
    """Weights of SMALL that the Hugging Face hub's cache has a folder of; its file may still be missing."""
    names = [path.name.removeprefix(PREFIX) for path in Path(constants.HF_HUB_CACHE).glob(f"{PREFIX}*")]
    known = [name for name in names if split(name)[0] in SMALL]
    return sorted(known, key=lambda name: (SMALL.index(split(name)[0]), name))
