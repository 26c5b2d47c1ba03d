"""What is known of a model before any run."""

import numpy as np
import pytest

from archimeter.analysis.prediction.features import TORCHVISION, Facts
from archimeter.analysis.prediction.logits import logit
from archimeter.analysis.prediction.panels import panels
from archimeter.analysis.prediction.pooled import cells_of
from archimeter.data.tables import load_observations, load_profiles, load_weights


@pytest.fixture(scope="module")
def facts():
    return Facts(load_profiles(), load_weights(), load_observations(["timm-imagenet"]))


def test_an_architecture_has_the_imagenet_error_of_its_supervised_weights(facts):
    found = facts.of("resnet50", None)
    assert found.pretraining == "unknown"
    assert 0.15 < 1 / (1 + np.exp(-found.imagenet)) < 0.25
    assert facts.of("resnet50", None, "supervised-in1k").imagenet == found.imagenet


@pytest.mark.parametrize("how", ["self-supervised", "adversarial", "supervised-in21k", "none"])
def test_weights_made_in_another_way_do_not_have_that_error(facts, how):
    found = facts.of("resnet50", None, how)
    assert np.isnan(found.imagenet)
    assert found.pretraining == how
    assert found.params == facts.of("resnet50", None).params


def test_torchvisions_own_networks_have_the_error_that_torchvision_states(facts):
    found = facts.of("googlenet", None, "supervised-in1k")
    assert found.imagenet == pytest.approx(logit(TORCHVISION["googlenet"][2]))
    assert np.isnan(facts.of("googlenet", None, "self-supervised").imagenet)


def test_weights_of_one_architecture_that_a_study_tells_apart_are_models_of_their_own(facts):
    found = [p for p in panels(load_observations(["vtab-resnet50"])) if p.recipe == "fine-tune"]
    assert all(p.backbones.count("resnetv2_50") > 5 for p in found)
    models = set(cells_of(found, facts).model)
    assert {"Rotation, fine-tune", "Jigsaw, fine-tune"} <= models
    assert not any(name.startswith("resnetv2_50") for name in models)
