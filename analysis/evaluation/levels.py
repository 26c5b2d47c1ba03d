"""Score predicted errors: how far off with 0 to 3 anchors, and whether intervals hold on each data set."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ..prediction.conformal import highest_level, radius
from ..prediction.logits import expit, logit
from ..prediction.panel_model import PanelPosterior, condition, prior
from .splits import known_datasets

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ..prediction.panels import Panel

__all__ = ["score_levels"]

Array = np.ndarray
LEVEL = 0.8
SUBSETS = 10
DRAWS = 300
FEWEST_SETS = 4


@dataclass(frozen=True, slots=True)
class _Case:
    belief: PanelPosterior
    truth: Array


def score_levels(
    panel: Panel, facts: Mapping[str, Mapping[str, Any]], protocol: str = "dataset", *, seed: int = 0
) -> list[dict[str, Any]]:
    """Score the predicted errors on each data set of a panel, predicted without it.

    Returns:
        One row per data set: `mae_0` … `mae_3` in points (mean over anchors; every model is an anchor once
        for one, SUBSETS random sets for more), `mae_copy` (the anchor's own error for all), `mae_mean` (the
        models' mean errors elsewhere), `coverage_0/1` and `width_0/1` of the LEVEL interval in points, with
        no or one anchor, calibrated on the known data sets only; `brier` of P(within 1 point of the best) and
        `brier_base` of the known data sets' share; `highest_level` that so few data sets can promise.
    """
    rng = np.random.default_rng(seed)
    rows = []
    for j, target in enumerate(panel.datasets):
        keep = known_datasets(panel, target, protocol, facts)
        case = _case(panel, keep, j, facts)
        if case is None or len(keep) < FEWEST_SETS:
            continue
        inner = [_case(panel, _without(panel, keep, i, facts), i, facts) for i in keep]
        cases = [c for c in inner if c is not None]
        row = {"protocol": protocol, "study": panel.study, "panel": panel.name, "dataset": target}
        row |= {"n_models": len(case.truth), "highest_level": highest_level(len(cases))}
        rows.append(row | _mae(case, panel, keep, j, rng) | _coverage(case, cases) | _brier(case, cases, rng))
    return rows


def _without(panel: Panel, keep: Sequence[int], i: int, facts: Mapping[str, Mapping[str, Any]]) -> list[int]:
    allowed = known_datasets(panel, panel.datasets[i], "dataset", facts)
    return [k for k in keep if k in allowed]


def _case(panel: Panel, keep: Sequence[int], j: int, facts: Mapping[str, Mapping[str, Any]]) -> _Case | None:
    if len(keep) < 2:
        return None
    known = panel.errors[:, keep]
    rated = ~np.isnan(panel.errors[:, j]) & ~np.isnan(known).all(axis=1)
    if rated.sum() < 3:
        return None
    used = [facts.get(panel.datasets[i], {}) for i in keep]
    belief = prior(known[rated], used, facts.get(panel.datasets[j], {}))
    return _Case(belief, panel.errors[rated, j])


def _one_anchor(case: _Case) -> tuple[Array, Array]:
    """Mean and deviation of every model (row) after every anchor (column); NaN on the diagonal."""
    m, v = case.belief.mean, case.belief.covariance
    gain = v / np.diag(v)
    mean = m[:, None] + gain * (logit(case.truth) - m)
    variance = np.diag(v)[:, None] - gain * v
    np.fill_diagonal(mean, np.nan)
    return mean, np.sqrt(np.maximum(variance, 1e-12))


def _mae(
    case: _Case, panel: Panel, keep: Sequence[int], j: int, rng: np.random.Generator
) -> dict[str, float]:
    truth, n = case.truth, len(case.truth)
    after_one, _ = _one_anchor(case)
    found = {
        "mae_0": np.abs(expit(case.belief.mean) - truth).mean(),
        "mae_1": np.nanmean(np.abs(expit(after_one) - truth[:, None])),
        "mae_copy": np.abs(truth[:, None] - truth).sum() / max(n * (n - 1), 1),
    }
    known = panel.errors[:, keep]
    rated = ~np.isnan(panel.errors[:, j]) & ~np.isnan(known).all(axis=1)
    found["mae_mean"] = np.abs(np.nanmean(known[rated], axis=1) - truth).mean()
    for k in (2, 3):
        gaps = []
        for _ in range(SUBSETS if n > k else 0):
            at = rng.choice(n, k, replace=False)
            after = condition(case.belief, {int(i): float(truth[i]) for i in at}, noise=1e-3)
            rest = np.setdiff1d(np.arange(n), at)
            gaps.append(np.abs(expit(after.mean[rest]) - truth[rest]).mean())
        found[f"mae_{k}"] = float(np.mean(gaps)) if gaps else np.nan
    return {name: float(100 * value) for name, value in found.items()}


def _studentised(case: _Case, anchors: int) -> Array:
    y = logit(case.truth)
    if not anchors:
        return (y - case.belief.mean) / np.sqrt(np.diag(case.belief.covariance))
    mean, sd = _one_anchor(case)
    away = (y[:, None] - mean) / sd
    return away[~np.isnan(away)]


def _coverage(case: _Case, cases: Sequence[_Case]) -> dict[str, float]:
    found = {}
    for anchors in (0, 1):
        reach = radius([_studentised(c, anchors) for c in cases], LEVEL)
        found[f"coverage_{anchors}"] = float((np.abs(_studentised(case, anchors)) <= reach).mean())
        mean, sd = (
            _one_anchor(case) if anchors else (case.belief.mean, np.sqrt(np.diag(case.belief.covariance)))
        )
        width = expit(mean + reach * sd) - expit(mean - reach * sd)
        found[f"width_{anchors}"] = float(100 * np.nanmean(width))
    return found


def _brier(case: _Case, cases: Sequence[_Case], rng: np.random.Generator) -> dict[str, float]:
    draws = expit(rng.multivariate_normal(case.belief.mean, case.belief.covariance, DRAWS, method="eigh"))
    chance = (draws <= draws.min(axis=1, keepdims=True) + 0.01).mean(axis=0)
    within = (case.truth <= case.truth.min() + 0.01).astype(float)
    base = np.mean([(c.truth <= c.truth.min() + 0.01).mean() for c in cases]) if cases else 0.5
    return {
        "brier": float(((chance - within) ** 2).mean()),
        "brier_base": float(((base - within) ** 2).mean()),
    }
