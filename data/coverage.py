"""How much the shipped tables hold: studies, weights with results, target data sets."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .tables import TABLES, load_datasets, load_observations, manifest

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

__all__ = ["SMALL", "coverage"]

SMALL = 5000
"""Training images up to which a data set counts as small."""
SHIFTED = ("imagenet-real", "imagenet-v2", "imagenet-sketch", "imagenet-a", "imagenet-r")


def coverage(folder: Path = TABLES) -> dict[str, int]:
    """Count what has at least one ok result.

    Returns:
        studies; ok observations; timm weights with results under ImageNet shift; timm weights with a
        result on another target (exact weights, not ImageNet-1k or its relatives); distinct target data
        sets, the same set under two studies' names counted once; and those that are small: with a result
        from at most `SMALL` training images, or so small as a whole.
    """
    observations = load_observations(folder=folder)
    ok = observations[observations["status"] == "ok"]
    exact = ok[ok["match"] == "exact"]
    elsewhere = exact[~exact["dataset"].str.startswith("imagenet")]
    return {
        "studies": int(ok["study"].nunique()),
        "observations": len(ok),
        "weights_under_shift": int(exact.loc[exact["dataset"].isin(SHIFTED), "weights"].nunique()),
        "weights_elsewhere": int(elsewhere["weights"].nunique()),
        "datasets": int(ok["dataset"].nunique()),
        "small_datasets": _small(ok, folder),
    }


def _small(ok: pd.DataFrame, folder: Path) -> int:
    small = set(ok.loc[ok["n_train"] <= SMALL, "dataset"])
    if "datasets" in {entry.table for entry in manifest(folder)}:
        datasets = load_datasets(folder)
        small |= set(datasets.loc[datasets["n_train"] <= SMALL, "dataset"]) & set(ok["dataset"])
    return len(small)
