import numpy as np
import pytest
from statsmodels.stats.meta_analysis import combine_effects

from archimeter.analysis.meta import random_effects, shrink, shrink_correlations


def test_the_random_effects_mean_agrees_with_statsmodels():
    rng = np.random.default_rng(0)
    z, v = rng.normal(0.3, 0.5, size=9), rng.uniform(0.02, 0.2, size=9)
    ours = random_effects(z, v)
    known = combine_effects(z, v, method_re="dl")
    assert ours.tau2 == pytest.approx(known.tau2, abs=1e-10)
    assert ours.mean == pytest.approx(known.mean_effect_re, abs=1e-10)
    assert ours.q == pytest.approx(known.q, abs=1e-10)
    assert ours.i2 == pytest.approx(known.i2, abs=1e-10)
    assert (ours.high - ours.low) / (2 * 1.959963984540054) == pytest.approx(known.sd_eff_w_re, abs=1e-8)


def test_equal_estimates_are_homogeneous_and_missing_ones_do_not_count():
    found = random_effects(np.array([0.2, 0.2, np.nan]), np.array([0.1, 0.3, 0.1]))
    assert (found.tau2, found.i2, found.k) == (0, 0, 2)
    assert found.mean == pytest.approx(0.2)
    assert random_effects(np.array([np.nan]), np.array([1.0])).k == 0


def test_shrunk_estimates_are_nearer_to_the_truth_than_raw_ones():
    rng = np.random.default_rng(1)
    raw = shrunk = 0.0
    for _ in range(200):
        truth, v = rng.normal(0.5, 0.3, size=12), rng.uniform(0.05, 0.5, size=12)
        seen = truth + rng.normal(size=12) * np.sqrt(v)
        raw += ((seen - truth) ** 2).mean()
        shrunk += ((shrink(seen, v) - truth) ** 2).mean()
    assert shrunk < 0.6 * raw


def test_the_noisier_estimate_moves_further():
    moved = np.abs(
        shrink(np.array([1.0, 1.0, -1.0, -1.0]), np.array([0.01, 1.0, 0.01, 1.0])) - [1, 1, -1, -1]
    )
    assert moved[1] > moved[0]
    assert moved[3] > moved[2]


def test_correlations_of_fewer_than_four_are_left_out():
    found = shrink_correlations(np.array([0.9, -0.5, 0.2]), np.array([3, 10, 20]))
    assert np.isnan(found[0])
    assert -0.5 < found[1] < found[2] < 0.2 + 1e-12
