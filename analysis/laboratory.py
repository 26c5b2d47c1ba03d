"""What the user's own results on other data sets say of their laboratory: which models do well there.

How a recipe, software and habits suit a family or a model is unknown before a laboratory has shown it. Its
own results tell, shrunk by how few they are: the best linear prediction of the family's and the model's
effect under the fitted variances.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from .prediction.design import recipe_branch
from .prediction.logits import logit
from .prediction.own_laboratory import with_standing

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .evidence import Task
    from .prediction.forecast import Fitted

__all__ = ["LEAST", "as_evaluated", "with_laboratory"]

Array = np.ndarray
LEAST = 3
"""Models that a data set must have results of to say which is better than it was expected to be."""
MIN_MODELS = 6
"""Models that an order is learned from: as many as a study must have to be evaluated."""


def with_laboratory(fitted: Fitted, tasks: Iterable[Task]) -> Fitted:
    """Update the effects of families and models by the laboratory's own results.

    Every data set is compared with what was expected of its models, relative to their mean, so that its
    difficulty does not matter. The updated effects are then taken as independent of each other.

    Args:
        fitted: the model, in which every measured model has a row.
        tasks: the user's own results.
    """
    sums, counts = _surprises(fitted, tasks)
    rows = np.flatnonzero(counts)
    if len(rows) < LEAST:
        return fitted
    surprise = sums[rows] / counts[rows]
    alike = {name: _alike(at[rows]) for name, at in fitted.groups.items()}
    prior = {name: _variance(fitted, name, rows) for name in fitted.groups}
    total = np.diag(fitted.full["noise"] / counts[rows])
    for name, same in alike.items():
        total = total + same * prior[name]
    solved, inverse = np.linalg.solve(total, surprise), np.linalg.inv(total)
    groups, means, variances = dict(fitted.groups), dict(fitted.means), dict(fitted.variances)
    for name, same in alike.items():
        cross = same * prior[name]
        gained = cross @ solved
        left = np.maximum(prior[name] - ((cross @ inverse) * cross).sum(axis=1), 0.0)
        at, mean, variance = groups[name].copy(), list(means[name]), list(variances[name])
        for i, row in enumerate(rows.tolist()):
            if at[row] < 0:  # a level of its own until now
                at[row] = len(mean)
                mean.append(0.0)
                variance.append(float(prior[name][i]))
            mean[at[row]] = float(_mean(fitted, name, row) + gained[i])
            variance[at[row]] = float(left[i])
        groups[name], means[name], variances[name] = at, np.array(mean), np.array(variance)
    return replace(fitted, groups=groups, means=means, variances=variances)


def as_evaluated(fitted: Fitted, tasks: Iterable[Task], recipe: str, domain: str) -> Fitted:
    """Order the laboratory's own models as `evaluate` scores a laboratory whose other data sets are known.

    Args:
        fitted: the model, which `with_laboratory` has told of these results.
        tasks: the user's own results; those of another recipe do not order.
        recipe: of the question.
        domain: of the question: the laboratory's data sets of the same domain count more.
    """
    same = [task for task in tasks if task.recipe == recipe]
    models = sorted({model for task in same for model in task.results if model in fitted.place})
    if len(models) < MIN_MODELS:
        return fitted
    errors = np.array(
        [[task.results[m].error if m in task.results else np.nan for task in same] for m in models]
    )
    domains = [str(task.facts.get("domain") or "unknown") for task in same]
    return with_standing(fitted, [fitted.place[m] for m in models], errors, domains, domain)


def _surprises(fitted: Fitted, tasks: Iterable[Task]) -> tuple[Array, Array]:
    """Per model the sum, over data sets, of its standardised logit error less what was expected; how many."""
    sums, counts = np.zeros(len(fitted.models)), np.zeros(len(fitted.models))
    for task in tasks:
        known = {fitted.place[m]: result.error for m, result in task.results.items() if m in fitted.place}
        if len(known) < LEAST:
            continue
        rows = np.array(list(known))
        measured = logit(np.array(list(known.values()))) / fitted.scale[recipe_branch(task.recipe)]
        expected = fitted.x[rows] @ fitted.slopes
        for name in fitted.groups:
            expected = expected + np.array([_mean(fitted, name, row) for row in rows.tolist()])
        away = measured - expected
        sums[rows] += away - away.mean()
        counts[rows] += 1
    return sums, counts


def _alike(at: Array) -> Array:
    """Which rows share a level; one without a known level is alike to itself only."""
    return ((at[:, None] == at) & (at >= 0)) | np.eye(len(at), dtype=bool)


def _variance(fitted: Fitted, name: str, rows: Array) -> Array:
    at = fitted.groups[name][rows]
    return np.where(at >= 0, fitted.variances[name][at], fitted.full[name])


def _mean(fitted: Fitted, name: str, row: int) -> float:
    at = fitted.groups[name][row]
    return float(fitted.means[name][at]) if at >= 0 else 0.0
