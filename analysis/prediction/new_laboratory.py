"""Predicted errors in a laboratory that no study is of: the numbers behind `recommend`, and how they miss.

logit error = level of the data set + scale × standing of the model + family + model + noise. Level and
standing are learned over all studies; everything else is variance. One own run tells the level.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from .design import USED, level_row, recipe_branch
from .held_out import HeldOut
from .panel_model import LevelTerms

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from .panels import Panel
    from .pooled import Cells, Pooled

__all__ = ["Level", "NewLaboratory", "after_one"]

Array = np.ndarray
RIDGE, RIDGE_WITHIN = 1.0, 3.0
RERUN = 0.02
"""Variance of one run's logit error."""


@dataclass(frozen=True, slots=True)
class Level:
    """Of a data set's difficulty: coefficients over `design.level_row`, their covariance, what is left."""

    mean: Array
    covariance: Array
    variance: float


class NewLaboratory:
    """Predictions for every known data set as if neither it nor its study had been seen.

    Args:
        cells: all results. found: the panels they are of. facts: the data sets' rows.
    """

    def __init__(self, cells: Cells, found: Sequence[Panel], facts: Mapping[str, Mapping[str, Any]]) -> None:
        self.cells, self.held_out = cells, HeldOut(cells)
        self.groups = [str(facts.get(key[2], {}).get("group") or key[2]) for key in cells.keys]
        self._recipes = [found[key[0]].recipe for key in cells.keys]
        self._rows = np.array(
            [level_row(facts.get(key[2], {}), r) for key, r in zip(cells.keys, self._recipes, strict=True)]
        )
        repeats: dict[tuple[str, str], int] = {}
        for key in cells.keys:
            repeats[key[1:]] = repeats.get(key[1:], 0) + 1
        self._weight = np.array([1 / repeats[key[1:]] for key in cells.keys])
        kinds = np.array([recipe_branch(r) for r in self._recipes])
        self.scale = {k: float(np.median(cells.spreads[kinds == k])) for k in np.unique(kinds).tolist()}
        self._scales = np.array([self.scale[k] for k in kinds])
        counts = np.bincount(cells.cell)
        x = cells.x[:, USED]
        self._middle = np.array([np.bincount(cells.cell, column) / counts for column in x.T]).T

    def kin(self, cell: int) -> frozenset[str]:
        """Data sets that share a group with a cell's."""
        return frozenset(
            key[2]
            for key, group in zip(self.cells.keys, self.groups, strict=True)
            if group == self.groups[cell]
        )

    def studies_of_other_recipes(self, kind: str) -> frozenset[str]:
        """Studies without any result of this kind of recipe (`design.recipe_branch`)."""
        kinds: dict[str, set[str]] = {}
        for key, recipe in zip(self.cells.keys, self._recipes, strict=True):
            kinds.setdefault(key[1], set()).add(recipe_branch(recipe))
        return frozenset(study for study, own in kinds.items() if kind not in own)

    def without(self, cell: int) -> tuple[Pooled, Level]:
        """The model that has seen neither the cell's study nor its data set and siblings."""
        study = self.cells.keys[cell][1]
        pooled = self.held_out.fit(study, self.kin(cell))
        return pooled, self.level(pooled, self._elsewhere(study, [self.groups[cell]]))

    def _elsewhere(self, study: str, groups: Iterable[str]) -> Array:
        """Which cells are of other studies and other groups of data sets."""
        left_out = frozenset(groups)
        pairs = zip(self.cells.keys, self.groups, strict=True)
        return np.array([key[1] != study and group not in left_out for key, group in pairs])

    def level_terms(self, study: str, groups: Iterable[str]) -> LevelTerms:
        """What domain, classes and images do to a level within the other studies, without these groups."""
        use = self._elsewhere(study, groups)
        x, y, w = self._rows[use][:, 2:], self.cells.levels[use], self._weight[use]
        panel = np.array([key[0] for key in self.cells.keys])[use]
        _, at = np.unique(panel, return_inverse=True)
        counts = np.bincount(at)
        y = y - (np.bincount(at, y) / counts)[at]
        x = x - (np.array([np.bincount(at, column) for column in x.T]) / counts).T[at]
        gram = x.T @ (x * w[:, None]) + RIDGE_WITHIN * np.eye(x.shape[1])
        return LevelTerms(np.linalg.solve(gram, x.T @ (w * y)))

    def level(self, pooled: Pooled, use: Array | None = None) -> Level:
        """Ridge of the cells' levels, less what their models are expected to add."""
        use = np.ones(len(self._rows), bool) if use is None else use
        x, w = self._rows[use], self._weight[use]
        y = self.cells.levels[use] - self._scales[use] * (self._middle[use] @ pooled.slopes)
        penalty = RIDGE * np.eye(x.shape[1])
        penalty[0, 0] = 1e-6
        inverse = np.linalg.inv(x.T @ (x * w[:, None]) + penalty)
        beta = inverse @ (x.T @ (w * y))
        rest = float((w * (y - x @ beta) ** 2).sum() / w.sum())
        return Level(beta, rest * inverse, rest)

    def belief(self, cell: int) -> tuple[Array, Array]:
        """Mean and covariance of a cell's logit errors, from the model that has not seen it."""
        pooled, level = self.without(cell)
        rows = self.cells.rows_of(cell)
        x, row, scale = self.cells.x[rows], self._rows[cell], self._scales[cell]
        comp = pooled.variances
        used = x[:, USED]
        own = used @ pooled.in_new_laboratory() @ used.T + comp["noise"] * np.eye(len(rows))
        for names, name in ((self.cells.family, "family in study"), (self.cells.model, "model in study")):
            own = own + comp[name] * (names[rows][:, None] == names[rows])
        mean = float(row @ level.mean) + scale * pooled.standing(x)
        return mean, scale**2 * own + level.variance + float(row @ level.covariance @ row)

    def residuals(self) -> dict[int, list[Array]]:
        """With 0 and 1 anchors, per group of data sets, studentised errors of the predictions."""
        scores: dict[int, dict[str, list[Array]]] = {0: {}, 1: {}}
        for c, group in enumerate(self.groups):
            mean, covariance = self.belief(c)
            y = self.cells.raw[self.cells.rows_of(c)]
            sd = np.sqrt(np.diag(covariance))
            scores[0].setdefault(group, []).append((y - mean) / sd)
            after, deviation = after_one(mean, covariance, y)
            away = (y[:, None] - after) / deviation
            scores[1].setdefault(group, []).append(away[~np.eye(len(y), dtype=bool)])
        return {k: [np.concatenate(part) for part in found.values()] for k, found in scores.items()}


def after_one(mean: Array, covariance: Array, y: Array, noise: float = RERUN) -> tuple[Array, Array]:
    """Mean and deviation of every model (row) after one run of each anchor (column); NaN on the diagonal."""
    gain = covariance / (np.diag(covariance) + noise)
    after = mean[:, None] + gain * (y - mean)
    np.fill_diagonal(after, np.nan)
    return after, np.sqrt(np.maximum(np.diag(covariance)[:, None] - gain * covariance, 1e-9))
