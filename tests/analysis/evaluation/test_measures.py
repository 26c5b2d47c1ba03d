import numpy as np
import pytest
from scipy.stats import kendalltau, weightedtau

from archimeter.analysis.evaluation.measures import bootstrap_mean, recall, regret, tau, weighted_tau

ERRORS = np.array([0.10, 0.20, 0.15, 0.40])


def test_weighted_tau_is_scipys_on_accuracies():
    order = np.array([2.0, 1.0, 3.0, 4.0])
    assert weighted_tau(ERRORS, order) == pytest.approx(weightedtau(1 - ERRORS, -order).statistic)
    assert weighted_tau(ERRORS, ERRORS) == pytest.approx(1)


@pytest.mark.parametrize("seed", range(20))
def test_both_taus_are_scipys_with_and_without_ties(seed):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(2, 40))
    one, other = rng.normal(size=(2, n))
    if seed % 2:
        one, other = np.round(one), np.round(other, 1)
    assert weighted_tau(one, other) == pytest.approx(weightedtau(-one, -other).statistic, nan_ok=True)
    assert tau(one, other) == pytest.approx(kendalltau(one, other).statistic, nan_ok=True)


def test_regret_is_what_the_best_of_the_first_k_loses_in_points():
    order = np.array([3.0, 1.0, 2.0, 4.0])
    assert regret(ERRORS, order, 1) == pytest.approx(10)
    assert regret(ERRORS, order, 2) == pytest.approx(5)
    assert regret(ERRORS, order, 3) == 0


def test_recall_counts_the_best_three_among_the_first_three():
    assert recall(ERRORS, np.array([4.0, 1.0, 2.0, 3.0])) == pytest.approx(2 / 3)


def test_bootstrap_ignores_gaps_and_repeats_with_its_seed():
    values = np.array([1.0, 2.0, np.nan, 3.0])
    one = bootstrap_mean(values, rng=np.random.default_rng(1))
    assert one == bootstrap_mean(values, rng=np.random.default_rng(1))
    assert one[0] == 2
    assert one[1] < 2 < one[2]
