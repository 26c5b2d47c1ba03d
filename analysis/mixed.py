"""Mixed models of the error: what size does, once task, architecture and family have had their say.

>>> from archimeter.analysis.shipped import shipped
>>> fit = mixed(shipped(studies=["fastai"]).frame)
>>> fit.coefficients[["term", "estimate", "low", "high", "reading"]]
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import expit, ndtr, ndtri

from ..data.errors import InputError
from .association import spearman
from .collinearity import variance_inflation
from .design import GROUPINGS, Design, design

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Mixed", "fit", "mixed"]

Floats = NDArray[np.float64]
OPTIMISERS = ("bfgs", "lbfgs", "powell")
"""In this order: lbfgs stops where REML still rises by 0.01, so it comes second."""
LARGEST_WORK = 3e8
"""Results times the square of the random effects: 1.5e8 takes 5 s of one core, 1e9 more than minutes."""
NEGLIGIBLE = 1e-5
"""Share of the residual variance below which a component has shrunk to zero."""


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
        n, converged, optimiser, log_likelihood (REML).
        notes: what was left out, what the diagnostics say, what to try.
    """

    coefficients: pd.DataFrame
    components: pd.DataFrame
    effects: pd.DataFrame
    rows: pd.DataFrame
    n: int
    converged: bool
    optimiser: str
    log_likelihood: float
    notes: tuple[str, ...]


def mixed(frame: pd.DataFrame, *, groupings: Sequence[str] = GROUPINGS, level: float = 0.95) -> Mixed:
    """Fit logit error ~ size axes × domain × recipe × images + pretraining with crossed random effects.

    Args:
        frame: joined observations (see `design.design`).
        groupings: random effects wanted, of `design.GROUPINGS`.
        level: coverage of the intervals (normal).

    Raises:
        InputError: if there are too many results and random effects to fit in minutes; `fit` of a `design`
            takes any number.

    Warns:
        RuntimeWarning: if no optimiser converged; it names what to try next.

    Source: REML by statsmodels' MixedLM with variance components; agrees with lme4's lmer
        (tests/analysis/reference/mixed.R) within the optimisers' tolerance.
    """
    built = design(frame, groupings)
    effects = sum(len(levels) for levels, _, _ in built.groups.values())
    if len(built.y) * effects**2 > LARGEST_WORK:
        raise InputError(
            f"{len(built.y):,} results with {effects:,} random effects are too many for one mixed model: it "
            "would take an hour. Give one study, one recipe of it, or some data sets."
        )
    return fit(built, level)


def fit(built: Design, level: float = 0.95) -> Mixed:
    """Fit a design; see `mixed`."""
    result, optimiser, converged = _optimise(built)
    variances = dict(zip(built.groups, np.atleast_1d(result.vcomp) if built.groups else [], strict=True))
    solved = _solve(built, variances, float(result.scale))
    if not converged:
        warnings.warn(_not_converged(variances, float(result.scale)), RuntimeWarning, stacklevel=3)
    return Mixed(
        coefficients=_coefficients(built, solved, level),
        components=_components(built, variances, float(result.scale)),
        effects=solved.effects,
        rows=built.rows[
            [c for c in ("study", "dataset", "recipe", "model", "family") if c in built.rows]
        ].assign(
            observed=built.y, fitted=solved.fitted, residual=built.y - solved.fitted, leverage=solved.leverage
        ),
        n=len(built.y),
        converged=converged,
        optimiser=optimiser,
        log_likelihood=float(result.llf),
        notes=(*built.notes, *_diagnosis(built, variances, float(result.scale), solved, converged)),
    )


def _optimise(built: Design) -> tuple[Any, str, bool]:
    """Try one optimiser after the other until one converges; return the likeliest fit."""
    from statsmodels.regression.mixed_linear_model import MixedLM, VCSpec

    if not built.groups:
        raise _nothing_shared()
    spec = VCSpec(
        list(built.groups),
        [[[f"{name}[{level}]" for level in levels]] for name, (levels, _, _) in built.groups.items()],
        [[_indicators(*group)] for group in built.groups.values()],
    )
    model = MixedLM(built.y, built.terms.to_numpy(), groups=np.ones(len(built.y)), exog_vc=spec)
    best: tuple[Any, str] | None = None
    for optimiser in OPTIMISERS:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what they say is in `converged` and in the notes
            result = model.fit(reml=True, method=optimiser)
        if result.converged:
            return result, optimiser, True
        if best is None or result.llf > best[0].llf:
            best = result, optimiser
    assert best is not None
    return *best, False


def _nothing_shared() -> InputError:
    return InputError(
        "No random effect is left: there is one task, architecture and family only. "
        "Use `correlate`, or give more results."
    )


def _indicators(levels: list[str], codes: NDArray[np.intp], multiplier: Floats) -> Floats:
    matrix = np.zeros((len(codes), len(levels)))
    matrix[np.arange(len(codes)), codes] = multiplier
    return matrix


@dataclass(frozen=True, slots=True)
class _Solved:
    beta: Floats  # [p]
    covariance: Floats  # [p, p]
    fitted: Floats  # [n], random effects included
    leverage: Floats  # [n], of the fixed terms
    effects: pd.DataFrame


def _solve(built: Design, variances: dict[str, float], residual: float) -> _Solved:
    """Generalised least squares at the found variances, by Woodbury: V = σ² I + Z D Zᵀ."""
    x, y = built.terms.to_numpy(), built.y
    used = {name: group for name, group in built.groups.items() if variances[name] > 0}
    z = np.hstack([_indicators(*group) for group in used.values()] or [np.empty((len(y), 0))])
    d = np.concatenate([np.full(len(group[0]), variances[name]) for name, group in used.items()] or [[]])
    core = np.linalg.cholesky(z.T @ z / residual + np.diag(1 / d)) if len(d) else np.empty((0, 0))

    def whitened(values: Floats) -> Floats:  # V⁻¹ values
        if not len(d):
            return values / residual
        inner = np.linalg.solve(core.T, np.linalg.solve(core, z.T @ values / residual))
        return (values - z @ inner) / residual

    vx = whitened(x)
    covariance = np.asarray(np.linalg.inv(x.T @ vx), dtype=float)
    beta = covariance @ (vx.T @ y)
    blup = d * (z.T @ whitened(y - x @ beta))
    named = [(name, level) for name, (levels, _, _) in used.items() for level in levels]
    effects = pd.DataFrame(named, columns=["component", "level"]).assign(effect=blup)
    leverage = np.einsum("ij,jk,ik->i", x, covariance, vx)
    return _Solved(beta, covariance, x @ beta + z @ blup, leverage, effects)


def _coefficients(built: Design, solved: _Solved, level: float) -> pd.DataFrame:
    se = np.sqrt(np.diag(solved.covariance))
    half = -ndtri((1 - level) / 2) * se
    z = solved.beta / se
    typical = float(expit(built.y.mean()))
    out = pd.DataFrame(
        {
            "term": list(built.terms),
            "estimate": solved.beta,
            "se": se,
            "low": solved.beta - half,
            "high": solved.beta + half,
            "z": z,
            "p_value": 2 * ndtr(-np.abs(z)),
            "odds_ratio": np.exp(solved.beta),
            "vif": [np.nan, *variance_inflation(built.terms.iloc[:, 1:].to_numpy())],
        }
    )
    out["reading"] = [
        _reading(str(row.term), built.units[str(row.term)], row, typical, level) for row in out.itertuples()
    ]
    return out


def _reading(term: str, unit: str, row: Any, typical: float, level: float) -> str:
    """Say what a coefficient means, on errors instead of log-odds."""
    if term == "intercept":
        low, mid, high = (f"{100 * float(expit(v)):.1f}" for v in (row.low, row.estimate, row.high))
        return f"The usual model on the usual task has an error of {mid} % ({level:.0%} {low} to {high} %)."
    factor, low, high = (float(np.exp(v)) for v in (row.estimate, row.low, row.high))
    start = typical / (1 - typical)
    then = 100 * start * factor / (1 + start * factor)
    words = (
        f"{unit[0].upper()}{unit[1:]}: the odds of an error times {factor:.2f} ({level:.0%} {low:.2f} to "
        f"{high:.2f}); an error of {100 * typical:.1f} % becomes {then:.1f} %"
    )
    return words + ("." if row.low * row.high > 0 else ", or does not change: the interval holds 1.")


def _components(built: Design, variances: dict[str, float], residual: float) -> pd.DataFrame:
    spread = float(built.terms["size"].var()) if "size" in built.terms else 1.0
    at_one = [v * (spread if name == "family_slope" else 1.0) for name, v in variances.items()]
    total = sum(at_one) + residual
    rows = [
        (name, len(built.groups[name][0]), variance, np.sqrt(variance), part / total)
        for (name, variance), part in zip(variances.items(), at_one, strict=True)
    ]
    rows.append(("residual", len(built.y), residual, np.sqrt(residual), residual / total))
    return pd.DataFrame(rows, columns=["component", "levels", "variance", "sd", "share"])


def _diagnosis(
    built: Design, variances: dict[str, float], residual: float, solved: _Solved, converged: bool
) -> list[str]:
    notes = [] if converged else [_not_converged(variances, residual)]
    notes += [
        f"the variance of {name.replace('_', ' ')} is zero: the rows do not differ by it beyond noise"
        for name, variance in variances.items()
        if variance < NEGLIGIBLE * residual
    ]
    inflation = variance_inflation(built.terms.iloc[:, 1:].to_numpy())
    entangled = [name for name, vif in zip(built.terms.columns[1:], inflation, strict=True) if vif > 10]
    if entangled:
        notes.append(f"VIF above 10, so do not read alone: {', '.join(entangled)}")
    n, p = built.terms.shape
    far = int((solved.leverage > 3 * p / n).sum())
    if far:
        notes.append(f"{far} of {n} rows have more than 3 times the mean leverage: look at `rows`")
    left = built.y - solved.fitted
    fanning = float(spearman(np.abs(left), solved.fitted))
    if abs(fanning) > 0.2:
        which = "high" if fanning > 0 else "low"
        notes.append(
            f"residuals are larger where the fitted error is {which} (ρ {fanning:+.2f}): "
            "intervals are too narrow there"
        )
    return notes


def _not_converged(variances: dict[str, float], residual: float) -> str:
    small = [name for name, variance in variances.items() if variance < NEGLIGIBLE * residual]
    weakest = small[0] if small else min(variances, key=lambda name: variances[name])
    others = [name for name in variances if name != weakest]
    return (
        f"The mixed model did not converge with {', '.join(OPTIMISERS)}; its numbers are not to be trusted. "
        f"Try fewer random effects, such as groupings={others}, or one study at a time."
    )
