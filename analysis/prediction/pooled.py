"""What is known of a backbone before any run in this laboratory: slopes on its facts, over all studies.

Within a data set of a study, standardised ranks are explained by a few facts of the model (ImageNet error,
size, pretraining). The slopes differ between studies around a mean; that mean, with the whole variance
between studies, is what a new laboratory is told. Family and model have effects within a study only: what is
left of them elsewhere is nothing that held-out studies confirm (`evaluation.ladder` prints it). Everything
is Gaussian; the variances come from expectation maximisation, study by study, so that a study can be left out
at the price of a subtraction.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from .design import N_NUMBERS, USED, features
from .features import Facts, facts_table
from .logits import logit
from .ranking import doubt_of, standardised_ranks

if TYPE_CHECKING:
    from .panels import Panel

__all__ = ["Cells", "Pooled", "Sums", "cells_of", "fit_pooled", "sums_of"]

Array = np.ndarray
COMPONENTS = (
    *("facts", "pretraining", "facts in study", "pretraining in study"),
    *("family in study", "model in study", "noise"),
)


@dataclass(frozen=True)
class Cells:
    """All results in a row each; a cell is one data set of one panel.

    Attributes:
        y: standardised rank within the cell. raw: logit error. x: facts `[rows, features]`. cell: which.
        family, model: names; a model's recipe is part of its name. weight: a data set counts once per study.
        keys: per cell (panel index, study, data set). levels: mean logit error. spreads: its deviation
            between models.
    """

    y: Array
    raw: Array
    x: Array
    cell: Array
    family: Array
    model: Array
    weight: Array
    keys: tuple[tuple[int, str, str], ...]
    levels: Array
    spreads: Array

    @property
    def studies(self) -> Array:
        """Study of every row."""
        return np.array([key[1] for key in self.keys])[self.cell]

    @property
    def datasets(self) -> Array:
        """Data set of every row."""
        return np.array([key[2] for key in self.keys])[self.cell]

    def rows_of(self, cell: int) -> Array:
        """Rows of one cell, in the order of the panel's models."""
        return np.flatnonzero(self.cell == cell)


def cells_of(panels: Sequence[Panel], table: Facts) -> Cells:
    """Bring the panels' results into rows; models that timm does not have take part by their facts."""
    parts: dict[str, list[Any]] = {name: [] for name in ("y", "raw", "x", "cell", "weight")}
    family: list[str] = []
    model: list[str] = []
    keys, levels, spreads = [], [], []
    repeats: dict[tuple[str, str], int] = {}
    for panel in panels:
        for dataset in panel.datasets:
            repeats[panel.study, dataset] = repeats.get((panel.study, dataset), 0) + 1
    for number, panel in enumerate(panels):
        models = facts_table(table, panel.backbones, panel.weights, panel.pretrainings)
        names = _names(panel)
        x, y, raw = features(models), standardised_ranks(panel.errors), logit(panel.errors)
        for j, dataset in enumerate(panel.datasets):
            seen = np.flatnonzero(~np.isnan(y[:, j]))
            if len(seen) < 2:
                continue
            parts["y"].append(y[seen, j])
            parts["raw"].append(raw[seen, j])
            parts["x"].append(x[seen])
            parts["cell"].append(np.full(len(seen), len(keys)))
            parts["weight"].append(np.full(len(seen), 1 / repeats[panel.study, dataset]))
            family += [models[i].family for i in seen]
            model += [f"{names[i]}, {panel.recipe}" for i in seen]
            keys.append((number, panel.study, dataset))
            levels.append(float(raw[seen, j].mean()))
            spreads.append(float(raw[seen, j].std()))
    joined = {name: np.concatenate(values) for name, values in parts.items()}
    return Cells(
        **joined,
        family=np.array(family),
        model=np.array(model),
        keys=tuple(keys),
        levels=np.array(levels),
        spreads=np.array(spreads),
    )


def _names(panel: Panel) -> list[str]:
    """Weights, or the architecture where a panel has one set of weights of it, else the study's own name."""
    timm = [w or b for w, b in zip(panel.weights, panel.backbones, strict=True)]
    return [one if timm.count(one) == 1 else own for one, own in zip(timm, panel.models, strict=True)]


@dataclass(frozen=True, slots=True)
class Sums:
    """Sufficient statistics of a study over its columns (slopes, families, models), centred within cells."""

    gram: Array
    moment: Array
    square: float
    weight: float
    n_families: int
    n_models: int


def sums_of(cells: Cells, use: Array) -> Sums:
    """Of the rows `use` (boolean), which belong to one study."""
    n_slopes = len(USED)
    families, at_family = np.unique(cells.family[use], return_inverse=True)
    models, at_model = np.unique(cells.model[use], return_inverse=True)
    z = np.zeros((int(use.sum()), n_slopes + len(families) + len(models)))
    z[:, :n_slopes] = cells.x[use][:, USED]
    rows = np.arange(len(z))
    z[rows, n_slopes + at_family] = 1
    z[rows, n_slopes + len(families) + at_model] = 1
    _, cell = np.unique(cells.cell[use], return_inverse=True)
    order = np.argsort(cell, kind="stable")
    starts = np.flatnonzero(np.diff(cell[order], prepend=-1))
    counts = np.bincount(cell)
    z -= (np.add.reduceat(z[order], starts) / counts[:, None])[cell]
    y = cells.y[use]
    y = y - (np.bincount(cell, y) / counts)[cell]
    wz = z * cells.weight[use][:, None]
    square, weight = float(cells.weight[use] @ y**2), float(cells.weight[use].sum())
    return Sums(wz.T @ z, wz.T @ y, square, weight, len(families), len(models))


@dataclass(frozen=True, slots=True)
class Pooled:
    """The fitted model.

    Attributes:
        slopes, covariance: mean slopes over studies, `[used]` and `[used, used]`. variances: by COMPONENTS.
    """

    slopes: Array
    covariance: Array
    variances: Mapping[str, float]

    def standing(self, x: Array, slopes: Array | None = None) -> Array:
        """Expected standing of models, lower is better; x: `features`. By the mean slopes unless given."""
        return x[:, USED] @ (self.slopes if slopes is None else slopes)

    def doubt(self, x: Array) -> float:
        """Of that standing in a new laboratory, as `ranking.standing` takes it."""
        return doubt_of(x[:, USED], self.slopes, self.in_new_laboratory())

    def in_new_laboratory(self) -> Array:
        """Covariance of the slopes there: of their mean and between studies."""
        return self.covariance + np.diag(_slope_variances(self.variances, "{} in study"))

    def in_known_laboratory(self, known: Sums) -> Array:
        """Expected slopes in a laboratory with these results."""
        part = _marginal(known, self.variances)
        own = part.inverse @ (known.moment / self.variances["noise"] - part.cross.T @ self.slopes)
        return self.slopes + own[: len(USED)]


def fit_pooled(
    sums: Sequence[Sums], variances: Mapping[str, float] | None = None, rounds: int = 20
) -> Pooled:
    """Fit by expectation maximisation, or at given variances; without any study the slopes are 0."""
    comp = dict(variances) if variances else dict.fromkeys(COMPONENTS, 0.05) | {"noise": 0.5}
    for _ in range(0 if variances else rounds):
        comp = _maximise(sums, comp)
    return _population(sums, comp)[0]


@dataclass(frozen=True, slots=True)
class _Part:
    inverse: Array
    cross: Array
    information: Array
    score: Array


def _marginal(s: Sums, comp: Mapping[str, float]) -> _Part:
    """A study's information on the mean slopes, its own effects integrated out."""
    n = len(USED)
    own = np.concatenate(
        [
            _slope_variances(comp, "{} in study"),
            np.full(s.n_families, comp["family in study"]),
            np.full(s.n_models, comp["model in study"]),
        ]
    )
    inverse = np.linalg.inv(s.gram / comp["noise"] + np.diag(1 / own))
    cross = s.gram[:n] / comp["noise"]
    reach = cross @ inverse
    moment = s.moment / comp["noise"]
    return _Part(inverse, cross, cross[:, :n] - reach @ cross.T, moment[:n] - reach @ moment)


def _population(sums: Sequence[Sums], comp: Mapping[str, float]) -> tuple[Pooled, list[_Part]]:
    parts = [_marginal(s, comp) for s in sums]
    information = np.diag(1 / _slope_variances(comp, "{}"))
    for part in parts:
        information = information + part.information
    covariance = np.linalg.inv(information)
    score = np.sum([part.score for part in parts], axis=0) if parts else np.zeros(len(USED))
    return Pooled(covariance @ score, covariance, comp), parts


def _maximise(sums: Sequence[Sums], comp: Mapping[str, float]) -> dict[str, float]:
    pooled, parts = _population(sums, comp)
    beta, v, n = pooled.slopes, pooled.covariance, len(USED)
    squares: dict[str, list[Array]] = {name: [] for name in COMPONENTS}
    whole = beta**2 + np.diag(v)
    squares["facts"], squares["pretraining"] = [whole[:N_NUMBERS]], [whole[N_NUMBERS:]]
    rest = 0.0
    for s, part in zip(sums, parts, strict=True):
        own = part.inverse @ (s.moment / comp["noise"] - part.cross.T @ beta)
        lever = part.inverse @ part.cross.T
        covariance = part.inverse + lever @ v @ lever.T
        second = own**2 + np.diag(covariance)
        squares["facts in study"].append(second[:N_NUMBERS])
        squares["pretraining in study"].append(second[N_NUMBERS:n])
        squares["family in study"].append(second[n : n + s.n_families])
        squares["model in study"].append(second[n + s.n_families :])
        total = own.copy()
        total[:n] += beta
        joint = covariance.copy()  # of the study's own effects with the mean slopes added to its slopes
        joint[:n] -= v @ lever.T
        joint[:, :n] -= lever @ v
        joint[:n, :n] += v
        rest += s.square - 2 * float(total @ s.moment) + float(total @ s.gram @ total)
        rest += float((joint * s.gram).sum())
    weight = sum(s.weight for s in sums)
    found = {name: max(float(np.concatenate(v).mean()), 1e-5) for name, v in squares.items() if v}
    return dict(comp) | found | {"noise": max(rest / weight, 1e-3)}


def _slope_variances(comp: Mapping[str, float], name: str) -> Array:
    numbers, kinds = comp[name.format("facts")], comp[name.format("pretraining")]
    return np.concatenate([np.full(N_NUMBERS, numbers), np.full(len(USED) - N_NUMBERS, kinds)])
