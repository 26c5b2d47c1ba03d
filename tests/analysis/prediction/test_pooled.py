"""The pooled model against a dense mixed model, and what is left out really is."""

import numpy as np
import pytest

from archimeter.analysis.prediction.design import FEATURES, N_NUMBERS, USED
from archimeter.analysis.prediction.held_out import HeldOut
from archimeter.analysis.prediction.pooled import Cells, fit_pooled, sums_of

VARIANCES = {
    "facts": 0.1,
    "pretraining": 0.05,
    "facts in study": 0.03,
    "pretraining in study": 0.02,
    "family in study": 0.2,
    "model in study": 0.1,
    "noise": 0.4,
}


def simulated(seed=0, studies=4, sets=3, models=12):
    """Results whose slopes are −0.5 on size and 0.3 on ImageNet error in every study."""
    rng = np.random.default_rng(seed)
    parts, keys = [], []
    for s in range(studies):
        x = np.zeros((models, len(FEATURES)))
        x[:, USED[0]], x[:, USED[2]] = rng.normal(size=(2, models))
        own = 0.3 * x[:, USED[0]] - 0.5 * x[:, USED[2]] + 0.2 * rng.normal(size=models)
        for d in range(sets):
            y = own + 0.3 * rng.normal(size=models)
            parts.append((y - y.mean(), x, np.full(models, len(keys)), s))
            keys.append((s, f"study {s}", f"set {d}"))
    names = [f"model {i}, fine-tune" for i in range(models)]
    return Cells(
        y=np.concatenate([p[0] for p in parts]),
        raw=np.concatenate([p[0] for p in parts]),
        x=np.concatenate([p[1] for p in parts]),
        cell=np.concatenate([p[2] for p in parts]),
        family=np.array([f"family {i % 4}" for _ in parts for i in range(models)]),
        model=np.array(names * len(parts)),
        weight=np.ones(len(parts) * models),
        keys=tuple(keys),
        levels=np.zeros(len(parts)),
        spreads=np.ones(len(parts)),
    )


def dense_slopes(cells):
    """Generalised least squares with every effect in one covariance; cells' means projected out."""
    study = cells.studies
    x = cells.x[:, USED]
    deviations = np.diag(
        [VARIANCES["facts in study"]] * N_NUMBERS
        + [VARIANCES["pretraining in study"]] * (len(USED) - N_NUMBERS)
    )
    same = study[:, None] == study
    v = same * (x @ deviations @ x.T)
    v = v + VARIANCES["family in study"] * (same & (cells.family[:, None] == cells.family))
    v = v + VARIANCES["model in study"] * (same & (cells.model[:, None] == cells.model))
    v = v + VARIANCES["noise"] * np.eye(len(study)) + 1e6 * (cells.cell[:, None] == cells.cell)
    prior = np.array([VARIANCES["facts"]] * N_NUMBERS + [VARIANCES["pretraining"]] * (len(USED) - N_NUMBERS))
    w = np.linalg.inv(v)
    return np.linalg.solve(x.T @ w @ x + np.diag(1 / prior), x.T @ w @ cells.y)


def test_slopes_are_those_of_the_dense_mixed_model():
    cells = simulated()
    sums = [sums_of(cells, cells.studies == name) for name in np.unique(cells.studies)]
    found = fit_pooled(sums, VARIANCES)
    assert found.slopes == pytest.approx(dense_slopes(cells), abs=1e-5)


def test_expectation_maximisation_finds_the_slopes_that_made_the_results():
    cells = simulated(studies=12, models=30)
    held = HeldOut(cells)
    slopes = held.fit(None).slopes
    assert slopes[0] == pytest.approx(0.3, abs=0.06)
    assert slopes[2] == pytest.approx(-0.5, abs=0.06)
    assert held.variances(None)["facts in study"] < 0.02


def test_what_is_left_out_does_not_count():
    cells, other = simulated(), simulated()
    gone = (other.studies == "study 1") | (other.datasets == "set 2")
    other.y[gone] = np.random.default_rng(9).normal(size=gone.sum())
    one = HeldOut(cells).fit("study 1", {"set 2"})
    shown = fit_pooled(
        [
            sums_of(cells, (cells.studies == s) & (cells.datasets != "set 2"))
            for s in ("study 0", "study 2", "study 3")
        ],
        HeldOut(cells).variances("study 1"),
    )
    assert one.slopes == pytest.approx(shown.slopes)
    variances = HeldOut(cells).variances("study 1")
    sums = [HeldOut(other).sums(s, {"set 2"}) for s in ("study 0", "study 2", "study 3")]
    assert fit_pooled([s for s in sums if s], variances).slopes == pytest.approx(one.slopes)


def test_a_known_laboratory_moves_its_own_slopes():
    cells = simulated()
    held = HeldOut(cells)
    pooled = held.fit("study 0")
    own = held.sums("study 0")
    assert own is not None
    assert not np.allclose(pooled.in_known_laboratory(own), pooled.slopes)
    between = [pooled.variances["facts in study"]] * N_NUMBERS
    between += [pooled.variances["pretraining in study"]] * (len(USED) - N_NUMBERS)
    assert np.diag(pooled.in_new_laboratory() - pooled.covariance) == pytest.approx(between)


def test_results_elsewhere_are_weighted_means_of_standardised_ranks():
    cells = simulated()
    means = HeldOut(cells).elsewhere("study 0", {"set 1"})
    use = (cells.studies != "study 0") & (cells.datasets != "set 1") & (cells.model == "model 3, fine-tune")
    assert means["model 3"] == pytest.approx(cells.y[use].mean())
