import pandas as pd
import pytest

from archimeter.data.errors import InputError
from archimeter.data.join import join, with_own

PROFILES = pd.DataFrame(
    {
        "backbone": ["resnet50", "vit_small_patch16_224", "levit_128"],
        "family": ["resnet", "vit", "levit"],
        "input_shapes": ["[[3, 224, 224]]", "[[3, 224, 224]]", "[[3, 224, 224]]"],
        "params": [25_557_032, 22_050_664, 9_213_936],
    }
)
WEIGHTS = pd.DataFrame(
    {
        "weights": ["resnet50.a1_in1k", "resnet50.fb_swsl_ig1b_ft_in1k"],
        "backbone": ["resnet50", "resnet50"],
        "pretraining": ["supervised-in1k", "semi-weakly-supervised"],
        "licence": ["apache-2.0", "cc-by-nc-4.0"],
        "input_size": ["[3, 224, 224]", "[3, 224, 224]"],
    }
)


def observed(**columns):
    n = len(next(iter(columns.values())))
    return pd.DataFrame({"study": ["s"] * n, "dataset": ["d"] * n, "error": [0.1] * n} | columns)


def test_the_weights_name_brings_the_profile_and_the_facts_of_the_weights():
    rows = observed(backbone=["resnet50"], weights=["resnet50.fb_swsl_ig1b_ft_in1k"])
    (row,) = join(rows, PROFILES, WEIGHTS).frame.to_dict("records")
    assert (row["joined_by"], row["params"], row["licence"]) == ("weights", 25_557_032, "cc-by-nc-4.0")
    assert row["pretraining"] == "semi-weakly-supervised"


def test_without_a_known_weights_name_the_architecture_decides_and_its_pretraining_stays_unknown():
    rows = observed(backbone=["vit_small_patch16_224"], weights=[None])
    (row,) = join(rows, PROFILES, WEIGHTS).frame.to_dict("records")
    assert (row["joined_by"], row["family"], row["pretraining"]) == ("architecture", "vit", None)


def test_what_finds_no_partner_comes_back_on_both_sides():
    rows = observed(backbone=["resnet50", "AlexNet"], weights=[None, None])
    joined = join(rows, PROFILES, WEIGHTS)
    assert joined.frame["backbone"].tolist() == ["resnet50"]
    assert joined.unmatched_observations["backbone"].tolist() == ["AlexNet"]
    assert joined.unmatched_profiles["backbone"].tolist() == ["vit_small_patch16_224", "levit_128"]


def test_no_observation_is_lost_or_doubled():
    rows = observed(
        backbone=["resnet50", "x", "levit_128", "resnet50"], weights=[None] * 4, error=[0.1, 0.2, 0.3, 0.4]
    )
    joined = join(rows, PROFILES)
    both = pd.concat([joined.frame["error"], joined.unmatched_observations["error"]])
    assert sorted(both) == [0.1, 0.2, 0.3, 0.4]
    assert joined.frame["error"].tolist() == [0.1, 0.3, 0.4]


def test_a_result_at_another_size_than_the_profile_is_marked():
    rows = observed(backbone=["resnet50"] * 3, weights=[None] * 3, resolution=[224, 288, float("nan")])
    assert join(rows, PROFILES).frame["size_differs"].tolist() == [False, True, None]


def test_of_several_profiled_sizes_the_one_nearest_to_the_resolution_is_taken():
    larger = PROFILES.head(1).assign(input_shapes="[[3, 288, 288]]", params=1)
    rows = observed(backbone=["resnet50", "resnet50"], weights=[None, None], resolution=[280, 200])
    joined = join(rows, pd.concat([PROFILES, larger])).frame
    assert joined["profile_size"].tolist() == [288, 224]
    assert joined["params"].tolist() == [1, 25_557_032]


def test_two_profiles_of_one_condition_are_refused():
    with pytest.raises(InputError, match="repeat a key, first backbone 'resnet50'"):
        join(observed(backbone=["resnet50"]), pd.concat([PROFILES, PROFILES]))


def test_a_missing_column_is_named_beside_those_that_are_there():
    with pytest.raises(InputError, match=r"no column 'backbone'; they have model"):
        join(pd.DataFrame({"model": ["resnet50"]}), PROFILES)


def test_the_callers_frames_stay_as_they_were():
    rows, before = observed(backbone=["resnet50"], weights=[None]), PROFILES.copy()
    join(rows, PROFILES, WEIGHTS)
    assert list(rows.columns) == ["study", "dataset", "error", "backbone", "weights"]
    pd.testing.assert_frame_equal(PROFILES, before)


def own(**columns):
    n = len(next(iter(columns.values())))
    same = {"family": [None] * n, "input_shapes": ["[[3, 224, 224]]"] * n, "params": [1_000] * n}
    return pd.DataFrame(same | columns)


def test_a_network_of_ones_own_is_found_by_its_short_name_and_by_its_target():
    profiles = with_own(PROFILES, own(backbone=["nets:build"], source_ref=["nets.py:build"]))
    rows = observed(backbone=["nets.py:build", "nets:build", "resnet50"], weights=[None] * 3)
    joined = join(rows, profiles, WEIGHTS)
    assert joined.frame["backbone"].tolist() == ["nets:build", "nets:build", "resnet50"]
    assert joined.frame["params"].tolist() == [1_000, 1_000, 25_557_032]
    assert joined.frame["family"].tolist() == ["other", "other", "resnet"]
    assert joined.unmatched_observations.empty


def test_the_known_profiles_stay_and_of_ones_own_the_latest_counts():
    mine = own(
        backbone=["resnet50", "net", "net", "net"],
        params=[1, 2, 3, 4],
        input_shapes=["[[3, 224, 224]]", "[[3, 224, 224]]", "[[3, 384, 384]]", "[[3, 224, 224]]"],
    )
    both = with_own(PROFILES, mine)
    assert both["backbone"].tolist() == [*PROFILES["backbone"], "net", "net"]
    assert both.query("backbone == 'net'")["params"].tolist() == [3, 4]
    assert both.query("backbone == 'resnet50'")["params"].tolist() == [25_557_032]
    pd.testing.assert_frame_equal(with_own(PROFILES, mine.head(1)), PROFILES)
