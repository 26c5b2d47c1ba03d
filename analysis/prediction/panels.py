"""Panels: what one study measured under one condition, as a matrix of models by data sets.

Results are compared within a panel only: studies differ in metric, recipe and scale.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd

__all__ = ["Panel", "panels"]

Array = np.ndarray


@dataclass(frozen=True, slots=True)
class Panel:
    """One study under one recipe, condition and metric.

    Attributes:
        study, recipe, condition, metric: what its results have in common; condition is empty where the study
            has one only, metric where every data set has its own.
        models: the study's own names, sorted. backbones, weights: what they are in timm, weights None where
            only the architecture is known. pretrainings: of those, the kind where it is stated. matched:
            whether timm has the architecture at all.
        datasets: keys, sorted. errors: `[models, datasets]` in [0, 1], NaN where not measured.
        sds: the same shape, standard deviation between replicates, NaN where there is one run.
    """

    study: str
    recipe: str
    condition: str
    metric: str
    models: tuple[str, ...]
    backbones: tuple[str, ...]
    weights: tuple[str | None, ...]
    pretrainings: tuple[str | None, ...]
    matched: tuple[bool, ...]
    datasets: tuple[str, ...]
    errors: Array
    sds: Array

    @property
    def name(self) -> str:
        """Study, recipe, condition and metric in one line."""
        return ", ".join(part for part in (self.study, self.recipe, self.condition, self.metric) if part)


def panels(observations: pd.DataFrame, *, min_models: int = 6, min_datasets: int = 2) -> list[Panel]:
    """Split results into panels, sorted by name.

    A study's recipe is one panel unless a model was run on one data set under several conditions or metrics;
    then each of these is a panel. Replicates are averaged at the learning rate that most models share.

    Args:
        observations: columns of Observation; only `ok` rows count, and pretraining tasks do not.
        min_models: smallest pool worth ranking; a data set with fewer results is left out.
        min_datasets: fewest data sets of a panel.
    """
    rows = observations[(observations["status"] == "ok") & (observations["recipe"] != "pretraining-task")]
    rows = rows.assign(
        model=rows["published_name"].fillna(rows["weights"]).fillna(_by_pretraining(rows)),
        recipe_detail=rows["recipe_detail"].fillna(""),
    )
    found = []
    for (study, recipe), group in rows.groupby(["study", "recipe"], sort=True):
        for condition, metric, part in _conditions(_one_rate(group)):
            panel = _panel((str(study), str(recipe), condition, metric), part, min_models)
            if panel is not None and len(panel.datasets) >= min_datasets:
                found.append(panel)
    return found


def _by_pretraining(rows: pd.DataFrame) -> pd.Series:
    """Architectures, told apart by how their weights were pretrained where that is stated."""
    return rows["backbone"].where(
        rows["pretraining"].isna(), rows["backbone"] + ", " + rows["pretraining"].fillna("")
    )


def _one_rate(rows: pd.DataFrame) -> pd.DataFrame:
    rates = rows.dropna(subset=["learning_rate"])
    if rates.empty:
        return rows
    common = rates.groupby("learning_rate")["model"].nunique().sort_index(ascending=False).idxmax()
    return rows[(rows["learning_rate"] == common) | rows["learning_rate"].isna()]


def _conditions(rows: pd.DataFrame) -> list[tuple[str, str, pd.DataFrame]]:
    cells = rows.groupby(["model", "dataset"])
    detailed = bool(cells["recipe_detail"].nunique().gt(1).any())  # per group
    parts = list(rows.groupby("recipe_detail", sort=True)) if detailed else [("", rows)]
    found = []
    for condition, part in parts:
        several = bool(part.groupby(["model", "dataset"])["metric"].nunique().gt(1).any())
        metrics = list(part.groupby("metric", sort=True)) if several else [("", part)]
        found += [(str(condition), str(metric), piece) for metric, piece in metrics]
    return found


def _panel(name: tuple[str, str, str, str], rows: pd.DataFrame, min_models: int) -> Panel | None:
    counts = rows.groupby("dataset")["model"].nunique()
    rows = rows[rows["dataset"].isin(counts[counts >= min_models].index)]
    if rows.empty:
        return None
    cells = rows.groupby(["model", "dataset"])["error"]
    errors, between = cells.mean().unstack(), cells.std().unstack()  # noqa: PD010  # a pivot would sort
    published = rows.groupby(["model", "dataset"])["error_sd"].mean().unstack()  # noqa: PD010
    facts = rows.drop_duplicates("model").set_index("model").loc[errors.index]
    weights, stated = (
        tuple(value if isinstance(value, str) else None for value in facts[name])
        for name in ("weights", "pretraining")
    )
    return Panel(
        *name,
        models=tuple(errors.index),
        backbones=tuple(facts["backbone"]),
        weights=weights,
        pretrainings=stated,
        matched=tuple(facts["match"] != "none"),
        datasets=tuple(errors.columns),
        errors=errors.to_numpy(float),
        sds=between.fillna(published).to_numpy(float),
    )


def facts_of(datasets: pd.DataFrame) -> dict[str, Mapping[str, Any]]:
    """Data set key → its row, NaN as None."""
    rows = datasets.astype(object).where(datasets.notna(), None).to_dict("records")
    return {str(row["dataset"]): {str(k): v for k, v in row.items()} for row in rows}
