"""Fit the pooled model on the shipped tables and write what a query needs: run after the tables change.

python -m archimeter.analysis.prediction.fit [OUT]
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ...data.tables import load_datasets, load_observations, load_profiles, load_weights
from .conformal import radius
from .design import features, recipe_branch
from .features import Facts, facts_table
from .forecast import EFFECTS, FITTED, level_row
from .panels import Panel, facts_of, panels
from .pooled import Cells, Pooled, cells_of, fit_pooled

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["effect_of", "fit", "folds_of"]

Array = np.ndarray
FOLDS = 8
LEVEL = 0.8
RIDGE = 1.0


def fit(out: Path = FITTED) -> dict[str, Any]:
    """Fit, calibrate on held-out groups of data sets, and write; the same tables give the same file."""
    rows, facts = load_observations(), facts_of(load_datasets())
    profiles, weights = load_profiles(), load_weights()
    table = Facts(profiles, weights, rows)
    found = panels(rows)
    cells = cells_of(found, facts, table)
    pooled = fit_pooled(cells)
    scale = _scales(found, cells)
    level = _level(found, cells, pooled, facts, scale, range(len(cells.keys)))
    radii, m = _calibrate(found, cells, pooled, facts, scale)
    named = list(weights["weights"])
    bare = sorted({*profiles["backbone"]} - {*weights["backbone"]})
    models = [*named, *bare]
    known = facts_table(table, [name.partition(".")[0] for name in models], [*named, *[None] * len(bare)])
    held: dict[str, Any] = {"models": np.array(models), "x": features(known).astype(np.float32)}
    names = {
        "family": [k.family for k in known],
        "backbone": [k.backbone for k in known],
        "weights": models,
    }
    for effect in EFFECTS:
        levels, mean, variance = pooled.effects[effect]
        place = {str(name): i for i, name in enumerate(levels)}
        held[f"{effect}_at"] = np.array([place.get(name, -1) for name in names[effect]], np.int32)
        held[f"{effect}_mean"], held[f"{effect}_variance"] = mean, variance
    full = dict(pooled.variances)
    full["noise"] += full.pop("in study")  # of a user's own runs nothing but the variance is known
    held |= {
        "components": np.array(list(full)),
        "full": np.array(list(full.values())),
        "slopes": pooled.slopes,
        "slopes_covariance": pooled.slopes_covariance.astype(np.float32),
        "level": level[0],
        "level_covariance": level[1],
        "level_variance": np.array(level[2]),
        "scale": np.array([scale["trained"], scale["frozen"]]),
        "radius": np.array(radii),
        "n_datasets": np.array(m),
    }
    np.savez_compressed(out, **held)
    return {
        "variances": pooled.variances,
        "radius": radii,
        "n_datasets": m,
        "scale": scale,
        "level": level[2],
    }


def _scales(found: Sequence[Panel], cells: Cells) -> dict[str, float]:
    kinds = [recipe_branch(p.recipe) for p in found]
    return {
        kind: float(np.median([s for s, k in zip(cells.scales, kinds, strict=True) if k == kind]))
        for kind in ("trained", "frozen")
    }


def effect_of(cells: Cells, pooled: Pooled, rows: Array, *, own_study: bool = False) -> tuple[Array, Array]:
    """Mean and covariance of the standardised logit errors of one cell's rows, without the level.

    `own_study`: whether the study's other results say how its runs differ from other people's.
    """
    slopes, covariance = pooled.slopes_for(cells.context[rows[0]])
    x = cells.x[rows]
    mean, total = x @ slopes, x @ covariance @ x.T
    for name in (*EFFECTS, "in study"):
        levels = cells.names[name][rows]
        if name == "in study" and not own_study:
            total = total + np.eye(len(rows)) * pooled.variances[name]
            continue
        m, v = pooled.effect(name, list(levels))
        mean = mean + m
        total = total + (levels[:, None] == levels) * v
    return mean, total + pooled.variances["noise"] * np.eye(len(rows))


def _level(  # noqa: PLR0917  # what a level is made of
    found: Sequence[Panel],
    cells: Cells,
    pooled: Pooled,
    facts: Mapping[str, Mapping[str, Any]],
    scale: Mapping[str, float],
    use: Sequence[int],
) -> tuple[Array, Array, float]:
    """Ridge of the cells' levels on LEVEL_TERMS: coefficients, their covariance, residual variance."""
    a, b, w = [], [], []
    repeats: dict[tuple[str, str], int] = {}
    for c in use:
        repeats[cells.keys[c][1:]] = repeats.get(cells.keys[c][1:], 0) + 1
    for c in use:
        number, study, dataset = cells.keys[c]
        mean, _ = effect_of(cells, pooled, np.flatnonzero(cells.cell == c), own_study=True)
        recipe = found[number].recipe
        a.append(level_row(facts.get(dataset, {}), recipe))
        b.append(cells.levels[c] - scale[recipe_branch(recipe)] * mean.mean())
        w.append(1 / repeats[study, dataset])
    x, y, weight = np.array(a), np.array(b), np.array(w)
    penalty = RIDGE * np.eye(x.shape[1])
    penalty[0, 0] = 1e-6
    inverse = np.linalg.inv(x.T @ (x * weight[:, None]) + penalty)
    beta = inverse @ (x.T @ (weight * y))
    rest = float((weight * (y - x @ beta) ** 2).sum() / weight.sum())
    return beta, rest * inverse, rest


def folds_of(cells: Cells, facts: Mapping[str, Mapping[str, Any]]) -> tuple[list[str], Array]:
    """Every cell's group of data sets and its fold: a group is in one fold, in all studies."""
    groups = [str(facts.get(key[2], {}).get("group") or key[2]) for key in cells.keys]
    fold_of = {name: i % FOLDS for i, name in enumerate(sorted(set(groups)))}
    return groups, np.array([fold_of[g] for g in groups])


def _calibrate(
    found: Sequence[Panel],
    cells: Cells,
    pooled: Pooled,
    facts: Mapping[str, Mapping[str, Any]],
    scale: Mapping[str, float],
) -> tuple[tuple[float, float], int]:
    """Conformal radii with no and one anchor: groups of data sets held out of effects and levels alike."""
    groups, fold = folds_of(cells, facts)
    none: dict[str, list[Array]] = {}
    one: dict[str, list[Array]] = {}
    for f in range(FOLDS):
        part = fit_pooled(cells, use=(fold != f)[cells.cell], variances=pooled.variances)
        level = _level(found, cells, part, facts, scale, np.flatnonzero(fold != f).tolist())
        for c in np.flatnonzero(fold == f):
            number, _, dataset = cells.keys[c]
            rows = np.flatnonzero(cells.cell == c)
            recipe = found[number].recipe
            s = scale[recipe_branch(recipe)]
            mean, total = effect_of(cells, part, rows)
            row = level_row(facts.get(dataset, {}), recipe)
            v = s**2 * total + level[2] + float(row @ level[1] @ row)
            m = s * mean + float(row @ level[0])
            y = cells.y[rows] * cells.scales[number] + cells.levels[c]
            none.setdefault(groups[c], []).append((y - m) / np.sqrt(np.diag(v)))
            gain = v / np.diag(v)
            sd = np.sqrt(np.maximum(np.diag(v)[:, None] - gain * v, 1e-9))
            away = (y[:, None] - m[:, None] - gain * (y - m)) / sd
            one.setdefault(groups[c], []).append(away[~np.eye(len(rows), dtype=bool)])
    radii = tuple(radius([np.concatenate(v) for v in scores.values()], LEVEL) for scores in (none, one))
    return (radii[0], radii[1]), len(none)


if __name__ == "__main__":
    summary = fit(*(Path(argument) for argument in sys.argv[1:2]))
    sys.stdout.write("\n".join(f"{name}: {value}" for name, value in summary.items()) + "\n")
