"""Score predicted errors: how far off with 0 to 3 anchors, and whether intervals hold on each data set.

Two situations: `dataset`, where the laboratory's other data sets are known, and `study`, a plain query to
`recommend`, where neither the laboratory nor the data set was ever seen.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ..prediction.belief import Belief, differences, outcomes, studentised
from ..prediction.conformal import highest_level, quantiles, reach
from ..prediction.logits import expit, logit
from ..prediction.new_laboratory import ANCHORS
from ..prediction.panel_model import prior
from .splits import known_datasets

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..prediction.new_laboratory import NewLaboratory
    from ..prediction.panels import Panel
    from .orders import World

__all__ = ["Case", "known_laboratory", "new_laboratory", "score_levels"]

Array = np.ndarray
LEVEL = 0.8
DRAWS = 300
FEWEST_SETS, FEWEST_MODELS = 4, 3
MOST_ANCHORS = 3


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
    belief: Belief
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
            belief = prior(known[rated], used, mine, terms, panel.recipe)
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
        belief = laboratory.belief(c)
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
        One row per case: `mae_0` … `mae_3` in points (mean over sets of anchors, `belief.outcomes`),
        `mae_copy` (the anchor's own error for all); beside a known laboratory `mae_mean` and `mae_median`
        (each model's own elsewhere), `mae_all` and `mae_domain` (median over everything known, and of the
        same domain); `coverage_0/1/2` and `width_0/1/2` of the LEVEL interval in points, with so many anchors
        (without any, the models of a data set are mostly covered together or missed together, as its level
        is: what holds on each data set takes an anchor); `coverage_gap`: of differences to the best predicted
        model; `brier` of P(within 1 point of the best) and `brier_base` of the others' share; `highest_level`
        that so many data sets can promise.
    """
    rng = np.random.default_rng(seed)
    missed = [[studentised(case.belief, logit(case.truth), k) for case in others] for k in ANCHORS]
    missed.append([differences(case.belief, logit(case.truth), 0) for case in others])
    base = [(case.truth <= case.truth.min() + 0.01).mean() for case in others]
    reaches: dict[tuple[str, str], tuple[list[float], float, int]] = {}
    scores: dict[tuple[int, ...], list[tuple[float, float]]] = {}
    rows = []
    for case in cases:
        key = (case.study, case.group)
        if key not in reaches:
            at = [i for i, o in enumerate(others) if o.study != key[0] and o.group != key[1]]
            parts = _by_group(others, at)
            for part in parts:
                if part not in scores:
                    scores[part] = [quantiles(np.concatenate([m[i] for i in part]), LEVEL) for m in missed]
            found = [[scores[part][k] for part in parts] for k in range(len(missed))]
            share = float(np.mean([base[i] for i in at])) if at else 0.5
            reaches[key] = (
                [reach(one, LEVEL, each=0 < k < len(ANCHORS)) for k, one in enumerate(found)],
                *(share, len(parts)),
            )
        reached, share, n_groups = reaches[key]
        row = {"protocol": protocol, "study": case.study, "panel": case.panel, "dataset": case.dataset}
        row |= {"n_models": len(case.truth), "highest_level": highest_level(n_groups)}
        row |= _errors_and_intervals(case, reached) | _baselines(case) | _brier(case, share, rng)
        away = np.abs(differences(case.belief, logit(case.truth), 0))
        row["coverage_gap"] = float((away <= reached[-1]).mean())
        rows.append(row)
    return rows


def _by_group(cases: Sequence[Case], at: Sequence[int]) -> list[tuple[int, ...]]:
    """Which of `at` are of one group of data sets."""
    held: dict[str, list[int]] = {}
    for i in at:
        held.setdefault(cases[i].group, []).append(i)
    return [tuple(part) for part in held.values()]


def _errors_and_intervals(case: Case, reached: Sequence[float]) -> dict[str, float]:
    truth = case.truth[:, None]
    found: dict[str, float] = {}
    for k in range(MOST_ANCHORS + 1):
        middle, deviation = outcomes(case.belief, logit(case.truth), k)
        some = ~np.isnan(middle)
        away = np.abs(expit(middle) - truth)[some]
        found[f"mae_{k}"] = float(100 * away.mean()) if len(away) else np.nan
        if k in ANCHORS:
            low, high = expit(middle - reached[k] * deviation), expit(middle + reached[k] * deviation)
            held = np.abs(logit(truth) - middle)[some] <= (reached[k] * deviation)[some]
            found[f"coverage_{k}"] = float(held.mean()) if len(held) else np.nan
            found[f"width_{k}"] = float(100 * (high - low)[some].mean()) if len(held) else np.nan
    return found


def _baselines(case: Case) -> dict[str, float]:
    truth, n = case.truth, len(case.truth)
    found = {"mae_copy": np.abs(truth[:, None] - truth).sum() / max(n * (n - 1), 1)}
    if case.known.shape[1]:
        near = case.known[:, case.alike] if case.alike.any() else case.known
        found["mae_mean"] = np.abs(np.nanmean(case.known, axis=1) - truth).mean()
        found["mae_median"] = np.abs(np.nanmedian(case.known, axis=1) - truth).mean()
        found["mae_all"] = np.abs(np.nanmedian(case.known) - truth).mean()
        found["mae_domain"] = np.abs(np.nanmedian(near) - truth).mean()
    return {name: float(100 * value) for name, value in found.items()}


def _brier(case: Case, share: float, rng: np.random.Generator) -> dict[str, float]:
    expected = case.belief.after({})
    values, vectors = np.linalg.eigh(expected.covariance)
    root = vectors * np.sqrt(np.maximum(values, 0))
    draws = expit(expected.mean + rng.standard_normal((DRAWS, len(values))) @ root.T)
    chance = (draws <= draws.min(axis=1, keepdims=True) + 0.01).mean(axis=0)
    within = (case.truth <= case.truth.min() + 0.01).astype(float)
    return {
        "brier": float(((chance - within) ** 2).mean()),
        "brier_base": float(((share - within) ** 2).mean()),
    }
