"""The Fréchet distance: by hand, by scipy's matrix root and scikit-learn's shrinkage, and as a distance."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.linalg import sqrtm
from sklearn.covariance import ledoit_wolf

from archimeter.analysis.frechet import frechet_distance, gaussian_distance, shrunk_covariance


def sample(seed, n, dimensions, shift=0.0):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, dimensions)) @ rng.normal(size=(dimensions, dimensions)) + shift


def by_scipy(first, second):
    one, two = ledoit_wolf(first)[0], ledoit_wolf(second)[0]
    away = first.mean(axis=0) - second.mean(axis=0)
    return math.sqrt(away @ away + np.trace(one + two - 2 * sqrtm(one @ two).real))


def test_along_the_axes_it_is_means_and_deviations_apart():
    # Dowson and Landau: where covariances commute, |m - m'|² + Σ (σ - σ')²; here 9 + 16 + (1 - 3)² + (5 - 4)²
    found = gaussian_distance(np.array([3.0, 0]), np.diag([1.0, 25]), np.array([0.0, 4]), np.diag([9.0, 16]))
    assert found == pytest.approx(math.sqrt(9 + 16 + 4 + 1))


def test_covariances_that_do_not_commute_are_as_worked_out():
    # C = diag(4, 1), C' = ((1, 1), (1, 1)): C^½ C' C^½ = ((4, 2), (2, 1)) has the values 5 and 0
    found = gaussian_distance(np.zeros(2), np.diag([4.0, 1]), np.zeros(2), np.ones((2, 2)))
    assert found**2 == pytest.approx(5 + 2 - 2 * math.sqrt(5))


@pytest.mark.parametrize(("n", "m", "dimensions"), [(60, 90, 7), (30, 40, 30), (20, 25, 80), (300, 20, 40)])
def test_samples_are_as_far_apart_as_scipy_and_scikit_learn_say(n, m, dimensions):
    first, second = sample(0, n, dimensions), sample(1, m, dimensions, shift=0.3)
    assert frechet_distance(first, second) == pytest.approx(by_scipy(first, second), rel=1e-6)


@pytest.mark.parametrize(("n", "dimensions"), [(50, 4), (10, 30), (400, 60)])
def test_shrinkage_is_that_of_ledoit_and_wolf(n, dimensions):
    vectors = sample(2, n, dimensions)
    covariance, floor = shrunk_covariance(vectors)
    expected, share = ledoit_wolf(vectors)
    assert covariance == pytest.approx(expected)
    assert floor == pytest.approx(share * vectors.var(axis=0).mean())


@settings(deadline=None, max_examples=30)
@given(
    st.integers(0, 10**6), st.integers(2, 12), st.integers(2, 12), st.integers(1, 30), st.floats(-1e3, 1e3)
)
def test_it_is_a_distance_that_no_shift_or_turn_of_both_changes(seed, n, m, dimensions, shift):
    one, two = sample(seed, n, dimensions), sample(seed + 1, m, dimensions, shift=1.0)
    found = frechet_distance(one, two)
    assert found == pytest.approx(frechet_distance(two, one), rel=1e-6, abs=1e-5)
    assert frechet_distance(one, one) == pytest.approx(0, abs=1e-5 * (1 + np.abs(one).max()))
    turn = np.linalg.qr(np.random.default_rng(seed).normal(size=(dimensions, dimensions)))[0]
    moved = frechet_distance(one @ turn + shift, two @ turn + shift)
    assert moved == pytest.approx(found, rel=1e-4, abs=1e-4)


def test_vectors_that_do_not_differ_are_no_trouble():
    assert frechet_distance(np.ones((20, 3)), np.ones((30, 3))) == 0
    assert frechet_distance(np.ones((20, 3)), np.zeros((30, 3))) == pytest.approx(math.sqrt(3))
