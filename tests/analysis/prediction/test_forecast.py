from statistics import NormalDist

import numpy as np
import pytest

from archimeter.analysis.evidence import load_evidence
from archimeter.analysis.limits import parse_anchor
from archimeter.analysis.prediction.belief import Belief, sampling_of
from archimeter.analysis.prediction.design import level_row, recipe_branch
from archimeter.analysis.prediction.forecast import Forecast, load_fitted
from archimeter.analysis.prediction.logits import expit, logit
from archimeter.analysis.query import Query
from archimeter.analysis.recommend import recommend
from archimeter.data.errors import InputError, UnknownNameError

SATELLITE = {"domain": "remote-sensing", "n_train": 1000, "n_classes": 17}


@pytest.fixture(scope="module")
def fitted():
    return load_fitted()


@pytest.fixture(scope="module")
def known():
    return load_evidence()


def test_the_draws_have_the_mean_and_deviation_that_are_stated(fitted):
    forecast = Forecast.of(fitted, SATELLITE, "fine-tune")
    some = range(0, len(fitted.models), 50)
    draws = forecast.sample(some).draws
    assert draws.std(axis=0) == pytest.approx(forecast.sd[some], rel=0.1)
    assert draws.mean(axis=0) == pytest.approx(forecast.mean[some], abs=1e-4)
    assert (forecast.sample(some).draws == draws).all()


def test_an_anchor_pins_its_model_and_narrows_the_rest(fitted):
    i = fitted.place["resnet50.a1_in1k"]
    before = Forecast.of(fitted, SATELLITE, "fine-tune")
    after = Forecast.of(fitted, SATELLITE, "fine-tune", {i: 0.041})
    assert expit(after.mean[i]) == pytest.approx(0.041, rel=0.05)
    assert (after.sd < before.sd).all()
    some = range(0, len(fitted.models), 50)
    assert after.sample(some).draws.mean(axis=0) == pytest.approx(after.mean[some], abs=1e-4)
    low, high = after.interval()
    wide_low, wide_high = before.interval()
    assert np.median(high - low) < np.median(wide_high - wide_low)


@pytest.mark.parametrize("anchors", [{}, {0: 0.03}, {0: 0.03, 4: 0.30}])
@pytest.mark.parametrize("recipe", ["fine-tune", "linear-probe"])
def test_recommend_forecasts_by_the_belief_that_evaluate_scores(fitted, recipe, anchors):
    rows = np.arange(0, len(fitted.models), 60)
    x, row = fitted.x[rows], level_row(SATELLITE, recipe)
    scale, full = fitted.scale[recipe_branch(recipe)], fitted.full
    family = fitted.groups["family"][rows]
    own = x @ fitted.slopes_covariance @ x.T + full["family"] * (family[:, None] == family)
    belief = Belief(
        level=float(row @ fitted.level),
        level_variance=fitted.level_variance + float(row @ fitted.level_covariance @ row),
        effect=scale * (x @ fitted.slopes),
        own=scale**2 * (own + (full["weights"] + full["noise"]) * np.eye(len(rows))),
        sampling=sampling_of(SATELLITE),
        lean=fitted.lean,
        freedom=fitted.freedom,
    )
    after = belief.after({i: float(logit(error)) for i, error in anchors.items()})
    given = {int(rows[i]): error for i, error in anchors.items()}
    forecast = Forecast.of(fitted, SATELLITE, recipe, given)
    assert forecast.mean[rows] == pytest.approx(after.mean)
    assert forecast.sd[rows] ** 2 == pytest.approx(np.diag(after.covariance))
    assert forecast.radius == fitted.radius[len(anchors)]


def test_anchors_that_lie_far_apart_widen_the_intervals(fitted):
    one, other = fitted.place["resnet50.a1_in1k"], fitted.place["convnext_tiny.fb_in1k"]
    alike, apart = (
        Forecast.of(fitted, SATELLITE, "fine-tune", {one: 0.05, other: error}) for error in (0.045, 0.40)
    )
    rest = np.setdiff1d(np.arange(len(fitted.models)), [one, other])
    assert np.median(alike.sd[rest]) < 0.5 * np.median(apart.sd[rest])
    some = rest[::50].tolist()
    assert alike.sample(some).draws.std(axis=0) == pytest.approx(alike.sd[some], rel=0.1)


def test_differences_reach_as_far_as_held_out_data_sets_ask(fitted):
    forecast = Forecast.of(fitted, SATELLITE, "fine-tune", {fitted.place["resnet50.a1_in1k"]: 0.041})
    first, other = int(forecast.mean.argmin()), int(np.argsort(forecast.mean)[300])
    sample = forecast.sample([first, other])
    assert sample.behind(0, 0) == (0, 0, 0)
    middle, low, high = sample.behind(1, 0)
    assert middle == expit(forecast.mean[other]) - expit(forecast.mean[first])
    errors = expit(sample.draws)
    raw = np.quantile(errors[:, 1] - errors[:, 0], [0.1, 0.9])
    assert low < raw[0] < middle < raw[1] < high
    assert forecast.radius_between == fitted.radius_between[1]


def test_the_smallest_set_holds_the_best_with_the_level_asked(fitted):
    forecast = Forecast.of(fitted, SATELLITE, "fine-tune")
    sample = forecast.sample(range(0, 200, 10))
    chosen = sample.smallest_set(0.8)
    first, near = sample.chances
    assert sum(first) == pytest.approx(1)
    assert (near >= first - 1e-9).all()
    assert sum(first[i] for i in chosen) >= 0.8
    assert sum(first[i] for i in chosen[:-1]) < 0.8


def test_chances_of_two_are_those_of_their_difference(fitted):
    given = {fitted.place["resnet50.a1_in1k"]: 0.041}
    forecast = Forecast.of(fitted, SATELLITE, "fine-tune", given)
    pair = [fitted.place["convnext_tiny.fb_in1k"], fitted.place["vit_small_patch16_224.augreg_in21k"]]
    joint = forecast.covariance_with(pair)[pair]
    deviation = np.sqrt(joint[0, 0] + joint[1, 1] - 2 * joint[0, 1])
    first, _ = forecast.sample(pair).chances
    ahead = NormalDist().cdf((forecast.mean[pair[1]] - forecast.mean[pair[0]]) / deviation)
    assert first[0] == pytest.approx(ahead, abs=0.05)


@pytest.mark.parametrize("anchors", [{}, {0: 0.03}, {0: 0.03, 4: 0.30}])
def test_the_covariance_after_runs_is_that_of_the_draws(fitted, anchors):
    forecast = Forecast.of(fitted, SATELLITE, "fine-tune", anchors)
    some = [1, 10, 400, 900]
    drawn = np.cov(forecast.sample(some).draws.T)
    assert forecast.covariance_with(some)[some] == pytest.approx(drawn, abs=0.2 * drawn.max())


def test_a_run_saves_what_choosing_after_it_saves(fitted):
    given = {fitted.place["resnet50.a1_in1k"]: 0.1}
    forecast = Forecast.of(fitted, SATELLITE, "fine-tune", given)
    among = np.argsort(forecast.mean)[:30].tolist()
    cross = forecast.covariance_with([among[1]])[:, 0]
    outcomes = forecast.sample([among[1]]).draws[:, 0] - forecast.mean[among[1]]
    gain = cross[among] / cross[among[1]]
    after = expit(forecast.mean[among] + outcomes[:, None] * gain)
    saved = (after[:, 0] - after.min(axis=1)).mean()
    assert saved > 0
    assert forecast.regret_reduction(among[1], among, noise=0.0) == pytest.approx(saved, rel=0.15)


def test_every_backbone_of_the_weights_and_profiles_tables_is_forecast(fitted, known):
    assert {*known.profiles} <= {name.partition(".")[0] for name in fitted.models}
    assert len({name.partition(".")[0] for name in fitted.models}) >= 1371


def test_recommend_answers_with_errors_chances_reasons_and_the_next_run(known):
    query = Query(images=1000, classes=17, domain="remote-sensing", max_params=60e6, top=5)
    answer = recommend(query, known)
    assert len(answer.rows) == 5
    for row in answer.rows:
        assert row.expected is not None
        assert 0 < row.expected.low < row.expected.error < row.expected.high < 1
        assert row.params is not None
        assert row.params <= 60e6
    assert answer.rows[0].expected.behind == 0
    assert answer.shortlist
    assert answer.next_runs[0].minutes > 0
    assert answer.highest_level is not None
    assert answer.highest_level < 1
    assert recommend(query, known).as_document() == answer.as_document()


def test_anchors_name_a_backbone_or_its_weights(known):
    with pytest.raises(UnknownNameError, match="resnet50"):
        recommend(Query(anchors=(("resnet5O", 0.1),)), known)
    with pytest.raises(InputError, match="percentage"):
        Query(anchors=(("resnet50", 4.1),))
    assert parse_anchor("resnet50=4.1%") == ("resnet50", pytest.approx(0.041))
    with pytest.raises(InputError, match="is no anchor"):
        parse_anchor("resnet50")


def test_outside_the_support_it_says_so_widens_and_answers(known):
    inside = recommend(Query(images=1000, classes=10, domain="remote-sensing", top=3), known)
    outside = recommend(Query(images=50, classes=10, domain="astronomy", top=3), known)
    assert any("Outside the tables' support" in words for words in outside.notes)
    width = [row.expected.high - row.expected.low for row in outside.rows]
    assert min(width) > max(row.expected.high - row.expected.low for row in inside.rows)
