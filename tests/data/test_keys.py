import math

import pytest

from archimeter.data.errors import InputError
from archimeter.data.keys import OBSERVATION_KEY, PROFILE_KEY, canonical_text, observation_key, profile_key
from archimeter.data.records import Observation, Profile

RESULT = Observation(study="s", dataset="d", backbone="resnet50", error=0.1)


def changed(record, **values):
    return type(record).from_row(record.as_row() | values)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("study", "t"),
        ("dataset", "e"),
        ("backbone", "resnet18"),
        ("weights", "resnet50.a1_in1k"),
        ("published_name", "ResNet-50 (ours)"),
        ("pretraining", "self-supervised"),
        ("recipe", "knn"),
        ("recipe_detail", "16-shot"),
        ("epochs", 5),
        ("learning_rate", 0.01),
        ("pooling", "concat"),
        ("resolution", 224),
        ("n_train", 1000),
        ("metric", "auc"),
        ("replicate", 0),
    ],
)
def test_each_part_of_a_results_identity_changes_its_key(field, value):
    assert observation_key(changed(RESULT, **{field: value})) != observation_key(RESULT)


@pytest.mark.parametrize(("field", "value"), [("error", 0.2), ("fit_time_s", 3.0), ("status", "excluded")])
def test_what_was_measured_does_not_change_a_results_key(field, value):
    assert observation_key(changed(RESULT, **{field: value})) == observation_key(RESULT)


def test_known_weights_need_no_other_name():
    known = changed(RESULT, weights="resnet50.a1_in1k")
    assert observation_key(known) == observation_key(changed(known, published_name="R50"))


def test_a_whole_learning_rate_is_the_same_as_a_float():
    one = Observation(study="s", dataset="d", backbone="b", error=0.1, learning_rate=1)
    assert observation_key(one) == observation_key(changed(RESULT, backbone="b", learning_rate=1.0))


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("source_ref", "net.py:build"),
        ("input_shapes", [[3, 288, 288]]),
        ("batch_size", 64),
        ("dtype", "amp-float16"),
        ("device", "NVIDIA H100"),
        ("mode", "training"),
        ("memory_format", "channels_last"),
        ("attention_fused", False),
        ("compiled", True),
        ("torch_version", "2.14.1"),
        ("timm_version", "1.0.31"),
    ],
)
def test_each_condition_and_version_changes_a_profiles_key(field, value):
    profile = Profile(backbone="resnet50")
    assert profile_key(changed(profile, **{field: value})) != profile_key(profile)


def test_neither_date_nor_measurement_changes_a_profiles_key():
    profile = Profile(backbone="resnet50")
    other = changed(
        profile, date="2026-11-26", macs=1, status="failed", reason="out of memory", family="resnet"
    )
    assert profile_key(other) == profile_key(profile)


def test_a_profile_and_a_result_never_share_a_key():
    assert profile_key(Profile(backbone="d")) != observation_key(RESULT)


def test_the_keys_fields_are_fields_of_the_records():
    assert set(PROFILE_KEY) <= set(Profile(backbone="x").as_row())
    assert set(OBSERVATION_KEY) <= set(RESULT.as_row())


def test_a_value_that_is_not_finite_is_refused():
    with pytest.raises(InputError, match="not finite"):
        canonical_text({"macs": math.inf})


def test_a_value_that_json_cannot_hold_is_named():
    with pytest.raises(InputError, match="object"):
        canonical_text({"macs": object()})
