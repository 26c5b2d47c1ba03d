import numpy as np
import pytest

from archimeter.analysis.evidence import load_evidence
from archimeter.analysis.limits import parse_anchor
from archimeter.analysis.prediction.forecast import Forecast, load_fitted
from archimeter.analysis.prediction.logits import expit
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
    sample = slice(0, len(fitted.models), 50)
    draws = forecast.draws[:, sample]
    assert draws.std(axis=0) == pytest.approx(forecast.sd[sample], rel=0.2)
    assert draws.mean(axis=0) == pytest.approx(forecast.mean[sample], abs=5 * forecast.sd.max() / 20)


def test_an_anchor_pins_its_model_and_narrows_the_rest(fitted):
    i = fitted.place["resnet50.a1_in1k"]
    before = Forecast.of(fitted, SATELLITE, "fine-tune")
    after = Forecast.of(fitted, SATELLITE, "fine-tune", {i: 0.041})
    assert expit(after.mean[i]) == pytest.approx(0.041, rel=0.05)
    assert (after.sd < before.sd).all()
    assert after.draws.mean(axis=0)[::50] == pytest.approx(after.mean[::50], abs=0.15)
    low, high = after.interval()
    wide_low, wide_high = before.interval()
    assert np.median(high - low) < np.median(wide_high - wide_low)


def test_the_smallest_set_holds_the_best_with_the_level_asked(fitted):
    forecast = Forecast.of(fitted, SATELLITE, "fine-tune")
    among = list(range(0, 200, 10))
    chosen = forecast.smallest_set(among, 0.8)
    first, near = forecast.chances(among)
    assert sum(first) == pytest.approx(1)
    assert (near >= first - 1e-9).all()
    assert sum(first[among.index(i)] for i in chosen) >= 0.8
    assert sum(first[among.index(i)] for i in chosen[:-1]) < 0.8


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
