import numpy as np
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.stats.multitest import multipletests

from archimeter.analysis.multiplicity import benjamini_hochberg


@given(st.lists(st.floats(0, 1), min_size=1, max_size=60))
def test_q_agrees_with_scipy_and_statsmodels(values):
    p = np.array(values)
    q = benjamini_hochberg(p)
    assert q == pytest.approx(scipy.stats.false_discovery_control(p), abs=1e-12)
    assert q == pytest.approx(multipletests(p, method="fdr_bh")[1], abs=1e-12)


def test_a_question_that_was_not_asked_does_not_count():
    q = benjamini_hochberg(np.array([0.01, np.nan, 0.04]))
    assert q[[0, 2]] == pytest.approx([0.02, 0.04])
    assert np.isnan(q[1])
    assert np.isnan(benjamini_hochberg(np.array([np.nan]))).all()
