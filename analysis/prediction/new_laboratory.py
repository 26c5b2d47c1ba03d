"""Predicted errors in a laboratory that no study is of: the numbers behind `recommend`, and how they miss.

logit error = level of the data set + scale × (standing of the model + family + model + noise). Level,
standing and scale are learned over all studies; everything else is variance. One own run tells the level,
further ones the scale, by which laboratories differ much (`belief`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from .belief import USUAL, Belief, differences, log_room, sampling_of, studentised
from .design import USED, level_row, recipe_branch
from .held_out import HeldOut
from .panel_model import LevelTerms

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from .panels import Panel
    from .pooled import Cells, Pooled

__all__ = ["ANCHORS", "FREEDOM", "Level", "NewLaboratory", "Spread", "after_one"]

Array = np.ndarray
RIDGE, RIDGE_WITHIN = 1.0, 3.0
NARROWEST = 0.02
"""Spread of logit errors below which models count as tied."""
ANCHORS = (0, 1, 2)
"""Numbers of own runs that intervals are calibrated for; more are as the last."""
FREEDOM = 1.5
"""Of the scale in a laboratory that is not known: log scales differ by about 0.85 there."""


@dataclass(frozen=True, slots=True)
class Level:
    """Of a data set's difficulty: coefficients over `design.level_row`, their covariance, what is left."""

    mean: Array
    covariance: Array
    variance: float


@dataclass(frozen=True, slots=True)
class Spread:
    """Deviation of logit errors between a data set's models.

    Attributes:
        usual: kind of recipe (`design.recipe_branch`) → deviation where the log room is USUAL. lean: how it
            grows where there is less (`belief.Belief`).
    """

    usual: Mapping[str, float]
    lean: float

    def of(self, kinds: Array, levels: Array) -> Array:
        """At levels, logit errors, under kinds of recipe."""
        usual = np.array([self.usual[kind] for kind in kinds.tolist()])
        return usual * np.exp(-self.lean * (log_room(levels) - USUAL))


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
        self._kinds = np.array([recipe_branch(r) for r in self._recipes])
        self._rooms, self._log_spreads = log_room(cells.levels), np.log(np.maximum(cells.spreads, NARROWEST))
        self.scale = {
            k: float(np.median(cells.spreads[self._kinds == k])) for k in np.unique(self._kinds).tolist()
        }
        self._sampling = [sampling_of(facts.get(key[2], {})) for key in cells.keys]
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

    def without(self, cell: int) -> tuple[Pooled, Level, Spread]:
        """The model that has seen neither the cell's study nor its data set and siblings."""
        study, use = self.cells.keys[cell][1], self._elsewhere(self.cells.keys[cell][1], [self.groups[cell]])
        pooled = self.held_out.fit(study, self.kin(cell))
        return pooled, self.level(pooled, use), self.spread(use)

    def _elsewhere(self, study: str, groups: Iterable[str]) -> Array:
        """Which cells are of other studies and other groups of data sets."""
        left_out = frozenset(groups)
        pairs = zip(self.cells.keys, self.groups, strict=True)
        return np.array([key[1] != study and group not in left_out for key, group in pairs])

    def level_terms(self, study: str, groups: Iterable[str]) -> LevelTerms:
        """What domain, classes and images do to a level within the other studies, without these groups."""
        use = self._elsewhere(study, groups)
        x, y = self._within(self._rows[use][:, 2:], use), self._within(self.cells.levels[use], use)
        w = self._weight[use]
        gram = x.T @ (x * w[:, None]) + RIDGE_WITHIN * np.eye(x.shape[1])
        return LevelTerms(np.linalg.solve(gram, x.T @ (w * y)), self._lean(use))

    def _within(self, values: Array, use: Array) -> Array:
        """Values of the cells `use` less their mean within each panel."""
        _, at = np.unique(np.array([key[0] for key in self.cells.keys])[use], return_inverse=True)
        sums = np.zeros((int(at.max()) + 1, *values.shape[1:]))
        np.add.at(sums, at, values)
        return values - (sums.T / np.bincount(at)).T[at]

    def _lean(self, use: Array) -> float:
        """How log spreads grow as log room is lost, from differences within panels."""
        lost, y = self._within(-self._rooms[use], use), self._within(self._log_spreads[use], use)
        return float((self._weight[use] * lost) @ y) / (float((self._weight[use] * lost) @ lost) + RIDGE)

    def spread(self, use: Array | None = None) -> Spread:
        """How far models lie apart: the median over cells, by kind of recipe, at the usual room."""
        use = np.ones(len(self._rows), bool) if use is None else use
        lean = self._lean(use)
        at_usual = np.exp(self._log_spreads + lean * (self._rooms - USUAL))
        any_kind = float(np.median(at_usual[use]))
        chosen = {kind: at_usual[use & (self._kinds == kind)] for kind in np.unique(self._kinds).tolist()}
        return Spread({k: float(np.median(v)) if len(v) else any_kind for k, v in chosen.items()}, lean)

    def level(self, pooled: Pooled, use: Array | None = None) -> Level:
        """Ridge of the cells' levels, less what their models are expected to add."""
        use = np.ones(len(self._rows), bool) if use is None else use
        x, w = self._rows[use], self._weight[use]
        scales = self.spread(use).of(self._kinds[use], self.cells.levels[use])
        y = self.cells.levels[use] - scales * (self._middle[use] @ pooled.slopes)
        penalty = RIDGE * np.eye(x.shape[1])
        penalty[0, 0] = 1e-6
        inverse = np.linalg.inv(x.T @ (x * w[:, None]) + penalty)
        beta = inverse @ (x.T @ (w * y))
        rest = float((w * (y - x @ beta) ** 2).sum() / w.sum())
        return Level(beta, rest * inverse, rest)

    def belief(self, cell: int) -> Belief:
        """What is believed of a cell's logit errors, by the model that has not seen it."""
        pooled, level, spread = self.without(cell)
        rows = self.cells.rows_of(cell)
        x, row, scale = self.cells.x[rows], self._rows[cell], spread.usual[str(self._kinds[cell])]
        comp = pooled.variances
        used = x[:, USED]
        own = used @ pooled.in_new_laboratory() @ used.T + comp["noise"] * np.eye(len(rows))
        for names, name in ((self.cells.family, "family in study"), (self.cells.model, "model in study")):
            own = own + comp[name] * (names[rows][:, None] == names[rows])
        return Belief(
            level=float(row @ level.mean),
            level_variance=level.variance + float(row @ level.covariance @ row),
            effect=scale * pooled.standing(x),
            own=scale**2 * own,
            sampling=self._sampling[cell],
            lean=spread.lean,
            freedom=FREEDOM,
        )

    def residuals(self) -> dict[str, list[list[Array]]]:
        """Studentised errors of the predictions, and of the `differences` to the best predicted model.

        Returns:
            `errors`, `differences` → per number of ANCHORS and group of data sets.
        """
        found: dict[str, list[list[Array]]] = {"errors": [], "differences": []}
        beliefs = [(self.belief(c), self.cells.raw[self.cells.rows_of(c)]) for c in range(len(self.groups))]
        for k in ANCHORS:
            for name, missed in (("errors", studentised), ("differences", differences)):
                held: dict[str, list[Array]] = {}
                for group, (belief, y) in zip(self.groups, beliefs, strict=True):
                    held.setdefault(group, []).append(missed(belief, y, k))
                found[name].append([np.concatenate(part) for part in held.values()])
        return found


def after_one(mean: Array, covariance: Array, y: Array) -> tuple[Array, Array]:
    """Mean and deviation of every model (row) after one run of each anchor (column); NaN for itself."""
    return Belief(0.0, 0.0, mean, covariance).after_each(y)
