import numpy as np
import pytest
import scipy.stats

from archimeter.analysis.association import line, pearson
from archimeter.analysis.bootstrap import (
    Resampler,
    bca,
    bootstrap,
    expanded_percentile,
    jackknife,
    jackknife_t,
    replicate,
    unit_sums,
)
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


def test_the_jackknife_of_a_mean_is_students_interval_with_one_degree_less():
    values = np.random.default_rng(0).normal(size=12)
    left_out = jackknife(values, statistic=lambda v: v.mean(-1))
    found = jackknife_t(np.array([values.mean()]), left_out)
    half = scipy.stats.t.ppf(0.975, 10) * scipy.stats.sem(values)
    assert found.low[0] == pytest.approx(values.mean() - half)
    assert found.high[0] == pytest.approx(values.mean() + half)


def test_the_expanded_percentile_is_numpys_quantile_at_the_expanded_tail():
    replicates = np.random.default_rng(0).normal(size=(500, 2))
    replicates[::7, 1] = np.nan
    tail = scipy.stats.norm.cdf(scipy.stats.t.ppf(0.025, 18) * np.sqrt(20 / 18))
    found = expanded_percentile(replicates, 20)
    assert found.low == pytest.approx(np.nanquantile(replicates, tail, axis=0))
    assert found.high == pytest.approx(np.nanquantile(replicates, 1 - tail, axis=0))


def test_intervals_cover_the_true_correlation():
    """500 samples a case: 94.5 to 96.5 % in the long benchmark, so below 91.5 % is a 3-sigma event."""
    rng = np.random.default_rng(7)
    for n in (7, 14):
        resampler = Resampler(np.random.default_rng(1), 500)
        hits = 0
        for _ in range(500):
            x = rng.normal(size=(1, n))
            of_r, _, _ = resampler.intervals(x, 0.5 * x[0] + np.sqrt(0.75) * rng.normal(size=n))
            hits += bool(of_r.low[0] <= 0.5 <= of_r.high[0])
        assert 0.915 <= hits / 500 <= 0.99


def test_no_interval_of_r_is_much_surer_than_a_normal_sample_allows():
    """Points on a curve: the bootstrap takes r for almost known; nine tenths of Fisher's width stay."""
    for n in (12, 25):
        x = np.linspace(0, 1, n)[None]
        y = np.exp(x[0])
        r = float(pearson(x[0], y))
        half = 0.9 * scipy.stats.norm.ppf(0.975) / np.sqrt(n - 3)
        low, high = np.tanh(np.arctanh(r) - half), np.tanh(np.arctanh(r) + half)
        of_r, _, method = Resampler(np.random.default_rng(0)).intervals(x, y)
        assert of_r.low[0] <= low + 1e-12
        assert of_r.high[0] >= high - 1e-12
        assert "0.9 Fisher" in method


def test_rows_with_their_own_units_give_what_each_gives_alone():
    (x, y), (other_x, other_y) = pairs(14), pairs(14, seed=1)
    resampler = Resampler(np.random.default_rng(2))
    together = resampler.of_sums(unit_sums(np.concatenate([x, other_x]), np.stack([y, y, other_y, other_y])))
    alone = [resampler.intervals(x, y), resampler.intervals(other_x, other_y)]
    for place in (0, 1):
        apart = np.concatenate([found[place].low for found in alone])
        assert together[place].low == pytest.approx(apart, abs=1e-12)


def test_the_same_state_gives_the_same_interval_and_n_alone_decides_the_draws():
    (x, y), (other, y_other) = pairs(20), pairs(30)
    alone = Resampler(np.random.default_rng(5)).intervals(x, y)
    after = Resampler(np.random.default_rng(5))
    after.intervals(other, y_other)
    again = after.intervals(x, y)
    assert alone[0].low.tobytes() == again[0].low.tobytes()
    assert alone[1].high.tobytes() == again[1].high.tobytes()


def test_without_spread_there_is_no_interval():
    of_r, of_slope, _ = Resampler(np.random.default_rng(0)).intervals(np.ones((1, 15)), np.arange(15.0))
    assert np.isnan([of_r.low, of_r.high, of_slope.low, of_slope.high]).all()
    empty = bca(np.full((100, 1), np.nan), np.array([np.nan]), np.full((5, 1), np.nan))
    assert np.isnan([empty.low, empty.high]).all()


def test_bad_arguments_say_what_is_allowed():
    with pytest.raises(InputError, match="at least 100"):
        Resampler(np.random.default_rng(0), 10)
    with pytest.raises(InputError, match="equally many"):
        bootstrap(np.ones(3), np.ones(4), statistic=pearson, rng=np.random.default_rng(0))
    with pytest.raises(InputError, match="between 0 and 1"):
        bootstrap(np.ones(3), np.ones(3), statistic=pearson, rng=np.random.default_rng(0), level=95)
