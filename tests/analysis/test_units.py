import pandas as pd
import pytest

from archimeter.analysis.units import per_model
from archimeter.data.aggregate import best_per_backbone
from archimeter.data.errors import InputError
from archimeter.data.tables import load_observations


def runs(**columns):
    n = len(next(iter(columns.values())))
    same = {
        "study": "s",
        "dataset": "d",
        "recipe": "fine-tune",
        "backbone": "b",
        "family": "f",
        "status": "ok",
    }
    return pd.DataFrame({key: [value] * n for key, value in same.items()} | columns)


def test_replicates_become_their_mean_and_spread():
    (row,) = per_model(runs(error=[0.1, 0.2, 0.6], fit_time_s=[1.0, 2.0, 9.0])).to_dict("records")
    assert row["error"] == pytest.approx(0.3)
    assert row["error_sd"] == pytest.approx(pd.Series([0.1, 0.2, 0.6]).std())
    assert (row["n_runs"], row["fit_time_s"]) == (3, 2.0)


def test_only_the_learning_rate_that_most_models_had_is_compared():
    frame = runs(
        backbone=["a", "a", "b"], error=[0.3, 0.1, 0.2], learning_rate=[0.008, 0.002, 0.008]
    )  # fmt: skip
    assert per_model(frame).set_index("backbone")["error"].to_dict() == {"a": 0.3, "b": 0.2}
    assert per_model(frame, summary="min").set_index("backbone")["error"].to_dict() == {"a": 0.1, "b": 0.2}


def test_two_sets_of_weights_are_two_models():
    frame = runs(error=[0.1, 0.2], weights=["b.one", "b.two"])
    assert per_model(frame)["model"].tolist() == ["b.one", "b.two"]


def test_one_model_at_several_resolutions_makes_several_questions_of_it():
    frame = runs(error=[0.1, 0.2], resolution=[28, 224], recipe_detail=["end-to-end"] * 2)
    assert per_model(frame)["recipe"].tolist() == [
        "fine-tune, 224 px",
        "fine-tune, 28 px",
    ]


def test_a_few_models_at_a_second_resolution_are_taken_at_their_own():
    frame = runs(
        backbone=["a", "a", "b", "c"],
        error=[0.1, 0.2, 0.3, 0.4],
        resolution=[224, 288, 224, 224],
        profile_size=[288, 288, 224, 224],
    )
    found = per_model(frame)
    assert found["recipe"].unique().tolist() == ["fine-tune"]
    assert found["error"].tolist() == [0.2, 0.3, 0.4]


def test_models_each_at_their_own_resolution_stay_one_question():
    frame = runs(backbone=["a", "b"], error=[0.1, 0.2], resolution=[224, 288])
    assert per_model(frame)["recipe"].unique().tolist() == ["fine-tune"]


def test_failed_runs_never_count():
    frame = runs(error=[0.1, 0.9], status=["ok", "incomplete"])
    assert per_model(frame)["error"].tolist() == [0.1]
    with pytest.raises(InputError, match="No usable result"):
        per_model(frame.assign(status="failed"))


def test_the_minimum_is_the_published_aggregation():
    observations = load_observations("fastai")
    ours = per_model(observations.assign(family="f"), summary="min").sort_values(
        ["dataset", "published_name"]
    )
    known = best_per_backbone(observations).sort_values(["dataset", "published_name"])
    for column in ("error", "fit_time_s", "peak_memory_bytes"):
        assert ours[column].tolist() == known[column].tolist()


def test_an_unknown_summary_lists_the_known_ones():
    with pytest.raises(InputError, match="mean, median, min"):
        per_model(runs(error=[0.1]), summary="best")
