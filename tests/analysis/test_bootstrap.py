import numpy as np
import pytest
import scipy.stats

from archimeter.analysis.association import line, pearson
from archimeter.analysis.bootstrap import bca, bootstrap, expanded_percentile, replicate
from archimeter.analysis.jackknife import jackknife
from archimeter.data.errors import InputError


def pairs(n, seed=0):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(2, n))
    return x, x[0] * 0.6 + rng.normal(size=n)


def test_bca_agrees_with_scipy_within_monte_carlo_error():
    x, y = pairs(25)
    ours = bootstrap(x[0], y, statistic=pearson, rng=np.random.default_rng(1), draws=20_000, method="bca")
    known = scipy.stats.bootstrap(
        (x[0], y), lambda a, b, axis: pearson(a, b), paired=True, vectorized=True, n_resamples=20_000,
        method="BCa",
        rng=np.random.default_rng(2), axis=-1,
    ).confidence_interval  # fmt: skip
    assert (ours.low[0], ours.high[0]) == pytest.approx((known.low, known.high), abs=0.02)


def test_a_replicate_that_counts_every_unit_once_is_the_estimate():
    x, y = pairs(15)
    once = replicate(x, y, np.ones((1, 15)))
    assert once.r[0] == pytest.approx(pearson(x, y))
    assert once.slope[0] == pytest.approx(line(x, y).slope)


def test_counts_are_repetitions():
    x, y = pairs(9)
    counts = np.random.default_rng(3).multinomial(9, np.full(9, 1 / 9), size=4)
    drawn = replicate(x, y, counts.astype(float))
    for i, count in enumerate(counts):
        again = np.repeat(np.arange(9), count)
        assert drawn.r[i] == pytest.approx(pearson(x[:, again], y[again]))
        assert drawn.slope[i] == pytest.approx(line(x[:, again], y[again]).slope)


def test_units_of_one_cluster_are_drawn_together():
    x, y = pairs(6)
    clusters = np.array([0, 0, 1, 2, 2, 2])
    drawn = replicate(x, y, np.array([[2.0, 0.0, 1.0]]), clusters)
    again = np.array([0, 0, 1, 1, 3, 4, 5])
    assert drawn.r[0] == pytest.approx(pearson(x[:, again], y[again]))


def test_leaving_out_by_counts_is_leaving_out():
    x, y = pairs(10)
    slow = jackknife(x, y, statistic=pearson)
    assert replicate(x, y, 1 - np.eye(10)).r == pytest.approx(slow)


def test_the_expanded_percentile_is_numpys_quantile_at_the_expanded_tail():
    replicates = np.random.default_rng(0).normal(size=(500, 2))
    replicates[::7, 1] = np.nan
    tail = scipy.stats.norm.cdf(scipy.stats.t.ppf(0.025, 18) * np.sqrt(20 / 18))
    found = expanded_percentile(replicates, 20)
    assert found.low == pytest.approx(np.nanquantile(replicates, tail, axis=0))
    assert found.high == pytest.approx(np.nanquantile(replicates, 1 - tail, axis=0))


def test_replicates_without_spread_give_no_interval():
    empty = bca(np.full((100, 1), np.nan), np.array([np.nan]), np.full((5, 1), np.nan))
    assert np.isnan([empty.low, empty.high]).all()


def test_bad_arguments_say_what_is_allowed():
    with pytest.raises(InputError, match="equally many"):
        bootstrap(np.ones(3), np.ones(4), statistic=pearson, rng=np.random.default_rng(0))
    with pytest.raises(InputError, match="between 0 and 1"):
        bootstrap(np.ones(3), np.ones(3), statistic=pearson, rng=np.random.default_rng(0), level=95)
