import numpy as np
import pytest
import scipy.stats
import statsmodels.api as sm

from archimeter.analysis.association import line, pearson
from archimeter.analysis.jackknife import (
    fisher_z,
    intervals,
    jackknife,
    jackknife_t,
    of_totals,
    student_t,
    unit_sums,
)


def pairs(n, seed=0):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(2, n))
    return x, x[0] * 0.6 + rng.normal(size=n)


def found(x, y, clusters=None, level=0.95):
    return intervals(unit_sums(x, y, clusters), level)


def test_the_sums_of_all_units_give_the_estimates():
    x, y = pairs(15)
    all_of_them = of_totals(unit_sums(x, y).sum(2))
    assert all_of_them.r == pytest.approx(pearson(x, y))
    assert all_of_them.slope == pytest.approx(line(x, y).slope)


def test_the_interval_of_r_is_the_jackknife_of_fishers_z():
    x, y = pairs(10)
    slow = jackknife_t(fisher_z(pearson(x, y)), np.arctanh(jackknife(x, y, statistic=pearson)))
    of_r, _ = found(x, y)
    assert np.arctanh(of_r.low) == pytest.approx(slow.low)
    assert np.arctanh(of_r.high) == pytest.approx(slow.high)


def test_the_jackknife_of_a_flat_sample_is_students_interval_of_its_mean():
    values = np.random.default_rng(0).uniform(size=12)
    assert scipy.stats.kurtosis(values) < 0
    ends = jackknife_t(np.array([values.mean()]), jackknife(values, statistic=lambda v: v.mean(-1)))
    known = scipy.stats.t.interval(0.95, 11, values.mean(), scipy.stats.sem(values))
    assert (ends.low[0], ends.high[0]) == pytest.approx(known)


def test_one_unit_that_makes_the_estimate_leaves_two_degrees():
    """All of the variance in one of 50 units: κ = n, so 2 / (2 / 49 + 47 / 50) = 2.04 degrees."""
    deviations = np.zeros((50, 1))
    deviations[7] = 1.0
    ends = student_t(np.zeros(1), deviations, 49)
    assert ends.high[0] == pytest.approx(scipy.stats.t.ppf(0.975, 2.0392) * np.sqrt(49 / 50), rel=1e-4)


def test_where_no_unit_has_more_leverage_the_slopes_error_is_that_of_hc3():
    """Every |x| is the same: HC4m then has the power 2 that HC3 has, and statsmodels knows that one."""
    x = np.repeat([-1.0, 1.0], 10)
    y = 0.3 * x + np.random.default_rng(2).normal(size=20)
    _, of_slope = found(x[None], y)
    fit = sm.OLS(y, sm.add_constant(x)).fit()
    parts = x * fit.resid / 20 / (1 - 0.1)
    assert (parts**2).sum() == pytest.approx(fit.HC3_se[1] ** 2)
    degrees = min(18, 2 / (2 / 18 + (np.mean(parts**4) / np.mean(parts**2) ** 2 - 3) / 20))
    half = scipy.stats.t.ppf(0.975, degrees) * fit.HC3_se[1] * np.sqrt(19 / 20)
    assert of_slope.high[0] - of_slope.low[0] == pytest.approx(2 * half)
    assert of_slope.low[0] + of_slope.high[0] == pytest.approx(2 * fit.params[1])


def test_units_of_one_cluster_leave_together():
    x, y = pairs(6)
    clusters = np.array([0, 0, 1, 2, 2, 2])
    without = [clusters != code for code in range(3)]
    left_out = np.stack([np.arctanh(pearson(x[:, kept], y[kept])) for kept in without])
    known = jackknife_t(np.arctanh(pearson(x, y)), left_out)
    of_r, _ = found(x, y, clusters)
    assert np.arctanh(of_r.high) == pytest.approx(known.high)


def test_each_unit_twice_in_its_own_cluster_is_each_once():
    x, y = pairs(9)
    once = found(x, y)
    twice = found(np.repeat(x, 2, axis=1), np.repeat(y, 2), np.repeat(np.arange(9), 2))
    assert np.stack([*once[0], *once[1]]) == pytest.approx(np.stack([*twice[0], *twice[1]]))


def test_units_of_measure_do_not_matter():
    x, y = pairs(12)
    of_r, of_slope = found(x, y)
    scaled_r, scaled_slope = found(1e6 * x + 3e7, 1e-3 * y - 2)
    assert scaled_r.low == pytest.approx(of_r.low, abs=1e-8)
    assert scaled_slope.low == pytest.approx(1e-9 * of_slope.low)


def test_the_interval_holds_the_estimate_and_grows_with_the_level():
    for seed in range(200):
        x, y = pairs(6, seed)
        (r, slope), (wide, _) = found(x, y), found(x, y, level=0.99)
        assert (r.low <= pearson(x, y)).all()
        assert (pearson(x, y) <= r.high).all()
        assert (slope.low < slope.high).all()
        assert (wide.low <= r.low).all()
        assert (r.high <= wide.high).all()


@pytest.mark.parametrize("n", [7, 14, 30])
@pytest.mark.parametrize("skewed", [False, True])
def test_intervals_cover_the_true_correlation_and_slope(n, skewed):
    """4,000 samples a case, Monte-Carlo error 0.35 points; the long benchmark has 94.5 to 98 %."""
    rng = np.random.default_rng([7, n])
    x, noise = rng.exponential(size=(2, 4000, n)) if skewed else rng.normal(size=(2, 4000, n))
    of_r, of_slope = found(x, 0.5 * x + np.sqrt(0.75) * noise)
    for ends in (of_r, of_slope):
        share = np.mean((ends.low <= 0.5) & (ends.high >= 0.5))
        assert 0.93 <= share <= (0.97 if n > 10 else 0.99)


def test_without_spread_there_is_no_interval():
    for x in (np.ones((1, 15)), np.eye(15)[:1]):  # constant; constant but for one
        of_r, of_slope = found(x, np.arange(15.0))
        assert np.isnan([of_r.low, of_r.high, of_slope.low, of_slope.high]).all()


def test_two_units_have_no_interval():
    of_r, of_slope = found(np.array([[1.0, 2.0]]), np.array([1.0, 3.0]))
    assert np.isnan([of_r.low, of_slope.high]).all()


def test_points_on_a_line_are_sure():
    x = np.arange(8.0)[None]
    of_r, of_slope = found(x, 3 * x[0] + 1)
    assert (of_r.low[0], of_r.high[0]) == pytest.approx((1, 1))
    assert (of_slope.low[0], of_slope.high[0]) == pytest.approx((3, 3))
