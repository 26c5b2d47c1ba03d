from dataclasses import replace

import pytest

from archimeter.reports.front import front_chances, front_info, front_rows, plot_front
from archimeter.reports.measures import STATIC
from archimeter.reports.results import collect

MACS = next(measure for measure in STATIC if measure.key == "macs")


@pytest.fixture(scope="module")
def pets(tables):
    return collect(tables.observations, tables.profiles).sets[0]


def test_nothing_is_cheaper_and_better_than_a_model_on_the_front(pets):
    info = front_info(pets, MACS)
    for model in info.front.itertuples():
        rivals = info.points[(info.points["x"] <= model.x) & (info.points["error"] <= model.error)]
        assert list(rivals.index) == [model.Index]


def test_everything_off_the_front_is_beaten_by_something_on_it(pets):
    info = front_info(pets, MACS)
    for model in info.points.drop(info.front.index).itertuples():
        assert ((info.front["x"] <= model.x) & (info.front["error"] <= model.error)).any()


def test_the_front_runs_from_the_cheapest_model_to_the_best(pets):
    info = front_info(pets, MACS)
    assert info.front["x"].is_monotonic_increasing
    assert info.front["error"].is_monotonic_decreasing
    assert info.front.index[0] == info.points["x"].idxmin()
    assert info.front["error"].iloc[-1] == info.points["error"].min()


def test_the_figure_draws_the_front_as_steps(pets):
    figure = plot_front(pets, MACS, ["vit"])
    assert figure.data[-1].name == "Pareto front"
    assert figure.data[-1].line.shape == "hv"
    assert sum(len(trace.x) for trace in figure.data[:-1]) == 30


def test_the_cheapest_model_always_stays_on_the_front_and_a_near_tie_only_sometimes(pets):
    rows = front_rows(pets, MACS)
    chances = front_chances(pets, MACS, rows)
    assert chances[0] == 1  # nothing is cheaper, whatever its error
    assert all(0 < chance <= 1 for chance in chances)
    close = replace(pets, frame=pets.frame.assign(error_sd=0.5))
    assert min(front_chances(close, MACS, rows)) < min(chances)


def test_minima_and_single_runs_have_no_chances(tables, pets):
    best = next(
        one for one in collect(tables.observations, tables.profiles).sets if one.summarised_by == "min"
    )
    assert front_chances(best, MACS, front_rows(best, MACS)) is None
    once = replace(pets, frame=pets.frame.assign(n_runs=1))
    assert front_chances(once, MACS, front_rows(once, MACS)) is None
