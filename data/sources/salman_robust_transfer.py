"""Salman et al.: four ResNets, trained for robustness to several degrees, on twelve targets."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..datasets import key
from ..records import Observation
from ..tables import TableEntry
from .rawfile import read_rows
from .transfer import backbone, from_percent

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ..records import Recipe

__all__ = ["ENTRY", "rows"]

RECIPES: dict[str, tuple[Recipe, str]] = {
    "-1": ("fine-tune", "all layers"),
    "4": ("linear-probe", "fixed features"),
}

ENTRY = TableEntry(
    table="salman-robust-transfer",
    record="Observation",
    study="salman-robust-transfer",
    title="Do adversarially robust ImageNet models transfer better?",
    repository="microsoft/robust-models-transfer",
    commit="cea2c37f09ae24485b7e593a470aa350c3fb32ee",
    path="best_params_per_dataset_per_arch.md",
    licence="MIT",
    citation="Salman, Ilyas, Engstrom, Kapoor, Madry: Do Adversarially Robust ImageNet Models Transfer Better?, NeurIPS 2020, arXiv:2007.08489",
    rows_are="best cells: per architecture, target and protocol the best degree of robustness (ε) and learning rate",
    notes=(
        "Each row is the best of a search over ε and learning rate, chosen by test accuracy: too low an error for a plain fine-tune, and no estimate of what one ε gives.",
        "The authors' own ImageNet-1k weights, ε = 0 included: architecture only. timm has no WideResNet-50-4.",
        "Few architectures: for what pretraining does, not for claims about architectures.",
    ),
    built_by="archimeter.data.sources.salman_robust_transfer",
)


def rows(raw: Path) -> Iterator[Observation]:
    """Yield one row per architecture, target and protocol.

    Args:
        raw: folder of raw files that holds `transfer/salman_robust_transfer.csv`.
    """
    for row in read_rows(raw / "transfer" / "salman_robust_transfer.csv"):
        recipe, detail = RECIPES[row["freeze_level"]]
        yield Observation(
            study="salman-robust-transfer",
            dataset=key(row["dataset"]),
            **backbone(
                row, {row["model"]: row["arch"]}, "adversarial" if float(row["eps"]) else "supervised-in1k"
            ),
            recipe=recipe,
            recipe_detail=f"{detail}, pretrained with ε = {float(row['eps']):g}, best ε and rate by test accuracy",
            epochs=int(row["epochs"]),
            learning_rate=float(row["lr"]),
            error=from_percent(row["value"]),
            metric="top1",
        )
