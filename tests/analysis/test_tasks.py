"""What counts as comparable: one study, data set, recipe, metric and condition."""

import pytest

from archimeter.analysis.evidence import Evidence, load_evidence
from archimeter.analysis.laboratory import as_evaluated
from archimeter.analysis.prediction.forecast import load_fitted
from archimeter.analysis.tasks import architecture, broadest, measure
from archimeter.data.tables import load_observations

FACTS = [{"dataset": "cells", "domain": "microscopy", "n_train": 1000, "n_classes": 2, "image_size": 64}]


def row(backbone, error, **changes):
    return {
        "study": "made", "dataset": "cells", "backbone": backbone, "weights": None, "match": "architecture",
        "recipe": "fine-tune", "error": error, "metric": "top1", "status": "ok",
    } | changes  # fmt: skip


def tasks(*rows):
    return Evidence.of(observations=rows, datasets=FACTS).tasks


@pytest.fixture(scope="module")
def shipped():
    return load_evidence()


def test_metrics_are_never_averaged():
    auc, top1 = tasks(row("vgg11", 0.02, metric="auc"), row("vgg11", 0.14))
    assert (auc.metric, auc.results["vgg11"].error) == ("auc", 0.02)
    assert (top1.metric, top1.results["vgg11"].error) == ("top1", 0.14)
    assert (measure("auc"), measure("top1")) == ("AUC error", "error")


def test_numbers_of_images_and_details_that_a_model_was_run_under_are_conditions():
    shots = [
        row("vgg11", error, n_train=n, recipe_detail=detail)
        for error, n, detail in [(0.7, 2, "1-shot"), (0.3, 10, "5-shot"), (0.1, None, "whole training set")]
    ]
    found = {task.condition: task for task in tasks(*shots)}
    assert {words: task.results["vgg11"].error for words, task in found.items()} == {
        "1-shot": 0.7,
        "5-shot": 0.3,
        "whole training set": 0.1,
    }
    assert [found[words].n_train for words in ("1-shot", "5-shot", "whole training set")] == [2, 10, 1000]


def test_numbers_and_details_may_vary_apart():
    found = tasks(
        *(row("vgg11", n / 1000, n_train=n, recipe_detail=how) for n in (10, 100) for how in ("SGD", "AdamW"))
    )
    assert {(task.condition, task.results["vgg11"].n_runs) for task in found} == {
        (f"{how}, {n} training images", 1) for n in (10, 100) for how in ("SGD", "AdamW")
    }


def test_replicates_and_rates_are_no_conditions():
    runs = [row("vgg11", 0.1 + step, replicate=i, learning_rate=0.01) for i, step in enumerate((0.0, 0.02))]
    (task,) = tasks(*runs, row("vgg11", 0.9, learning_rate=1.0), row("resnet18", 0.2, learning_rate=0.01))
    assert task.condition == ""
    assert (task.results["vgg11"].error, task.results["vgg11"].n_runs) == (pytest.approx(0.11), 2)


def test_details_that_no_model_was_run_under_twice_do_not_part_a_study():
    (task,) = tasks(row("vgg11", 0.1, recipe_detail="SGD"), row("resnet18", 0.2, recipe_detail="AdamW"))
    assert [*task.results] == ["resnet18", "vgg11"]


@pytest.mark.parametrize(
    ("detail", "n_train"),
    [
        ("16-shot logistic regression", None),
        ("15 % of the training images", None),
        ("a smaller part of the training set", None),
        ("linear classifier, 50 images per species", None),
        ("100 % of the training images", 1000),
        ("whole training set", 1000),
        ("5000 SGD steps", 1000),
        (None, 1000),
    ],
)
def test_a_part_of_a_data_set_is_not_taken_for_the_whole(detail, n_train):
    (task,) = tasks(row("vgg11", 0.1, recipe_detail=detail))
    assert task.n_train == n_train
    (stated,) = tasks(row("vgg11", 0.1, recipe_detail=detail, n_train=200))
    assert stated.n_train == 200


def test_the_side_is_that_before_images_are_scaled_up():
    small, large = tasks(
        row("vgg11", 0.2, recipe_detail="28 px images padded to 224"),
        row("vgg11", 0.1, recipe_detail="128 px images padded to 224"),
    )[::-1]
    assert (small.image_size, large.image_size) == (28, 128)
    (plain,) = tasks(row("vgg11", 0.2))
    assert plain.image_size == 64


def test_other_weights_are_not_shown_as_the_plain_architecture():
    (task,) = tasks(
        row("resnet50", 0.3, published_name="MoCo", pretraining="self-supervised"),
        row("resnet50", 0.2, published_name="SwAV", pretraining="self-supervised"),
        row("resnet50", 0.1, published_name="Sup", pretraining="supervised-in1k"),
        row("vit_base_patch16_224", 0.4, pretraining="self-supervised"),
        row("vgg11", 0.5, published_name="VGG-11"),
        row("vgg11", 0.6, weights="vgg11.tv_in1k"),
    )
    assert {name: result.error for name, result in task.results.items()} == {
        "resnet50 (MoCo)": 0.3,
        "resnet50 (SwAV)": 0.2,
        "resnet50": 0.1,
        "vit_base_patch16_224 (self-supervised)": 0.4,
        "vgg11": 0.5,
        "vgg11.tv_in1k": 0.6,
    }
    assert {architecture(name) for name in task.results} == {"resnet50", "vit_base_patch16_224", "vgg11"}
    assert task.n_choices == 4


def test_of_a_data_set_the_broadest_condition_stands_for_it():
    names = ("vgg11", "resnet18", "resnet50")
    few = [row(name, 0.5, n_train=10) for name in names[:2]]
    many = [row(name, 0.1, n_train=900) for name in names]
    also = [row(name, 0.05, n_train=900, metric="auc") for name in names]
    (task,) = broadest(tasks(*few, *many, *also))
    assert (task.n_train, task.metric, len(task.results)) == (900, "top1", 3)


def test_ones_own_data_set_counts_once_in_the_laboratory():
    names = ("vgg11", "resnet18", "resnet34", "resnet50", "densenet121", "regnety_032")
    whole = [row(name, 0.1 + 0.02 * i, dataset="cells") for i, name in enumerate(names)]
    shots = [row(name, 0.5, n_train=10, dataset="cells") for name in names]
    both = Evidence.of(observations=()).with_results([*whole, *shots], only=True)
    one = Evidence.of(observations=()).with_results(whole, only=True)
    assert len(both.tasks) == 2
    assert [task.results for task in both.own_tasks] == [task.results for task in one.own_tasks]
    assert both.own_models == tuple(sorted(names))
    fitted = load_fitted()
    given = [as_evaluated(fitted, known.own_tasks, "fine-tune", "microscopy") for known in (both, one)]
    assert (given[0].x == given[1].x).all()


def test_shipped_results_are_the_published_ones_of_one_condition(shipped):
    rows = load_observations(["medmnistplus-doerrich", "big-transfer"])
    of = rows[(rows["dataset"] == "pneumoniamnist") & (rows["backbone"] == "vgg16")]
    of = of[(of["recipe"] == "fine-tune") & (of["metric"] == "top1")]
    published = {detail: part["error"].item() for detail, part in of.groupby("recipe_detail")}
    assert len(published) == 4
    found = {
        task.condition: task.results["vgg16.tv_in1k"].error
        for task in shipped.tasks
        if (task.study, task.dataset, task.recipe, task.metric)
        == ("medmnistplus-doerrich", "pneumoniamnist", "fine-tune", "top1")
    }
    assert found == published


def test_no_shipped_task_mixes_numbers_of_images_or_published_weights(shipped):
    for task in shipped.tasks:
        for places in task.runs.values():
            for column in ("n_train", "recipe_detail", "metric"):
                assert len({task.table[column][i] for i in places}) == 1
            if not all(task.table["weights"][i] for i in places):
                assert len({task.table["published_name"][i] for i in places}) == 1
