"""eva's leaderboard of pathology encoders: 14 frozen encoders on six sets of tissue images."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..records import Observation
from ..tables import TableEntry
from .figures import parse
from .transfer import from_fraction, identified

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["ENTRY", "FIGURES", "NAMES", "SETS", "rows"]

FIGURES = """
model                 bach  breakhis crc   gleason mhist pcam
paige_virchow2        0.883 0.821    0.967 0.783   0.861 0.938
mahmood_uni2_h        0.915 0.859    0.965 0.775   0.824 0.950
bioptimus_h_optimus_0 0.759 0.801    0.955 0.770   0.843 0.943
kaiko_vitb8           0.866 0.832    0.959 0.744   0.829 0.915
prov_gigapath         0.759 0.827    0.951 0.724   0.829 0.945
mahmood_uni           0.785 0.785    0.944 0.750   0.843 0.937
histai_hibou_l        0.810 0.735    0.932 0.764   0.839 0.955
kaiko_vitl14          0.864 0.837    0.938 0.749   0.830 0.911
kaiko_vitb16          0.835 0.811    0.957 0.730   0.837 0.906
owkin_phikon          0.729 0.717    0.940 0.729   0.803 0.920
kaiko_vits8           0.802 0.708    0.952 0.718   0.823 0.886
owkin_phikon_v2       0.732 0.713    0.939 0.757   0.777 0.894
kaiko_vits16          0.812 0.734    0.940 0.698   0.831 0.902
lunit_vits16          0.783 0.742    0.940 0.750   0.781 0.897
"""
"""The study's name, and balanced accuracy per set."""

SETS = {
    "bach": ("bach", 268, "validation split"),
    "breakhis": ("breakhis", 1132, "40 times magnified, four classes, validation split"),
    "crc": ("pathmnist", 100000, "NCT-CRC-HE, the validation split CRC-VAL-HE-7K"),
    "gleason": ("gleason-arvaniti", 15303, None),
    "mhist": ("mhist", 2175, "test split"),
    "pcam": ("patch-camelyon", 262144, "test split"),
}
NAMES: dict[str, str | None] = {
    # as the study's own code builds them; the others are variants that timm has no name for
    "mahmood_uni": "vit_large_patch16_224",
    "kaiko_vits16": "vit_small_patch16_224",
    "kaiko_vits8": "vit_small_patch8_224",
    "kaiko_vitb16": "vit_base_patch16_224",
    "kaiko_vitb8": "vit_base_patch8_224",
    "lunit_vits16": "vit_small_patch16_224",
    "owkin_phikon": "vit_base_patch16_224",
    **dict.fromkeys(
        (
            "paige_virchow2", "mahmood_uni2_h", "bioptimus_h_optimus_0", "prov_gigapath", "histai_hibou_l",
            "kaiko_vitl14", "owkin_phikon_v2",
        )
    ),
}  # fmt: skip

ENTRY = TableEntry(
    table="eva-pathology",
    record="Observation",
    study="eva-pathology",
    title="eva: leaderboard of pathology encoders, images of single patches",
    repository="kaiko-ai/eva",
    commit="23d24b1c15a637ba16e9957f1b10d8eebd56a39c",
    path="tools/data/leaderboard.csv (protocol: docs/leaderboards.md, splits: docs/datasets/*.md)",
    licence="Apache-2.0",
    citation="kaiko.ai, Gatopoulos et al.: eva: Evaluation framework for pathology foundation models, MIDL 2024",
    rows_are="probed encoders: mean over five runs of one linear layer on one set",
    notes=(
        "Encoders that were trained on pathology, all without labels (DINO, DINOv2, iBOT): none of their weights are in timm. Seven are plain ViTs and matched by architecture.",
        "Balanced accuracy, rounded to three digits; the spread of the five runs is not printed. The test split where there is one, else the split that also chose the epoch.",
        "crc is NCT-CRC-HE, the very images and classes of PathMNIST at their full 224 pixels: kept under that key.",
        "Tasks on whole slides (BRACS' regions, Camelyon16, PANDA), where many patches make one decision, and segmentation are left out.",
    ),
    built_by="archimeter.data.sources.eva_pathology",
)


def rows(raw: Path) -> Iterator[Observation]:  # noqa: ARG001
    """Yield one row per encoder and set.

    Args:
        raw: not needed; the figures stand in this module.
    """
    for row in parse(FIGURES):
        for name, (dataset, n_train, what) in SETS.items():
            yield Observation(
                study="eva-pathology",
                dataset=dataset,
                **identified(row, NAMES, "self-supervised"),
                recipe="linear-probe",
                recipe_detail=", ".join(text for text in ("frozen features, one layer", what) if text),
                n_train=n_train,
                error=from_fraction(row[name]),
                metric="balanced-accuracy",
                n_replicates=5,
            )
