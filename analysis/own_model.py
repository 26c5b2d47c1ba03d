"""The model fitted on the user's results alone, where the shipped studies are to take no part.

Facts of models (size, ImageNet error, pretraining) are no results and stay. Whatever is learned from results
is learned from these: slopes, effects, what makes a data set hard. The intervals are calibrated on each group
of data sets as predicted from the others, by the very steps that answer a question.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from .laboratory import LEAST, as_evaluated, with_laboratory
from .prediction.conformal import radius
from .prediction.design import FEATURES, USED, features, level_row, recipe_branch
from .prediction.features import Facts, facts_table
from .prediction.forecast import Fitted, Forecast
from .prediction.new_laboratory import NewLaboratory, after_one
from .prediction.panels import panels
from .prediction.pooled import cells_of
from .tasks import Task, architecture

if TYPE_CHECKING:
    from .evidence import Evidence
    from .prediction.pooled import Pooled

__all__ = ["LEVEL", "fit_alone"]

Array = np.ndarray
LEVEL = 0.8
"""Coverage that the intervals shall have, as far as the number of data sets can promise it."""
_PANEL = (
    *("study", "dataset", "backbone", "weights", "published_name", "match", "pretraining", "recipe"),
    *("recipe_detail", "learning_rate", "error", "metric", "error_sd", "status"),
)


def fit_alone(known: Evidence, recipe: str, domain: str) -> Fitted | None:
    """Fit the model on the user's own results and nothing else.

    Args:
        known: evidence whose results are the user's own.
        recipe: of the question.
        domain: of the question.

    Returns:
        The model over the backbones that were measured; None where fewer than two groups of data sets have
        results of LEAST backbones: then nothing tells how much harder another data set may be.
    """
    own = _laboratory(known)
    if own is None or len(own.groups) < 2:
        return None
    pooled = {group: own.pooled(group) for group in own.groups}
    variance = own.missed(pooled)
    scores = [_residuals(own, own.fitted(pooled[group], variance, group), group) for group in own.groups]
    none, one = zip(*scores, strict=True)
    fitted = _asked(own.fitted(own.pooled(None), variance, None), own.tasks, recipe, domain)
    return replace(fitted, radius=(radius(none, LEVEL), radius(one, LEVEL)))


@dataclass(frozen=True)
class _Own:
    """The user's laboratory: its cells, its tasks, and the facts of its models."""

    laboratory: NewLaboratory
    recipes: tuple[str, ...]
    datasets: Mapping[str, Mapping[str, Any]]
    tasks: tuple[Task, ...]
    models: tuple[str, ...]
    x: Array
    family_at: Array

    @cached_property
    def called(self) -> Mapping[str, str]:
        """Architecture → the one model of it whose weights are neither timm's nor ordinary."""
        named = [name for name in self.models if " (" in name]
        kin = [name.partition(" (")[0] for name in self.models]
        return {of: name for name in named if kin.count(of := name.partition(" (")[0]) == 1}

    @property
    def groups(self) -> list[str]:
        return sorted({*self.laboratory.groups})

    def cells_of(self, group: str) -> list[int]:
        return [cell for cell, other in enumerate(self.laboratory.groups) if other == group]

    def facts(self, cell: int) -> Mapping[str, Any]:
        return self.datasets.get(self.laboratory.cells.keys[cell][2], {})

    def elsewhere(self, group: str | None) -> tuple[Task, ...]:
        return tuple(t for t in self.tasks if (t.facts.get("group") or t.dataset) != group)

    def pooled(self, group: str | None) -> Pooled:
        """What the facts of a model say, without a group of data sets."""
        keys = self.laboratory.cells.keys
        hidden = {keys[cell][2] for cell in self.cells_of(group)} if group else ()
        return self.laboratory.held_out.fit(None, hidden)

    def level(self, pooled: Pooled, group: str | None) -> Array:
        """Coefficients of the level, without a group of data sets."""
        return self.laboratory.level(
            pooled, np.array([other != group for other in self.laboratory.groups])
        ).mean

    def missed(self, pooled: Mapping[str, Pooled]) -> float:
        """Mean square by which levels miss, each group predicted from the others; a group counts once.

        One figure for all folds keeps their residuals on one scale, however few data sets there are.
        """
        cells, squares = self.laboratory.cells, []
        for group, model in pooled.items():
            beta = self.level(model, group)
            misses = [
                cells.levels[c]
                - level_row(self.facts(c), self.recipes[c]) @ beta
                - self.scale(self.recipes[c]) * model.standing(cells.x[cells.rows_of(c)]).mean()
                for c in self.cells_of(group)
            ]
            squares.append(float(np.mean(np.square(misses))))
        return float(np.mean(squares))

    def scale(self, recipe: str) -> float:
        """Deviation between models; of a kind of recipe without results that of the other kind."""
        known = self.laboratory.scale
        return known.get(recipe_branch(recipe), next(iter(known.values())))

    def fitted(self, pooled: Pooled, level_variance: float, group: str | None) -> Fitted:
        """The model without a group of data sets, told of the laboratory's other results.

        The variance of the level is that of a prediction, so its coefficients have none of their own.
        """
        n, comp = len(FEATURES), pooled.variances
        slopes, covariance = np.zeros(n), np.zeros((n, n))
        slopes[USED], covariance[np.ix_(USED, USED)] = pooled.slopes, pooled.in_new_laboratory()
        full = {
            "family": comp["family in study"],
            "weights": comp["model in study"],
            "noise": comp["noise"],
        }
        n_families = int(self.family_at.max()) + 1
        base = Fitted(
            models=self.models,
            x=self.x,
            groups={"family": self.family_at, "weights": np.full(len(self.models), -1)},
            means={"family": np.zeros(n_families), "weights": np.zeros(1)},
            variances={
                "family": np.full(n_families, full["family"]),
                "weights": np.array([full["weights"]]),
            },
            full=full,
            slopes=slopes,
            slopes_covariance=covariance,
            level=(beta := self.level(pooled, group)),
            level_covariance=np.zeros((len(beta), len(beta))),
            level_variance=level_variance,
            scale={"trained": self.scale("fine-tune"), "frozen": self.scale("linear-probe")},
            radius=(1.0, 1.0),
            n_datasets=len(self.groups),
        )
        return with_laboratory(base, self.elsewhere(group))


def _laboratory(known: Evidence) -> _Own | None:
    import pandas as pd

    from ..data.tables import load_observations, load_profiles, load_weights

    rows = pd.DataFrame(known.own.rows(_PANEL) if known.own else (), columns=_PANEL)
    own = [task for task in known.tasks if task.table is known.own]
    called = {place: name for task in own for name, places in task.runs.items() for place in places}
    rows["published_name"] = [called.get(*row) for row in enumerate(rows["published_name"])]
    found = panels(rows, min_models=LEAST, min_datasets=1)
    if not found:
        return None
    table = Facts(load_profiles(), load_weights(), load_observations(["timm-imagenet"]))
    laboratory = NewLaboratory(cells_of(found, table), found, known.datasets)
    names = known.own_models
    weights = [name if "." in name.partition(" (")[0] else None for name in names]
    kinds = {name: rows["pretraining"][place] for place, name in called.items()}
    stated = [kinds[name] if isinstance(kinds[name], str) else None for name in names]
    facts = facts_table(table, [architecture(name) for name in names], weights, stated)
    return _Own(
        laboratory,
        tuple(found[key[0]].recipe for key in laboratory.cells.keys),
        known.datasets,
        known.own_tasks,
        names,
        features(facts),
        np.unique([one.family for one in facts], return_inverse=True)[1],
    )


def _asked(fitted: Fitted, tasks: Iterable[Task], recipe: str, domain: str) -> Fitted:
    """The model for a question, ordered as `evaluate` scores it.

    What a measured model stands at is known from its results, whatever the slopes. Their doubt is that of a
    network that was not measured: its own effect is widened by it.
    """
    told = as_evaluated(fitted, tasks, recipe, domain)
    doubt = float(np.einsum("if,fg,ig->i", told.x, told.slopes_covariance, told.x).mean())
    full = {**told.full, "weights": told.full["weights"] + doubt}
    return replace(told, slopes_covariance=np.zeros_like(told.slopes_covariance), full=full)


def _residuals(own: _Own, base: Fitted, group: str) -> tuple[Array, Array]:
    """Studentised errors of a group's predictions from the other groups, with no and with one anchor."""
    cells, found = own.laboratory.cells, []
    lone = replace(base, level_variance=0.0)  # which a forecast widens where the domain is not known
    told: dict[tuple[str, str], Fitted] = {}
    for cell in own.cells_of(group):
        recipe, facts, rows = own.recipes[cell], own.facts(cell), cells.rows_of(cell)
        key = recipe, str(facts.get("domain") or "unknown")
        if key not in told:
            told[key] = _asked(lone, own.elsewhere(group), *key)
        forecast = Forecast.of(told[key], facts, recipe)
        names = [own.called.get(name := full.rpartition(", ")[0], name) for full in cells.model[rows]]
        known = [i for i, name in enumerate(names) if name in base.place]
        at, y = [base.place[names[i]] for i in known], cells.raw[rows][known]
        mean, covariance = forecast.mean[at], forecast.covariance_with(at)[at] + base.level_variance
        after, deviation = after_one(mean, covariance, y)
        away = ((y[:, None] - after) / deviation)[~np.eye(len(y), dtype=bool)]
        found.append(((y - mean) / np.sqrt(np.diag(covariance)), away))
    none, one = zip(*found, strict=True)
    return np.concatenate(none), np.concatenate(one)
