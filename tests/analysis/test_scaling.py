import numpy as np
import pandas as pd
import pytest

from archimeter.analysis.scaling import error_exponents, exponents, family_frame
from archimeter.data.errors import InputError


def law(noise=0.0):
    rng = np.random.default_rng(0)
    rows = [(d, w, r) for d in (1, 2, 4) for w in (1, 2) for r in (128, 224)]
    frame = pd.DataFrame(rows, columns=["depth", "width", "resolution"])
    exact = 7 * frame["depth"] * frame["width"] ** 2 * frame["resolution"] ** 2
    return frame.assign(macs=exact * np.exp(rng.normal(scale=noise, size=len(frame))))


def test_an_exact_law_comes_out_exactly_and_without_width():
    found = exponents(law()).set_index("factor")
    assert found["exponent"].tolist() == pytest.approx([1, 2, 2], abs=1e-10)
    assert (found["high"] - found["low"]).tolist() == pytest.approx([0, 0, 0], abs=1e-10)
    assert found["largest_miss"].tolist() == pytest.approx([1, 1, 1])
    assert set(found["response"]) == {"macs"}


def test_noise_widens_the_interval_around_the_truth():
    found = exponents(law(noise=0.1)).set_index("factor")
    assert found.loc["width", "low"] < 2 < found.loc["width", "high"]
    assert found.loc["width", "largest_miss"] > 1.05


def test_what_does_not_vary_has_no_exponent():
    found = exponents(law().query("resolution == 128")).set_index("factor")
    assert np.isnan(found.loc["resolution", "exponent"])
    assert found.loc["resolution", "note"] == "does not vary here"
    assert found.loc["depth", "exponent"] == pytest.approx(1)


def test_factors_that_move_together_cannot_be_told_apart():
    """Compound scaling itself: depth, width and resolution all powers of one number."""
    phi = np.arange(6)
    frame = pd.DataFrame({"depth": 1.2**phi, "width": 1.1**phi, "macs": 2.0**phi})
    found = exponents(frame)
    assert found["exponent"].isna().all()
    assert found["note"].str.startswith("moves exactly with").all()


def test_a_published_family_is_read_from_its_profiles():
    profiles = pd.DataFrame(
        {
            "backbone": ["a", "b"], "family": "net", "params": [1, 2], "macs": [3, 4],
            "activations": [5, 6],
            "depth": [10, 20], "width_mean": [64.0, 128.0],
            "input_shapes": ["[[3,224,224]]", "[[3,256,320]]"],
        }
    )  # fmt: skip
    found = family_frame(profiles, "net")
    assert found[["depth", "width", "resolution"]].to_numpy().tolist() == [[10, 64, 224], [20, 128, 256]]
    with pytest.raises(InputError, match=r"No profile is of the family 'nett'\. There are: net"):
        family_frame(profiles, "nett")


def test_the_odds_of_an_error_fall_as_a_power_of_macs():
    macs = 2.0 ** np.arange(28, 36)
    odds = 0.2 * (macs / macs[0]) ** -0.25
    frame = pd.DataFrame({"backbone": [f"n{i}" for i in range(8)], "macs": macs, "error": odds / (1 + odds)})
    frame = frame.assign(study="s", dataset="d", recipe="fine-tune", family="net", n_eval=1e9)
    small = frame.head(3).assign(family="small", backbone=["s0", "s1", "s2"])
    found = error_exponents(pd.concat([frame, small])).set_index("family")
    assert found.loc["net", "exponent"] == pytest.approx(-0.25)
    assert found.loc["net", "r2"] == pytest.approx(1)
    assert found.loc["small", "note"] == "n = 3: no exponent under 6"


def test_a_frame_without_factors_is_refused():
    with pytest.raises(InputError, match="Nothing to fit"):
        exponents(pd.DataFrame({"mass": [1.0]}))
