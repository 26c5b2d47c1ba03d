import json
import math

import pytest

from archimeter.analysis.evidence import Evidence
from archimeter.analysis.limits import LatencyBudget
from archimeter.analysis.nearest import nearest
from archimeter.analysis.query import Query
from archimeter.analysis.recommend import recommend
from archimeter.data.errors import InputError, UnknownNameError

DATASETS = [
    {"dataset": "planet", "domain": "remote-sensing", "n_train": 800, "n_classes": 17, "group": "planet"},
    {"dataset": "pets", "domain": "fine-grained", "n_train": 5912, "n_classes": 37, "group": "pets"},
    {"dataset": "moles", "domain": "dermatology", "n_train": 7000, "n_classes": 7, "group": "moles"},
]
WEIGHTS = [
    {
        "weights": f"{backbone}.{tag}",
        "backbone": backbone,
        "family": backbone.rstrip("0123456789"),
        "kind": "convolutional",
        "pretraining": pretraining,
        "licence": licence,
        "input_size": "[3,224,224]",
        "mean": "[0.5,0.5,0.5]",
        "std": "[0.5,0.5,0.5]",
        "interpolation": "bicubic",
        "crop_pct": 0.9,
        "crop_mode": "center",
    }
    for backbone, tag, pretraining, licence in [
        ("resnet18", "a1_in1k", "supervised-in1k", "apache-2.0"),
        ("resnet50", "a1_in1k", "supervised-in1k", "apache-2.0"),
        ("resnet101", "clip", "image-text", "cc-by-nc-4.0"),
    ]
]
PROFILES = [
    {"backbone": "resnet18", "params": 12e6, "macs": 1.8e9, "activations": 2.5e6},
    {"backbone": "resnet50", "params": 26e6, "macs": 4.1e9, "activations": 11e6},
    {"backbone": "resnet101", "params": 45e6, "macs": 7.8e9, "activations": 16e6},
]
SPEEDS = [
    {
        "backbone": backbone,
        "device": "NVIDIA GeForce RTX 4090",
        "mode": "inference",
        "throughput": throughput,
        "batch_size": 256,
        "dtype": "amp-float16",
        "compiled": False,
        "memory_format": "contiguous",
        "torch_version": "2.9.1",
        "input_shapes": "[[3,224,224]]",
        "status": "ok",
        "source_ref": None,
    }
    for backbone, throughput in [("resnet18", 10_000), ("resnet50", 4_000)]
]
ERRORS = {
    "planet": {"resnet18.a1_in1k": 0.05, "resnet50.a1_in1k": 0.04, "resnet101.clip": 0.06},
    "pets": {"resnet18.a1_in1k": 0.10, "resnet50.a1_in1k": 0.08, "resnet101.clip": 0.05},
}


def result(dataset, weights, error, **changes):
    row = {
        "study": "made",
        "dataset": dataset,
        "backbone": weights.partition(".")[0],
        "weights": weights,
        "match": "exact",
        "recipe": "fine-tune",
        "learning_rate": None,
        "resolution": 224,
        "error": error,
        "metric": "top1",
        "n_eval": None,
        "n_replicates": None,
        "error_sd": None,
        "fit_time_s": 60.0,
        "peak_memory_bytes": 2e9,
        "status": "ok",
    }
    return row | changes


def evidence(extra=(), errors=ERRORS):
    rows = [result(dataset, w, e) for dataset, cell in errors.items() for w, e in cell.items()]
    return Evidence.of(
        observations=[*rows, *extra], datasets=DATASETS, weights=WEIGHTS, profiles=PROFILES, benchmarks=SPEEDS
    )


SATELLITE = Query(images=1000, classes=17, domain="remote-sensing")


def test_the_nearest_data_set_leads():
    by_satellite = recommend(SATELLITE, evidence())
    by_pets = recommend(Query(images=6000, classes=37, domain="fine-grained"), evidence())
    assert next(row.weights for row in by_satellite.rows) == "resnet50.a1_in1k"
    assert next(row.weights for row in by_pets.rows) == "resnet101.clip"


def test_the_score_is_the_weighted_mean_rank_pulled_to_the_middle():
    answer = recommend(SATELLITE, evidence())
    d_planet = math.log10(1000 / 800) / 2
    d_pets = 1 + math.log10(5912 / 1000) / 2 + math.log10(37 / 17) / 2
    w, v = math.exp(-d_planet), math.exp(-d_pets)
    assert answer.rows[0].rank_score == pytest.approx(
        (w * 0 + v * 0.5 + 0.35 * 0.5) / (w + v + 0.35), abs=1e-6
    )


def test_a_model_seen_only_far_away_is_not_trusted_to_lead():
    moles = {"resnet18.only_here": 0.01, "resnet18.a1_in1k": 0.3, "resnet50.a1_in1k": 0.3}
    lone = [result("moles", weights, error) for weights, error in moles.items()]
    answer = recommend(SATELLITE, evidence(lone))
    assert answer.rows[0].weights == "resnet50.a1_in1k"
    (row,) = [row for row in answer.rows if row.weights == "resnet18.only_here"]
    assert row.support == "edge"


def test_every_row_carries_the_real_results_and_what_its_weights_expect():
    first = recommend(SATELLITE, evidence()).rows[0]
    planet = first.results[0]
    assert (planet.dataset, planet.error, planet.place, planet.n_models) == ("planet", 0.04, 1, 3)
    assert first.support == "inside"
    assert first.reasons[0] == "1 of 3 on planet (4.00 % error)"
    assert first.preprocessing["input_size"] == [3, 224, 224]
    assert (first.fit_time_s, first.cost_study) == (60.0, "made")


def test_budgets_are_kept_and_published_speeds_are_named_as_such():
    answer = recommend(Query(within=(LatencyBudget(0.0002, "RTX 4090"),)), evidence())
    assert [row.backbone for row in answer.rows] == ["resnet18"]
    (speed,) = answer.rows[0].speeds
    assert speed.seconds_per_image == pytest.approx(1e-4)
    assert speed.source == "published: batch 256, amp-float16, torch 2.9.1"
    assert any("offline" in words for words in answer.notes)


def test_an_impossible_budget_says_the_smallest_there_is():
    with pytest.raises(
        InputError, match=r"--max-params 1 M: the smallest of 3 is resnet18.a1_in1k with 12 M"
    ):
        recommend(Query(max_params=1e6), evidence())
    with pytest.raises(InputError, match=r"RTX 4090': the smallest of 2 .* with 0.1 ms"):
        recommend(Query(within=(LatencyBudget(1e-5, "RTX 4090"),)), evidence())


def test_an_unknown_device_lists_the_known_ones():
    with pytest.raises(UnknownNameError, match="NVIDIA GeForce RTX 4090"):
        recommend(Query(within=(LatencyBudget(1, "TPU v5"),)), evidence())


def test_licence_and_pretraining_decide_who_may_be_named():
    free = recommend(Query(licences=("apache*",)), evidence())
    assert {row.licence for row in free.rows} == {"apache-2.0"}
    without = recommend(Query(exclude_pretraining=("image-text",)), evidence())
    assert {row.pretraining for row in without.rows} == {"supervised-in1k"}
    with pytest.raises(InputError, match=r"There are: apache-2.0, cc-by-nc-4.0"):
        recommend(Query(licences=("mit",)), evidence())


def test_a_difference_within_the_replicates_noise_is_a_tie():
    runs = [
        result("planet", weights, error + step, n_eval=200)
        for weights, error in [("resnet18.a1_in1k", 0.042), ("resnet50.a1_in1k", 0.040)]
        for step in (-0.004, 0.0, 0.004)
    ]
    known = evidence(runs, errors={})
    first, second = recommend(SATELLITE, known).rows
    assert (first.backbone, second.tied_with_first) == ("resnet50", True)
    # noise 0.004 a run, three runs each: 2 · 0.004 · √(2/3) = 0.65 points
    assert (
        second.reasons[-1]
        == "0.20 points behind the first on planet, within the noise of ± 0.65 (from replicates)"
    )


def test_outside_its_support_it_says_so_and_still_answers():
    answer = recommend(Query(images=50, classes=5, domain="astronomy"), evidence())
    assert len(answer.rows) == 3
    assert any("Outside the tables' support" in words for words in answer.notes)


def test_the_nearest_say_why_and_silence_is_not_likeness():
    stated, *_ = nearest(SATELLITE, evidence().tasks)
    assert stated.reasons == (
        "same domain: remote-sensing",
        "800 training images against 1,000",
        "17 classes against 17",
    )
    unknown = Evidence.of(observations=[result("mystery", "resnet18.a1_in1k", 0.1)])
    (neighbour,) = nearest(SATELLITE, unknown.tasks)
    assert neighbour.distance == pytest.approx(1 + 0.5 + 0.5)
    assert "domain not stated" in neighbour.reasons


def test_another_recipe_is_further_away():
    def found(**changes):
        probes = [result("planet", w, 0.2, recipe="linear-probe", **changes) for w in ERRORS["planet"]]
        near = nearest(SATELLITE, evidence(probes).tasks, far=True)
        return [one.task.recipe for one in near if one.task.dataset == "planet"]

    assert found(study="probed") == ["fine-tune", "linear-probe"]
    assert found() == ["fine-tune"]  # a data set counts once in a study


def test_failed_runs_and_foreign_models_never_count():
    junk = [
        result("planet", "resnet18.a1_in1k", 0.0, status="incomplete"),
        result("planet", "resnet18.a1_in1k", 0.0, match="none"),
    ]
    assert (
        recommend(SATELLITE, evidence(junk)).as_document() == recommend(SATELLITE, evidence()).as_document()
    )


def test_the_same_query_gives_the_same_bytes_in_any_order_of_the_rows():
    def text(reverse):
        rows = [result(d, w, e) for d, cell in ERRORS.items() for w, e in cell.items()]
        known = Evidence.of(
            observations=rows[::-1] if reverse else rows,
            datasets=DATASETS,
            weights=WEIGHTS,
            profiles=PROFILES,
        )
        return json.dumps(recommend(SATELLITE, known).as_document())

    assert text(reverse=False) == text(reverse=True)


def test_without_results_there_is_nothing_to_rank_by():
    with pytest.raises(InputError, match="no usable observation"):
        recommend(Query(), Evidence.of(observations=[]))


def test_what_did_best_on_the_nearest_data_sets_is_said_within_the_budget():
    answer = recommend(SATELLITE, evidence())
    planet = answer.as_document()["nearest"][0]
    assert planet["dataset"] == "planet"
    assert planet["best_there"] == [
        {"model": "resnet50.a1_in1k", "error": 0.04, "place": 1},
        {"model": "resnet18.a1_in1k", "error": 0.05, "place": 2},
        {"model": "resnet101.clip", "error": 0.06, "place": 3},
    ]
    small = Query(images=1000, classes=17, domain="remote-sensing", max_params=20e6)
    (best,) = recommend(small, evidence()).best_there[0]
    assert (best.model, best.place) == ("resnet18.a1_in1k", 2)


def test_what_was_run_stands_where_the_run_put_it():
    query = Query(
        images=1000, classes=17, domain="remote-sensing", anchors=(("convnext_tiny.in12k_ft_in1k", 0.01),)
    )
    first, *others = recommend(query).rows
    assert (first.backbone, first.reasons[0]) == ("convnext_tiny", "your own run: 1.00 % error")
    assert not any("your own run" in reason for row in others for reason in row.reasons)
