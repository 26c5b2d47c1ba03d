import numpy as np
import pytest
from scipy import stats

from archimeter.analysis.prediction.belief import (
    RERUN,
    USUAL,
    Belief,
    differences,
    log_room,
    outcomes,
    studentised,
    widening,
)
from archimeter.analysis.prediction.logits import expit, logit


@pytest.fixture
def belief():
    root = np.random.default_rng(1).normal(size=(6, 6))
    own = 0.1 * root @ root.T + 0.05 * np.eye(6)
    return Belief(-2.0, 1.5, np.linspace(-0.4, 0.4, 6), own, sampling=0.001, lean=0.2)


def test_conditioning_is_the_textbook_gaussian():
    plain = Belief(0.0, 0.0, np.array([0.0, 1.0]), np.array([[2.0, 1.0], [1.0, 3.0]]))
    after = plain.after({0: 1.0})
    assert after.mean == pytest.approx([1.0, 1.5], abs=RERUN)
    assert after.covariance[1, 1] == pytest.approx(3 - 1 / 2, abs=RERUN)
    assert after.covariance[0, 0] == pytest.approx(0, abs=1.1 * RERUN)


def test_all_single_anchors_at_once_are_each_of_them(belief):
    y = logit(np.array([0.02, 0.05, 0.1, 0.2, 0.3, 0.4]))
    means, deviations = belief.after_each(y)
    for j in range(6):
        one = belief.after({j: float(y[j])})
        rest = np.arange(6) != j
        assert means[rest, j] == pytest.approx(one.mean[rest])
        assert deviations[rest, j] == pytest.approx(np.sqrt(np.diag(one.covariance))[rest])
        assert np.isnan(means[j, j])


def test_models_lie_further_apart_where_errors_are_rare(belief):
    rare, usual = belief.at(float(logit(0.01))), belief.at(float(logit(0.5 - np.sqrt(0.15))))
    assert log_room(logit(0.5 - np.sqrt(0.15))) == pytest.approx(USUAL)
    grown = (0.1 / (0.01 * 0.99)) ** 0.2
    assert np.ptp(rare.mean) / np.ptp(usual.mean) == pytest.approx(grown)
    assert np.ptp(usual.mean) == pytest.approx(0.8)
    free = rare.covariance - belief.level_variance - belief.sampling / (0.01 * 0.99) * np.eye(6)
    assert free == pytest.approx(grown**2 * belief.own)


def test_sampling_is_that_of_a_share_of_test_images():
    """The logit of a share of 1,000 images has variance 1 / (n e (1 − e)), to first order."""
    lone = Belief(float(logit(0.1)), 0.0, np.zeros(1), np.zeros((1, 1)), sampling=1 / 1000)
    shares = np.random.default_rng(0).binomial(1000, 0.1, 20_000) / 1000
    assert lone.after({}).covariance[0, 0] == pytest.approx(logit(shares).var(), rel=0.05)


def test_runs_that_lie_far_apart_widen_and_near_ones_narrow(belief):
    unsure = Belief(belief.level, belief.level_variance, belief.effect, belief.own, freedom=1.5)
    sure = Belief(belief.level, belief.level_variance, belief.effect, belief.own)
    for away, compare in ((3.0, np.greater), (0.0, np.less)):
        anchors = {0: -2.4, 5: -1.6 + away}
        one, other = unsure.after(anchors), sure.after(anchors)
        assert one.mean == pytest.approx(other.mean)
        assert compare(np.diag(one.covariance)[1:5], np.diag(other.covariance)[1:5]).all()


def test_one_run_says_nothing_of_the_spread_and_a_common_shift_neither():
    assert widening(np.eye(1), np.array([9.0]), 1.5) == 1
    inner = 0.2 * np.eye(3) + 4.0
    assert widening(inner, np.full(3, 7.0), 1.5) == pytest.approx(1.5 / (1.5 + 2))
    assert widening(inner, np.array([1.0, 2.0, 6.0]), np.inf) == 1


def test_the_widening_is_the_posterior_mean_of_an_inverse_gamma_scale():
    """Independent runs around an unknown level: squares about their mean, over the variance."""
    away = np.array([0.3, -0.5, 1.1])
    square = ((away - away.mean()) ** 2).sum() / 0.2
    shape, rate = (1.5 + 2) / 2, (1.5 + square) / 2  # mean of 1 / precision's mean
    assert widening(0.2 * np.eye(3), away, 1.5) == pytest.approx(
        1 / stats.gamma(shape, scale=1 / rate).mean()
    )


def test_studentised_errors_of_what_is_believed_have_deviation_one(belief):
    rng = np.random.default_rng(2)
    scores: dict[int, list[np.ndarray]] = {0: [], 1: [], 2: []}
    gaps = []
    flat = Belief(belief.level, belief.level_variance, belief.effect, belief.own)
    expected = flat.after({})
    for y in rng.multivariate_normal(expected.mean, expected.covariance, 400):
        for k, held in scores.items():
            held.append(studentised(flat, y, k))
        gaps.append(differences(flat, y, 1))
    for held in scores.values():
        assert np.concatenate(held).std() == pytest.approx(1, abs=0.06)
    assert np.concatenate(gaps).std() == pytest.approx(1, abs=0.06)


def test_anchors_are_not_scored_and_the_same_sets_come_again(belief):
    y = logit(np.array([0.02, 0.05, 0.1, 0.2, 0.3, 0.4]))
    mean, deviation = outcomes(belief, y, 2)
    assert (np.isnan(mean).sum(axis=0) == 2).all()
    assert np.array_equal(mean, outcomes(belief, y, 2)[0], equal_nan=True)
    assert (deviation > 0).all()
    assert outcomes(belief, y[:2], 2)[0].shape[1] == 0
    assert expit(outcomes(belief, y, 0)[0][:, 0]) == pytest.approx(expit(belief.after({}).mean))
