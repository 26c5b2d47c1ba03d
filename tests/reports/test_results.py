import pandas as pd
import pytest

from archimeter.data.errors import InputError, UnknownNameError
from archimeter.reports.results import collect


def test_a_searched_setting_makes_two_sets_the_shared_value_and_the_best_run(tables):
    shared, best = collect(tables.observations, tables.profiles).sets
    assert (shared.key, best.key) == ("pets", "pets-best")
    assert "learning rate" in shared.summary
    assert shared.frame["n_runs"].tolist() == [3] * 30  # three replicates at 0.008, none at 0.002
    assert sorted(best.frame["n_runs"].unique()) == [3, 6]
    merged = shared.frame.merge(best.frame, on="name", suffixes=("_mean", "_best"))
    assert (merged["error_mean"] - merged["error_best"]).tolist() == pytest.approx([0.001] * 30)


def test_a_small_set_is_left_out_and_counted(tables):
    found = collect(tables.observations, tables.profiles)
    assert found.left_out == {"tiny": 1}
    assert set(found.runs["study"]) == {"<i>study</i>"}


def test_models_without_a_profile_are_counted_not_dropped_silently(tables):
    known = tables.profiles[tables.profiles["backbone"] != "vit_03"]
    found = collect(tables.observations, known)
    assert found.sets[0].unmatched == 6  # three replicates at two learning rates
    assert len(found.sets[0].frame) == 29


def test_an_unknown_data_set_is_named_with_what_is_near(tables):
    with pytest.raises(UnknownNameError, match=r"data set 'pet'.*pets"):
        collect(tables.observations, tables.profiles, wanted=["pet"])


def test_too_few_results_say_how_many_are_needed(tables):
    with pytest.raises(InputError, match="No data set has results of 6 backbones"):
        collect(tables.observations, tables.profiles, wanted=["cars"])
    small = tables.observations[tables.observations["dataset"] == "cars"]
    with pytest.raises(InputError, match="No data set has results of 20 backbones"):
        collect(small, tables.profiles)


def test_a_small_set_is_shown_where_it_is_asked_for_or_the_user_s_own(tables):
    pets = tables.observations[tables.observations["dataset"] == "pets"]
    few = pets[pets["backbone"].isin(sorted(pets["backbone"].unique())[:6])].assign(
        study="mine", dataset="rocks"
    )
    rows = pd.concat([tables.observations, few], ignore_index=True)

    def shown(**chosen):
        return {one.dataset for one in collect(rows, tables.profiles, **chosen).sets}

    assert "rocks" not in shown()
    assert shown(wanted=["rocks"]) == {"rocks"}
    assert shown(own={"mine"}) == shown() | {"rocks"}
    assert "tiny" not in shown(own={"mine"})


def test_two_studies_of_one_data_set_stay_apart(tables):
    other = tables.observations[tables.observations["dataset"] == "pets"].assign(study="another")
    found = collect(pd.concat([tables.observations, other], ignore_index=True), tables.profiles)
    keys = [one.key for one in found.sets]
    assert len(set(keys)) == 4
    assert "another/pets" in keys


def test_of_several_test_sizes_the_one_at_the_profile_s_size_is_kept(tables):
    rows = tables.observations[(tables.observations["dataset"] == "pets")]
    rows = rows[(rows["replicate"] == 0) & (rows["learning_rate"] == 0.008)]
    rows = rows.assign(
        recipe="pretraining-task", learning_rate=None, replicate=None, published_name=rows["backbone"]
    )
    at = [rows.assign(resolution=size, error=size / 1000) for size in (288, 224, 160)]
    (only,) = collect(pd.concat(at, ignore_index=True), tables.profiles).sets
    assert only.frame["error"].unique() == pytest.approx([0.224])
    assert len(only.frame) == 30
