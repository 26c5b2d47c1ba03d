import numpy as np
import pytest

from archimeter.analysis.prediction.belief import log_room
from archimeter.analysis.prediction.conformal import highest_level, radius
from archimeter.analysis.prediction.logits import expit, logit
from archimeter.analysis.prediction.panel_model import LevelTerms, prior
from archimeter.analysis.prediction.ranking import mean_rank, standardised_ranks, standing


def test_an_anchor_moves_every_model_and_narrows_all():
    rng = np.random.default_rng(0)
    errors = expit(rng.normal(size=8) + np.linspace(-0.5, 0.5, 5)[:, None] + 0.05 * rng.normal(size=(5, 8)))
    belief = prior(errors, [{}] * 8, {})
    before, after = belief.after({}), belief.after({2: float(logit(0.2))})
    assert (after.mean < before.mean).all()
    assert (np.diag(after.covariance) < np.diag(before.covariance)).all()
    assert list(np.argsort(after.mean)) == [0, 1, 2, 3, 4]


def test_without_domains_the_standing_orders_as_the_mean_rank():
    errors = np.random.default_rng(3).random((9, 6))
    order = standing(errors, ["unknown"] * 6, "unknown")
    assert list(np.argsort(order)) == list(np.argsort(mean_rank(errors)))


def test_where_domains_disagree_the_asked_domain_leads():
    rng = np.random.default_rng(0)
    one, other = np.arange(12.0), np.arange(12.0)[::-1]
    columns = [v + rng.normal(size=12) for v in (one, one, one, other, other, other)]
    errors = expit(np.array(columns).T / 6 - 1)
    domains = ["remote-sensing"] * 3 + ["radiology"] * 3
    near_one, near_other = standing(errors, domains, "remote-sensing"), standing(errors, domains, "radiology")
    assert np.corrcoef(near_one, one)[0, 1] > 0.9
    assert np.corrcoef(near_other, other)[0, 1] > 0.9


def test_without_results_the_prior_is_the_order():
    prior = np.array([0.3, -0.2, 0.1])
    assert standing(np.empty((3, 0)), [], "natural", prior) == pytest.approx(prior)


def test_a_model_without_results_keeps_its_prior_and_gaps_stay_gaps():
    rng = np.random.default_rng(0)
    errors = expit(np.arange(8.0)[:, None] / 4 + 0.1 * rng.normal(size=(8, 5)))
    errors[3] = np.nan
    prior = np.arange(8.0) / 4
    order = standing(errors, ["natural"] * 5, "natural", prior)
    assert list(np.argsort(order)) == list(range(8))
    assert np.isnan(standing(errors, ["natural"] * 5, "natural")[3])


def test_results_that_contradict_the_prior_overrule_it():
    rng = np.random.default_rng(1)
    errors = expit(np.arange(12.0)[:, None] / 4 + 0.05 * rng.normal(size=(12, 8)))
    order = standing(errors, ["natural"] * 8, "natural", -np.arange(12.0) / 4)
    assert list(np.argsort(order)) == list(range(12))


def test_alike_data_sets_say_more_of_a_level():
    rng = np.random.default_rng(2)
    easy, hard = rng.normal(-3, 0.1, 4), rng.normal(1, 0.1, 4)
    errors = expit(np.concatenate([easy, hard]) + np.linspace(-0.3, 0.3, 6)[:, None])
    rows = [{"domain": "remote-sensing"}] * 4 + [{"domain": "radiology"}] * 4
    like_easy = prior(errors, rows, {"domain": "remote-sensing"})
    like_hard = prior(errors, rows, {"domain": "radiology"})
    assert like_easy.level < -1 < like_hard.level


def test_a_small_test_set_widens():
    errors = expit(np.random.default_rng(0).normal(-2, 0.5, (6, 8)))
    small, large = (prior(errors, [{}] * 8, {"n_train": n}) for n in (300, 60_000))
    assert (np.diag(small.after({}).covariance) > np.diag(large.after({}).covariance)).all()


def test_one_wild_data_set_does_not_widen_the_others():
    rng = np.random.default_rng(4)
    logits = -2 + 0.1 * rng.normal(size=(10, 12))
    wild = logits.copy()
    wild[:, 0] = -2 + 2.0 * rng.normal(size=10)
    usual, held = (np.trace(prior(expit(y), [{}] * 12, {}).own) for y in (logits, wild))
    assert held < 2.5 * usual  # a plain mean of squares: (11 + 400) / 12 = 34 times


def test_what_is_learned_elsewhere_of_spread_is_taken_over():
    """Made with spreads twice as large where log room is 3 less, which is a lean of log 2 / 3."""
    rng = np.random.default_rng(5)
    levels = np.repeat([0.0, -4.4], 6)  # log rooms of -1.39 and -4.42
    lean = np.log(2) / (log_room(0.0) - log_room(-4.4))
    effect = rng.normal(0, 0.3, (8, 1))
    logits = levels + np.where(levels < -1, 2.0, 1.0) * (effect + 0.05 * rng.normal(size=(8, 12)))
    belief = prior(expit(logits), [{}] * 12, {}, LevelTerms(np.zeros(6), float(lean)))
    easy, even = belief.at(-4.4), belief.at(0.0)
    spread = [np.std(one.mean) for one in (easy, even)]
    assert spread[0] / spread[1] == pytest.approx(2)
    assert spread[1] == pytest.approx(effect.std(), rel=0.15)


def test_ranks_share_ties_and_keep_gaps():
    z = standardised_ranks(np.array([[0.1], [0.1], [0.3], [np.nan]]))
    assert z[0, 0] == z[1, 0] < z[2, 0]
    assert np.isnan(z[3, 0])
    assert np.nanmean(z) == pytest.approx(0)


def test_radius_counts_a_data_set_once_and_caps_the_level():
    sets = [np.full(5, 1.0), np.full(500, 3.0), np.full(5, 2.0)]
    assert radius(sets, 0.5) == 2.0
    assert radius(sets, 0.99) == 3.0
    assert highest_level(3) == 0.75


def test_radius_for_each_leaves_most_of_the_level_to_nearly_every_data_set():
    sets = [np.linspace(0, 1, 101)] * 18 + [np.linspace(0, 5, 101)]
    assert radius(sets, 0.8) == pytest.approx(0.8)
    assert radius(sets, 0.8, each=True) == pytest.approx(3.0)  # 60 % of the one that is five times as wide
    assert radius([], 0.8, each=True) == np.inf


def test_logit_and_back():
    assert expit(logit(np.array([0.3, 0.9]))) == pytest.approx([0.3, 0.9])
    assert expit(logit(0.0)) == pytest.approx(0.002)
