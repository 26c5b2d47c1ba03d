"""BioBench: 85 checkpoints' frozen features on twelve ecology tasks and ImageNet-1k."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..datasets import key
from ..records import Observation
from ..tables import TableEntry
from .rawfile import read_rows
from .transfer import from_fraction, identified

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from ..records import Recipe

__all__ = ["ENTRY", "TASKS", "rows"]

TASKS: dict[str, tuple[Recipe, str, str]] = {
    "beluga": ("knn", "individuals, nearest neighbours", "f1-macro"),
    "ecdysis": ("linear-probe", "linear classifier", "f1-macro"),
    "fishnet": ("linear-probe", "two-layer head, nine traits", "f1-macro"),
    "fungiclef": ("linear-probe", "nearest centroid with rejection", "user-score"),
    "herbarium19": ("linear-probe", "the task's own probe", "f1-macro"),
    "imagenet1k": ("linear-probe", "linear classifier", "top1"),
    "inat21": ("linear-probe", "linear classifier, 50 images per species", "top1"),
    "iwildcam": ("linear-probe", "linear classifier, out-of-distribution test", "f1-macro"),
    "kabr": ("linear-probe", "logistic regression on pooled video frames", "f1-macro"),
    "mammalnet": ("linear-probe", "logistic regression on pooled video frames", "f1-macro"),
    "newt": ("linear-probe", "support vector machines, 164 binary tasks", "top1"),
    "plankton": ("linear-probe", "the task's own probe", "f1-macro"),
    "plantnet": ("linear-probe", "the task's own probe", "f1-macro"),
}
"""Task → recipe, head and metric, as the benchmark's code has them."""
# the row bears one network's name and another's parameters (25,576,264: resnet50d, not resnet18d)
NAMES: dict[str, str | None] = {"resnet18d.ra2_in1k": None}
PRETRAININGS = {
    "hf-hub:BVRA/MegaDescriptor-L-384": "supervised-other",
    "vith16": "self-supervised",
    "vitl16": "self-supervised",
}
"""Of weights that timm does not have; all others of these learnt from images with names or captions."""
CONTRADICTION = "named resnet18d.ra2_in1k, but with the parameters of resnet50d: which of them ran is unknown"

ENTRY = TableEntry(
    table="biobench",
    record="Observation",
    study="biobench",
    title="BioBench: ecology tasks on frozen features",
    repository="samuelstevens/biobench",
    commit="6376d97a721fcd3c7665ef54ea94f0c29cd3aa20",
    path="docs/data/results.json",
    licence="MIT",
    citation="Stevens: BioBench: A Blueprint to Move Beyond ImageNet for Scientific ML Benchmarks, 2025, arXiv:2511.16315",
    rows_are="probed checkpoints: one model's frozen features on one task",
    notes=(
        "Metrics differ by task and stand under their own names: macro-F1 on most, top-1 on ImageNet-1k, iNaturalist 2021 and NeWT, the challenge's normalised user score on FungiCLEF. Compare within a task.",
        "ImageNet-1k is what the benchmark calls prior work, kept for comparison: it is no ecology task and no part of the benchmark's means.",
        "The published intervals are bootstraps over test images, not a spread of runs, and 444 of 1,096 do not contain their own score (all of three tasks, nearly all of two more): they are left out.",
        "error is near 1 on beluga and plankton for every model: a property of those tasks' macro-F1 over many absent classes.",
        "Parameter counts are given and agree with timm for all exact matches within 0.07 % (the benchmark counts DINOv2's mask token, and CLIP's projection otherwise). One row's name and count contradict each other; its 13 results are excluded.",
        "OpenVision's towers, BioTrove, BioCLIP, BioCAP and MegaDescriptor weights are not in timm: architecture where it is known. `vitl16` and `vith16` are V-JEPA video models.",
    ),
    built_by="archimeter.data.sources.biobench",
)


def rows(raw: Path) -> Iterator[Observation]:
    """Yield one row per checkpoint and task.

    Args:
        raw: folder of raw files that holds `transfer/biobench.csv`.
    """
    for row in read_rows(raw / "transfer" / "biobench.csv"):
        yield _observation(row)


def _observation(row: Mapping[str, str]) -> Observation:
    recipe, detail, metric = TASKS[row["dataset"]]
    contradicted = row["model"] in NAMES
    return Observation(
        study="biobench",
        dataset=key(row["dataset"]),
        **identified(row, NAMES, PRETRAININGS.get(row["model"], "image-text")),
        recipe=recipe,
        recipe_detail=f"frozen features, {detail}",
        resolution=int(row["resolution"]),
        error=from_fraction(row["value"]),
        metric=metric,
        status="excluded" if contradicted else "ok",
        reason=CONTRADICTION if contradicted else None,
    )
