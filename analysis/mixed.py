"""Mixed models of the error: what size does, once task, architecture and family have had their say.

>>> from archimeter.analysis.shipped import shipped
>>> fit = mixed(shipped(studies=["fastai"]).frame)
>>> fit.coefficients[["term", "estimate", "low", "high", "reading"]]
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import expit, ndtr, ndtri

from ..data.errors import InputError
from .association import spearman
from .design import GROUPINGS, Design, design
from .reml import Reml, reml

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Mixed", "fit", "mixed"]

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Mixed:
    """A fitted mixed model.

    Attributes:
        coefficients: one row per fixed term: `term`, `estimate` (logit error per unit), `se`, `low`,
            `high`, `z`, `p_value`, `odds_ratio`, `vif` (of the fixed terms), `reading` (in words).
        components: one row per random effect: `component`, `levels`, `variance`, `sd`, and `share` of the
            variance of one result (a slope's is at one standard deviation of size).
        effects: one row per level of each component: `component`, `level`, `effect` (shrunk).
        rows: one row per result: who, `observed` and `fitted` (logit), `residual`, `leverage`.
        n: results. log_likelihood: of REML, by lme4's convention (see `reml.Reml`).
        converged: whether this is a top of the likelihood. gradient: the largest slope left of −2 log L, per
            unit of a standard deviation relative to the residual's.
        notes: what was left out, what the diagnostics say, what to try.
    """

    coefficients: pd.DataFrame
    components: pd.DataFrame
    effects: pd.DataFrame
    rows: pd.DataFrame
    n: int
    converged: bool
    gradient: float
    log_likelihood: float
    notes: tuple[str, ...]


def mixed(frame: pd.DataFrame, *, groupings: Sequence[str] = GROUPINGS, level: float = 0.95) -> Mixed:
    """Fit logit error ~ size axes × domain × recipe × images + pretraining with crossed random effects.

    All shipped results, 20,600 of them with 4,100 random effects, take half a minute of one core and 0.8 GB.

    Args:
        frame: joined observations (see `design.design`).
        groupings: random effects wanted, of `design.GROUPINGS`; what the rows cannot tell is left out.
        level: coverage of the intervals (normal).

    Raises:
        InputError: for rows that say too little (see `design.design`).

    Warns:
        RuntimeWarning: if no top of the likelihood was found; it names what to try next.

    Source: `reml.reml`.
    """
    return fit(design(frame, groupings), level)


def fit(built: Design, level: float = 0.95) -> Mixed:
    """Fit a design; see `mixed`."""
    if not built.groups:
        raise InputError(
            "No random effect is left: there is one task, architecture and family only. "
            "Use `correlate`, or give more results."
        )
    found = reml(built.y, built.terms.to_numpy(), built.groups)
    if not found.converged:
        warnings.warn(_not_converged(found), RuntimeWarning, stacklevel=3)
    who = [c for c in ("study", "dataset", "recipe", "model", "family") if c in built.rows]
    residual = built.y - found.fitted
    return Mixed(
        coefficients=_coefficients(built, found, level),
        components=_components(built, found),
        effects=_effects(built, found),
        rows=built.rows[who].assign(
            observed=built.y, fitted=found.fitted, residual=residual, leverage=found.leverage
        ),
        n=len(built.y),
        converged=found.converged,
        gradient=found.gradient,
        log_likelihood=found.log_likelihood,
        notes=(*built.notes, *_diagnosis(built, found)),
    )


def _coefficients(built: Design, found: Reml, level: float) -> pd.DataFrame:
    se = np.sqrt(np.diag(found.covariance))
    half = -ndtri((1 - level) / 2) * se
    z = found.beta / se
    out = pd.DataFrame(
        {
            "term": list(built.terms),
            "estimate": found.beta,
            "se": se,
            "low": found.beta - half,
            "high": found.beta + half,
            "z": z,
            "p_value": 2 * ndtr(-np.abs(z)),
            "odds_ratio": np.exp(found.beta),
            "vif": [np.nan, *_inflation(built)],
        }
    )
    out["reading"] = _readings(built, found, half, level)
    return out


def _inflation(built: Design) -> Floats:
    """Variance inflation of each term but the intercept at once; `collinearity` regresses one by one."""
    terms = built.terms.iloc[:, 1:].to_numpy()
    if not terms.shape[1]:
        return np.empty(0)
    return np.diag(np.linalg.inv(np.atleast_2d(np.corrcoef(terms.T))))


def _readings(built: Design, found: Reml, half: Floats, level: float) -> list[str]:
    """Each coefficient in words; a slope of some kind of task as a whole, with the interval of the sum."""
    typical, size = float(expit(built.y.mean())), list(built.terms).index("size")
    words = []
    for i, term in enumerate(built.terms):
        unit, estimate, width = built.units[str(term)], found.beta[i], half[i]
        if term == "intercept":
            words.append(_usual_reading(estimate, width, level))
        elif str(term).startswith("size × ") and " instead of " in unit:
            covariance = found.covariance[np.ix_([size, i], [size, i])]
            whole = width * np.sqrt(covariance.sum() / covariance[1, 1])
            odds = _odds(found.beta[size] + estimate, whole, level)
            usual = f"{float(np.exp(found.beta[size])):.2f}"
            chance = "" if abs(estimate) > width else ", which may be chance"
            words.append(f"{_capital(unit)}: {odds} instead of {usual}{chance}.")
        else:
            words.append(_reading(unit, estimate, width, typical, level))
    return words


def _odds(estimate: float, half: float, level: float) -> str:
    mid, low, high = (f"{float(np.exp(v)):.2f}" for v in (estimate, estimate - half, estimate + half))
    return f"the odds of an error times {mid} ({level:.0%} {low} to {high})"


def _capital(words: str) -> str:
    return words[0].upper() + words[1:]


def _usual_reading(estimate: float, half: float, level: float) -> str:
    low, mid, high = (f"{100 * float(expit(estimate + v)):.1f}" for v in (-half, 0, half))
    return f"The usual model on the usual task has an error of {mid} % ({level:.0%} {low} to {high} %)."


def _reading(unit: str, estimate: float, half: float, typical: float, level: float) -> str:
    """Say what a coefficient means, on errors instead of log-odds."""
    odds = typical / (1 - typical) * float(np.exp(estimate))
    then = f"an error of {100 * typical:.1f} % becomes {100 * odds / (1 + odds):.1f} %"
    words = f"{_capital(unit)}: {_odds(estimate, half, level)}; {then}"
    return words + ("." if abs(estimate) > half else ", or does not change: the interval holds 1.")


def _components(built: Design, found: Reml) -> pd.DataFrame:
    spread = float(built.terms["size"].var())
    variances = {name: found.variances[name] for name in built.groups}
    at_one = [v * (spread if name.endswith("_slope") else 1.0) for name, v in variances.items()]
    total = sum(at_one) + found.residual
    rows = [
        (name, len(built.groups[name][0]), variance, np.sqrt(variance), part / total)
        for (name, variance), part in zip(variances.items(), at_one, strict=True)
    ]
    left = found.residual
    rows.append(("residual", len(built.y), left, np.sqrt(left), left / total))
    return pd.DataFrame(rows, columns=["component", "levels", "variance", "sd", "share"])


def _effects(built: Design, found: Reml) -> pd.DataFrame:
    parts = [
        pd.DataFrame({"component": name, "level": levels, "effect": found.effects[name]})
        for name, (levels, _, _) in built.groups.items()
    ]
    return pd.concat(parts, ignore_index=True)


def _diagnosis(built: Design, found: Reml) -> list[str]:
    notes = [] if found.converged else [_not_converged(found)]
    notes += [
        f"the variance of {name.replace('_', ' ')} is zero (a singular fit): the results do not differ by it "
        "beyond noise"
        for name in built.groups
        if found.variances[name] == 0
    ]
    entangled = [
        name for name, vif in zip(built.terms.columns[1:], _inflation(built), strict=True) if vif > 10
    ]
    if entangled:
        notes.append(f"VIF above 10, so do not read alone: {', '.join(entangled)}")
    n, p = built.terms.shape
    far = built.rows[found.leverage > 3 * p / n]
    if len(far):
        studies = built.rows["study"].unique() if "study" in far else ()
        most = f", most of them of {far['study'].mode()[0]}" if len(studies) > 1 else ""
        notes.append(f"{len(far):,} of {n:,} rows have more than 3 times the mean leverage{most}")
    fanning = float(spearman(np.abs(built.y - found.fitted), found.fitted))
    if abs(fanning) > 0.2:
        which = "high" if fanning > 0 else "low"
        notes.append(
            f"residuals are larger where the fitted error is {which} (ρ {fanning:+.2f}): "
            "intervals are too narrow there"
        )
    return notes


def _not_converged(found: Reml) -> str:
    weakest = min(found.variances, key=lambda name: found.variances[name])
    others = [name for name in found.variances if name != weakest]
    return (
        f"The mixed model did not converge: after {found.steps} steps from several starts there is no clear "
        "top of the likelihood; its numbers are not to be trusted. Try fewer random effects, such as "
        f"groupings={others}, or one study at a time."
    )
