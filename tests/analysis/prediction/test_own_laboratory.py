import numpy as np
import pytest

from archimeter.analysis.prediction.forecast import Forecast, load_fitted
from archimeter.analysis.prediction.own_laboratory import with_standing
from archimeter.analysis.prediction.ranking import doubt_of, standing

DOMAINS = ["remote-sensing", "remote-sensing", "natural", "natural"]


@pytest.fixture(scope="module")
def fitted():
    return load_fitted()


@pytest.fixture(scope="module")
def measured(fitted):
    names = (
        "resnet18.a1_in1k",
        "resnet50.a1_in1k",
        "convnext_tiny.fb_in1k",
        "vit_base_patch16_224.augreg_in1k",
    )
    rng = np.random.default_rng(0)
    return [fitted.place[name] for name in names], 0.1 + 0.1 * rng.random((4, len(DOMAINS)))


def test_measured_models_are_forecast_in_the_order_that_is_scored(fitted, measured):
    rows, errors = measured
    known = with_standing(fitted, rows, errors, DOMAINS, "remote-sensing")
    forecast = Forecast.of(known, {"domain": "remote-sensing"}, "fine-tune")
    x, slopes = fitted.x[rows], fitted.slopes
    doubt = doubt_of(x, slopes, fitted.slopes_covariance)
    order = standing(errors, DOMAINS, "remote-sensing", x @ slopes, doubt)
    given = forecast.mean[rows] / forecast.scale
    assert given - given.mean() == pytest.approx(order - order.mean(), abs=1e-6)


def test_models_without_results_stay_where_they_were(fitted, measured):
    rows, errors = measured
    known = with_standing(fitted, rows, errors, DOMAINS, "remote-sensing")
    before, after = (Forecast.of(f, {"domain": "natural"}, "fine-tune").mean for f in (fitted, known))
    rest = np.setdiff1d(np.arange(len(before)), rows)
    assert after[rest] == pytest.approx(before[rest])
    assert after[rows].mean() == pytest.approx(before[rows].mean())


def test_the_given_model_is_not_changed(fitted, measured):
    rows, errors = measured
    held = fitted.groups["weights"].copy()
    with_standing(fitted, rows, errors, DOMAINS, "natural")
    assert (fitted.groups["weights"] == held).all()
