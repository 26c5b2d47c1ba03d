import numpy as np
import pytest
import scipy.stats

from archimeter.analysis.permutation import correlation_p, exact_p, student_p


@pytest.mark.parametrize("n", [4, 5, 7])
def test_exact_p_agrees_with_scipy_over_all_orders(n):
    rng = np.random.default_rng(n)
    x, y = rng.normal(size=(3, n)), rng.normal(size=n)
    known = [
        scipy.stats.permutation_test(
            (row,), lambda a, axis=-1: abs(np.corrcoef(a, y)[0, 1]), permutation_type="pairings",
            n_resamples=np.inf, alternative="greater", vectorized=False,
        ).pvalue
        for row in x
    ]  # fmt: skip
    assert exact_p(x, y) == pytest.approx(known, abs=1e-12)


def test_four_in_perfect_order_have_two_of_24_orders():
    x = np.array([[1.0, 2.0, 3.0, 4.5]])
    assert exact_p(x, np.array([2.0, 4.0, 6.0, 9.0]))[0] == pytest.approx(1 / 24)
    assert exact_p(np.array([[1.0, 2, 3, 4]]), np.array([1.0, 2, 3, 4]))[0] == pytest.approx(2 / 24)


def test_students_p_agrees_with_scipy():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=20), rng.normal(size=20)
    known = scipy.stats.pearsonr(x, y)
    assert student_p(np.array(known.statistic), 18) == pytest.approx(known.pvalue, abs=1e-10)


def test_few_models_get_the_exact_p_and_many_students():
    rng = np.random.default_rng(0)
    for n, method in [(8, "exact permutation"), (9, "Student's t")]:
        x, y = rng.normal(size=(1, n)), rng.normal(size=n)
        assert correlation_p(x, y, np.array([np.corrcoef(x[0], y)[0, 1]])).method == method


def test_a_constant_column_has_no_p():
    assert np.isnan(exact_p(np.ones((1, 5)), np.arange(5.0)))[0]
    assert np.isnan(student_p(np.array([np.nan]), 5))[0]
    assert np.isnan(student_p(np.array([0.5]), 0))[0]
