"""Score every order on every data set under every protocol."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ..prediction.cold import cold_standing
from ..prediction.features import Facts, ModelFacts, facts_table
from ..prediction.ranking import standing
from .baselines import baseline_orders
from .measures import scores
from .splits import known_datasets

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ..prediction.panels import Panel

__all__ = ["METHOD", "score_orders"]

Array = np.ndarray
METHOD = "archimeter"
FEWEST = 5
"""A data set with fewer models in common with the known ones is not scored."""


def score_orders(
    panel: Panel, facts: Mapping[str, Mapping[str, Any]], table: Facts, protocol: str, *, seed: int = 0
) -> list[dict[str, Any]]:
    """Score archimeter's order and the baselines on each data set of a panel, predicted without it.

    All methods are scored on the same models: those that have a result on a known data set (or, under
    `family` and `double`, on the target) and whose error on the target is known. A model on which a baseline
    has no opinion stands at that baseline's median.

    Returns:
        One row per data set and method.
    """
    models = facts_table(table, panel.backbones, panel.weights)
    rng = np.random.default_rng(seed)
    rows = []
    for j, target in enumerate(panel.datasets):
        keep = known_datasets(panel, target, protocol, facts)
        if not keep:
            continue
        known = panel.errors[:, keep]
        rated = ~np.isnan(panel.errors[:, j]) & ~np.isnan(known).all(axis=1)
        if rated.sum() < FEWEST or len(keep) < 1:
            continue
        used = [facts.get(panel.datasets[i], {}) for i in keep]
        mine = facts.get(target, {})
        truth, pool = panel.errors[rated, j], [m for m, r in zip(models, rated, strict=True) if r]
        cold = protocol in ("family", "double")  # then only sizes and ImageNet know nothing they should not
        orders = baseline_orders(known[rated][:, :0] if cold else known[rated], pool, used, mine)
        orders[METHOD] = _order(known[rated], pool, used, mine, cold=cold)
        orders["random"] = rng.permutation(len(truth)).astype(float)
        for method, order in orders.items():
            if np.isfinite(order).any() and np.nanstd(order) > 0:
                filled = np.where(np.isfinite(order), order, np.nanmedian(order))
                rows.append(
                    {
                        "protocol": protocol,
                        "study": panel.study,
                        "panel": panel.name,
                        "dataset": target,
                        "method": method,
                        "n_models": len(truth),
                        "n_known": len(keep),
                        **scores(truth, filled),
                    }
                )
    return rows


def _order(
    known: Array,
    models: Sequence[ModelFacts],
    used: Sequence[Mapping[str, Any]],
    mine: Mapping[str, Any],
    *,
    cold: bool,
) -> Array:
    domains = [row.get("domain") or "unknown" for row in used]
    domain = mine.get("domain") or "unknown"
    if not cold:
        return standing(known, domains, domain)
    out = np.zeros(len(models))
    families = np.array([m.family for m in models])
    for name in np.unique(families):
        hidden = families == name
        if hidden.all():
            continue
        part = np.full(len(models), np.nan)
        part[~hidden] = standing(known[~hidden], domains, domain)
        out[hidden] = cold_standing(part, models, hidden)[hidden]
    return out
