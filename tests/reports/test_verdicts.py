import re

import numpy as np
import pandas as pd
import pytest

from archimeter.reports.page import Tables
from archimeter.reports.section import part
from archimeter.reports.verdicts import changes, claims_section, verdicts

CLAIM = {
    "claim": "k", "system": 2, "statement": "Larger is <b>better</b>.", "source": "Somebody 2022",
    "measure": "r of log MACs with logit error (below 0: better)", "estimate": -0.5, "low": -0.8,
    "high": -0.1, "n": 1200, "n_of": "models", "verdict": "supported", "reason": "because", "studies": ("s",),
    "datasets": ("pets", "planet"), "condition": "fine-tuned",
}  # fmt: skip


@pytest.fixture(scope="module")
def section():
    return claims_section(Tables.shipped())


def judged(**changed):
    return pd.DataFrame([CLAIM | changed])


def test_a_claim_is_told_with_its_estimate_interval_n_and_data():
    (topic,) = verdicts(judged())
    (claim,) = topic.verdicts
    assert topic.title.startswith("The fast.ai sweep")
    assert claim.found == "r −0.50 (−0.80 to −0.10), n = 1,200 models"
    assert dict(claim.facts)["Data sets"] == "pets, planet"
    assert dict(claim.facts)["Who says so"] == "Somebody 2022"


def test_ranks_and_exponents_have_no_sign_and_nothing_measured_is_said():
    (rank,) = verdicts(judged(measure="rank by x", estimate=1.0, low=1.0, high=3.0))[0].verdicts
    assert rank.found == "rank 1 (1 to 3), n = 1,200 models"
    (none,) = verdicts(judged(estimate=np.nan, low=np.nan, high=np.nan, n=0))[0].verdicts
    assert none.found == "no data"


def test_names_stay_text():
    found = part("claims.html.j2", topics=verdicts(judged()), changes=(), sizes=(), examples=(), n_changed=0)
    assert "Larger is &lt;b&gt;better&lt;/b&gt;." in found
    assert "<b>" not in found


def test_families_that_change_come_first_and_a_star_marks_what_holds():
    row = {
        "dataset": "d",
        "statistic": "params",
        "published_r2": 0.48,
        "published_r2_params": 0.27,
        "pearson": -0.5,
        "low": -0.9,
        "high": 0.2,
        "n": 10,
    }
    rows = [
        row | {"family": "a", "verdict": "error falls", "changed": False},
        row | {"family": "b", "verdict": "undecided", "changed": True},
    ]
    first, second = changes(pd.DataFrame(rows))
    assert (first.family, first.published, first.on_params, first.changed) == ("b", "0.48", "0.27", True)
    assert first.ours == ("−0.50 (−0.90 to +0.20)", "–", "–")
    assert second.ours[0].endswith("*")


def test_the_shipped_page_says_where_method_changes_the_published_conclusion(section):
    """Published: ViT on Planet R² 0.480 on fit time; the same errors on log parameters 0.27 (evidence)."""
    text = re.sub(r"\s+", " ", str(section.body))
    assert (
        "vit on planet: the published R² of error on fit time is 0.48, the same errors on the logarithm of "
        "the parameters give 0.27." in text
    )


def test_every_claim_stands_on_the_page_with_its_verdict(section):
    shown = re.findall(r'class="verdict ([\w-]+)"', str(section.body))
    assert len(shown) >= 39
    assert set(shown) <= {"supported", "not-supported", "undecided"}
    assert f"Of {len(shown)} claims {shown.count('supported')} are supported" in section.finding


def test_without_speeds_or_weights_there_is_no_section(tables):
    assert claims_section(Tables(profiles=tables.profiles, observations=tables.observations)) is None
