"""Cherti and Jitsev: two BiT ResNets from natural and chest images, few shots to full, five seeds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..datasets import key
from ..records import Observation
from ..tables import TableEntry
from .rawfile import read_rows
from .transfer import backbone, from_fraction

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

__all__ = ["CLASSES", "ENTRY", "N_EVAL", "rows"]

CLASSES = {
    "cifar10": 10,
    "cifar100": 100,
    "covidx_cxr2": 2,
    "flowers_oversampling": 102,
    "padchest": 27,
    "pets": 37,
    "tuberculosis_full": 2,
}
"""Classes per data set, from the study's configurations (the two CIFAR sets and Pets by definition)."""
N_EVAL = {
    "cifar10": 10_000,
    "cifar100": 10_000,
    "covidx_cxr2": 400,
    "flowers_oversampling": 2040,
    "pets": 3669,
    "tuberculosis_full": 121,
}
"""Test images: every published accuracy is a whole number of these (PadChest's are not stated)."""
PRETRAININGS = {"imagenet1k": "supervised-in1k", "imagenet21k": "supervised-in21k"}
"""By the first part of a model's name; the others are trained on sets of chest X-rays."""
METRICS = {"test_acc": "top1", "test_mean_auc": "auc"}

ENTRY = TableEntry(
    table="cherti-jitsev-bit",
    record="Observation",
    study="cherti-jitsev-bit",
    title="Effect of pre-training scale on full and few-shot transfer",
    repository="SLAMPAI/large-scale-pretraining-transfer",
    commit="fe6232b4f2fa12e3297e951536629348f4b6940e",
    path="results/finetuning_results_*_test_{acc,mean_auc}.csv",
    licence="MIT",
    citation="Cherti, Jitsev: Effect of pre-training scale on intra- and inter-domain full and few-shot transfer learning for natural and medical X-Ray chest images, 2021, arXiv:2106.00116",
    rows_are="fine-tuning runs: one pretraining of one network on one target with one number of shots, one seed and one metric",
    notes=(
        "Every run is two rows, accuracy and mean AUC. Do not mix them. replicate is the seed.",
        "The authors' own weights on BiT's ResNets (R50x1, R152x4): architecture only. For what pretraining and shots do, not for claims about architectures.",
        "n_train is shots times classes, at most: a rare class of PadChest may hold fewer.",
        "Flowers-102 is turned round: trained on the official test images (6,149) and tested on training and validation (2,040), with oversampling.",
        "PadChest keeps 27 findings and, for its accuracy, images with one of them. Pets lacks one seed of one network, PadChest one run of 10 shots.",
        "9 one-shot runs were last evaluated at step 400 of 500 and are incomplete.",
        "Exact duplicate rows of the study's files were removed beforehand.",
    ),
    built_by="archimeter.data.sources.cherti_jitsev_bit",
)


def rows(raw: Path) -> Iterator[Observation]:
    """Yield one row per run and metric.

    Args:
        raw: folder of raw files that holds `transfer/cherti_jitsev_bit.csv`.
    """
    for row in read_rows(raw / "transfer" / "cherti_jitsev_bit.csv"):
        yield Observation(
            study="cherti-jitsev-bit",
            dataset=key(row["dataset"]),
            **backbone(row, {}, PRETRAININGS.get(row["model"].partition("_")[0], "supervised-other")),
            recipe="fine-tune",
            recipe_detail=_detail(row),
            n_train=_n_train(row),
            error=from_fraction(row["value"]),
            metric=METRICS[row["metric"]],
            n_eval=N_EVAL.get(row["dataset"]),
            replicate=int(row["seed"]),
            **_outcome(row),
        )


def _outcome(row: Mapping[str, str]) -> dict[str, Any]:
    if row["last_step"] == "400":
        return {"status": "incomplete", "reason": "last evaluated at step 400 of 500"}
    return {"status": "ok"}


def _detail(row: Mapping[str, str]) -> str:
    shots = row["shot"].removesuffix("_shot")
    what = "whole training set" if shots == "full" else f"{shots}-shot"
    swapped = ", trained on the official test images" if row["dataset"] == "flowers_oversampling" else ""
    return f"{what}, {max(500, int(row['last_step']))} steps{swapped}"


def _n_train(row: Mapping[str, str]) -> int | None:
    shots = row["shot"].removesuffix("_shot")
    if shots != "full":
        return int(shots) * CLASSES[row["dataset"]]
    return 6149 if row["dataset"] == "flowers_oversampling" else None
