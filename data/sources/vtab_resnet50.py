"""VTAB: what sixteen ways of pretraining do for ResNet-50 on nineteen tasks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..datasets import key
from ..records import Observation
from ..tables import TableEntry
from .rawfile import read_rows
from .transfer import from_percent, identified

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["ENTRY", "GENERATIVE", "rows"]

GENERATIVE = ("Cond-BigGAN", "Uncond-BigGAN", "VAE", "WAE-GAN", "WAE-MMD", "WAE-UKL")
"""Encoders and discriminators of generative models: networks of their own, not timm's ResNet-50."""
PRETRAININGS = {
    **dict.fromkeys(GENERATIVE, "generative"),
    **dict.fromkeys(("Exemplar", "Jigsaw", "Rel.Pat.Loc", "Rotation"), "self-supervised"),
    **dict.fromkeys(("Semi-Exemplar-10%", "Semi-Rotation-10%"), "semi-supervised"),
    **dict.fromkeys(("Sup-100%", "Sup-Exemplar-100%", "Sup-Rotation-100%"), "supervised-in1k"),
    "From-Scratch": "none",
}
"""The paper's groups of representations; two of the supervised ones learn a second task beside the labels."""

ENTRY = TableEntry(
    table="vtab-resnet50",
    record="Observation",
    study="vtab-resnet50",
    title="The Visual Task Adaptation Benchmark",
    repository="google-research/task_adaptation",
    commit="d7630d3c43ba052b5a35546b312d9454a9f2c96b",
    path="docs/data/results.csv",
    licence="Apache-2.0",
    citation="Zhai et al.: A Large-scale Study of Representation Learning with the Visual Task Adaptation Benchmark, 2019, arXiv:1910.04867",
    rows_are="fine-tuned representations: one way of pretraining on one task, with 1,000 or all training images",
    notes=(
        "One architecture: for what pretraining and sample size do, not for claims about architectures.",
        "ResNet-50 v2 for ten representations. The leaderboard says ResNet50 of all sixteen, but the models' own pages name BigGAN's discriminator and VAE and WAE encoders for six: those have no counterpart in timm.",
        "The lightweight sweep of four hyper-parameter settings, at 224 pixels. One number per cell.",
        "Two label sets on the same images are two data sets (CLEVR, dSprites, small NORB); VTAB's Camelyon is PatchCamelyon.",
    ),
    built_by="archimeter.data.sources.vtab_resnet50",
)


def rows(raw: Path) -> Iterator[Observation]:
    """Yield one row per representation, task and number of training images.

    Args:
        raw: folder of raw files that holds `transfer/vtab_resnet50.csv`.
    """
    networks: dict[str, str | None] = dict.fromkeys(GENERATIVE)
    for row in read_rows(raw / "transfer" / "vtab_resnet50.csv"):
        few = row["train_examples"] == "1000"
        yield Observation(
            study="vtab-resnet50",
            dataset=key(row["dataset"]),
            **identified(row, networks, PRETRAININGS[row["model"]]),
            recipe="from-scratch" if row["model"] == "From-Scratch" else "fine-tune",
            recipe_detail=f"{'1,000 images' if few else 'whole training set'}, sweep of 4",
            resolution=224,
            n_train=1000 if few else None,
            error=from_percent(row["value"]),
            metric="top1",
        )
