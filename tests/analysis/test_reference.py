"""Every estimator against R: reference/estimators.R made reference/numbers.csv from reference/frame.csv."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from archimeter.analysis.association import kendall, line, pearson, spearman
from archimeter.analysis.collinearity import variance_inflation
from archimeter.analysis.design import Design
from archimeter.analysis.jackknife import intervals, jackknife, jackknife_t, unit_sums
from archimeter.analysis.meta import random_effects, shrink
from archimeter.analysis.mixed import fit
from archimeter.analysis.multiplicity import benjamini_hochberg
from archimeter.analysis.permutation import correlation_p, exact_p
from archimeter.analysis.pooling import within_family
from archimeter.analysis.reml import reml
from archimeter.analysis.scaling import exponents
from archimeter.analysis.synthesis import reliability

HERE = Path(__file__).with_name("reference")


def known(*names):
    numbers = pd.read_csv(HERE / "numbers.csv", index_col="name")["value"]
    return pytest.approx([numbers[name] for name in names], abs=1e-8)


@pytest.fixture(scope="module")
def frame():
    return pd.read_csv(HERE / "frame.csv")


@pytest.fixture(scope="module")
def one(frame):
    return frame[(frame["task"] == "t1") & (frame["run"] == 0)]


@pytest.fixture(scope="module")
def pair(one):
    return one["size"].to_numpy(), one["y"].to_numpy()


def test_correlations_and_the_line(pair):
    x, y = pair
    fitted = line(x, y)
    tied = kendall(np.round(x), np.round(y, 1))
    found = [pearson(x, y), spearman(x, y), kendall(x, y), tied, *fitted]
    assert found == known("pearson", "spearman", "kendall", "kendall_ties", "slope", "intercept", "r2")
    p = correlation_p(x[None], y, pearson(x[None], y)).p[0]
    assert [p] == known("pearson_p")


def test_given_the_family(one, pair):
    codes = pd.factorize(one["family"])[0]
    found = within_family(*pair, codes, np.arange(len(codes)))
    assert [found.slope, found.p, found.pearson, found.spearman] == known(
        "within_slope", "within_p", "within_pearson", "within_spearman"
    )
    assert [found.low, found.high] == known("within_low", "within_high")


def test_exact_permutation(one):
    few = one[one["family"] == "a"]
    p = exact_p(few[["size"]].to_numpy().T, few["y"].to_numpy())
    assert [len(few), p[0]] == known("exact_n", "exact_p")


def test_multiplicity():
    p = np.array([0.001, 0.2, 0.012, 0.04, 0.9, 0.03, 0.005, 0.04])
    assert benjamini_hochberg(p).tolist() == known(*(f"bh_{i + 1}" for i in range(8)))


def test_jackknife(pair):
    x, y = pair
    left_out = np.arctanh(jackknife(x, y, statistic=pearson))
    found = jackknife_t(np.atleast_1d(np.arctanh(pearson(x, y))), left_out)
    assert [found.low[0], found.high[0]] == known("jackknife_low", "jackknife_high")
    of_r, of_slope = intervals(unit_sums(x[None], y))
    assert np.arctanh([of_r.low[0], of_r.high[0]]).tolist() == known("jackknife_low", "jackknife_high")
    assert [of_slope.low[0], of_slope.high[0]] == known("slope_low", "slope_high")


def test_variance_inflation(one, pair):
    columns = np.column_stack([one[["size", "activations"]], pair[0] ** 2])
    assert variance_inflation(columns).tolist() == known("vif_size", "vif_activations", "vif_third")


def test_reliability_of_means(frame):
    runs = frame[frame["task"] == "t0"].groupby("backbone")["y"]
    assert [reliability(runs.mean().to_numpy(), runs.std().to_numpy(), np.full(40, 3))] == known("icc_1_k")


def test_random_effects_and_shrinkage():
    z, v = np.array([-0.9, -0.2, 0.3, -0.6, 0.8]), np.array([0.05, 0.1, 0.02, 0.08, 0.2])
    found = random_effects(z, v)
    assert [found.tau2, found.mean, found.low, found.p] == known("dl_tau2", "dl_mean", "dl_low", "dl_q_p")
    assert found.tau2 > 0
    assert shrink(z, v).tolist() == known(*(f"shrunk_{i}" for i in range(1, 6)))


def test_exponents():
    found = exponents(pd.read_csv(HERE / "scaling.csv"), responses=["value"]).set_index("factor")
    for factor in ("depth", "width", "resolution"):
        assert found.loc[factor, ["exponent", "low"]].tolist() == known(
            f"exponent_{factor}", f"exponent_low_{factor}"
        )


def test_the_mixed_model_agrees_with_lme4(frame):
    """To 1e-6, the tolerance that lme4's own search has at a top as flat as this."""
    rows = frame[frame["run"] == 0].sort_values(["backbone", "family", "task"], ignore_index=True)
    terms = rows[["size", "activations"]] - rows[["size", "activations"]].mean()
    terms.insert(0, "intercept", 1.0)
    ones = np.ones(len(rows))
    groups = {}
    for name in ("task", "backbone", "family", "family_slope"):
        codes, levels = pd.factorize(rows["family" if name == "family_slope" else name], sort=True)
        groups[name] = (list(levels), codes, terms["size"].to_numpy() if name == "family_slope" else ones)
    units = dict.fromkeys(terms, "unit")
    found = fit(Design(rows["y"].to_numpy(), rows, terms, units, groups, ()))
    numbers = pd.read_csv(HERE / "numbers.csv", index_col="name")["value"]
    assert found.n == numbers["mixed_n"]
    assert found.converged
    assert found.log_likelihood == pytest.approx(numbers["mixed_reml"], abs=1e-9)
    names = ["(Intercept)", "size", "activations"]
    coefficients = found.coefficients
    assert coefficients["estimate"].tolist() == pytest.approx(
        [numbers[f"mixed_{n}"] for n in names], abs=1e-6
    )
    assert coefficients["se"].tolist() == pytest.approx([numbers[f"mixed_se_{n}"] for n in names], rel=1e-6)
    variances = found.components.set_index("component")["variance"]
    theirs = {
        "task": "task_(Intercept)",
        "backbone": "backbone_(Intercept)",
        "family": "family.1_(Intercept)",
        "family_slope": "family_size",
        "residual": "Residual_NA",
    }
    for name, key in theirs.items():
        assert variances[name] == pytest.approx(numbers[f"mixed_var_{key}"], rel=1e-5)
    effects = found.effects.set_index(["component", "level"])["effect"]
    assert effects["task", "t3"] == pytest.approx(numbers["mixed_blup_task_t3"], abs=1e-6)
    first = found.rows[np.isclose(found.rows["observed"], numbers["mixed_first"], atol=1e-9)]
    assert first["fitted"].iloc[0] == pytest.approx(numbers["mixed_fitted_1"], abs=1e-6)


def test_a_component_on_the_boundary_is_zero_where_lme4_calls_the_fit_singular(frame):
    """`luck`, the rows counted in sevens, explains nothing: both find its variance at zero."""
    rows = frame[frame["run"] == 0].sort_values(["backbone", "family", "task"], ignore_index=True)
    rows["luck"] = np.arange(1, len(rows) + 1) % 7
    groups = {}
    for name in ("task", "backbone", "luck"):
        codes, levels = pd.factorize(rows[name], sort=True)
        groups[name] = (list(levels), codes, np.ones(len(rows)))
    size = rows["size"].to_numpy()
    x = np.column_stack([np.ones(len(rows)), size - size.mean()])
    found = reml(rows["y"].to_numpy(), x, groups)
    numbers = pd.read_csv(HERE / "numbers.csv", index_col="name")["value"]
    assert numbers["singular_is"] == 1
    assert found.converged
    assert found.variances["luck"] == 0
    assert (found.effects["luck"] == 0).all()
    assert found.log_likelihood == pytest.approx(numbers["singular_reml"], abs=1e-9)
    assert found.beta[1] == pytest.approx(numbers["singular_size"], rel=1e-6)
    assert np.sqrt(found.covariance[1, 1]) == pytest.approx(numbers["singular_se"], rel=1e-6)
    for name in ("task", "backbone"):
        assert found.variances[name] == pytest.approx(numbers[f"singular_var_{name}"], rel=1e-6)
    assert found.residual == pytest.approx(numbers["singular_var_Residual"], rel=1e-6)
