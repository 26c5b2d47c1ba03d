from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import statsmodels.formula.api as smf

from archimeter.analysis.association import logit
from archimeter.analysis.design import design, with_datasets
from archimeter.analysis.mixed import fit, mixed
from archimeter.data.errors import InputError

DOMAINS = ["natural"] * 4 + ["radiology"] * 3
IMAGES = [200, 2000, 20_000, 60_000, 500, 5000, 50_000]


def made(seed=0, *, families=6, members=6, noise=0.15, domains=DOMAINS, spread=0.0):
    """Error falls with MACs on natural images, hardly on radiology; the truth is known.

    `spread`: by how much the slopes of two tasks of one domain differ.
    """
    rng = np.random.default_rng(seed)
    tasks = rng.normal(scale=0.6, size=len(domains))
    slopes = np.random.default_rng([seed, 1]).normal(scale=spread, size=len(domains))
    rows = []
    for f in range(families):
        of_family, own_slope = rng.normal(scale=0.3), rng.normal(-0.3, 0.05)
        for i in range(members):
            size, ratio, more = rng.uniform(29, 36), rng.normal(6, 0.7), rng.normal(-7, 0.7)
            own = rng.normal(scale=0.2)
            for t, domain in enumerate(domains):
                odds = -1.5 + tasks[t] + of_family + own + (own_slope + slopes[t]) * (size - 32)
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
    n_train = np.resize(np.array(IMAGES, float), len(domains))
    names = [f"d{t}" for t in range(len(domains))]
    sets = pd.DataFrame({"dataset": names, "domain": domains, "n_train": n_train})
    return with_datasets(frame, sets)


FOUR = ("task", "backbone", "family", "family_slope")


@pytest.fixture(scope="module")
def fitted():
    return mixed(made(), groupings=FOUR)


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
    built = design(made(), FOUR)
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
    found = fitted.coefficients.set_index("term")
    words = found["reading"]
    factor = np.exp(found.loc["activations", "estimate"])
    start = f"Doubling of activations at equal MACs: the odds of an error times {factor:.2f} (95%"
    assert words["activations"].startswith(start)
    assert words["size"].startswith("Doubling of MACs, on natural images: the odds of an error times 0.7")
    alone = found[~found.index.str.contains("×|intercept")]
    assert (alone.eval("low < 0 < high") == alone["reading"].str.endswith("the interval holds 1.")).all()
    assert words["intercept"].startswith("The usual model on the usual task has an error of")


def test_a_slope_is_read_as_a_whole_with_the_interval_of_a_fit_from_that_kind_of_task():
    """Were radiology the usual, its slope would be a coefficient of its own: the same number, read there."""
    frame = made()
    there = mixed(frame, groupings=FOUR).coefficients.set_index("term").loc["size × radiology", "reading"]
    swapped = frame.assign(domain=frame["domain"].map({"natural": "tissue", "radiology": "natural"}))
    own = mixed(swapped, groupings=FOUR).coefficients.set_index("term").loc["size"]
    mid, low, high = (f"{np.exp(own[name]):.2f}" for name in ("estimate", "low", "high"))
    assert (
        f"on radiology instead of natural images: the odds of an error times {mid} (95% {low} to {high})"
        in there
    )
    usual = np.exp(mixed(frame, groupings=FOUR).coefficients.set_index("term").loc["size", "estimate"])
    assert there.endswith(f" instead of {usual:.2f}.")


def test_a_domain_with_one_task_keeps_its_slope_only():
    frame = made()
    frame = frame[~frame["dataset"].isin(["d5", "d6"])]
    found = mixed(frame)
    assert "domain radiology" not in set(found.coefficients["term"])
    assert "size × radiology" in set(found.coefficients["term"])
    assert any("only one task is radiology" in note for note in found.notes)


def test_a_component_of_zero_is_said():
    other = mixed(made(families=6, noise=0.3), groupings=("task", "family"))
    assert set(other.components["component"]) == {"task", "family", "residual"}
    frame = made()
    noise = pd.Series(np.random.default_rng(1).normal(scale=0.2, size=len(frame)))
    level = noise - noise.groupby(frame["family"]).transform("mean")  # families alike, beyond all chance
    alike = mixed(frame.assign(error=1 / (1 + np.exp(2 - level))), groupings=("task", "family"))
    assert alike.converged
    assert alike.components.set_index("component").loc["family", "variance"] == 0
    assert any("the variance of family is zero (a singular fit)" in note for note in alike.notes)


def test_a_fit_that_does_not_converge_says_what_to_try():
    """The same tasks under two names: no likelihood tells their variances apart."""
    built = design(made(), ("task", "backbone"))
    twice = replace(built, groups=built.groups | {"again": built.groups["task"]})
    with pytest.warns(RuntimeWarning, match=r"did not converge.* Try fewer random effects"):
        found = fit(twice)
    assert not found.converged
    assert any("not to be trusted" in note for note in found.notes)


def test_effects_that_the_rows_cannot_tell_apart_are_left_out_and_said():
    frame = made()
    built = design(frame.assign(weights=frame["backbone"] + ".in1k"))
    assert "weights" not in built.groups
    assert "backbone and weights are one and the same in these results: one effect for both" in built.notes
    two = design(frame[frame["dataset"].isin(["d0", "d4"])])
    assert "task_slope" not in two.groups
    assert "the fixed terms tell every task slope: no random effect beside them" in two.notes
    once = design(frame.drop_duplicates("backbone").assign(dataset=lambda rows: "d" + rows.index.astype(str)))
    assert "no two results share their task: its effect is part of the residual" in once.notes


def test_weights_without_a_name_are_each_study_s_own():
    frame = made()
    unnamed = pd.concat([frame, frame.assign(study="again")], ignore_index=True).assign(weights=None)
    assert len(design(unnamed).groups["weights"][0]) == 2 * frame["backbone"].nunique()
    named = unnamed.assign(weights=unnamed["backbone"] + ".in1k")
    assert "weights" not in design(named).groups  # one set for each architecture


def test_what_size_does_in_a_domain_is_as_sure_as_its_tasks_agree():
    """25 samples whose slopes differ from task to task (sd 0.1): 95 % intervals of the true difference, 0.25.

    With the tasks' own slopes at least 20 cover (95 % less 3.4 standard errors); without them hardly half,
    for every architecture of a task counts as news.
    """
    domains = ["natural"] * 12 + ["radiology"] * 12
    covered = {True: 0, False: 0}
    for seed in range(25):
        frame = made(seed, families=5, members=4, domains=domains, spread=0.1)
        for whole in covered:
            groupings = (*FOUR, "task_slope") if whole else FOUR
            term = mixed(frame, groupings=groupings).coefficients.set_index("term").loc["size × radiology"]
            covered[whole] += bool(term["low"] < 0.25 < term["high"])
    assert covered[True] >= 20
    assert covered[False] <= 15


def test_what_a_pretraining_does_is_as_sure_as_its_weights_are_many():
    """Two sets of weights an architecture, one of them distilled, which by itself does nothing."""
    covered = {True: 0, False: 0}
    for seed in range(25):
        rng = np.random.default_rng([seed, 2])
        usual = made(seed, families=4, members=4)
        frame = pd.concat([usual, usual.assign(pretraining="distilled")], ignore_index=True)
        frame["weights"] = frame["backbone"] + "." + frame["pretraining"]
        luck = frame["weights"].map({name: rng.normal(scale=0.3) for name in frame["weights"].unique()})
        noise = rng.normal(scale=0.1, size=len(frame))
        frame["error"] = 1 / (1 + np.exp(-logit(frame["error"].to_numpy(), 1e9) - luck - noise))
        for whole in covered:
            groupings = (*FOUR, "weights") if whole else FOUR
            term = (
                mixed(frame, groupings=groupings).coefficients.set_index("term").loc["pretraining distilled"]
            )
            covered[whole] += bool(term["low"] < 0 < term["high"])
    assert covered[True] >= 20
    assert covered[False] <= 15


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
    assert "under linear-probe instead of fine-tune" in terms.loc["size × linear-probe", "reading"]


def test_one_architecture_says_nothing_of_size():
    same = made().query("backbone == 'f0m0'")
    with pytest.raises(InputError, match="the same MACs"):
        mixed(pd.concat([same, same.assign(study="again"), same.assign(study="third")]))
