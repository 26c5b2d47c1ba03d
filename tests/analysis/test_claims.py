import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import scipy.stats

from archimeter.analysis.claims import VERDICTS, changed_conclusions, claims, gather
from archimeter.analysis.claims.architecture import left_out_misses
from archimeter.analysis.claims.protocols import tuning_gain
from archimeter.analysis.claims.record import Estimate, says_little, says_negative, says_within
from archimeter.analysis.claims.sweep import judge_sweep, welch
from archimeter.analysis.claims.transfer import judge_transfer, text_advantage
from archimeter.data.errors import InputError


@pytest.fixture(scope="module")
def evidence():
    return gather(draws=400)


@pytest.fixture(scope="module")
def all_claims(evidence):
    return claims(evidence)


@pytest.fixture(scope="module")
def judged(all_claims):
    return all_claims.set_index("claim")


def by_key(claims_of_one_kind):
    return {claim.claim: claim for claim in claims_of_one_kind}


def test_every_claim_of_the_sources_has_a_verdict_and_its_data(judged):
    assert set(judged["system"]) == {2, 5, 7, 8, 9}
    assert set(judged["verdict"]) <= set(VERDICTS)
    assert judged.index.is_unique
    for row in judged.itertuples():
        assert row.statement.endswith(".")
        assert row.measure
        assert row.reason
        if row.verdict != "undecided":
            assert row.n > 0
            assert row.low <= row.estimate <= row.high


def test_what_nobody_measured_stays_undecided_and_says_so(judged):
    row = judged.loc["vt-beats-resnet"]
    assert (row["verdict"], row["n"]) == ("undecided", 0)
    assert np.isnan(row["estimate"])
    assert "no shipped study" in row["reason"]


def test_the_sweep_s_interaction_is_found(judged):
    """Prediction evidence, computed apart: slope of logit error on log MACs +0.129 flatter on Planet."""
    row = judged.loc["planet-size-less-than-pets"]
    assert row["verdict"] == "supported"
    assert 0.05 < row["estimate"] < 0.2
    assert row["datasets"] == ("pets", "planet")


def test_activations_tell_gpu_latency_and_macs_cpu_latency(judged):
    """Prediction evidence, leave-one-family-out R²: 3090 0.87 and 0.93, i7 0.95 and 0.87."""
    assert judged.loc["activations-rtx_3090", "estimate"] == pytest.approx(0.06, abs=0.02)
    assert judged.loc["activations-i7_12700h", "estimate"] == pytest.approx(-0.08, abs=0.03)
    assert judged.loc["activations-i7_12700h", "statement"].startswith(
        "Activations tell the latency on a CPU no"
    )


def test_without_the_sweep_its_claims_are_undecided(evidence):
    less = replace(evidence, frame=evidence.frame[evidence.frame["study"] != "fastai"], memory={})
    claim = by_key(judge_sweep(less))["planet-exception-vit"]
    assert (claim.verdict, claim.reason) == ("undecided", "no shipped table holds the study fastai")
    assert changed_conclusions(less).empty


def test_without_any_result_nothing_is_supported_by_results(evidence):
    none = replace(evidence, frame=evidence.frame.iloc[:0], memory={})
    rows = claims(none)
    of_results = rows[~rows["claim"].str.startswith(("activations-", "compound-", "foundation-larger"))]
    assert set(of_results["verdict"]) == {"undecided"}


def test_the_verdict_follows_the_data(evidence):
    """Shuffled sizes take the support away from `size helps on familiar images`."""
    rng = np.random.default_rng(0)
    shuffled = evidence.frame.assign(macs=rng.permutation(evidence.frame["macs"].to_numpy()))
    claim = by_key(judge_transfer(replace(evidence, frame=shuffled, memory={})))["familiar-size-helps"]
    assert claim.verdict != "supported"


def test_the_same_seed_gives_the_same_bytes(evidence, all_claims):
    again = claims(replace(evidence, memory={})).to_json()
    assert again == all_claims.to_json()
    assert json.loads(again)


def test_where_method_changes_the_published_conclusion(evidence):
    """Published (notebook): ViT on Planet R² 0.480, RegNetX 0.709, on fit time."""
    found = changed_conclusions(evidence).set_index(["dataset", "family", "statistic"])
    vit, regnetx = found.loc[("planet", "vit", "params")], found.loc[("planet", "regnetx", "params")]
    assert vit["published_r2"] == pytest.approx(0.480, abs=5e-4)
    assert vit["published_r2_params"] == pytest.approx(0.27, abs=5e-3)
    assert vit["changed"]
    assert vit["low"] < 0 < vit["high"]
    assert regnetx["published_r2"] == pytest.approx(0.709, abs=5e-4)
    assert not regnetx["changed"]


def test_verdicts_by_hand():
    assert says_negative(Estimate(-1, -2, -0.1, 9)) == "supported"
    assert says_negative(Estimate(1, 0.1, 2, 9)) == "not supported"
    assert says_negative(Estimate(-1, -2, 0.1, 9)) == "undecided"
    assert says_little(Estimate(0.1, -0.2, 0.25, 9)) == "supported"
    assert says_little(Estimate(0.6, 0.4, 0.8, 9)) == "not supported"
    assert says_little(Estimate(0.2, -0.2, 0.5, 9)) == "undecided"
    assert says_within(Estimate(2, 1.9, 2.1, 8), 1.8, 2.2) == "supported"


def test_welch_agrees_with_scipy():
    rng = np.random.default_rng(0)
    a, b = rng.normal(0, 1, 7), rng.normal(0.5, 3, 12)
    known = scipy.stats.ttest_ind(a, b, equal_var=False).confidence_interval()
    found = welch(a, b)
    assert (found.low, found.high) == pytest.approx((known.low, known.high), abs=1e-8)


def test_a_line_is_judged_on_families_it_has_not_seen():
    x = np.array([0.0, 1, 2, 3, 4, 5])
    families = np.array([0, 0, 1, 1, 2, 2])
    y = np.where(families == 2, 100.0, 2 * x)
    misses = left_out_misses(x, y, families)
    assert misses[4:] == pytest.approx([92.0**2, 90.0**2])
    assert left_out_misses(x, 2 * x, families) == pytest.approx(0)


def test_pairs_are_of_one_model_at_one_image_size():
    rows = pd.DataFrame(
        [
            ("fine-tune (28 px)", "fine-tune", "m", -2.0),
            ("fine-tune (224 px)", "fine-tune", "m", -3.0),
            ("linear-probe (224 px)", "linear-probe", "m", -2.5),
            ("linear-probe (224 px)", "linear-probe", "other", -1.0),
        ],
        columns=["recipe", "protocol", "model", "y"],
    ).assign(study="s", dataset="d", metric="top1", n_images=1000.0)
    (pair,) = tuning_gain(rows, "linear-probe").to_dict("records")
    assert (pair["model"], pair["z"], pair["images"]) == ("m", pytest.approx(-0.5), pytest.approx(3))


def test_text_is_compared_at_equal_macs():
    size = np.array([30.0, 31, 32, 33, 34, 35])
    text = np.array([0, 0, 0, 1, 1, 1])
    rows = pd.DataFrame({"size": size, "y": -0.5 * size - 0.2 * text}).assign(
        pretraining=np.where(text == 1, "image-text", "supervised-in1k"), unit="u", study="s", dataset="d",
        domain="natural",
    )  # fmt: skip
    assert text_advantage(rows, "supervised")["z"].tolist() == pytest.approx([-0.2])


def test_too_few_draws_are_refused():
    with pytest.raises(InputError, match="at least 100"):
        gather(draws=10)
