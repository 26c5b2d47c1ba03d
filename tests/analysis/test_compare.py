"""Side by side: ratios, neighbours and places on fronts, by hand-made tables."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest

from archimeter.analysis.compare import nearest, place_on_fronts, ratios
from archimeter.data.errors import InputError
from archimeter.data.records import Profile


def _profiles(*rows):
    return pd.DataFrame([Profile(**row).as_row() for row in rows])


def test_ratio_is_to_the_first_profile():
    frame = _profiles(
        {"backbone": "a", "params": 100, "macs": 50, "depth": 18},
        {"backbone": "b", "params": 250, "macs": None, "depth": 9},
    )
    found = ratios(frame).set_index(["backbone", "measure"])["ratio"]
    assert found["b", "params"] == 2.5
    assert found["b", "depth"] == 0.5
    assert math.isnan(found["b", "macs"])
    assert found["a", "params"] == 1
    assert "throughput" not in found.index.get_level_values("measure")


def test_reference_of_zero_gives_no_ratio():
    frame = _profiles({"backbone": "a", "attention_share": 0.0}, {"backbone": "b", "attention_share": 0.2})
    assert math.isnan(ratios(frame)["ratio"].iloc[1])


@pytest.fixture
def known():
    # log2 of params 0…8: quartiles 2 and 6 doublings apart by 4
    return pd.DataFrame(
        {
            "backbone": [f"n{i}" for i in range(9)],
            "family": "n",
            "params": [2.0**i for i in range(9)],
            "depth": [10.0] * 9,
        }
    )


def test_distance_is_in_robust_standard_deviations(known):
    found = nearest({"backbone": "mine", "params": 2.0**4 * 1.1, "depth": 10}, known, n=2)
    assert list(found["backbone"]) == ["n4", "n5"]
    spread = 4 * math.log(2) / 1.349
    assert found["distance"].iloc[0] == pytest.approx(math.log(1.1) / spread / math.sqrt(2))
    assert found["n_statistics"].iloc[0] == 2


def test_a_backbone_is_not_its_own_neighbour_but_a_custom_one_may_share_a_name(known):
    query = {"backbone": "n4", "params": 16.0, "depth": 10}
    assert nearest({**query, "source": "timm"}, known)["backbone"].iloc[0] != "n4"
    assert nearest({**query, "source": "file"}, known)["backbone"].iloc[0] == "n4"


def test_missing_statistics_are_left_out_of_the_distance(known):
    known.loc[4, "depth"] = np.nan
    found = nearest({"backbone": "mine", "params": 16.0, "depth": 20}, known, n=1)
    assert (found["backbone"].iloc[0], found["n_statistics"].iloc[0]) == ("n4", 1)


def test_nothing_to_compare_by_is_refused(known):
    with pytest.raises(InputError, match="'mine' has none of params, macs"):
        nearest({"backbone": "mine"}, known)


@pytest.fixture
def published():
    return pd.DataFrame(
        {
            "backbone": ["small", "middle", "worse", "large", "high"],
            "weights": ["small.a", "middle.a", None, "large.a", "high.a"],
            "error": [0.30, 0.22, 0.25, 0.18, 0.10],
            "params": [5e6, 20e6, 25e6, 80e6, 10e6],
            "macs": [1e9, 4e9, 4e9, 15e9, 2e9],
            "size_differs": [False, None, False, False, True],
        }
    )


def test_custom_backbone_is_told_the_front_at_its_cost(published):
    row = place_on_fronts({"backbone": "mine", "source": "file", "macs": 5e9}, published).iloc[0]
    assert (row["cost"], row["n"], row["cheaper"]) == ("macs", 4, 3)
    assert (row["best"], row["best_error"]) == ("middle.a", 0.22)
    assert (row["next"], row["next_cost"]) == ("large.a", 15e9)
    assert math.isnan(row["error"])
    assert row["on_front"] is None


def test_results_at_another_size_count_for_params_only(published):
    rows = place_on_fronts({"backbone": "mine", "params": 12e6, "macs": 3e9}, published).set_index("cost")
    assert rows.loc["params", "best"] == "high.a"
    assert rows.loc["macs", "best"] == "small.a"


def test_known_backbone_is_on_the_front_or_a_gap_from_it(published):
    on = place_on_fronts({"backbone": "middle", "source": "timm", "macs": 4e9}, published).iloc[0]
    off = place_on_fronts({"backbone": "worse", "source": "timm", "macs": 4e9}, published).iloc[0]
    assert on["on_front"]
    assert on["gap"] == 0
    assert not off["on_front"]
    assert off["gap"] == pytest.approx(0.03)


def test_cheaper_than_everything_published(published):
    row = place_on_fronts({"backbone": "tiny", "macs": 1e6}, published).iloc[0]
    assert row["best"] is None
    assert row["cheaper"] == 0
    assert row["next"] == "small.a"
