import numpy as np
import pandas as pd
import pingouin
import pytest
import statsmodels.api as sm

from archimeter.analysis.association import pearson
from archimeter.analysis.jackknife import intervals, student_t, unit_sums
from archimeter.analysis.pooling import less_family, simpson, within_family

RNG = np.random.default_rng(0)
FAMILIES = np.repeat([0, 1, 2, 3], [8, 6, 5, 1])
X = RNG.normal(size=20) + FAMILIES
Y = -0.5 * X + 2.0 * FAMILIES + RNG.normal(size=20)


def adjusted(x=X, y=Y, families=FAMILIES, **options):
    return within_family(x, y, families, np.arange(len(x)), **options)


def with_dummies():
    kept = FAMILIES < 3
    dummies = pd.get_dummies(FAMILIES[kept], prefix="f", drop_first=True, dtype=float)
    return pd.DataFrame({"x": X[kept], "y": Y[kept]}).join(dummies)


def test_the_partial_correlations_agree_with_pingouin():
    frame = with_dummies()
    given = [name for name in frame if name.startswith("f_")]
    known = pingouin.partial_corr(frame, "x", "y", given)
    found = adjusted()
    assert (found.n, found.n_families) == (19, 3)
    assert found.pearson == pytest.approx(known["r"].iloc[0], abs=1e-8)
    p_column = next(name for name in known if name.startswith("p"))
    assert found.p == pytest.approx(known[p_column].iloc[0], abs=1e-8)
    ranked = pd.DataFrame({"x": frame["x"].rank(), "y": frame["y"].rank()}).join(frame[given])
    known_ranks = pingouin.partial_corr(ranked, "x", "y", given)
    assert found.spearman == pytest.approx(known_ranks["r"].iloc[0], abs=1e-8)


def test_the_slope_agrees_with_ordinary_least_squares_with_dummies():
    frame = with_dummies()
    fit = sm.OLS(frame["y"], sm.add_constant(frame.drop(columns="y"))).fit()
    assert adjusted().slope == pytest.approx(fit.params["x"], abs=1e-8)
    assert adjusted().p == pytest.approx(fit.pvalues["x"], abs=1e-8)


def test_kendall_counts_pairs_of_one_family_only():
    families = np.array([0, 0, 1, 1])
    x, y = np.array([1.0, 2.0, 10.0, 11.0]), np.array([5.0, 6.0, 2.0, 1.0])
    assert adjusted(x, y, families).kendall == pytest.approx(0.0)
    assert adjusted(x, y, families, tie_width=1.0).kendall != adjusted(x, y, families).kendall


def test_simpsons_paradox_is_found():
    """Within each family the error falls with size; the larger families are the worse ones."""
    families = np.repeat(np.arange(5), 8)
    size = np.tile(np.linspace(0, 1, 8), 5)
    noise = np.random.default_rng(1).normal(scale=0.05, size=40)
    x, y = size + 2 * families, -size + 3 * families + noise
    within = adjusted(x, y, families)
    r = float(np.corrcoef(x, y)[0, 1])
    of_r, _ = intervals(unit_sums(x[None], y))
    assert r > 0.9
    assert within.pearson < -0.9
    assert simpson((r, of_r.low[0], of_r.high[0]), (within.pearson, within.low, within.high)) == "reversed"


def test_agreement_and_ignorance_are_not_a_paradox():
    assert simpson((0.5, 0.2, 0.7), (0.4, 0.1, 0.6)) is None
    assert simpson((0.5, 0.2, 0.7), (np.nan, np.nan, np.nan)) is None
    assert simpson((0.5, 0.2, 0.7), (-0.1, -0.4, 0.3)) == "signs differ"


def test_the_interval_leaves_out_each_architecture_with_all_its_weights():
    rng = np.random.default_rng(0)
    families = np.array([0, 0, 0, 1, 1, 2, 2, 2, 2, 3, 3])
    backbones = np.array([0, 0, 1, 2, 3, 4, 5, 6, 6, 7, 7])
    x = rng.normal(size=11)
    y = 0.5 * x + rng.normal(size=11)
    left_out = []
    for code in range(8):
        kept = backbones != code
        codes = np.unique(families[kept], return_inverse=True)[1]
        left_out.append(np.arctanh(pearson(less_family(x[kept], codes), less_family(y[kept], codes))))
    deviations = (np.mean(left_out) - left_out) * np.sqrt((8 - 4) / (8 - 1))
    found = within_family(x, y, families, backbones)
    known = student_t(np.arctanh(found.pearson), deviations, 8 - 4)
    assert np.arctanh([found.low, found.high]) == pytest.approx([known.low, known.high])


@pytest.mark.parametrize("sizes", [[2, 3, 7], [6] * 5])
@pytest.mark.parametrize("skewed", [False, True])
def test_the_interval_covers_the_correlation_within_families(sizes, skewed):
    """500 samples a case, Monte-Carlo error 1 point; the long benchmark has 94 to 97 %."""
    rng = np.random.default_rng(sizes)
    families = np.repeat(np.arange(len(sizes)), sizes)
    shape = (2, 500, len(families))
    x, noise = rng.exponential(size=shape) if skewed else rng.normal(size=shape)
    y = 0.8 * x + 0.6 * noise + families
    hits = [within_family(*row, families, np.arange(len(families))) for row in zip(x, y, strict=True)]
    assert 0.91 <= np.mean([found.low <= 0.8 <= found.high for found in hits]) <= 0.99


def test_families_of_one_member_leave_nothing_to_say():
    found = adjusted(np.arange(4.0), np.arange(4.0), np.arange(4))
    assert found.n == 0
    assert np.isnan(found.pearson)


def test_a_statistic_that_is_constant_within_families_is_not_judged():
    families = np.repeat([0, 1, 2], 4)
    assert np.isnan(adjusted(families * 0.1, np.arange(12.0), families).pearson)
