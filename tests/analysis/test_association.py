import numpy as np
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from archimeter.analysis.association import kendall, line, logit, pearson, spearman

PAIRS = arrays(
    float, st.tuples(st.just(2), st.integers(3, 40)), elements=st.integers(-20, 20).map(lambda i: i / 4)
).filter(lambda pair: np.ptp(pair[0]) > 0 and np.ptp(pair[1]) > 0)


@given(PAIRS)
def test_correlations_agree_with_scipy_ties_included(pair):
    x, y = pair
    assert pearson(x, y) == pytest.approx(scipy.stats.pearsonr(x, y).statistic, abs=1e-10)
    assert spearman(x, y) == pytest.approx(scipy.stats.spearmanr(x, y).statistic, abs=1e-10)
    assert kendall(x, y) == pytest.approx(scipy.stats.kendalltau(x, y).statistic, abs=1e-10)


@given(PAIRS)
def test_the_line_agrees_with_scipy(pair):
    x, y = pair
    found, known = line(x, y), scipy.stats.linregress(x, y)
    assert found.slope == pytest.approx(known.slope, abs=1e-8)
    assert found.intercept == pytest.approx(known.intercept, abs=1e-8)
    assert found.r2 == pytest.approx(known.rvalue**2, abs=1e-8)


def test_many_columns_at_once_give_what_each_gives_alone():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(5, 12)), rng.normal(size=12)
    for measure in (pearson, spearman, kendall):
        assert measure(x, y) == pytest.approx([float(measure(row, y)) for row in x])


@pytest.mark.parametrize("measure", [pearson, spearman, kendall])
def test_a_constant_column_has_no_correlation(measure):
    y = np.array([0.1, 0.3, 0.2])
    assert np.isnan(measure(np.full(3, 0.1) * 3, y))
    assert np.isnan(measure(y, np.full(3, 7.0)))


def test_errors_nearer_than_the_noise_are_ties():
    x, y = np.array([1.0, 2, 3, 4]), np.array([0.10, 0.101, 0.05, 0.02])
    tied = np.array([0.10, 0.10, 0.05, 0.02])
    assert kendall(x, y, 0.002) == pytest.approx(scipy.stats.kendalltau(x, tied).statistic)
    assert kendall(x, y) != pytest.approx(kendall(x, y, 0.002))


def test_logit_is_kept_finite_by_half_a_unit():
    assert logit(np.array([0.0, 0.5]), np.array([100.0, 100.0])) == pytest.approx([np.log(0.005 / 0.995), 0])
    assert logit(np.array([0.0]))[0] == pytest.approx(np.log(1e-4 / (1 - 1e-4)))
    assert logit(np.array([1.0]), 10.0)[0] == pytest.approx(np.log(0.95 / 0.05))
