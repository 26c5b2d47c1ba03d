import numpy as np
import pandas as pd
import pytest

from archimeter.analysis.evaluation.ladder import LADDER, RUNG, ladder_rows


def scored(gain_tau, gain_regret):
    rng = np.random.default_rng(0)
    rows = []
    for i in range(40):
        base = {"protocol": "dataset", "study": "s", "panel": "s, fine-tune", "dataset": f"d{i}"}
        rows.append(base | {"method": RUNG + "M0", "tau_w": 0.5, "regret_1": 2.0})
        rows.append(
            base
            | {
                "method": RUNG + "M2",
                "tau_w": 0.5 + gain_tau + 0.01 * rng.normal(),
                "regret_1": 2.0 + gain_regret + 0.01 * rng.normal(),
            }
        )
    return pd.DataFrame(rows)


@pytest.mark.parametrize(
    ("tau", "regret", "verdict"),
    [
        (0.1, 0.0, "helps"),
        (0.0, -0.5, "helps"),
        (-0.1, 0.0, "harms"),
        (0.1, 0.5, "mixed"),
        (0.0, 0.0, "no difference"),
    ],
)
def test_a_rung_is_judged_by_the_intervals_of_both_its_gains(tau, regret, verdict):
    base, rung = ladder_rows(scored(tau, regret))
    assert base["over"] is None
    assert rung["rung"] == "M2"
    assert rung["verdict"] == verdict
    assert rung["gain_tau_w_low"] <= rung["gain_tau_w"] <= rung["gain_tau_w_high"]


def test_conditions_of_one_data_set_count_once():
    rows = scored(0.1, 0.0)
    twice = pd.concat([rows, rows[rows["dataset"] == "d0"].assign(panel="s, knn", tau_w=0.0)])
    assert ladder_rows(twice)[0]["tau_w"] == pytest.approx((39 * 0.5 + 0.25) / 40)


def test_a_rung_is_compared_where_it_was_tried():
    """What the rung below scores under a condition that the rung does not know is no part of the gain."""
    rows = scored(0.1, 0.0)
    below = rows[rows["method"] == RUNG + "M0"].assign(panel="s, knn", tau_w=-1.0)
    (_, alone), (base, rung) = ladder_rows(rows), ladder_rows(pd.concat([rows, below]))
    assert base["tau_w"] == pytest.approx((0.5 - 1) / 2)
    assert rung == alone


def test_every_rung_stands_over_one_of_its_own_protocol():
    protocols = {rung.name: rung.protocol for rung in LADDER}
    assert all(protocols[rung.over] == rung.protocol for rung in LADDER if rung.over)
