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
from .design import FEATURES, USED, features
from .features import Facts, facts_table
from .forecast import FITTED
from .new_laboratory import ANCHORS, FREEDOM, NewLaboratory
from .panels import facts_of, panels
from .pooled import cells_of

if TYPE_CHECKING:
    from .pooled import Pooled

__all__ = ["fit"]

Array = np.ndarray
LEVEL = 0.8


def fit(out: Path = FITTED) -> dict[str, Any]:
    """Fit, calibrate on data sets in laboratories left out, and write; the same tables give the same file."""
    rows, facts = load_observations(), facts_of(load_datasets())
    profiles, weights = load_profiles(), load_weights()
    table = Facts(profiles, weights, rows)
    found = panels(rows)
    laboratory = NewLaboratory(cells_of(found, table), found, facts)
    pooled = laboratory.held_out.fit(None)
    level, spread = laboratory.level(pooled), laboratory.spread()
    scores = laboratory.residuals()
    reach = [radius(scores["errors"][k], LEVEL, each=k > 0) for k in ANCHORS]
    reach_between = [radius(scores["differences"][k], LEVEL) for k in ANCHORS]
    named = list(weights["weights"])
    bare = sorted({*profiles["backbone"]} - {*weights["backbone"]})
    models = [*named, *bare]
    known = facts_table(table, [name.partition(".")[0] for name in models], [*named, *[None] * len(bare)])
    families, at_family = np.unique([k.family for k in known], return_inverse=True)
    slopes, covariance = _widened(pooled)
    comp = pooled.variances
    full = {
        "family": comp["family in study"],
        "weights": comp["model in study"],
        "noise": comp["noise"],
    }
    np.savez_compressed(
        out,
        models=np.array(models),
        x=features(known).astype(np.float32),
        families=families,
        family_at=at_family.astype(np.int32),
        components=np.array(list(full)),
        full=np.array(list(full.values())),
        slopes=slopes,
        slopes_covariance=covariance.astype(np.float32),
        level=level.mean,
        level_covariance=level.covariance,
        level_variance=np.array(level.variance),
        scale=np.array([spread.usual["trained"], spread.usual["frozen"]]),
        lean=np.array(spread.lean),
        freedom=np.array(FREEDOM),
        radius=np.array(reach),
        radius_between=np.array(reach_between),
        n_datasets=np.array(len(scores["errors"][0])),
    )
    return {
        "variances": comp,
        "slopes": dict(zip(np.array(FEATURES)[USED].tolist(), pooled.slopes.round(3).tolist(), strict=True)),
        "scale": spread.usual,
        "lean": spread.lean,
        "level": level.variance,
        "radius": reach,
        "radius_between": reach_between,
        "n_datasets": len(scores["errors"][0]),
    }


def _widened(pooled: Pooled) -> tuple[Array, Array]:
    """Slopes in a new laboratory over all FEATURES; those not used are 0 for certain."""
    slopes, covariance = np.zeros(len(FEATURES)), np.zeros((len(FEATURES), len(FEATURES)))
    slopes[USED] = pooled.slopes
    covariance[np.ix_(USED, USED)] = pooled.in_new_laboratory()
    return slopes, covariance


if __name__ == "__main__":
    summary = fit(*(Path(argument) for argument in sys.argv[1:2]))
    sys.stdout.write("\n".join(f"{name}: {value}" for name, value in summary.items()) + "\n")
