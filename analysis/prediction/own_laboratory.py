"""A laboratory's own results in the fitted model: its models stand as `ranking.standing` says, no further."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from .ranking import doubt_of, standing

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .forecast import Fitted

__all__ = ["with_standing"]

Array = np.ndarray


def with_standing(
    fitted: Fitted, rows: Sequence[int], errors: Array, domains: Sequence[str], domain: str
) -> Fitted:
    """Move the measured models to where the order that `evaluate` scores has them.

    Only the means of these models' own effects change; their mean over the models stays what it was.

    Args:
        fitted: the model, with whatever is known of the laboratory's families and models so far.
        rows: rows of `fitted.models` that were measured.
        errors: `[rows, datasets]` of the laboratory's own data sets, NaN where not measured.
        domains: of these data sets.
        domain: of the asked one.
    """
    at = np.asarray(rows)
    facts = fitted.x[at] @ fitted.slopes
    doubt = doubt_of(fitted.x[at], fitted.slopes, fitted.slopes_covariance)
    wanted = standing(errors, domains, domain, facts, doubt)
    family = fitted.groups["family"][at]
    own, means, variances = (
        fitted.groups["weights"].copy(),
        list(fitted.means["weights"]),
        list(fitted.variances["weights"]),
    )
    for row in at.tolist():
        if own[row] < 0:  # a level of its own until now
            own[row] = len(means)
            means.append(0.0)
            variances.append(fitted.full["weights"])
    held = np.array(means)
    expected = facts + np.where(family >= 0, fitted.means["family"][family], 0.0) + held[own[at]]
    move = (wanted - wanted.mean()) - (expected - expected.mean())
    np.add.at(held, own[at], move)
    return replace(
        fitted,
        groups={**fitted.groups, "weights": own},
        means={**fitted.means, "weights": held},
        variances={**fitted.variances, "weights": np.array(variances)},
    )
