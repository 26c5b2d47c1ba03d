import pandas as pd
import pytest

from archimeter.reports.heatmap import heatmap_info, plot_heatmap, relate
from archimeter.reports.results import collect


def row(level, family, statistic, r, n):
    return {
        "level": level,
        "family": family,
        "statistic": statistic,
        "n": n,
        "pearson": r,
        "pearson_low": r - 0.1,
        "pearson_high": r + 0.1,
        "q_value": 0.01,
    }


GRID = pd.DataFrame(
    [
        row("pooled", "(all)", "macs", -0.5, 30),
        row("family-adjusted", "(all)", "macs", -0.4, 30),
        row("family", "vit", "macs", -0.9, 8),
        row("family", "resnet", "macs", 0.2, 12),
        row("family", "resnet", "depth", float("nan"), 12),
        row("family", "vit", "depth", 0.3, 8),
        row("family", "pit", "macs", 1.0, 5),
    ]
)


def test_all_models_come_first_then_families_by_size_and_small_ones_are_left_out():
    info = heatmap_info("Pets", GRID)
    assert [label for label, _ in info.rows] == ["all models", "all, within families", "resnet", "vit"]


def test_a_cell_holds_the_numbers_of_its_row_and_none_where_there_is_no_correlation():
    info = heatmap_info("Pets", GRID)
    assert info.statistics == ("macs", "depth")
    cells = dict(info.rows)
    assert cells["vit"][0] == pytest.approx((-0.9, -1.0, -0.8, 8, 0.01))
    assert cells["resnet"][1] is None
    assert cells["all models"][1] is None


def test_every_set_gets_its_own_correlations_and_the_same_ones_each_time(tables):
    found = collect(tables.observations, tables.profiles)
    grids = relate(found)
    assert set(grids) == {one.key for one in found.sets} == {"pets", "pets-best"}
    vit = grids["pets"].query("family == 'vit' and statistic == 'macs'").iloc[0]
    assert vit["n"] == 10
    assert vit["pearson"] < -0.99
    pd.testing.assert_frame_equal(grids["pets"], relate(found)["pets"])


def test_the_figure_shows_one_row_a_family():
    figure = plot_heatmap("Pets", GRID)
    assert list(figure.data[0].y) == ["all models", "all, within families", "resnet", "vit"]
    assert figure.data[0].zmin == -figure.data[0].zmax
