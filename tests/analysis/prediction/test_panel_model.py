import numpy as np
import pytest

from archimeter.analysis.prediction.conformal import highest_level, radius
from archimeter.analysis.prediction.logits import expit, logit
from archimeter.analysis.prediction.panel_model import PanelPosterior, condition, prior
from archimeter.analysis.prediction.ranking import mean_rank, standardised_ranks, standing


def test_conditioning_is_the_textbook_gaussian():
    belief = PanelPosterior(np.array([0.0, 1.0]), np.array([[2.0, 1.0], [1.0, 3.0]]))
    after = condition(belief, {0: float(expit(1.0))}, noise=0.0)
    assert after.mean == pytest.approx([1.0, 1.5])
    assert after.covariance[1, 1] == pytest.approx(3 - 1 / 2)
    assert after.covariance[0, 0] == pytest.approx(0)


def test_an_anchor_moves_every_model_and_narrows_all():
    rng = np.random.default_rng(0)
    errors = expit(rng.normal(size=8) + np.linspace(-0.5, 0.5, 5)[:, None] + 0.05 * rng.normal(size=(5, 8)))
    belief = prior(errors, [{}] * 8, {})
    after = condition(belief, {2: 0.01})
    assert (after.mean < belief.mean).all()
    assert (np.diag(after.covariance) < np.diag(belief.covariance)).all()
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


def test_logit_and_back():
    assert expit(logit(np.array([0.3, 0.9]))) == pytest.approx([0.3, 0.9])
    assert expit(logit(0.0)) == pytest.approx(0.002)
