"""PePR: 131 timm architectures trained for ten epochs on three medical sets in eight conditions."""

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

    from ..records import Recipe

__all__ = ["CONDITIONS", "ENTRY", "SCORED", "rows"]

CONDITIONS: dict[str, tuple[Recipe, str]] = {
    "derma": ("from-scratch", "whole training set"),
    "derma_pt": ("fine-tune", "whole training set"),
    "derma_small": ("unstated", "a smaller part of the training set (derma_small)"),
    "derma_smallest": ("unstated", "the smallest part of the training set (derma_smallest)"),
    "lidc": ("unstated", "whole training set"),
    "lidc_small": ("unstated", "a smaller part of the training set (lidc_small)"),
    "pneumonia": ("unstated", "whole training set"),
    "pneumonia_small": ("unstated", "a smaller part of the training set (pneumonia_small)"),
}
"""The study's data set names → recipe and what else distinguishes them; the images are those of three sets."""
SCORED = {"dermamnist": 62 * 32, "pneumoniamnist": 19 * 32}
"""Test images that the accuracy is a mean of: whole batches of 32, the rest was dropped."""
WHOLE = 1e-3  # how near to a whole number of right answers counts as one
BYTES = 1e9  # the study divides by 10⁹
NAMES = {
    "gluon_xception65": "xception65"
}  # the same network (39,916,312 parameters), weights that timm dropped

ENTRY = TableEntry(
    table="pepr-medical",
    record="Observation",
    study="pepr-medical",
    title="PePR: performance per resource unit, medical images",
    repository="saintslab/PePR",
    commit="ce087aafcdce4a5b636152d170475a6df5f4c3d7",
    path="data/all_results.csv",
    licence="MIT",
    citation="Selvan, Pepin, Igel, Samuel, Dam: PePR: Performance Per Resource Unit as a Metric to Promote Small-Scale Deep Learning in Medical Image Analysis, NLDL 2025, arXiv:2403.12562, arXiv:2403.09441",
    rows_are="trained backbones: one timm architecture on one medical set in one condition, test accuracy after ten epochs",
    notes=(
        "Eight conditions of three sets of images (DermaMNIST, PneumoniaMNIST, LIDC): they share a data set here, and recipe and recipe_detail tell them apart.",
        "Only two conditions state their initialisation: derma from scratch, derma_pt from ImageNet weights. The other six are `unstated`, and no row but derma_pt's names weights. n_train of the four smaller conditions is not stated either.",
        "error is that after the tenth epoch. The best over epochs, which the study also prints, was chosen on the test set and is left out.",
        "n_eval is given where the accuracy is a whole number of right answers out of the whole batches of 32 that the study's script scores (1,984 and 608 images); 19 rows of DermaMNIST and all of LIDC are not.",
        "peak_memory_bytes is the most that the allocator handed out by the end of the second epoch (`max_memory_allocated`): the allocator's reserve and the momentary allocation are also published, but the one hangs on the allocator and the other is no peak.",
        "The published training time is the last epoch's with its evaluation, not the fit's, so fit_time_s is blank. Energy and CO₂ of the run are published, and have no field here.",
        "Parameter counts agree with today's timm for all 131 architectures, at 1,000 classes.",
    ),
    built_by="archimeter.data.sources.pepr_medical",
)


def rows(raw: Path) -> Iterator[Observation]:
    """Yield one row per architecture and condition.

    Args:
        raw: folder of raw files that holds `transfer/pepr_medical.csv`.
    """
    for row in read_rows(raw / "transfer" / "pepr_medical.csv"):
        recipe, detail = CONDITIONS[row["dataset"]]
        dataset = key(row["dataset"])
        yield Observation(
            study="pepr-medical",
            dataset=dataset,
            **_backbone(row, recipe),
            recipe=recipe,
            recipe_detail=detail,
            epochs=10,
            error=from_fraction(row["value"]),
            metric="top1",
            n_eval=_n_eval(dataset, float(row["value"])),
            peak_memory_bytes=round(float(row["gpu_mem_max_gb"]) * BYTES),
        )


def _backbone(row: Mapping[str, str], recipe: str) -> dict[str, Any]:
    found = identified(row, NAMES)
    if recipe != "fine-tune" and found["match"] == "exact":  # no weights were used, or none that are stated
        found |= {"weights": None, "match": "architecture"}
    return found


def _n_eval(dataset: str, accuracy: float) -> int | None:
    n = SCORED.get(dataset)
    return n if n and abs(accuracy * n - round(accuracy * n)) < WHOLE else None
