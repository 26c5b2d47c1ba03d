import csv

import pytest

from archimeter.data.tables import load_observations, load_profiles, load_weights, manifest


@pytest.fixture(scope="module")
def results():
    return load_observations("pepr-medical")


def test_eight_conditions_share_three_sets_of_images(results):
    assert set(results["dataset"]) == {"dermamnist", "pneumoniamnist", "lidc"}
    conditions = results.groupby(["dataset", "recipe", "recipe_detail"]).size()
    assert len(conditions) == 8
    assert set(conditions) == {131}


def test_only_the_condition_that_states_imagenet_weights_names_weights(results):
    tuned = results["recipe"] == "fine-tune"
    assert tuned.sum() == (results["recipe"] == "from-scratch").sum() == 131
    assert (results["recipe"] == "unstated").sum() == 6 * 131
    assert results.loc[~tuned, "weights"].isna().all()
    assert set(results.loc[~tuned, "match"]) == {"architecture"}
    assert results.loc[tuned, "weights"].notna().sum() == 120


def test_exact_weights_are_the_only_ones_of_their_architecture_or_named_by_the_study(results):
    weights = load_weights()
    tags = weights.groupby("backbone")["weights"].agg(list)
    for row in results[results["match"] == "exact"].itertuples():
        assert row.weights in tags[row.backbone]
        if len(tags[row.backbone]) > 1:  # the name itself says gluon or adversarial
            assert row.published_name.startswith(("gluon_", "adv_")), row.published_name


def _published_parameters(raw):
    with (raw / "transfer" / "pepr_medical.csv").open() as file:
        return {row["model"]: int(row["num_param"]) for row in csv.DictReader(file)}


def test_architectures_have_the_published_parameters_in_timm(results, raw):
    import timm
    import torch

    ours = results.drop_duplicates("published_name").set_index("published_name")["backbone"]
    for name, params in [*_published_parameters(raw).items()][::13]:  # all 131 take a minute and agree
        with torch.device("meta"):
            model = timm.create_model(ours[name], num_classes=1000)
        assert sum(p.numel() for p in model.parameters()) == params, name


def test_every_architecture_has_the_published_parameters_in_our_profiles(results, raw):
    if "profiles" not in {entry.table for entry in manifest()}:
        pytest.skip("the profiles' table is not there")
    ours = results.drop_duplicates("published_name").set_index("published_name")["backbone"]
    profiles = load_profiles().set_index("backbone")["params"]
    published = _published_parameters(raw)
    off = [name for name, params in published.items() if profiles[ours[name]] != params]
    assert off == []


def test_accuracies_with_a_test_size_are_whole_numbers_of_right_answers(results):
    counted = results[results["n_eval"].notna()]
    assert set(counted["n_eval"]) == {1984, 608}  # 62 and 19 whole batches of 32 of 2,005 and 624 images
    right = (1 - counted["error"]) * counted["n_eval"]
    assert (right - right.round()).abs().max() < 1e-3
    assert len(counted) == 6 * 131 - 8


def test_memory_is_the_peak_in_bytes_and_time_is_left_out(results, raw):
    assert results["fit_time_s"].isna().all()
    with (raw / "transfer" / "pepr_medical.csv").open() as file:
        rows = list(csv.DictReader(file))
    for ours, row in zip(results["peak_memory_bytes"], rows, strict=True):
        assert ours == pytest.approx(1e9 * float(row["gpu_mem_max_gb"]), abs=1)
        assert ours <= 1e9 * float(row["gpu_mem_reserved_gb"]) + 1


def test_pretraining_helps_as_the_study_says(results):
    """Its abstract: pretrained models reduce the compute and data needed."""
    derma = results[
        (results["dataset"] == "dermamnist") & (results["recipe_detail"] == "whole training set")
    ].pivot_table(index="backbone", columns="recipe", values="error")
    assert (derma["fine-tune"] < derma["from-scratch"]).mean() > 0.8
