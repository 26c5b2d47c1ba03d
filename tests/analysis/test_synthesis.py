import numpy as np
import pandas as pd
import pingouin
import pytest
from statsmodels.stats.meta_analysis import combine_effects

from archimeter.analysis.synthesis import across_datasets, disattenuated, reliability


def grid(r, n, **columns):
    same = {"study": "s", "level": "family", "family": "vit", "statistic": "macs", "n_families": 1}
    return pd.DataFrame({"pearson": r, "n_backbones": n}).assign(**same | columns)


def test_the_mean_over_data_sets_agrees_with_statsmodels():
    r, n = np.array([-0.8, -0.2, 0.1, -0.6]), np.array([8, 12, 20, 9])
    (row,) = across_datasets(grid(r, n, study=["a", "a", "b", "c"])).to_dict("records")
    known = combine_effects(np.arctanh(r), 1 / (n - 3), method_re="dl")
    assert row["mean"] == pytest.approx(np.tanh(known.mean_effect_re), abs=1e-8)
    assert (row["tau2"], row["i2"]) == pytest.approx((known.tau2, known.i2), abs=1e-8)
    assert (row["n_datasets"], row["n_studies"], row["agreeing"]) == (4, 3, 0.75)


def test_too_few_architectures_do_not_enter():
    (row,) = across_datasets(grid([-0.8, 0.9], [8, 3])).to_dict("records")
    assert row["n_datasets"] == 1
    assert row["mean"] == pytest.approx(-0.8)


def test_families_taken_out_cost_degrees_of_freedom():
    rows = grid([-0.5, -0.5], [10, 10], level="family-adjusted", family="(all)", n_families=[7, 8])
    (row,) = across_datasets(rows).to_dict("records")
    assert row["n_datasets"] == 1


@pytest.mark.filterwarnings("ignore:The inplace keyword")  # pingouin 0.7 under pandas 3.1
def test_reliability_is_the_intraclass_correlation():
    rng = np.random.default_rng(0)
    runs = rng.normal(size=(15, 1)) + 0.6 * rng.normal(size=(15, 3))
    long = pd.DataFrame(
        {"model": np.repeat(range(15), 3), "run": np.tile(range(3), 15), "error": runs.ravel()}
    )
    icc = pingouin.intraclass_corr(long, "model", "run", "error").set_index("Type")["ICC"]
    key = next(name for name in icc.index if name.replace(" ", "") in {"ICC1k", "ICC(1,k)"})
    found = reliability(runs.mean(1), runs.std(1, ddof=1), np.full(15, 3))
    assert found == pytest.approx(icc[key], abs=1e-8)


def test_noise_halves_a_correlation_and_its_correction_brings_it_back():
    assert disattenuated(0.4, 0.64) == pytest.approx(0.5)
    assert disattenuated(-0.9, 0.5) == -1
    assert np.isnan(disattenuated(0.4, 0.0))
    assert np.isnan(disattenuated(0.4, float("nan")))


def test_without_replicates_the_reliability_is_unknown():
    assert np.isnan(reliability(np.array([0.1, 0.2]), np.array([np.nan, np.nan]), np.ones(2)))
