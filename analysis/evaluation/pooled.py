"""Score the model behind `recommend`: data sets held out of all studies at once, or a study as a whole."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ..prediction.fit import effect_of, folds_of
from ..prediction.logits import expit
from ..prediction.pooled import Cells, cells_of, fit_pooled
from .measures import scores

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ..prediction.features import Facts
    from ..prediction.panels import Panel

__all__ = ["POOLED", "score_pooled"]

POOLED = "archimeter-pooled"
FEWEST = 5


def score_pooled(
    panels: Sequence[Panel],
    facts: Mapping[str, Mapping[str, Any]],
    table: Facts,
    protocols: Sequence[str] = ("dataset", "study"),
) -> list[dict[str, Any]]:
    """Score the pooled model's order on every data set, one row each.

    `dataset`: groups of data sets in folds, each held out of every study. `study`: all of a study's results
    held out. The variances are estimated once, on everything; they are eight numbers.
    """
    cells = cells_of(panels, facts, table)
    variances = fit_pooled(cells).variances
    _, fold = folds_of(cells, facts)
    studies = np.array([key[1] for key in cells.keys])
    rows = []
    for protocol, parts in (("dataset", fold), ("study", studies)):
        if protocol not in protocols or len(np.unique(parts)) < 2:
            continue
        for part in np.unique(parts):
            held = parts == part
            model = fit_pooled(cells, use=~held[cells.cell], variances=variances)
            rows += [
                row
                for c in np.flatnonzero(held)
                if (row := _score(panels, cells, model, int(c), protocol)) is not None
            ]
    return rows


def _score(panels: Sequence[Panel], cells: Cells, model: Any, c: int, protocol: str) -> dict[str, Any] | None:
    number, study, dataset = cells.keys[c]
    at = np.flatnonzero(cells.cell == c)
    if len(at) < FEWEST:
        return None
    order, _ = effect_of(cells, model, at, own_study=protocol == "dataset")
    truth = expit(cells.y[at] * cells.scales[number] + cells.levels[c])
    return {
        "protocol": protocol,
        "study": study,
        "panel": panels[number].name,
        "dataset": dataset,
        "method": POOLED,
        "n_models": len(at),
        **scores(truth, order),
    }
