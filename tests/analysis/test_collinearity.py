import numpy as np
import pandas as pd
import pytest

from archimeter.analysis.axes import with_axes
from archimeter.analysis.collinearity import RATIOS, collinearity, variance_inflation
from archimeter.data.errors import InputError, UnknownNameError


def columns(n=40, seed=0):
    rng = np.random.default_rng(seed)
    base = rng.normal(size=n)
    return np.column_stack([base + rng.normal(scale=s, size=n) + 5 for s in (0.2, 0.5, 2.0)])


def test_factors_are_the_diagonal_of_the_inverse_correlation_matrix():
    x = columns()
    assert variance_inflation(x) == pytest.approx(np.diag(np.linalg.inv(np.corrcoef(x.T))), abs=1e-8)


def test_a_combination_of_others_is_infinite_and_a_constant_unknown():
    x = columns()
    x[:, 2] = 2 * x[:, 0] - x[:, 1]
    assert np.isinf(variance_inflation(x)).all()
    x[:, 2] = 7.0
    found = variance_inflation(x)
    assert np.isnan(found[2])
    assert np.isfinite(found[:2]).all()


def made():
    rng = np.random.default_rng(1)
    size = rng.uniform(20, 30, size=60)
    frame = pd.DataFrame(
        {
            "backbone": [f"b{i}" for i in range(60)],
            "macs": 2.0**size,
            "params": 2.0 ** (size - 8 + rng.normal(scale=0.5, size=60)),
            "activations": 2.0 ** (size / 2 + 8 + rng.normal(scale=0.5, size=60)),
        }
    )
    return with_axes(frame)


def test_ratios_take_the_collinearity_out_of_the_size_axes():
    sizes, ratios = collinearity(made()), collinearity(made(), RATIOS)
    assert sizes["vif"].max() > 10
    assert ratios["vif"].max() < 1.5
    assert sizes.set_index("statistic").loc["macs", "note"].startswith("moves with")
    assert ratios["note"].isna().all()


def test_an_architecture_counts_once():
    twice = pd.concat([made(), made()])
    pd.testing.assert_frame_equal(collinearity(twice), collinearity(made()))


def test_bad_input_says_what_is_needed():
    with pytest.raises(InputError, match="at least two"):
        collinearity(made(), ["macs"])
    with pytest.raises(InputError, match="Only 3 architectures"):
        collinearity(made().head(3))
    with pytest.raises(UnknownNameError, match="mass"):
        collinearity(made(), ["mass", "macs"])
