import numpy as np
import pandas as pd
import pingouin
import pytest
import scipy.stats
from statsmodels.stats.meta_analysis import combine_effects

import archimeter
from archimeter.analysis.shipped import shipped
from archimeter.analysis.synthesis import across_datasets, clustered_mean, disattenuated, reliability
from archimeter.analysis.units import protocol
from archimeter.data.errors import InputError


def rng():
    return np.random.default_rng(0)


def grid(r, n, **columns):
    same = {
        "study": "s",
        "recipe": "fine-tune",
        "level": "family",
        "family": "vit",
        "statistic": "macs",
        "n_families": 1,
    }
    frame = pd.DataFrame({"pearson": r, "n_backbones": n}).assign(**same | columns)
    return frame if "dataset" in frame else frame.assign(dataset=[f"d{i}" for i in range(len(frame))])


def test_the_mean_over_data_sets_agrees_with_statsmodels():
    r, n = np.array([-0.8, -0.2, 0.1, -0.6]), np.array([8, 12, 20, 9])
    (row,) = across_datasets(grid(r, n, study=["a", "a", "b", "c"]), rng=rng()).to_dict("records")
    known = combine_effects(np.arctanh(r), 1 / (n - 3), method_re="dl")
    assert row["mean"] == pytest.approx(np.tanh(known.mean_effect_re), abs=1e-8)
    assert (row["tau2"], row["i2"]) == pytest.approx((known.tau2, known.i2), abs=1e-8)
    assert (row["n_datasets"], row["n_studies"], row["agreeing"]) == (4, 3, 0.75)


def test_from_results_to_their_synthesis_by_the_public_names_alone():
    """Every figure by scipy and statsmodels (which leaves a negative τ² as it is), and the same bytes."""
    shown = archimeter.correlate(shipped(studies=["sfda*", "medmnistplus*"]).frame, statistics=["macs"])
    found = archimeter.across_datasets(shown, rng=rng())
    pooled = found[found["level"] == "pooled"].set_index("protocol")
    apart = shown[shown["level"] == "pooled"].assign(protocol=lambda rows: protocol(rows["recipe"]))
    assert set(pooled.index) == set(apart["protocol"])
    for name, part in apart.groupby("protocol"):
        z, v = np.arctanh(part["pearson"].to_numpy()), 1 / (part["n_backbones"].to_numpy() - 3)
        known = combine_effects(z, v, method_re="dl")
        spread = known.tau2 > 0
        mean, sd = (
            (known.mean_effect_re, known.sd_eff_w_re) if spread else (known.mean_effect_fe, known.sd_eff_w_fe)
        )
        half = scipy.stats.norm.ppf(0.975) * sd
        row = pooled.loc[name]
        assert (row["n_datasets"], row["n_estimates"]) == (part["dataset"].nunique(), len(part))
        ends = np.tanh([mean - half, mean, mean + half])
        assert row[["low", "mean", "high"]].tolist() == pytest.approx(ends.tolist(), abs=1e-8)
        assert (row["tau2"], row["i2"]) == pytest.approx((max(known.tau2, 0), max(known.i2, 0)), abs=1e-8)
        p = scipy.stats.chi2.sf(known.q, len(part) - 1)
        assert row["heterogeneity_p"] == pytest.approx(p, abs=1e-8)
    assert (pooled["tau2"] > 0).any()
    pd.testing.assert_frame_equal(found, archimeter.across_datasets(shown, rng=rng()), check_exact=True)


def test_too_few_architectures_do_not_enter():
    (row,) = across_datasets(grid([-0.8, 0.9], [8, 3]), rng=rng()).to_dict("records")
    assert row["n_datasets"] == 1
    assert row["mean"] == pytest.approx(-0.8)


def test_families_taken_out_cost_degrees_of_freedom():
    rows = grid([-0.5, -0.5], [10, 10], level="family-adjusted", family="(all)", n_families=[7, 8])
    (row,) = across_datasets(rows, rng=rng()).to_dict("records")
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


def test_recipes_of_one_data_set_count_as_one_cluster():
    """Three estimates repeated twice as recipes of the same data sets tell no more than three."""
    r, n = [-0.8, -0.2, 0.1], [12, 12, 12]
    once = across_datasets(grid(r, n), rng=rng()).iloc[0]
    twice = across_datasets(grid(r * 2, n * 2, dataset=["d0", "d1", "d2"] * 2), rng=rng()).iloc[0]
    assert (once["n_datasets"], twice["n_datasets"], twice["n_estimates"]) == (3, 3, 6)
    assert twice["high"] - twice["low"] < 0.8 * (once["high"] - once["low"])
    assert twice["cluster_high"] - twice["cluster_low"] == pytest.approx(
        once["cluster_high"] - once["cluster_low"], rel=0.02
    )


def test_frozen_and_fine_tuned_results_are_never_one_mean():
    rows = grid([-0.8, -0.7, 0.6], [12] * 3, recipe=["fine-tune", "fine-tune (384 px)", "linear-probe"])
    found = across_datasets(rows, rng=rng()).set_index("protocol")["mean"]
    assert found["fine-tune"] < -0.7
    assert found["linear-probe"] == pytest.approx(0.6)


def test_few_clusters_of_equal_weight_give_students_interval_of_their_mean():
    values = np.array([0.1, 0.5, 0.4, -0.2, 0.3])
    ends, method = clustered_mean(values, np.ones(5), np.arange(5), rng=rng())
    half = scipy.stats.t.ppf(0.975, 3) * scipy.stats.sem(values)
    assert method == "leaving data sets out, t"
    assert (ends.low[0], ends.high[0]) == pytest.approx((values.mean() - half, values.mean() + half))


def test_the_cluster_bootstrap_covers_the_mean_of_clustered_estimates():
    """400 samples of 16 clusters of 4; nominal 95 %, below 91 % is a 3.5-sigma event. Ignoring them: 65 %."""
    source, hits = np.random.default_rng(3), 0
    for seed in range(400):
        z = np.repeat(source.normal(0.3, 0.4, size=16), 4) + source.normal(scale=0.1, size=64)
        ends, _ = clustered_mean(
            z, np.ones(64), np.repeat(np.arange(16), 4), rng=np.random.default_rng(seed), draws=400
        )
        hits += bool(ends.low[0] <= 0.3 <= ends.high[0])
    assert 0.91 <= hits / 400 <= 0.99


def test_fewer_than_three_data_sets_have_no_interval_over_data_sets():
    row = across_datasets(grid([-0.8, 0.2], [12, 12]), rng=rng()).iloc[0]
    assert np.isnan([row["cluster_low"], row["cluster_high"]]).all()
    assert row["cluster_method"] is None


def test_a_frame_that_is_no_grid_is_refused():
    with pytest.raises(InputError, match="no column 'n_backbones'; give what `correlate` returns"):
        across_datasets(pd.DataFrame({"pearson": [0.1]}), rng=rng())
