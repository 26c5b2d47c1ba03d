"""Score predicted errors: how far off with 0 to 3 anchors, and whether intervals hold on each data set.

Two situations: `dataset`, where the laboratory's other data sets are known, and `study`, a plain query to
`recommend`, where neither the laboratory nor the data set was ever seen.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ..prediction.conformal import highest_level, radius
from ..prediction.logits import expit, logit
from ..prediction.new_laboratory import after_one
from ..prediction.panel_model import PanelPosterior, condition, prior
from .splits import known_datasets

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..prediction.new_laboratory import NewLaboratory
    from ..prediction.panels import Panel
    from .orders import World

__all__ = ["Case", "known_laboratory", "new_laboratory", "score_levels"]

Array = np.ndarray
LEVEL = 0.8
SUBSETS = 10
DRAWS = 300
FEWEST_SETS, FEWEST_MODELS = 4, 3
RERUN = 1e-3
"""Variance of an anchor's logit error: it is the very run that is reported."""


@dataclass(frozen=True, slots=True)
class Case:
    """One data set: what was believed of it without it, and what came out.

    Attributes:
        known: errors of the same models on the laboratory's known data sets, `[models, datasets]`.
        alike: which of these are of the same domain.
    """

    study: str
    panel: str
    dataset: str
    group: str
    belief: PanelPosterior
    truth: Array
    known: Array
    alike: Array


def known_laboratory(panels: Sequence[Panel], world: World) -> list[Case]:
    """Every data set of a panel with at least FEWEST_SETS known ones, predicted from these."""
    cases = []
    for panel in panels:
        for j, target in enumerate(panel.datasets):
            keep = known_datasets(panel, target, "dataset", world.facts)
            known = panel.errors[:, keep]
            rated = ~np.isnan(panel.errors[:, j]) & ~np.isnan(known).all(axis=1)
            if len(keep) < FEWEST_SETS or rated.sum() < FEWEST_MODELS:
                continue
            mine = world.facts.get(target, {})
            used = [world.facts.get(panel.datasets[i], {}) for i in keep]
            group = str(mine.get("group") or target)
            terms = world.laboratory.level_terms(panel.study, {group})
            alike = np.array([row.get("domain") == mine.get("domain") for row in used])
            belief = prior(known[rated], used, mine, terms)
            truth = panel.errors[rated, j]
            cases.append(Case(panel.study, panel.name, target, group, belief, truth, known[rated], alike))
    return cases


def new_laboratory(panels: Sequence[Panel], laboratory: NewLaboratory, studies: set[str]) -> list[Case]:
    """Every data set of these studies, predicted as `recommend` would had it never seen them."""
    cases = []
    for c, (number, study, dataset) in enumerate(laboratory.cells.keys):
        rows = laboratory.cells.rows_of(c)
        if study not in studies or len(rows) < FEWEST_MODELS:
            continue
        truth = expit(laboratory.cells.raw[rows])
        nothing = np.empty((len(rows), 0))
        belief = PanelPosterior(*laboratory.belief(c))
        group = laboratory.groups[c]
        cases.append(
            Case(study, panels[number].name, dataset, group, belief, truth, nothing, np.empty(0, bool))
        )
    return cases


def score_levels(
    cases: Sequence[Case], others: Sequence[Case], protocol: str, *, seed: int = 0
) -> list[dict[str, Any]]:
    """Score the predicted errors of every case; intervals are calibrated on `others`.

    Of the others only those of other studies and other groups of data sets count, so that a case's interval
    was never shown its study.

    Returns:
        One row per case: `mae_0` … `mae_3` in points (mean over anchors; every model is an anchor once for
        one, SUBSETS random sets for more), `mae_copy` (the anchor's own error for all); beside a known
        laboratory `mae_mean` and `mae_median` (each model's own elsewhere), `mae_all` and `mae_domain`
        (median over everything known, and of the same domain); `coverage_0/1` and `width_0/1` of the LEVEL
        interval in points, with no or one anchor; `coverage_gap`: of differences to the best predicted
        model; `brier` of P(within 1 point of the best) and `brier_base` of the others' share;
        `highest_level` that so many data sets can promise.
    """
    rng = np.random.default_rng(seed)
    away = [[_studentised(case, anchors) for case in others] for anchors in (0, 1)]
    gaps = [_gaps(case) for case in others]
    base = [(case.truth <= case.truth.min() + 0.01).mean() for case in others]
    reaches: dict[tuple[str, str], tuple[float, float, float, float, int]] = {}
    rows = []
    for case in cases:
        key = (case.study, case.group)
        if key not in reaches:
            at = [i for i, o in enumerate(others) if o.study != key[0] and o.group != key[1]]
            groups = [others[i].group for i in at]
            parts = [_by_group(groups, [scores[i] for i in at]) for scores in (*away, gaps)]
            share = float(np.mean([base[i] for i in at])) if at else 0.5
            none, one, gap = (radius(part, LEVEL) for part in parts)
            reaches[key] = (none, one, gap, share, len(parts[0]))
        none, one, gap, share, n_groups = reaches[key]
        row = {"protocol": protocol, "study": case.study, "panel": case.panel, "dataset": case.dataset}
        row |= {"n_models": len(case.truth), "highest_level": highest_level(n_groups)}
        row |= _mae(case, rng) | _coverage(case, none, one, gap) | _brier(case, share, rng)
        rows.append(row)
    return rows


def _by_group(groups: Sequence[str], scores: Sequence[Array]) -> list[Array]:
    held: dict[str, list[Array]] = {}
    for group, part in zip(groups, scores, strict=True):
        held.setdefault(group, []).append(part)
    return [np.concatenate(parts) for parts in held.values()]


def _mae(case: Case, rng: np.random.Generator) -> dict[str, float]:
    truth, n, mean = case.truth, len(case.truth), case.belief.mean
    after, _ = after_one(mean, case.belief.covariance, logit(truth), RERUN)
    found = {
        "mae_0": np.abs(expit(mean) - truth).mean(),
        "mae_1": np.nanmean(np.abs(expit(after) - truth[:, None])),
        "mae_copy": np.abs(truth[:, None] - truth).sum() / max(n * (n - 1), 1),
    }
    if case.known.shape[1]:
        near = case.known[:, case.alike] if case.alike.any() else case.known
        found["mae_mean"] = np.abs(np.nanmean(case.known, axis=1) - truth).mean()
        found["mae_median"] = np.abs(np.nanmedian(case.known, axis=1) - truth).mean()
        found["mae_all"] = np.abs(np.nanmedian(case.known) - truth).mean()
        found["mae_domain"] = np.abs(np.nanmedian(near) - truth).mean()
    for k in (2, 3):
        gaps = []
        for _ in range(SUBSETS if n > k else 0):
            at = rng.choice(n, k, replace=False)
            belief = condition(case.belief, {int(i): float(truth[i]) for i in at}, noise=RERUN)
            rest = np.setdiff1d(np.arange(n), at)
            gaps.append(np.abs(expit(belief.mean[rest]) - truth[rest]).mean())
        found[f"mae_{k}"] = float(np.mean(gaps)) if gaps else np.nan
    return {name: float(100 * value) for name, value in found.items()}


def _studentised(case: Case, anchors: int) -> Array:
    y, mean = logit(case.truth), case.belief.mean
    if not anchors:
        return (y - mean) / np.sqrt(np.diag(case.belief.covariance))
    after, sd = after_one(mean, case.belief.covariance, y, RERUN)
    away = (y[:, None] - after) / sd
    return away[~np.isnan(away)]


def _gaps(case: Case) -> Array:
    """Studentised differences to the model predicted best: the level cancels."""
    v, first = case.belief.covariance, int(case.belief.mean.argmin())
    y = logit(case.truth) - case.belief.mean
    sd = np.sqrt(np.maximum(np.diag(v) + v[first, first] - 2 * v[first], 1e-9))
    return np.delete((y - y[first]) / sd, first)


def _coverage(case: Case, none: float, one: float, gap: float) -> dict[str, float]:
    found = {"coverage_gap": float((np.abs(_gaps(case)) <= gap).mean())}
    mean, covariance = case.belief.mean, case.belief.covariance
    after = (mean, np.sqrt(np.diag(covariance))), after_one(mean, covariance, logit(case.truth), RERUN)
    for anchors, (reach, (middle, sd)) in enumerate(zip((none, one), after, strict=True)):
        found[f"coverage_{anchors}"] = float((np.abs(_studentised(case, anchors)) <= reach).mean())
        width = expit(middle + reach * sd) - expit(middle - reach * sd)
        found[f"width_{anchors}"] = float(100 * np.nanmean(width))
    return found


def _brier(case: Case, share: float, rng: np.random.Generator) -> dict[str, float]:
    values, vectors = np.linalg.eigh(case.belief.covariance)
    root = vectors * np.sqrt(np.maximum(values, 0))
    draws = expit(case.belief.mean + rng.standard_normal((DRAWS, len(values))) @ root.T)
    chance = (draws <= draws.min(axis=1, keepdims=True) + 0.01).mean(axis=0)
    within = (case.truth <= case.truth.min() + 0.01).astype(float)
    return {
        "brier": float(((chance - within) ** 2).mean()),
        "brier_base": float(((share - within) ** 2).mean()),
    }
