import csv

import pytest

from archimeter.data.tables import load_observations

# published counts differ by the mask token (DINOv2, DINOv3) and the projection's bias (CLIP)
NEAR = 7e-4


@pytest.fixture(scope="module")
def results():
    return load_observations("biobench")


def test_every_task_keeps_its_own_metric(results):
    metrics = results.groupby("dataset")["metric"].agg(set)
    assert len(metrics) == 13
    assert all(len(names) == 1 for names in metrics)
    assert metrics["newt"] == metrics["imagenet-1k"] == metrics["inaturalist-2021"] == {"top1"}
    assert metrics["fungiclef"] == {"user-score"}
    assert metrics["iwildcam"] == {"f1-macro"}


def test_exact_weights_have_the_published_parameters(results, raw):
    import timm
    import torch

    with (raw / "transfer" / "biobench.csv").open() as file:
        published = {row["model"]: int(row["params"]) for row in csv.DictReader(file)}
    exact = results[results["match"] == "exact"].drop_duplicates("published_name")
    assert len(exact) == 69
    for row in [*exact.itertuples()][::9]:  # all 69 take a minute and agree
        with torch.device("meta"):
            model = timm.create_model(row.weights)
        params = sum(p.numel() for p in model.parameters())
        assert params == pytest.approx(published[row.published_name], rel=NEAR), row.published_name


def test_a_row_whose_name_and_parameters_contradict_is_excluded(results):
    excluded = results[results["status"] == "excluded"]
    assert set(excluded["published_name"]) == {"resnet18d.ra2_in1k"}
    assert len(excluded) == 13
    assert excluded["weights"].isna().all()
    assert set(excluded["match"]) == {"none"}


def test_frozen_features_are_never_called_a_fine_tune(results):
    assert set(results["recipe"]) == {"linear-probe", "knn"}
    assert set(results.loc[results["recipe"] == "knn", "dataset"]) == {"beluga"}


def test_intervals_that_miss_their_own_score_are_left_out(results, raw):
    with (raw / "transfer" / "biobench.csv").open() as file:
        missed = [
            row
            for row in csv.DictReader(file)
            if not float(row["ci_low"]) <= float(row["value"]) <= float(row["ci_high"])
        ]
    assert len(missed) == 444
    assert results["error_sd"].isna().all()


def test_imagenet_predicts_the_ecology_mean_as_weakly_as_the_paper_says(results):
    """Abstract of arXiv:2511.16315: ImageNet top-1 explains 34 % of the variance (46 models, nine tasks).

    The leaderboard has grown since; a rank correlation near 1 would mean wrong rows.
    """
    table = results.pivot_table(index="published_name", columns="dataset", values="error").dropna()
    ecology = table.drop(columns="imagenet-1k").mean(axis=1)
    assert 0.3 < ecology.corr(table["imagenet-1k"], method="spearman") < 0.9
