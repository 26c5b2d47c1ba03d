"""One model over all studies: what a backbone's logit error is, relative to others, on a data set like this.

Within a data set of a panel, standardised logit errors are explained by facts of the model (whose slopes may
differ between domains, recipes and training set sizes), by its family, its architecture and its weights, by
what its weights are in this one study (recipe, software, luck: a user's own laboratory is a new study), and
by noise. Everything is Gaussian; the slopes' and effects' variances come from expectation maximisation, so
that what the results do not support is shrunk to nothing. A model that no study measured has its facts and
its family, and the full variance of the rest.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from .design import FEATURES, contexts, features
from .features import Facts, facts_table
from .logits import logit

if TYPE_CHECKING:
    from .panels import Panel

__all__ = ["Cells", "Pooled", "cells_of", "fit_pooled"]

Array = np.ndarray
SLOPES = ("always", "domain", "recipe", "images")
EFFECTS = ("family", "backbone", "weights", "in study")


@dataclass(frozen=True)
class Cells:
    """All results in a row each.

    Attributes:
        y: logit error, centred within its data set and panel, over the panel's scale.
        x: facts `[rows, features]`. context: `[rows, contexts]`. cell: which data set of which panel.
        names: per effect, each row's level. weight: a data set counts once per study.
        keys: per cell (panel index, study, data set). levels: mean raw logit error of each cell.
        scales: per panel, median deviation of its cells.
    """

    y: Array
    x: Array
    context: Array
    cell: Array
    names: Mapping[str, Array]
    weight: Array
    keys: tuple[tuple[int, str, str], ...]
    levels: Array
    scales: Array


def cells_of(panels: Sequence[Panel], facts: Mapping[str, Mapping[str, Any]], table: Facts) -> Cells:
    """Bring the panels' results into rows; models that timm does not have take part by their facts."""
    y, x, context, cell, weight, keys, levels, scales = [], [], [], [], [], [], [], []
    names: dict[str, list[str]] = {name: [] for name in EFFECTS}
    repeats: dict[tuple[str, str], int] = {}
    for panel in panels:
        for dataset in panel.datasets:
            repeats[panel.study, dataset] = repeats.get((panel.study, dataset), 0) + 1
    for number, panel in enumerate(panels):
        models = facts_table(table, panel.backbones, panel.weights)
        xs, raw = features(models), logit(panel.errors)
        scale = float(np.nanmedian([np.nanstd(raw[:, j]) for j in range(raw.shape[1])])) or 1.0
        scales.append(scale)
        for j, dataset in enumerate(panel.datasets):
            seen = np.flatnonzero(~np.isnan(raw[:, j]))
            y.append((raw[seen, j] - raw[seen, j].mean()) / scale)
            x.append(xs[seen])
            row = contexts(facts.get(dataset, {}), panel.recipe)
            context.append(np.tile(row, (len(seen), 1)))
            cell.append(np.full(len(seen), len(keys)))
            weight.append(np.full(len(seen), 1 / repeats[panel.study, dataset]))
            keys.append((number, panel.study, dataset))
            levels.append(float(raw[seen, j].mean()))
            for i in seen:
                m = models[i]
                names["family"].append(m.family)
                names["backbone"].append(m.backbone)
                name = m.weights or f"{m.backbone} ({panel.study})"
                names["weights"].append(name)
                names["in study"].append(f"{name} in {panel.study}, {panel.recipe}")
    return Cells(
        np.concatenate(y),
        np.concatenate(x),
        np.concatenate(context),
        np.concatenate(cell),
        {name: np.array(values) for name, values in names.items()},
        np.concatenate(weight),
        tuple(keys),
        np.array(levels),
        np.array(scales),
    )


@dataclass(frozen=True)
class Pooled:
    """The fitted model: posterior of slopes `[contexts × features]` and of every level of every effect.

    Attributes:
        slopes, slopes_covariance: `[c · f]` and `[c · f, c · f]`.
        effects: effect → (levels, mean, variance). variances: component → variance; `noise` is a rerun on
            another data set of the same kind.
    """

    slopes: Array
    slopes_covariance: Array
    effects: Mapping[str, tuple[Array, Array, Array]]
    variances: Mapping[str, float]

    def slopes_for(self, context: Array) -> tuple[Array, Array]:
        """Mean `[features]` and covariance of the slopes on data of this context."""
        n = len(FEATURES)
        spread = np.kron(context, np.eye(n))
        return spread @ self.slopes, spread @ self.slopes_covariance @ spread.T

    def effect(self, name: str, levels: Sequence[str]) -> tuple[Array, Array]:
        """Mean and variance of an effect at the given levels; an unseen level has 0 and the full variance."""
        known, means, variances = self.effects[name]
        place = {level: i for i, level in enumerate(known)}
        at = np.array([place.get(level, -1) for level in levels])
        full = self.variances[name]
        return np.where(at >= 0, means[at], 0.0), np.where(at >= 0, variances[at], full)


def fit_pooled(
    cells: Cells, use: Array | None = None, variances: Mapping[str, float] | None = None, rounds: int = 12
) -> Pooled:
    """Fit by expectation maximisation, or at given variances.

    Args:
        cells: the results.
        use: boolean `[rows]`; all when None.
        variances: components to keep; estimated when None.
        rounds: of expectation maximisation.
    """
    use = np.ones(len(cells.y), bool) if use is None else use
    z, blocks, levels = _columns(cells, use)
    y, w = cells.y[use], cells.weight[use]
    wz = z * w[:, None]
    gram, moment, square = z.T @ wz, wz.T @ y, float(w @ y**2)
    comp = dict(variances) if variances else _start(blocks)
    inverse, mean = _solve(gram, moment, blocks, comp)
    for _ in range(0 if variances else rounds - 1):
        rest = square - 2 * float(mean @ moment) + float(mean @ gram @ mean) + float((inverse * gram).sum())
        comp = _maximise(inverse, mean, blocks) | {"noise": max(rest / float(w.sum()), 1e-3)}
        inverse, mean = _solve(gram, moment, blocks, comp)
    n_slopes = sum(blocks[name].stop - blocks[name].start for name in SLOPES)
    effects = {name: (levels[name], mean[blocks[name]], np.diag(inverse)[blocks[name]]) for name in EFFECTS}
    return Pooled(mean[:n_slopes], inverse[:n_slopes, :n_slopes], effects, comp)


def _columns(cells: Cells, use: Array) -> tuple[Array, dict[str, slice], dict[str, Array]]:
    x, context = cells.x[use], cells.context[use]
    parts = [context[:, [c]] * x for c in range(context.shape[1])]
    f, c = x.shape[1], context.shape[1]
    blocks = {
        "always": slice(0, f),
        "domain": slice(f, 5 * f),
        "recipe": slice(5 * f, 7 * f),
        "images": slice(7 * f, c * f),
    }
    at, levels = c * f, {}
    for name in EFFECTS:
        known, place = np.unique(cells.names[name][use], return_inverse=True)
        parts.append(np.eye(len(known))[place])
        levels[name] = known
        blocks[name] = slice(at, at + len(known))
        at += len(known)
    z = np.hstack(parts)
    _, cell = np.unique(cells.cell[use], return_inverse=True)
    sums = np.zeros((cell.max() + 1, z.shape[1]))
    np.add.at(sums, cell, z)
    return z - (sums / np.bincount(cell)[:, None])[cell], blocks, levels


def _start(blocks: Mapping[str, slice]) -> dict[str, float]:
    return dict.fromkeys(blocks, 0.05) | {"always": 0.1, "noise": 0.5}


def _solve(
    gram: Array, moment: Array, blocks: Mapping[str, slice], comp: Mapping[str, float]
) -> tuple[Array, Array]:
    penalty = np.concatenate([np.full(b.stop - b.start, 1 / comp[name]) for name, b in blocks.items()])
    inverse = np.linalg.inv(gram / comp["noise"] + np.diag(penalty))
    return inverse, inverse @ moment / comp["noise"]


def _maximise(inverse: Array, mean: Array, blocks: Mapping[str, slice]) -> dict[str, float]:
    found = {}
    for name, b in blocks.items():
        size = b.stop - b.start
        found[name] = max(float((mean[b] ** 2).sum() + np.trace(inverse[b, b])) / size, 1e-5)
    return found
