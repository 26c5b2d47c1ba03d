import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from archimeter.analysis.pareto import front_probability, pareto, utility
from archimeter.data.errors import InputError

POINTS = arrays(
    float, st.tuples(st.integers(0, 25), st.integers(1, 4)), elements=st.integers(0, 6).map(float)
)


def beaten(values, i):
    return any(
        all(a <= b for a, b in zip(rival, values[i], strict=True))
        and any(a < b for a, b in zip(rival, values[i], strict=True))
        for rival in values
    )


@given(POINTS)
def test_the_front_is_what_brute_force_finds(values):
    assert pareto(values).tolist() == [not beaten(values, i) for i in range(len(values))]


@given(POINTS)
def test_the_order_of_the_points_does_not_matter(values):
    assert pareto(values[::-1]).tolist() == pareto(values).tolist()[::-1]


def test_a_point_with_an_unknown_cost_is_never_on_the_front():
    assert pareto(np.array([[1.0, np.nan], [2.0, 2.0]])).tolist() == [False, True]


def test_a_model_far_ahead_is_on_the_front_surely_and_a_near_tie_sometimes():
    frame = pd.DataFrame({"error": [0.1, 0.2, 0.201], "time": [2.0, 1.0, 1.0], "sd": [0.001] * 3})
    found = front_probability(
        frame, ["error", "time"], noise={"error": "sd"}, rng=np.random.default_rng(0), draws=4000
    )
    assert found["on_front"].tolist() == [True, True, False]
    # two normals 0.001 apart with SD 0.001 each: P(second < first) = Φ(−1/√2) = 0.2398
    assert found["front_probability"].tolist() == pytest.approx([1.0, 0.7602, 0.2398], abs=0.02)


def test_the_default_utility_is_the_published_score():
    frame = pd.DataFrame({"error": [0.05], "fit_time_s": [20.0]})
    assert utility(frame).tolist() == [0.05 * 100]
    assert utility(frame, "fit_time_s / 2").tolist() == [10.0]


@pytest.mark.parametrize("expression", ["eror * 2", "error +", "__import__('os')", "@os"])
def test_an_expression_that_is_none_is_refused_with_the_columns(expression):
    with pytest.raises(InputError, match="Columns: error"):
        utility(pd.DataFrame({"error": [0.05]}), expression)


def test_a_missing_objective_names_the_columns():
    with pytest.raises(InputError, match="No column 'macs'"):
        front_probability(pd.DataFrame({"error": [1.0]}), ["macs"], noise={}, rng=np.random.default_rng(0))
