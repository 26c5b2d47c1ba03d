import numpy as np
import pandas as pd
import pytest
import statsmodels.formula.api as smf

from archimeter.analysis.association import logit
from archimeter.analysis.design import design, with_datasets
from archimeter.analysis.mixed import mixed
from archimeter.data.errors import InputError

DOMAINS = ["natural"] * 4 + ["radiology"] * 3
IMAGES = [200, 2000, 20_000, 60_000, 500, 5000, 50_000]


def made(seed=0, families=6, members=6, noise=0.15):
    """Error falls with MACs on natural images, hardly on radiology; the truth is known."""
    rng = np.random.default_rng(seed)
    tasks = rng.normal(scale=0.6, size=len(DOMAINS))
    rows = []
    for f in range(families):
        of_family, own_slope = rng.normal(scale=0.3), rng.normal(-0.3, 0.05)
        for i in range(members):
            size, ratio, more = rng.uniform(29, 36), rng.normal(6, 0.7), rng.normal(-7, 0.7)
            own = rng.normal(scale=0.2)
            for t, domain in enumerate(DOMAINS):
                odds = -1.5 + tasks[t] + of_family + own + own_slope * (size - 32)
                odds += 0.25 * (size - 32) * (domain == "radiology") + rng.normal(scale=noise)
                rows.append(
                    {
                        "study": "made", "dataset": f"d{t}", "recipe": "fine-tune", "backbone": f"f{f}m{i}",
                        "family": f"f{f}", "macs": 2.0**size, "activations_per_sqrt_macs": 2.0**ratio,
                        "params_per_mac": 2.0**more, "error": 1 / (1 + np.exp(-odds)), "n_eval": 1e9,
                        "status": "ok", "pretraining": "supervised-in1k",
                    }
                )  # fmt: skip
    frame = pd.DataFrame(rows)
    sets = pd.DataFrame(
        {"dataset": [f"d{t}" for t in range(7)], "domain": DOMAINS, "n_train": np.array(IMAGES, float)}
    )
    return with_datasets(frame, sets)


@pytest.fixture(scope="module")
def fitted():
    return mixed(made())


def test_the_truth_lies_in_the_intervals(fitted):
    found = fitted.coefficients.set_index("term")
    assert fitted.converged
    assert found.loc["size", "low"] < -0.3 < found.loc["size", "high"]
    assert found.loc["size × radiology", "low"] < 0.25 < found.loc["size × radiology", "high"]
    assert found.loc["size × radiology", "low"] > 0
    assert abs(found.loc["activations", "z"]) < 4
    assert abs(found.loc["parameters", "z"]) < 4
    assert set(found.index) >= {"images", "size × images", "domain radiology"}


def test_variances_agree_with_statsmodels_formula(fitted):
    """The same model written as a formula, data sets and architectures crossed by vc_formula."""
    built = design(made())
    names = dict(zip(built.terms.columns[1:], "abcdefghij", strict=False))
    frame = built.terms.rename(columns=names).assign(y=built.y)
    frame = frame.join(built.rows[["task", "backbone", "family"]])
    crossed = {
        "task": "0 + C(task)",
        "backbone": "0 + C(backbone)",
        "family": "0 + C(family)",
        "family_slope": "0 + C(family):a",
    }
    known = smf.mixedlm(
        "y ~ " + " + ".join(names.values()), frame, groups=np.ones(len(frame)), vc_formula=crossed
    ).fit(method="bfgs")
    theirs = dict(zip(known.model.exog_vc.names, known.vcomp, strict=True))
    ours = fitted.components.set_index("component")["variance"]
    for name, variance in theirs.items():
        assert ours[name] == pytest.approx(variance, rel=1e-3, abs=1e-6)
    assert fitted.coefficients["estimate"].tolist() == pytest.approx(known.fe_params.tolist(), abs=1e-4)
    assert fitted.coefficients["se"].tolist() == pytest.approx(known.bse_fe.tolist(), rel=5e-3)
    assert fitted.rows["fitted"].tolist() == pytest.approx(known.fittedvalues.tolist(), abs=1e-3)


def test_the_diagnostics_add_up(fitted):
    assert fitted.rows["leverage"].sum() == pytest.approx(len(fitted.coefficients))
    assert (fitted.rows["observed"] - fitted.rows["fitted"]).tolist() == fitted.rows["residual"].tolist()
    assert fitted.components["share"].sum() == pytest.approx(1)


def test_a_coefficient_is_read_aloud_on_errors(fitted):
    words = fitted.coefficients.set_index("term")["reading"]
    factor = np.exp(fitted.coefficients.set_index("term").loc["size", "estimate"])
    assert words["size"].startswith(f"Doubling of MACs: the odds of an error times {factor:.2f} (95%")
    doubtful = fitted.coefficients.query("low < 0 < high and term != 'intercept'")
    assert len(doubtful)
    assert doubtful["reading"].str.endswith("or does not change: the interval holds 1.").all()
    assert words["intercept"].startswith("The usual model on the usual task has an error of")


def test_a_domain_with_one_task_keeps_its_slope_only():
    frame = made()
    frame = frame[~frame["dataset"].isin(["d5", "d6"])]
    fit = mixed(frame)
    assert "domain radiology" not in set(fit.coefficients["term"])
    assert "size × radiology" in set(fit.coefficients["term"])
    assert any("only one task is radiology" in note for note in fit.notes)


def test_a_component_of_zero_is_said():
    fit = mixed(made(families=6, noise=0.3), groupings=("task", "family"))
    assert set(fit.components["component"]) == {"task", "family", "residual"}
    frame = made()
    noise = pd.Series(np.random.default_rng(1).normal(scale=0.2, size=len(frame)))
    level = noise - noise.groupby(frame["family"]).transform("mean")  # families alike, beyond all chance
    alike = mixed(frame.assign(error=1 / (1 + np.exp(2 - level))), groupings=("task", "family"))
    assert any("the variance of family is zero" in note for note in alike.notes)


def test_a_fit_that_does_not_converge_says_what_to_try(monkeypatch):
    monkeypatch.setattr(
        "archimeter.analysis.mixed._optimise", lambda built: (_fit_once(built), "bfgs", False)
    )
    with pytest.warns(RuntimeWarning, match=r"did not converge .* Try fewer random effects"):
        fit = mixed(made())
    assert not fit.converged
    assert any("not to be trusted" in note for note in fit.notes)


def _fit_once(built):
    class Result:
        vcomp = np.full(len(built.groups), 0.05)
        scale = 0.1
        llf = -1.0

    return Result()


def test_too_little_says_how_much_is_needed():
    with pytest.raises(InputError, match="7 complete rows are too few"):
        mixed(made().head(7))
    with pytest.raises(InputError, match="Unknown grouping 'laboratory'"):
        mixed(made(), groupings=("laboratory",))
    with pytest.raises(InputError, match=r"use `analysis\.shipped\.shipped`"):
        mixed(made().drop(columns="macs"))


def test_a_frozen_backbone_has_a_level_and_a_slope_of_its_own():
    """Probes of the same data sets: one logit worse, and size says nothing of them (slope −0.3 gone)."""
    tuned = made()
    size = np.log2(tuned["macs"].to_numpy())
    odds = logit(tuned["error"].to_numpy(), 1e9) + 1 + 0.3 * (size - size.mean())
    probes = tuned.assign(recipe="linear-probe (224 px)", error=1 / (1 + np.exp(-odds)))
    found = mixed(pd.concat([tuned, probes], ignore_index=True))
    terms = found.coefficients.set_index("term")
    assert terms.loc["recipe linear-probe", "estimate"] == pytest.approx(1, abs=0.1)
    assert terms.loc["size × linear-probe", "estimate"] == pytest.approx(0.3, abs=0.03)
    assert terms.loc["size", "low"] < -0.3 < terms.loc["size", "high"]
    assert "Linear-probe instead of fine-tune" in terms.loc["recipe linear-probe", "reading"]
    assert "under linear-probe beyond fine-tune" in terms.loc["size × linear-probe", "reading"]


def test_what_would_take_an_hour_is_refused_with_a_way_out(monkeypatch):
    monkeypatch.setattr("archimeter.analysis.mixed.LARGEST_WORK", 1e5)
    with pytest.raises(InputError, match=r"252 results with 55 random effects.*Give one study"):
        mixed(made())


def test_one_architecture_says_nothing_of_size():
    same = made().query("backbone == 'f0m0'")
    with pytest.raises(InputError, match="the same MACs"):
        mixed(pd.concat([same, same.assign(study="again"), same.assign(study="third")]))
