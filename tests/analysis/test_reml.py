"""The engine against the textbook: every cross-product written out as an n × n matrix."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from archimeter.analysis.reml import _Problem, reml
from archimeter.data.errors import InputError


def crossed(seed, n=90, sds=(0.8, 0.5, 0.3), noise=0.4, levels=(7, 12, 12)):
    """Two crossed groups and a slope of the second; `sds` relative to nothing, `noise` the residual's."""
    rng = np.random.default_rng(seed)
    size = rng.normal(size=n)
    x = np.column_stack([np.ones(n), size, rng.normal(size=n)])
    first, second = rng.integers(levels[0], size=n), rng.integers(levels[1], size=n)
    groups = {
        "first": (list(range(levels[0])), first, np.ones(n)),
        "second": (list(range(levels[1])), second, np.ones(n)),
        "slope": (list(range(levels[2])), second, size),
    }
    y = x @ [1, -0.5, 0] + rng.normal(scale=noise, size=n)
    for (names, codes, by), sd in zip(groups.values(), sds, strict=True):
        y = y + by * rng.normal(scale=sd, size=len(names))[codes]
    return y, x, groups


def dense(groups):
    return {
        name: np.equal.outer(codes, np.arange(len(levels))) * by[:, None]
        for name, (levels, codes, by) in groups.items()
    }


def textbook(y, x, groups, variances, residual):
    """Log-likelihood of REML from V itself (Harville 1974, without ½ log|XᵀX|), and what follows from V."""
    z = dense(groups)
    v = residual * np.eye(len(y)) + sum(variances[name] * z[name] @ z[name].T for name in z)
    inverse = np.linalg.inv(v)
    information = x.T @ inverse @ x
    beta = np.linalg.solve(information, x.T @ inverse @ y)
    rest = inverse @ (y - x @ beta)
    logs = np.linalg.slogdet(v)[1] + np.linalg.slogdet(information)[1] + (y - x @ beta) @ rest
    free = len(y) - x.shape[1]
    effects = {name: variances[name] * z[name].T @ rest for name in z}
    leverage = np.diag(x @ np.linalg.solve(information, x.T @ inverse))
    return -(logs + free * np.log(2 * np.pi)) / 2, beta, np.linalg.inv(information), effects, leverage


@pytest.mark.parametrize("seed", range(3))
def test_everything_agrees_with_the_dense_formulae(seed):
    y, x, groups = crossed(seed)
    found = reml(y, x, groups)
    likelihood, beta, covariance, effects, leverage = textbook(y, x, groups, found.variances, found.residual)
    assert found.converged
    assert found.log_likelihood == pytest.approx(likelihood, abs=1e-9)
    assert found.beta == pytest.approx(beta, abs=1e-10)
    assert found.covariance == pytest.approx(covariance, abs=1e-10)
    for name, known in effects.items():
        assert found.effects[name] == pytest.approx(known, abs=1e-10)
    assert found.leverage == pytest.approx(leverage, abs=1e-10)
    at_rows = x @ beta + sum(z @ effects[name] for name, z in dense(groups).items())
    assert found.fitted == pytest.approx(at_rows, abs=1e-10)


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10**6), s=st.tuples(*[st.floats(0, 3)] * 3))
def test_value_and_gradient_are_the_textbook_s_anywhere(seed, s):
    y, x, groups = crossed(seed, n=60)
    problem = _Problem(y, x, groups)
    at = problem.at(s)
    variances = dict(zip(problem.names, at.residual * (at.s / problem.scales) ** 2, strict=True))
    assert -at.deviance / 2 == pytest.approx(textbook(y, x, groups, variances, at.residual)[0], abs=1e-7)
    for i in range(3):
        step = np.eye(3)[i] * 1e-5
        ahead, behind = (problem.at(tuple(np.abs(np.add(s, way)))) for way in (step, -step))
        assert at.gradient[i] == pytest.approx((ahead.deviance - behind.deviance) / 2e-5, abs=2e-4, rel=1e-5)


@pytest.mark.parametrize("seed", range(5))
def test_no_point_around_is_likelier(seed):
    """Nor with a component that was found at zero: then the truth is that it has none."""
    y, x, groups = crossed(seed, sds=(0.8, 0.5, 0.0))
    found = reml(y, x, groups)
    best = textbook(y, x, groups, found.variances, found.residual)[0]
    rng = np.random.default_rng(seed)
    for _ in range(200):
        other = {
            n: v * np.exp(rng.normal(scale=0.2)) + abs(rng.normal(scale=1e-3))
            for n, v in found.variances.items()
        }
        residual = found.residual * np.exp(rng.normal(scale=0.05))
        assert textbook(y, x, groups, other, residual)[0] < best


def test_balanced_rows_give_the_components_of_the_analysis_of_variance():
    """One-way, 8 groups of 5: σ² is the mean square within, σ₁² (between − within) / 5 (Searle 1992, 3.2)."""
    rng = np.random.default_rng(0)
    values = rng.normal(size=(8, 1)) + rng.normal(scale=0.5, size=(8, 5))
    group = (list("abcdefgh"), np.repeat(np.arange(8), 5), np.ones(40))
    found = reml(values.ravel(), np.ones((40, 1)), {"group": group})
    within = values.var(1, ddof=1).mean()
    between = 5 * values.mean(1).var(ddof=1)
    assert found.residual == pytest.approx(within, rel=1e-8)
    assert found.variances["group"] == pytest.approx((between - within) / 5, rel=1e-8)


def test_groups_that_are_alike_beyond_chance_have_exactly_no_variance():
    rng = np.random.default_rng(1)
    values = rng.normal(size=(8, 5))
    values -= values.mean(1, keepdims=True)
    group = (list("abcdefgh"), np.repeat(np.arange(8), 5), np.ones(40))
    found = reml(values.ravel(), np.ones((40, 1)), {"group": group})
    assert found.converged
    assert found.variances["group"] == 0
    assert found.residual == pytest.approx(values.var(ddof=1))
    assert (found.effects["group"] == 0).all()


def test_units_do_not_matter():
    y, x, groups = crossed(4)
    found = reml(y, x, groups)
    levels, codes, by = groups["slope"]
    other = reml(1000 * y, x * [1, 1e-4, 1e6], groups | {"slope": (levels, codes, 1e-4 * by)})
    assert other.variances["first"] == pytest.approx(1e6 * found.variances["first"], rel=1e-6)
    assert other.variances["slope"] == pytest.approx(1e14 * found.variances["slope"], rel=1e-6)
    assert other.beta == pytest.approx(1000 * found.beta / [1, 1e-4, 1e6], rel=1e-6)


def test_two_names_for_one_group_are_no_top():
    """The sum of their variances is all that can be told."""
    y, x, groups = crossed(5)
    found = reml(y, x, groups | {"again": groups["first"]})
    assert not found.converged


def test_one_level_for_every_row_is_no_top():
    y, x, groups = crossed(6)
    everyone = (list(range(len(y))), np.arange(len(y)), np.ones(len(y)))
    assert not reml(y, x, {"first": groups["first"], "everyone": everyone}).converged


def test_what_the_fixed_terms_tell_exactly_is_refused():
    _, x, groups = crossed(7)
    with pytest.raises(InputError, match="3 fixed terms tell all 90 results exactly"):
        reml(x @ [1, 2, 3], x, groups)


def test_a_component_that_was_hidden_at_the_first_start_is_found():
    """Truth from the likelihood itself: no start of a fine grid ends at a better top."""
    y, x, groups = crossed(8, n=200, sds=(4.0, 0.05, 0.02), noise=0.3)
    found = reml(y, x, groups)
    problem = _Problem(y, x, groups)
    grid = [0, 0.02, 0.1, 0.5, 2, 10, 40]
    best = min(problem.at((a, b, c)).deviance for a in grid for b in grid for c in grid)
    assert -2 * found.log_likelihood <= best
