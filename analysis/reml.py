"""Variance components by restricted maximum likelihood (REML), from cross-products.

What the rows say is gathered once; every step then works on one matrix of random and fixed effects,
so that thirty thousand results cost what a thousand do.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cholesky, solve_triangular
from scipy.optimize import minimize
from scipy.sparse import csr_array, hstack

from ..data.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .design import Group

__all__ = ["Reml", "reml"]

Floats = NDArray[np.float64]
STARTS = (0.3, 1.0, 0.03)
"""Standard deviations relative to the residual's, from where the search sets out."""
CONVERGED = 1e-8
"""What the deviance may still be expected to fall by: gᵀH⁻¹g / 2."""
NEAR = 1.0
"""Expected fall from which on the steps learn from each other."""
FLAT = 1e-4
"""Information about log standard deviations, below which there is no telling them apart."""
ZERO = 1e-5
"""Relative standard deviation from which on a component is tried at zero exactly."""
MOST_STEPS = 50


class Reml(NamedTuple):
    """A fitted model y = Xβ + Σ Zᵢbᵢ + ε with bᵢ ~ N(0, σᵢ²), ε ~ N(0, σ²).

    Attributes:
        beta, covariance: `[p]`, `[p, p]`, generalised least squares at the found variances.
        variances: group → σᵢ²; exactly 0 where the likelihood is highest on the boundary. residual: σ².
        effects: group → `[levels]`, conditional means of bᵢ.
        fitted: `[n]`, with random effects. leverage: `[n]`, of the fixed terms; they sum to p.
        log_likelihood: of REML, as lme4's and statsmodels' (no ½ log|XᵀX|):
            −½ (log|V/σ²| + log|XᵀV⁻¹X σ²| + (n − p)(1 + log 2πσ²)).
        converged: whether it is a top: nothing to gain by a step, not flat, and falling from every zero.
        gradient: largest slope of the deviance (−2 log L) per unit of relative standard deviation.
        steps: evaluations of the likelihood.
    """

    beta: Floats
    covariance: Floats
    variances: dict[str, float]
    residual: float
    effects: dict[str, Floats]
    fitted: Floats
    leverage: Floats
    log_likelihood: float
    converged: bool
    gradient: float
    steps: int


def reml(y: Floats, x: Floats, groups: Mapping[str, Group]) -> Reml:
    """Fit variance components by REML.

    Where the search ends with a component at zero, or without a top, it sets out from elsewhere too, and the
    likeliest end is taken.

    Args:
        y: `[n]`.
        x: `[n, p]`, of full column rank, the intercept included.
        groups: name → (names of its levels, `[n]` codes, `[n]` multiplier); at least one.

    Raises:
        InputError: if the fixed terms tell `y` exactly.

    Source: the mixed-model equations of Henderson, as penalised least squares (Bates et al. 2015, lme4), with
        the gradient and the average information of Gilmour et al. 1995 in a trust region. Agrees with lme4
        1.1-31 and statsmodels' MixedLM (tests/analysis/test_reml.py says how closely).
    """
    problem = _Problem(y, x, groups)
    ends: list[_At] = []
    for start in STARTS:
        ends.append(_search(problem, np.full(len(groups), start)))
        if ends[-1].is_top and (ends[-1].s > 0).all():
            break
    return problem.solved(min(ends, key=lambda one: (not one.is_top, one.deviance)))


@dataclass(frozen=True)
class _At:
    """The likelihood at standard deviations `s` relative to the residual's, multipliers of mean square 1."""

    s: Floats  # [k]
    deviance: float
    slope: Floats  # [k], of the deviance in s²
    bend: Floats  # [k, k], its average information in s²
    factor: Floats  # [m, m], lower Cholesky factor of the mixed-model equations
    right: Floats  # [m], their right side, solved by the factor
    residual: float

    @property
    def gradient(self) -> Floats:
        return 2 * self.s * self.slope

    @property
    def hessian(self) -> Floats:
        return 4 * np.outer(self.s, self.s) * self.bend + np.diag(2 * self.slope)

    @cached_property
    def expected_fall(self) -> float:
        """What a Newton step would take from the deviance; infinite where there is no telling."""
        free = self.s > ZERO
        if (self.slope[~free] < 0).any():
            return np.inf
        if not free.any():
            return 0.0
        here = np.ix_(free, free)
        ratios, slope, curvature = self.s[free] ** 2, self.gradient[free], self.hessian[here]
        told = 4 * np.outer(ratios, ratios) * self.bend[here]
        if np.linalg.eigvalsh(told)[0] < FLAT or np.linalg.eigvalsh(curvature)[0] <= 0:
            return np.inf
        return float(slope @ np.linalg.solve(curvature, slope)) / 2

    @property
    def is_top(self) -> bool:
        """Nothing to gain by a step in the free directions, nor by leaving zero, and no plain."""
        return self.expected_fall < CONVERGED


class _Solved(NamedTuple):
    kept: Floats  # [n₁], what absorbing leaves of each level of the largest group
    products: Floats  # [m, m], cross-products without what it absorbed
    y_columns: Floats  # [m]
    by: Floats  # [m], relative standard deviation of each column's effect; 1 for fixed terms
    factor: Floats  # [m, m]
    right: Floats  # [m]
    residual: float


class _Problem:
    """Cross-products of the random effects, the orthonormal fixed terms and what these leave of `y`.

    The largest group's own block is diagonal: it is absorbed, and m columns remain, the other groups' and
    the p fixed terms'.
    """

    def __init__(self, y: Floats, x: Floats, groups: Mapping[str, Group]) -> None:
        self.n, self.p = x.shape
        self.x = x
        self.orthonormal, self.triangle = np.linalg.qr(x)
        self.straight = self.orthonormal.T @ y
        rest = y - self.orthonormal @ self.straight
        self.spread = float(rest @ rest)
        if self.n <= self.p or self.spread <= 1e-20 * float(y @ y):
            raise InputError(
                f"The {self.p} fixed terms tell all {self.n} results exactly: no variance is left to share "
                "out. Give more results."
            )
        self.names = sorted(groups, key=lambda name: -len(groups[name][0]))
        self.sizes = [len(groups[name][0]) for name in self.names]
        self.scales = np.array([np.sqrt(np.mean(groups[name][2] ** 2)) for name in self.names])
        z = [_indicators(groups[name], scale) for name, scale in zip(self.names, self.scales, strict=True)]
        self.big = z[0]
        self.others = hstack([*z[1:], csr_array((self.n, 0))], format="csr")
        self.q = sum(self.sizes[1:])
        columns = hstack([self.others, csr_array(self.orthonormal)], format="csr")
        self.counts = np.asarray(self.big.multiply(self.big).sum(0)).ravel()  # [n₁]
        self.cross = (self.big.T @ columns).toarray()  # [n₁, m]
        self.products = (columns.T @ columns).toarray()  # [m, m]
        self.y_big, self.y_columns = self.big.T @ rest, columns.T @ rest
        self.ends = np.cumsum([0, *self.sizes[:-1]])
        self.steps = 0
        self.at = lru_cache(maxsize=2)(self._at)  # value, gradient and Hessian are asked for one by one

    def _at(self, s: tuple[float, ...]) -> _At:
        self.steps += 1
        free = self.n - self.p
        solved = self._solve(s)
        slope, bend = self._derivatives(solved)
        logs = np.log(np.diag(solved.factor)).sum() + np.log(np.abs(np.diag(self.triangle))).sum()
        spread = 1 + float(np.log(2 * np.pi * solved.residual))
        return _At(
            s=np.array(s),
            deviance=2 * float(logs) - float(np.log(solved.kept).sum()) + free * spread,
            slope=slope,
            bend=bend,
            factor=solved.factor,
            right=solved.right,
            residual=solved.residual,
        )

    def _solve(self, s: tuple[float, ...]) -> _Solved:
        q = self.q
        kept = 1 / (1 + s[0] ** 2 * self.counts)
        taken = s[0] ** 2 * kept
        shrunk = np.sqrt(taken)[:, None] * self.cross
        products = self.products - shrunk.T @ shrunk
        y_columns = self.y_columns - self.cross.T @ (taken * self.y_big)
        by = self._by(s)
        system = by[:, None] * products * by
        system[np.arange(q), np.arange(q)] += 1
        factor = cholesky(system, lower=True, overwrite_a=True, check_finite=False)
        right = solve_triangular(factor, by * y_columns, lower=True, check_finite=False)
        spread = self.spread - float(taken @ self.y_big**2) - float(right @ right)
        residual = max(spread, 1e-14 * self.spread) / (self.n - self.p)
        return _Solved(kept, products, y_columns, by, factor, right, residual)

    def _derivatives(self, of: _Solved) -> tuple[Floats, Floats]:
        """From T = ZᵀPZ and a = ZᵀPy, with P = V⁻¹ − V⁻¹X(XᵀV⁻¹X)⁻¹XᵀV⁻¹."""
        q, n_big = self.q, len(of.kept)
        beside = np.empty((self.p + q, n_big + q), order="F")
        beside[:, :n_big] = (of.kept[:, None] * self.cross).T
        beside[:, n_big:] = of.products[:, :q]
        beside *= of.by[:, None]
        beside = solve_triangular(of.factor, beside, lower=True, overwrite_b=True, check_finite=False)
        a = np.concatenate([of.kept * self.y_big, of.y_columns[:q]]) - beside.T @ of.right
        trace = np.concatenate([of.kept * self.counts, np.diag(of.products)[:q]])
        trace -= np.einsum("ij,ij->j", beside, beside)
        apart = np.zeros((len(a), len(self.sizes)))
        apart[np.arange(len(a)), np.repeat(np.arange(len(self.sizes)), self.sizes)] = a
        moved, squares = beside @ apart, np.add.reduceat(a**2, self.ends)
        through = self._through(apart, of) - moved.T @ moved
        return (
            np.add.reduceat(trace, self.ends) - squares / of.residual,
            through / of.residual - np.outer(squares, squares) / ((self.n - self.p) * of.residual**2),
        )

    def _through(self, apart: Floats, of: _Solved) -> Floats:
        """Quadratic form of the random effects' cross-products, the largest group absorbed: `[k, k]`."""
        of_big, of_others = apart[: len(of.kept)], apart[len(of.kept) :]
        across = of_big.T @ (of.kept[:, None] * (self.cross[:, : self.q] @ of_others))
        within = of_others.T @ (of.products[: self.q, : self.q] @ of_others)
        return of_big.T @ ((of.kept * self.counts)[:, None] * of_big) + across + across.T + within

    def _by(self, s: tuple[float, ...] | Floats) -> Floats:
        return np.concatenate([np.repeat(s[1:], self.sizes[1:]), np.ones(self.p)])

    def solved(self, at: _At) -> Reml:
        """Everything that is asked of the fitted model."""
        q, taken = self.q, at.s[0] ** 2 / (1 + at.s[0] ** 2 * self.counts)
        by = self._by(at.s)
        found = by * solve_triangular(at.factor, at.right, lower=True, trans=1)
        effects = np.concatenate([taken * (self.y_big - self.cross @ found), found[:q]])
        back = solve_triangular(self.triangle, np.eye(self.p))
        root = solve_triangular(at.factor[q:, q:], back.T, lower=True)  # rootᵀ root = (XᵀV⁻¹X)⁻¹
        beta = back @ (self.straight + found[q:])
        inner = by[:q, None] * solve_triangular(at.factor[:q, :q], at.factor[q:, :q].T, lower=True, trans=1)
        outer = taken[:, None] * (self.cross[:, q:] - self.cross[:, :q] @ inner)
        whitened = (self.orthonormal - self.others @ inner - self.big @ outer) @ self.triangle  # V⁻¹X
        parts = np.split(effects, self.ends[1:])
        variances = at.residual * (at.s / self.scales) ** 2
        return Reml(
            beta=beta,
            covariance=at.residual * root.T @ root,
            variances=dict(zip(self.names, variances.tolist(), strict=True)),
            residual=at.residual,
            effects={n: b / by for n, b, by in zip(self.names, parts, self.scales, strict=True)},
            fitted=self.x @ beta + self.big @ effects[: len(taken)] + self.others @ found[:q],
            leverage=np.einsum("ij,ij->i", self.x @ (root.T @ root), whitened),
            log_likelihood=-at.deviance / 2,
            converged=at.is_top,
            gradient=float(np.abs(at.gradient).max()),
            steps=self.steps,
        )


def _indicators(group: Group, scale: float) -> csr_array:
    levels, codes, multiplier = group
    n = len(codes)
    return csr_array((multiplier / scale, codes, np.arange(n + 1)), shape=(n, len(levels)))


def _search(problem: _Problem, start: Floats) -> _At:
    """Walk to a top on signless standard deviations: zero is a point like any other."""
    last: list[_At] = []

    def at(s: Floats) -> _At:
        return problem.at(tuple(np.abs(s).tolist()))

    def stop_at_top(s: Floats) -> None:
        if at(s).is_top:
            raise StopIteration

    def hessian(s: Floats) -> Floats:
        here, signs = at(s), np.where(s < 0, -1.0, 1.0)
        corrected = _corrected(here, last[0]) if last and here.expected_fall < NEAR else here.hessian
        last[:] = [here]
        return np.outer(signs, signs) * corrected

    found = minimize(
        lambda s: at(s).deviance,
        start,
        jac=lambda s: np.where(s < 0, -1.0, 1.0) * at(s).gradient,
        hess=hessian,
        method="trust-exact",
        callback=stop_at_top,
        options={"maxiter": MOST_STEPS, "gtol": 0.0},
    )
    end = _on_the_boundary(problem, at(found.x))
    return _polished(problem, end, last[0]) if end.is_top else end


def _corrected(here: _At, last: _At) -> Floats:
    """The average information, corrected (symmetric, rank one) by what the gradient did on the last step."""
    step = here.s - last.s
    missed = here.gradient - last.gradient - here.hessian @ step
    along = float(missed @ step)
    if abs(along) <= 1e-8 * float(np.linalg.norm(missed) * np.linalg.norm(step)):
        return here.hessian
    return here.hessian + np.outer(missed, missed) / along


def _on_the_boundary(problem: _Problem, at: _At) -> _At:
    """Put what has shrunk to next to nothing at zero, if that is as likely."""
    if (at.s > ZERO).all():
        return at
    zero = problem.at(tuple(np.where(at.s > ZERO, at.s, 0.0).tolist()))
    return zero if zero.deviance <= at.deviance + CONVERGED else at


def _polished(problem: _Problem, at: _At, last: _At) -> _At:
    """Take the last steps, which the deviance is too coarse to judge, as long as they halve the gradient."""
    free = at.s > 0
    while free.any() and at.expected_fall > 1e-14:
        s = at.s.copy()
        s[free] -= np.linalg.lstsq(_corrected(at, last)[np.ix_(free, free)], at.gradient[free])[0]
        last, at = at, problem.at(tuple(s.tolist()))
        if not (at.is_top and np.linalg.norm(at.gradient) < np.linalg.norm(last.gradient) / 2):
            return min(last, at, key=lambda one: (not one.is_top, float(np.linalg.norm(one.gradient))))
    return at
