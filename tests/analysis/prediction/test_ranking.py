import numpy as np
import pytest

from archimeter.analysis.prediction.ranking import doubt_of, standing


def test_doubt_is_the_spread_of_the_prior_s_coefficient_between_laboratories():
    rng = np.random.default_rng(0)
    x, slopes = rng.normal(size=(40, 3)), np.array([0.5, -0.3, 0.1])
    root = 0.2 * rng.normal(size=(3, 3))
    there = slopes + rng.normal(size=(20_000, 3)) @ root.T
    centred = x - x.mean(axis=0)
    prior = centred @ slopes
    coefficients = there @ centred.T @ prior / (prior @ prior)
    assert coefficients.mean() == pytest.approx(1, abs=0.01)
    assert doubt_of(x, slopes, root @ root.T) == pytest.approx(coefficients.std(), rel=0.02)


def test_doubt_does_not_depend_on_what_all_models_share():
    rng = np.random.default_rng(1)
    x, slopes, covariance = rng.normal(size=(12, 2)), np.array([0.4, 0.2]), np.diag([0.1, 0.02])
    assert doubt_of(x + 7, slopes, covariance) == pytest.approx(doubt_of(x, slopes, covariance))
    assert doubt_of(np.ones((5, 2)), slopes, covariance) == 1


def test_a_prior_that_laboratories_agree_on_holds_against_one_data_set():
    rng = np.random.default_rng(2)
    prior = np.linspace(-1, 1, 20)
    errors = rng.random((20, 1))
    sure, unsure = (standing(errors, ["natural"], "natural", prior, doubt) for doubt in (0.1, 5.0))
    assert np.corrcoef(sure, prior)[0, 1] > np.corrcoef(unsure, prior)[0, 1]
    assert np.polyfit(prior, sure, 1)[0] > np.polyfit(prior, unsure, 1)[0]


def test_many_data_sets_overrule_a_prior_that_laboratories_agree_on():
    rng = np.random.default_rng(3)
    effect = rng.permutation(np.linspace(0, 1, 12))
    errors = (effect[:, None] + 0.05 * rng.normal(size=(12, 10))) / 10 + 0.1
    order = standing(errors, ["natural"] * 10, "natural", -2 * effect, 0.1)
    assert np.corrcoef(order, effect)[0, 1] > 0.9


def test_a_prior_counts_the_same_whatever_its_level():
    errors = np.random.default_rng(4).random((9, 3))
    prior = np.linspace(0, 1, 9)
    one, other = (standing(errors, ["natural"] * 3, "natural", prior + shift, 0.4) for shift in (0, 5))
    assert one == pytest.approx(other)


def test_models_with_the_same_results_and_facts_are_level():
    rng = np.random.default_rng(5)
    errors, prior = rng.random((11, 7)), rng.normal(size=11)
    errors[8], prior[8] = errors[1], prior[1]
    domains = ["natural", "texture", "radiology", "natural", "document", "unknown", "natural"]
    order = standing(errors, domains, "natural", prior, 0.5)
    assert order[8] == order[1]
