import math

import pytest

from archimeter.data.errors import InputError, UnknownNameError
from archimeter.data.records import Dataset, Observation, Profile


def test_a_profile_survives_the_round_trip_through_a_row():
    profile = Profile(
        backbone="resnet50",
        input_shapes=((3, 224, 224),),
        macs=4_089_184_256,
        macs_by_kind={"convolution": 4_087_136_256, "linear": 2_048_000},
        latencies_s=(0.01, 0.02, 0.03),
        mode="inference",
    )
    assert Profile.from_row(profile.as_row()) == profile


def test_not_a_number_in_a_row_means_unmeasured():
    assert Profile.from_row({"backbone": "x", "macs": math.nan}).macs is None


def test_a_float_column_gives_whole_numbers_back():
    macs = Profile.from_row({"backbone": "x", "macs": 5.0}).macs
    assert macs == 5
    assert isinstance(macs, int)


def test_quantiles_of_latencies_are_hand_arithmetic():
    profile = Profile(backbone="x", latencies_s=(4.0, 1.0, 3.0, 2.0))
    assert profile.latency_median_s == 2.5
    assert profile.latency_iqr_s == pytest.approx(3.25 - 1.75)
    assert profile.latency_p90_s == pytest.approx(3.7)


def test_an_error_in_percent_is_refused_with_a_hint():
    with pytest.raises(InputError, match="percentage"):
        Observation(study="s", dataset="d", backbone="b", error=8.2)


def test_an_ok_observation_needs_an_error():
    with pytest.raises(InputError, match="no error"):
        Observation(study="s", dataset="d", backbone="b")


def test_an_unknown_domain_lists_the_known_ones():
    with pytest.raises(InputError, match="remote-sensing"):
        Dataset(dataset="d", domain="space")


def test_an_unknown_field_is_named():
    with pytest.raises(InputError, match="no field 'flops'"):
        Profile.from_row({"backbone": "x", "flops": 1})


def test_an_unknown_name_suggests_the_close_ones():
    with pytest.raises(UnknownNameError, match="convnext_tiny"):
        raise UnknownNameError(
            "backbone", "convnext_tny", ["convnext_tiny", "resnet50"] + [f"x{i}" for i in range(30)]
        )


def test_a_kind_of_pretraining_that_nobody_knows_is_refused_with_the_known_ones():
    with pytest.raises(InputError, match="self-supervised"):
        Observation(study="s", dataset="d", backbone="b", error=0.1, pretraining="magic")
