"""Telling two samples apart: beside scikit-learn and scipy, at the extremes, and whether intervals hold."""

import numpy as np
import pytest
from scipy.stats import mannwhitneyu, norm
from sklearn.covariance import LedoitWolf
from sklearn.metrics import roc_auc_score

from archimeter.analysis import two_sample
from archimeter.analysis.two_sample import auc_interval, told_apart


def normal(seed, n, dimensions=8, shift=0.0):
    made = np.random.default_rng(seed).normal(size=(n, dimensions))
    made[:, 0] += shift
    return made


def test_it_is_the_mean_auc_over_folds_of_a_shrunk_discriminant():
    first, second = normal(0, 50, 20, shift=1.0), normal(1, 75, 20)
    one, two = two_sample._folds(50), two_sample._folds(75)
    assert [(one == k).sum() for k in range(5)] == [10] * 5
    assert [(two == k).sum() for k in range(5)] == [15] * 5
    areas = []
    for fold in range(5):
        seen, others = first[one != fold], second[two != fold]
        within = np.concatenate([seen - seen.mean(axis=0), others - others.mean(axis=0)])
        weight = LedoitWolf().fit(within).precision_ @ (seen.mean(axis=0) - others.mean(axis=0))
        judged = np.concatenate([first[one == fold], second[two == fold]]) @ weight
        areas.append(roc_auc_score([1] * 10 + [0] * 15, judged))
    assert told_apart(first, second).value == pytest.approx(np.mean(areas))


def test_pairs_are_counted_as_by_mann_and_whitney():
    first, second = np.array([1.0, 2, 2, 5]), np.array([0.0, 2, 3])
    assert two_sample._won(first, second) == mannwhitneyu(first, second).statistic


def test_of_one_source_nothing_is_told_and_of_two_all_is():
    assert told_apart(normal(0, 200), normal(1, 200)).value == pytest.approx(0.5, abs=0.1)
    assert told_apart(normal(0, 200, shift=20.0), normal(1, 200)).value == 1
    # the best any classifier does with normals whose means are 1.5 apart: Φ(1.5 / √2)
    assert told_apart(normal(0, 3000, shift=1.5), normal(1, 3000)).value == pytest.approx(
        norm.cdf(1.5 / np.sqrt(2)), abs=0.02
    )


def test_sides_may_be_swapped():
    first, second = normal(0, 60, shift=0.7), normal(1, 40)
    assert told_apart(first, second) == pytest.approx(told_apart(second, first))


@pytest.mark.parametrize("dimensions", [3, 100])
def test_the_same_images_are_at_one_half_in_any_order(dimensions):
    images = normal(0, 40, dimensions)
    order = np.random.default_rng(3).permutation(40)
    twins = [([int(i)], [place]) for place, i in enumerate(order)]
    assert told_apart(images, images).value == 0.5
    assert told_apart(images, images[order], twins).value == pytest.approx(0.5, abs=0.03)
    # unless they are kept together, the other's name of each is what the classifier learns
    assert told_apart(images, images[order]).value < 0.4


def test_vectors_that_do_not_differ_are_at_one_half():
    assert told_apart(np.ones((20, 3)), np.ones((25, 3))).value == 0.5
    assert told_apart(np.ones((20, 3)), np.zeros((25, 3))).value == 1


@pytest.mark.parametrize("auc", [0.0, 0.3, 0.5, 0.9, 0.99, 1.0])
def test_the_ends_of_an_interval_are_where_hanley_and_mcneil_put_the_estimate_at_two_deviations(auc):
    n, m, z = 40, 30, 1.96
    low, high = auc_interval(auc, n, m, z)
    assert 0 <= low <= auc <= high <= 1
    assert high - low > 0
    for end in {low, high} - {0.0, 1.0}:
        q1, q2 = end / (2 - end), 2 * end**2 / (1 + end)
        more = (n + m) / 2 - 1  # Newcombe's change to their n - 1 and m - 1
        variance = (end * (1 - end) + more * (q1 - end**2 + q2 - end**2)) / (n * m)
        assert (auc - end) ** 2 == pytest.approx(z**2 * variance, rel=1e-6)
    assert auc_interval(1 - auc, m, n, z) == pytest.approx((1 - high, 1 - low))


def test_more_images_make_it_narrower():
    widths = [np.ptp(auc_interval(0.8, n, n)) for n in (20, 100, 1000)]
    assert widths[0] > 2 * widths[1] > 4 * widths[2]


@pytest.mark.parametrize(("n", "dimensions", "shift"), [(40, 10, 0.0), (60, 100, 0.0), (50, 10, 1.5)])
def test_intervals_hold_what_a_repetition_gives_on_average(n, dimensions, shift):
    found = [
        told_apart(normal(2 * i, n, dimensions, shift), normal(2 * i + 1, n, dimensions)) for i in range(150)
    ]
    mean = np.mean([one.value for one in found]) if shift else 0.5
    held = np.mean([one.low <= mean <= one.high for one in found])
    assert held >= 0.91  # 0.95 less twice the deviation of 150 draws; without the folds' widening it is 0.85
