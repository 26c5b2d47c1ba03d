"""What is known of a model before any fine-tune: its size, its ImageNet error, how it was pretrained."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ...data.families import family, kind
from ...data.names import pretraining
from .logits import logit

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

__all__ = ["TORCHVISION", "Facts", "ModelFacts", "facts_table"]

TORCHVISION: dict[str, tuple[float, float, float]] = {
    # backbone: params, MACs, ImageNet-1k top-1 error of the IMAGENET1K_V1 weights
    "alexnet": (61_100_840, 0.714e9, 0.43478),
    "googlenet": (6_624_904, 1.498e9, 0.30222),
    "shufflenet_v2_x0_5": (1_366_792, 0.040e9, 0.39448),
    "mnasnet_100": (4_383_312, 0.314e9, 0.26544),
    "mobilenetv2_100": (3_504_872, 0.301e9, 0.28122),
    "mobilenetv3_small_100": (2_542_856, 0.057e9, 0.32332),
    "tf_efficientnetv2_s": (21_458_488, 8.366e9, 0.15772),
    "efficientnet_b0": (5_288_548, 0.386e9, 0.22308),
    "convnext_tiny": (28_589_128, 4.456e9, 0.1748),
}
"""torchvision's nets that studies fine-tuned and timm holds under other weights or not at all.

Source: `meta` of torchvision's weights enums (0.29), BSD-3.
"""


@dataclass(frozen=True, slots=True)
class ModelFacts:
    """One model; NaN where nothing is known.

    macs, activations: scaled to 224 × 224 pixels, so that a default size is not taken for a larger net.
    imagenet: logit of the ImageNet-1k top-1 error.
    """

    backbone: str
    weights: str | None
    family: str
    kind: str
    pretraining: str
    params: float
    macs: float
    activations: float
    imagenet: float


class Facts:
    """Facts of models by name, from the shipped tables."""

    def __init__(self, profiles: pd.DataFrame, weights: pd.DataFrame, imagenet: pd.DataFrame) -> None:
        sizes = profiles.drop_duplicates("backbone").set_index("backbone")
        self._sizes = {
            str(name): (float(p), float(m) * _at_224(shape), float(a) * _at_224(shape))
            for name, p, m, a, shape in zip(
                sizes.index,
                sizes["params"],
                sizes["macs"],
                sizes["activations"],
                sizes["input_shapes"],
                strict=True,
            )
        }
        self._pretraining = dict(zip(weights["weights"], weights["pretraining"], strict=True))
        rows = imagenet[(imagenet["dataset"] == "imagenet-1k") & (imagenet["status"] == "ok")]
        self._errors = rows.dropna(subset=["weights"]).groupby("weights")["error"].min().to_dict()
        plain = rows[rows["weights"].map(self._pretraining) == "supervised-in1k"]
        self._by_backbone = plain.groupby("backbone")["error"].median().to_dict()

    def of(self, backbone: str, weights: str | None, stated: str | None = None) -> ModelFacts:
        """Look a model up.

        Args:
            backbone: architecture.
            weights: timm's, where they are known.
            stated: of other weights the kind of pretraining. From ImageNet-1k's labels, or where nothing is
                stated, the ImageNet error is the median over timm's such weights of the backbone; otherwise
                it is not known, as it is not of timm's weights that were never trained on that task.
        """
        elsewhere = TORCHVISION.get(backbone) if weights is None else None
        params, macs, activations = self._sizes.get(
            backbone, (*elsewhere[:2], np.nan) if elsewhere else (np.nan, np.nan, np.nan)
        )
        if weights is not None:
            error = self._errors.get(weights, np.nan)
            how = self._pretraining.get(weights) or pretraining(weights)
        else:
            how, error = stated or "unknown", np.nan
            if stated in (None, "supervised-in1k"):
                error = elsewhere[2] if elsewhere else self._by_backbone.get(backbone, np.nan)
        return ModelFacts(
            backbone,
            weights,
            family(backbone),
            kind(backbone),
            how,
            params,
            macs,
            activations,
            float(logit(error)) if np.isfinite(error) else np.nan,
        )


def _at_224(shapes: str | None) -> float:
    side = json.loads(shapes)[0][-1] if shapes else 224
    return (224 / side) ** 2


def facts_table(
    facts: Facts,
    backbones: Sequence[str],
    weights: Sequence[str | None],
    stated: Sequence[str | None] | None = None,
) -> list[ModelFacts]:
    """Facts of many models, in their order; stated: kinds of pretraining where the weights are not timm's."""
    return [facts.of(*one) for one in zip(backbones, weights, stated or [None] * len(weights), strict=True)]
