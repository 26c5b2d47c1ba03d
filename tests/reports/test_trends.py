import csv
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import linregress, t

from archimeter.data.tables import load_observations, load_weights
from archimeter.reports.measures import OF_RUNS, STATIC
from archimeter.reports.results import collect
from archimeter.reports.trends import LEAST_POINTS, plot_trends, trend_info

RAW = Path(__file__).parents[2].parent / "shared" / "data"
MEASURES = {measure.key: measure for measure in (*STATIC, *OF_RUNS)}


@pytest.fixture(scope="module")
def pets(tables):
    return collect(tables.observations, tables.profiles).sets[0]


def test_a_line_is_scipy_s_regression_of_error_on_the_decimal_logarithm(pets):
    info = trend_info(pets, MEASURES["macs"])
    assert info.log
    assert len(info.trends) == 3
    for trend in info.trends:
        points = info.points[info.points["family"] == trend.family]
        expected = linregress(np.log10(points["x"]), points["error"])
        assert trend.n == 10
        assert trend.slope == pytest.approx(expected.slope, abs=1e-12)
        assert trend.intercept == pytest.approx(expected.intercept, abs=1e-12)
        assert trend.r2 == pytest.approx(expected.rvalue**2, abs=1e-12)
        half = t.ppf(0.975, 8) * expected.stderr
        assert (trend.slope_low, trend.slope_high) == pytest.approx(
            (expected.slope - half, expected.slope + half), abs=1e-12
        )
        assert (trend.x_low, trend.x_high) == (np.log10(points["x"]).min(), np.log10(points["x"]).max())


def test_the_line_of_a_family_made_on_a_line_is_that_line(pets):
    vit = next(trend for trend in trend_info(pets, MEASURES["macs"]).trends if trend.family == "vit")
    assert (vit.slope, vit.intercept, vit.r2) == pytest.approx((-0.02, 0.3, 1.0), abs=1e-6)


def test_fit_time_is_taken_as_it_is_not_as_its_logarithm(pets):
    info = trend_info(pets, MEASURES["fit_time_s"])
    assert not info.log
    points = info.points[info.points["family"] == "resnet"]
    resnet = next(trend for trend in info.trends if trend.family == "resnet")
    assert resnet.slope == pytest.approx(linregress(points["x"], points["error"]).slope, abs=1e-14)


def test_a_family_of_four_has_points_but_no_line(pets):
    few = pets.frame[(pets.frame["family"] != "vit") | (pets.frame.groupby("family").cumcount() < 4)]
    info = trend_info(
        type(pets)(**{**{k: getattr(pets, k) for k in pets.__slots__}, "frame": few}), MEASURES["macs"]
    )
    assert LEAST_POINTS == 5
    assert {trend.family for trend in info.trends} == {"resnet", "evil<b>"}
    assert (info.points["family"] == "vit").sum() == 4


def test_the_figure_has_a_trace_a_family_and_a_line_a_family(pets):
    figure = plot_trends(pets, MEASURES["macs"], ["vit", "resnet"])
    assert [trace.mode for trace in figure.data] == ["markers"] * 3 + ["lines"] * 3
    assert figure.layout.xaxis.type == "log"


@pytest.mark.skipif(not RAW.is_dir(), reason="the raw tables are not beside this checkout")
def test_all_twelve_published_lines_come_out_of_the_shipped_results():
    """Error on fit time, best run of each model, as the fast.ai notebook fitted and displayed them."""
    with (RAW / "fastai" / "trendlines.csv").open(encoding="utf-8", newline="") as file:
        published = [row for row in csv.DictReader(file) if row["version"] == "v1"]
    backbones = load_weights()[["backbone", "family", "kind"]].drop_duplicates("backbone")
    found = collect(load_observations("fastai"), backbones)  # fit time is the study's own: no profile needed
    best = {one.key: trend_info(one, MEASURES["fit_time_s"]) for one in found.sets}
    assert len(published) == 12
    for row in published:
        lines = {trend.family: trend for trend in best[f"{row['dataset']}-best"].trends}
        line = lines[row["family"]]
        assert line.n == int(row["n_points"]), row
        assert line.slope == pytest.approx(float(row["slope_err_per_s"]), abs=1e-6), row
        assert line.intercept == pytest.approx(float(row["intercept"]), abs=1e-6), row
        assert line.r2 == pytest.approx(float(row["r2"]), abs=1e-6), row
