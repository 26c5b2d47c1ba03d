import numpy as np
import pytest

from archimeter.profilers.intervals import (
    UNSEEN,
    UNSEEN_ON_CORES,
    Interval,
    median_interval,
    ratio_interval,
)


def walk(rng, n, drift, noise):
    """One run: noise around a level that drifts from block to block, as a machine's does."""
    level = 1 + np.cumsum(rng.normal(0, drift, n))
    return level * np.exp(rng.normal(0, noise, n))


def test_the_interval_holds_the_median():
    interval = median_interval([1.0, 2.0, 3.0, 4.0, 5.0])
    assert interval.estimate == 3.0
    assert interval.low < 3.0 < interval.high


def test_without_any_noise_what_differs_between_runs_remains():
    interval = median_interval([2.0] * 100)
    assert interval.high - 2.0 == pytest.approx(1.959964 * UNSEEN * 2.0, rel=1e-6)
    on_cores = median_interval([2.0] * 100, core_share=1.0)
    assert on_cores.high - 2.0 == pytest.approx(1.959964 * UNSEEN_ON_CORES * 2.0, rel=1e-6)


def test_independent_samples_are_covered_at_least_as_often_as_promised():
    rng = np.random.default_rng(1)
    hits = sum(
        i.low <= 1.0 <= i.high for i in (median_interval(np.exp(rng.normal(0, 0.3, 60))) for _ in range(200))
    )
    assert hits >= 190


def test_drift_widens_the_interval_where_a_plain_bootstrap_would_not_see_it():
    rng = np.random.default_rng(2)
    steady = np.exp(rng.normal(0, 0.05, 400))
    drifting = steady * np.linspace(0.8, 1.2, 400)
    shuffled = rng.permutation(drifting)

    def width(samples):
        interval = median_interval(samples)
        return interval.high - interval.low

    assert width(drifting) > 2 * width(shuffled)


def test_two_runs_with_drift_agree_nine_times_in_ten():
    rng = np.random.default_rng(3)
    agree = 0
    for _ in range(200):
        one, two = (median_interval(walk(rng, 100, 0.005, 0.05)) for _ in range(2))
        agree += one.overlaps(two)
    assert agree >= 180


def test_a_contended_run_reaches_down_to_what_an_idle_machine_would_show():
    idle = median_interval([1.0] * 50, core_share=1.0)
    contended = median_interval([2.5] * 50, core_share=0.4)
    assert contended.low <= 1.0
    assert contended.overlaps(idle)
    assert contended.high == pytest.approx(2.5 * (1 + 1.959964 * UNSEEN_ON_CORES))


def test_a_contended_run_may_have_taken_more_than_its_share_says():
    """What was seen: 118.8 ms with 0.63 of a core, 48.1 ms with a whole one."""
    contended, alone = (
        median_interval([118.8] * 50, core_share=0.63),
        median_interval([48.1] * 50, core_share=1.0),
    )
    assert contended.overlaps(alone)
    assert not contended.overlaps(median_interval([25.0] * 50, core_share=1.0))


def test_a_ratio_is_covered_as_often_as_promised():
    rng = np.random.default_rng(4)
    hits = 0
    for _ in range(100):
        machine = walk(rng, 100, 0.01, 0.0)
        first = 3 * machine * np.exp(rng.normal(0, 0.1, 100))
        second = 2 * machine * np.exp(rng.normal(0, 0.1, 100))
        interval = ratio_interval(first, second)
        hits += interval.low <= 1.5 <= interval.high
    assert hits >= 88  # 95 expected; fewer than 88 happens once in 400


def test_a_seed_gives_the_same_bounds():
    a, b = np.linspace(1, 2, 50), np.linspace(2, 3, 50)
    assert ratio_interval(a, b) == ratio_interval(a, b)
    seeded = ratio_interval(a, b, rng=np.random.default_rng(7))
    assert seeded == ratio_interval(a, b, rng=np.random.default_rng(7))


def test_too_few_samples_are_refused():
    with pytest.raises(ValueError, match="there are 1"):
        median_interval([1.0])
    with pytest.raises(ValueError, match="got 2 and 3"):
        ratio_interval([1.0, 1.0], [1.0, 1.0, 1.0])


def test_intervals_overlap_if_they_share_a_value():
    assert Interval(1, 0, 2).overlaps(Interval(3, 2, 4))
    assert not Interval(1, 0, 2).overlaps(Interval(3, 2.5, 4))
