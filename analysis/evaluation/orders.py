"""Score every order on every data set under every protocol."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..prediction.design import features
from ..prediction.features import Facts, ModelFacts, facts_table
from ..prediction.new_laboratory import NewLaboratory
from ..prediction.panels import Panel
from ..prediction.ranking import standing
from .baselines import baseline_orders
from .ladder import rungs
from .measures import scores
from .probes import Probes
from .splits import hidden_datasets, known_datasets

__all__ = ["METHOD", "World", "score_orders"]

Array = np.ndarray
METHOD = "archimeter"
FEWEST = 5
"""A data set with fewer models in common with the known ones is not scored."""
COLD = ("family", "double")


@dataclass(frozen=True, slots=True)
class World:
    """What all predictions rest on: data sets' rows, models' facts, and every laboratory's results.

    probes: frozen results on the images that are asked about; without them the rungs that need them are left.
    """

    facts: Mapping[str, Mapping[str, Any]]
    table: Facts
    laboratory: NewLaboratory
    probes: Probes | None = None


def score_orders(panel: Panel, world: World, protocol: str, *, seed: int = 0) -> list[dict[str, Any]]:
    """Score archimeter's order and the baselines on each data set of a panel, predicted without it.

    The order is that of `recommend`: `ranking.standing` over this laboratory's known data sets (none under
    `study`, where it is the order of a plain query) with the pooled model, refitted without this study and
    without what the protocol hides, as its prior. All methods are scored on the same models: those that have
    a result on a known data set and whose error on the target is known. A model on which a baseline has no
    opinion stands at that baseline's median.

    Returns:
        One row per data set and method.
    """
    models = facts_table(world.table, panel.backbones, panel.weights, panel.pretrainings)
    rng = np.random.default_rng(seed)
    rows = []
    for j, target in enumerate(panel.datasets):
        keep = known_datasets(panel, target, protocol, world.facts)
        if not keep and protocol != "study":
            continue
        known = panel.errors[:, keep]
        rated = ~np.isnan(panel.errors[:, j])
        if keep:
            rated &= ~np.isnan(known).all(axis=1)
        if rated.sum() < FEWEST:
            continue
        case = _Case(
            panel,
            target,
            protocol,
            rated,
            panel.errors[rated, j],
            known[rated],
            [m for m, r in zip(models, rated, strict=True) if r],
            [world.facts.get(panel.datasets[i], {}) for i in keep],
            world.facts.get(target, {}),
        )
        orders = _orders(case, world)
        orders["random"] = rng.permutation(len(case.truth)).astype(float)
        rows += _scored(case, orders, len(keep))
    return rows


@dataclass(frozen=True, slots=True)
class _Case:
    panel: Panel
    target: str
    protocol: str
    rated: Array
    truth: Array
    known: Array
    models: Sequence[ModelFacts]
    used: Sequence[Mapping[str, Any]]
    mine: Mapping[str, Any]

    @property
    def domains(self) -> tuple[list[str], str]:
        return [row.get("domain") or "unknown" for row in self.used], self.mine.get("domain") or "unknown"


def _orders(case: _Case, world: World) -> dict[str, Array]:
    held, study = world.laboratory.held_out, case.panel.study
    hidden = hidden_datasets(world.laboratory.cells.keys, case.target, case.protocol, world.facts)
    x = features(case.models)
    if case.protocol in COLD:  # then only sizes and ImageNet know nothing they should not
        orders = baseline_orders(case.known[:, :0], case.models, case.used, case.mine)
        return orders | {METHOD: _cold(case, world, hidden, x)}
    pooled = held.fit(study, hidden)
    prior, doubt = pooled.standing(x), pooled.doubt(x)
    orders = baseline_orders(case.known, case.models, case.used, case.mine)
    orders[METHOD] = standing(case.known, *case.domains, prior, doubt)
    if case.protocol == "study":
        orders["mean-rank-elsewhere"] = _elsewhere(case, world, hidden)
    if case.protocol in ("dataset", "study"):
        orders |= rungs(case, world, hidden, (prior, doubt), orders[METHOD])
    return orders


def _cold(case: _Case, world: World, hidden: frozenset[str], x: Array) -> Array:
    """Every family predicted without any result of it, here and elsewhere."""
    held, study = world.laboratory.held_out, case.panel.study
    out = np.zeros(len(case.models))
    families = np.array([m.family for m in case.models])
    for name in np.unique(families):
        at = families == name
        pooled = held.fit(study, hidden, str(name))
        own = held.sums(study, hidden | {case.target}, str(name))
        slopes = pooled.slopes if own is None else pooled.in_known_laboratory(own)
        out[at] = pooled.standing(x[at], slopes)
    return out


def _elsewhere(case: _Case, world: World, hidden: frozenset[str]) -> Array:
    """Mean standardised rank of the same weights in other studies; NaN where there is none."""
    means = world.laboratory.held_out.elsewhere(case.panel.study, hidden)
    return np.array([means.get(m.weights or m.backbone, np.nan) for m in case.models])


def _scored(case: _Case, orders: Mapping[str, Array], n_known: int) -> list[dict[str, Any]]:
    rows = []
    for method, order in orders.items():
        if np.isfinite(order).any() and np.nanstd(order) > 0:
            filled = np.where(np.isfinite(order), order, np.nanmedian(order))
            rows.append(
                {
                    "protocol": case.protocol,
                    "study": case.panel.study,
                    "panel": case.panel.name,
                    "dataset": case.target,
                    "method": method,
                    "n_models": len(case.truth),
                    "n_known": n_known,
                    **scores(case.truth, filled),
                }
            )
    return rows
