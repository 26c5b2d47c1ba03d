"""Which models stand to be recommended, and what is said of one whose weights nobody named."""

import pytest

from archimeter.analysis.custom import as_default, candidates_of, default_of
from archimeter.analysis.evidence import load_evidence
from archimeter.analysis.prediction.forecast import load_fitted
from archimeter.analysis.query import Query
from archimeter.analysis.recommend import recommend
from archimeter.data.errors import InputError

SATELLITE = {"images": 1000, "classes": 17, "domain": "remote-sensing"}


def own(backbone, weights=None):
    return {
        "study": "mine",
        "dataset": "cells",
        "backbone": backbone,
        "weights": weights,
        "match": "exact" if weights else "architecture",
        "recipe": "fine-tune",
        "error": 0.1,
        "metric": "top1",
        "status": "ok",
    }


@pytest.fixture(scope="module")
def shipped():
    return load_evidence()


@pytest.fixture(scope="module")
def fitted():
    return load_fitted()


def test_only_pretrained_weights_compete_and_what_is_left_out_is_counted(shipped, fitted):
    found, left_out = candidates_of(fitted, shipped)
    assert found == sorted(model for model in shipped.weights if not model.startswith("test_"))
    assert left_out == len(fitted.models) - len(found)
    answer = recommend(Query(**SATELLITE, top=2000), shipped)
    assert answer.n_candidates == len(found)
    assert all(row.weights for row in answer.rows)
    assert not any(row.backbone.startswith("test_") for row in answer.rows)
    assert any(words.startswith(f"{left_out} more are left out: ") for words in answer.notes)


def test_what_the_user_measured_competes_whatever_it_is(shipped, fitted):
    (bare,) = [model for model in fitted.models if model == "test_vit4"]
    plain, left_out = candidates_of(fitted, shipped)
    known = shipped.with_results([own(bare), own("test_vit", "test_vit.r160_in1k")])
    found, fewer = candidates_of(fitted, known)
    assert {*found} - {*plain} == {bare, "test_vit.r160_in1k"}
    assert fewer == left_out - 2


def test_an_architecture_stands_in_the_place_of_its_default_weights(shipped, fitted):
    (default,) = [
        name for name, w in shipped.weights.items() if w["backbone"] == "convnext_tiny" and w["is_default"]
    ]
    answer = recommend(Query(**SATELLITE, top=2000), shipped.with_results([own("convnext_tiny")]))
    assert answer.n_candidates == len(candidates_of(fitted, shipped)[0])
    (row,) = [row for row in answer.rows if row.backbone == "convnext_tiny"]
    assert row.weights in (None, *(w for w in shipped.weights if w.startswith("convnext_tiny.")))
    assert row.weights != default
    candidate = as_default(shipped.candidate("convnext_tiny"), shipped)
    stated = shipped.weights[default]
    assert (candidate.weights, candidate.licence, candidate.pretraining) == (
        None,
        stated["licence"],
        stated["pretraining"],
    )
    assert candidate.preprocessing == shipped.candidate(default).preprocessing
    named = shipped.candidate("convnext_tiny.fb_in1k")
    assert as_default(named, shipped) is named


def test_names_of_anchors_are_read_in_any_case(shipped, fitted):
    assert default_of(fitted, shipped, "ResNet50") == default_of(fitted, shipped, "resnet50")
    assert default_of(fitted, shipped, "ResNet50.TV_in1k") == "resnet50.tv_in1k"
    assert default_of(fitted, shipped, "resnet5O") is None


def test_one_model_by_two_names_is_no_two_anchors(shipped):
    (default,) = [
        name for name, w in shipped.weights.items() if w["backbone"] == "resnet50" and w["is_default"]
    ]
    with pytest.raises(InputError, match=f"The anchor resnet50 is {default}, which is given already"):
        recommend(Query(**SATELLITE, anchors=((default, 0.041), ("resnet50", 0.2))), shipped)


def test_of_a_model_that_was_run_the_run_is_what_is_shown(shipped):
    for name, error in (("ResNet50", 0.0), ("ConvNeXt_tiny.in12k_ft_in1k", 0.01)):
        query = Query(**SATELLITE, anchors=((name, error),), max_params=60e6)
        (row,) = [row for row in recommend(query, shipped).rows if row.reasons[0].startswith("your own run")]
        assert row.backbone == name.partition(".")[0].lower()
        assert row.expected.error == error
        assert row.expected.low <= error <= row.expected.high
        assert row.reasons[0] == f"your own run: {100 * error:.2f} % error"
