"""Which known data sets are like the asked one: what is compared, what silence costs, and what is far."""

import math
import statistics

import pytest

from archimeter.analysis.evidence import Evidence, load_evidence
from archimeter.analysis.nearest import FAR, LEAST, PER_STUDY, nearest, unlike
from archimeter.analysis.query import Query

MODELS = ("resnet18", "resnet50", "vgg11", "densenet121")


def known(facts, *, models=MODELS[:3], study="made", **changes):
    """Data sets with these facts, each with results of these models."""
    rows = [
        {
            "study": f"{study}-{name}", "dataset": name, "backbone": model, "weights": None,
            "match": "architecture", "recipe": "fine-tune", "error": 0.1 + 0.1 * i, "metric": "top1",
            "status": "ok",
        } | changes
        for name in facts
        for i, model in enumerate(models)
    ]  # fmt: skip
    return rows, [{"dataset": name} | of for name, of in facts.items()]


def tasks(*given):
    rows = [row for some, _ in given for row in some]
    return Evidence.of(observations=rows, datasets=[one for _, facts in given for one in facts]).tasks


def names(near):
    return [one.task.dataset for one in near]


def test_what_a_data_set_does_not_state_costs_the_typical_mismatch():
    sizes = {"a": 100, "b": 10_000, "c": 1_000_000}
    facts = {name: {"domain": "natural", "n_train": n, "n_classes": 2} for name, n in sizes.items()}
    facts["silent"] = {"domain": "natural", "n_train": None, "n_classes": 2}
    near = nearest(Query(images=100, classes=2, domain="natural"), tasks(known(facts)), far=True)
    cost = {one.task.dataset: one.distance for one in near}
    assert cost["silent"] == pytest.approx(
        statistics.median(abs(math.log10(100 / n)) / 2 for n in sizes.values())
    )
    assert names(near) == ["a", "b", "silent", "c"]
    (silent,) = [one for one in near if one.task.dataset == "silent"]
    assert "training images not stated" in silent.reasons


def test_an_unstated_domain_is_another_domain_but_one_that_was_not_asked_costs_nothing():
    given = tasks(known({"a": {"domain": "unknown", "n_train": 100}}))
    (asked,) = nearest(Query(images=100, domain="natural"), given)
    (unasked,) = nearest(Query(images=100), given)
    assert (asked.distance, asked.likeness) == (1.0, "least far")
    assert (unasked.distance, unasked.likeness) == (0.0, "near")


def test_where_nothing_is_stated_nothing_is_near_and_the_broadest_are_named_as_such():
    given = tasks(known({"aid": {}, "bees": {}}), known({"zebras": {}}, models=MODELS))
    near = nearest(Query(), given)
    assert names(near) == ["zebras", "aid", "bees"]
    assert {one.likeness for one in near} == {"broadly measured"}
    assert "Nothing is stated of your images" in unlike(near)


def test_far_ones_are_left_out_unless_all_are_far():
    near_one = known({"near": {"domain": "natural", "n_train": 900}})
    far_one = known({"far": {"domain": "radiology", "n_train": 1000}})
    query = Query(images=1000, domain="natural")
    assert names(nearest(query, tasks(near_one, far_one))) == ["near"]
    assert names(nearest(query, tasks(near_one, far_one), far=True)) == ["near", "far"]
    (only,) = nearest(query, tasks(far_one))
    assert (only.distance, only.likeness) == (FAR, "least far")
    assert "No known data set is like yours" in unlike([only])
    assert unlike(nearest(query, tasks(near_one))) is None


def test_an_order_of_two_models_counts_only_where_there_is_no_longer_one():
    facts = {"domain": "natural", "n_train": 1000}
    two, three = known({"two": facts}, models=MODELS[: LEAST - 1]), known({"three": facts})
    query = Query(images=1000, domain="natural")
    assert names(nearest(query, tasks(two, three))) == ["three"]
    assert names(nearest(query, tasks(two))) == ["two"]


def test_ways_to_pretrain_one_architecture_are_no_models_to_choose_among():
    one, other = {"one": {"domain": "natural"}}, {"pretraining": "self-supervised"}
    ways = [
        known(one, models=("resnet50",), published_name=way, **other)
        for way in ("MoCo", "SwAV", "SimCLR", "BYOL")
    ]
    three = known({"three": {"domain": "natural"}})
    assert names(nearest(Query(domain="natural"), tasks(*ways, three))) == ["three"]


def test_a_data_set_counts_once_in_a_study_under_its_nearest_condition():
    rows, facts = [], [{"dataset": "cells", "domain": "microscopy", "n_train": 50_000}]
    for n in (20, 1000, None):
        for metric in ("auc", "top1"):
            some, _ = known({"cells": {}}, n_train=n, metric=metric)
            rows += some
    given = Evidence.of(observations=rows, datasets=facts).tasks
    assert len(given) == 6
    for images, expected in [(15, 20), (2000, 1000), (60_000, 50_000)]:
        (one,) = nearest(Query(images=images, domain="microscopy"), given)
        assert (one.task.n_train, one.task.metric) == (expected, "top1")
        assert one.weight == pytest.approx(math.exp(-one.distance))
        assert f"{expected:,} training images against {images:,}" in one.reasons


def test_equally_near_ones_stand_in_the_order_of_how_many_models_they_measured():
    facts = {"domain": "natural", "n_train": 1000}
    given = tasks(known({"a": facts}), known({"b": facts}, models=MODELS))
    assert names(nearest(Query(images=1000, domain="natural"), given)) == ["b", "a"]


def test_a_study_gives_few_and_sets_of_one_group_share_their_weight():
    facts = {f"d{i}": {"domain": "natural", "n_train": 1000, "group": "one"} for i in range(PER_STUDY + 2)}
    rows, sets = known(facts)
    given = Evidence.of(observations=[row | {"study": "s"} for row in rows], datasets=sets).tasks
    near = nearest(Query(images=1000, domain="natural"), given)
    assert names(near) == ["d0", "d1", "d2"]
    assert sum(one.weight for one in near) == pytest.approx(1)


@pytest.fixture(scope="module")
def shipped():
    return load_evidence().tasks


@pytest.mark.parametrize(
    "query",
    [
        Query(images=68, classes=2),
        Query(images=4708, classes=2, domain="radiology", image_size=28, channels=1),
        Query(images=1000, classes=17, domain="remote-sensing"),
        Query(images=1_000_000, classes=100_000, domain="natural"),
        Query(),
    ],
)
def test_of_the_shipped_no_data_set_counts_twice_and_all_hold_an_order(shipped, query):
    near = nearest(query, shipped)
    there = [(one.task.study, one.task.dataset) for one in near]
    assert len({*there}) == len(there) > 0
    assert all(one.task.n_choices >= LEAST for one in near)
    assert [one.distance for one in near] == sorted(one.distance for one in near)
    assert {one.likeness for one in near} in ({"near"}, {"least far"}, {"broadly measured"})


def test_few_images_are_near_to_few_and_not_to_what_states_nothing(shipped):
    near = nearest(Query(images=68, classes=2), shipped)
    assert near[0].task.n_train <= 680
    assert near[0].task.facts["n_classes"] == 2
    assert all(one.task.n_train for one in near)


def test_small_grey_radiographs_are_near_to_small_grey_radiographs(shipped):
    asked = Query(images=4708, classes=2, domain="radiology", image_size=28, channels=1)
    first, *_ = nearest(asked, shipped)
    assert (first.task.dataset, first.task.image_size, first.distance) == ("pneumoniamnist", 28, 0.0)
    assert first.task.metric == "top1"
