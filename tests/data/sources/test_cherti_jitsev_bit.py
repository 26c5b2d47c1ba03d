import pytest

from archimeter.data.sources.cherti_jitsev_bit import N_EVAL
from archimeter.data.tables import load_observations


@pytest.fixture(scope="module")
def results():
    return load_observations("cherti-jitsev-bit")


def test_a_run_is_two_rows_that_differ_in_metric_only(results):
    run = ["published_name", "dataset", "recipe_detail", "n_train", "replicate"]
    assert set(results.groupby(run, dropna=False)["metric"].agg(set).map(frozenset)) == {
        frozenset({"top1", "auc"})
    }
    assert not results.duplicated([*run, "metric"]).any()
    assert len(results) == 2880


def test_every_accuracy_is_a_whole_number_of_right_answers(results):
    counted = results[(results["metric"] == "top1") & results["n_eval"].notna()]
    assert set(counted["n_eval"]) == set(N_EVAL.values())
    right = (1 - counted["error"]) * counted["n_eval"]
    assert (right - right.round()).abs().max() < 2e-3


def test_shots_times_classes_are_the_training_images(results):
    few = results[results["recipe_detail"].str.startswith("10-shot")]
    assert few.groupby("dataset")["n_train"].first().to_dict() == {
        "cifar-10": 100,
        "cifar-100": 1000,
        "covidx-cxr2": 20,
        "flowers-102": 1020,
        "padchest": 270,
        "pets": 370,
        "tuberculosis-chest-xray": 20,
    }


def test_the_swapped_split_of_flowers_is_said(results):
    flowers = results[results["dataset"] == "flowers-102"]
    assert flowers["recipe_detail"].str.endswith("trained on the official test images").all()
    whole = flowers[flowers["recipe_detail"].str.startswith("whole")]
    assert set(whole["n_train"]) == {6149}


def test_runs_that_stopped_early_are_incomplete(results):
    stopped = results[results["status"] == "incomplete"]
    assert len(stopped) == 18
    assert stopped["recipe_detail"].str.startswith("1-shot").all()


def test_more_images_from_the_same_domain_help_natural_targets(results):
    """arXiv:2106.00116: the larger network from ImageNet-21k is best on natural targets."""
    full = results[(results["metric"] == "top1") & results["recipe_detail"].str.startswith("whole")]
    means = full.groupby(["dataset", "published_name"])["error"].mean()
    for dataset in ("cifar-10", "cifar-100", "flowers-102"):  # pets is a tie of the two pretrainings
        assert means[dataset].idxmin() == "imagenet21k_bit152x4", dataset
