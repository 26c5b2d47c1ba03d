import csv

import pytest

from archimeter.data.sources import timm_imagenet
from archimeter.data.tables import load_observations


@pytest.fixture(scope="module")
def results():
    return load_observations("timm-imagenet")


@pytest.fixture(scope="module")
def pivot(results):
    return results.pivot_table(index=["weights", "resolution"], columns="dataset", values="error")


def test_every_set_has_every_evaluation_once(results):
    assert len(results) == 8 * 1556
    assert not results.duplicated(["dataset", "weights", "resolution"]).any()
    assert set(results["dataset"].value_counts()) == {1556}


def test_more_than_1200_weights_have_results_under_shift(results):
    ok = results[results["status"] == "ok"]
    per_set = ok[ok["dataset"] != "imagenet-1k"].groupby("dataset")["weights"].nunique()
    assert per_set.min() >= 1200


def test_a_published_row_is_found_again(pivot):
    """results-imagenet.csv and results-imagenet-a.csv print 90.056 and 88.627 for this one."""
    row = pivot.loc[("eva02_large_patch14_448.mim_m38m_ft_in22k_in1k", 448)]
    assert row["imagenet-1k"] == 0.09944
    assert row["imagenet-a"] == 0.11373


def test_errors_are_fractions_that_add_up_with_the_published_percentages(results, raw):
    ours = results.set_index(["dataset", "weights", "resolution"])["error"]
    for dataset, name in timm_imagenet.FILES.items():
        with (raw / "timm" / name).open() as file:
            for row in csv.DictReader(file):
                error = ours[dataset, row["model"], int(row["img_size"])]
                if row["model"] not in timm_imagenet.HEADLESS:
                    assert 100 * error == pytest.approx(float(row["top1_err"]), abs=0.00101)


def test_weights_without_a_classifier_are_excluded(results):
    excluded = results[results["status"] == "excluded"]
    assert excluded[["dataset", "weights"]].to_numpy().tolist() == [["imagenet-a", "resmlp_24_224.fb_dino"]]
    assert excluded["error"].isna().all()
    assert "chance" in excluded["reason"].iloc[0]


def test_the_clean_sets_are_easier_than_the_shifted_ones(pivot):
    assert (pivot["imagenet-a-clean"] < pivot["imagenet-a"]).mean() > 0.99
    assert (pivot["imagenet-r-clean"] < pivot["imagenet-r"]).mean() > 0.99


def test_nothing_here_was_fine_tuned(results):
    assert set(results["recipe"]) == {"pretraining-task"}
    assert results["epochs"].isna().all()


def test_weights_are_timm_names(results):
    import timm

    assert set(results["weights"]) <= set(timm.list_pretrained())
    assert (results["weights"].str.split(".").str[0] == results["backbone"]).all()
