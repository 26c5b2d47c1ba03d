import math

import pytest

from archimeter.analysis import costs
from archimeter.analysis.budgets import Cost
from archimeter.analysis.costs import Costs
from archimeter.analysis.evidence import Evidence, load_evidence
from archimeter.analysis.limits import (
    FitBudget,
    LatencyBudget,
    MemoryBudget,
    parse_fit_budget,
    parse_memory_budget,
)
from archimeter.analysis.query import Query
from archimeter.analysis.recommend import recommend
from archimeter.data.errors import InputError, UnknownNameError
from archimeter.data.tables import load_memory

GIB = 2**30
NEEDS = [("resnet18", 0.2, 0.05), ("resnet50", 0.4, 0.2), ("resnet101", 0.7, 0.3)]
BACKBONES = {"resnet18": 0.3, "resnet50": 0.2, "resnet101": 0.1}


@pytest.fixture(autouse=True)
def _nothing_calibrated(monkeypatch):
    monkeypatch.setattr(costs, "calibrated", dict)


def evidence():
    return Evidence.of(
        observations=[
            {
                "study": "made", "dataset": "d", "backbone": name, "match": "architecture",
                "recipe": "fine-tune", "error": error, "metric": "top1", "status": "ok",
            }
            for name, error in BACKBONES.items()
        ],
        memory=[
            {"backbone": name, "mode": mode, "optimiser": optimiser, "fixed_bytes": fixed * GIB,
             "bytes_per_image": each * GIB}
            for name, fixed, each in NEEDS
            for mode, optimiser in [("training", "sgd"), ("inference", None)]
        ],
    )  # fmt: skip


def with_memory(limit_bytes, batch=32, mode="training", **more):
    return Query(memory=(MemoryBudget(int(limit_bytes), batch, mode),), **more)


def test_memory_is_what_is_fixed_and_what_each_image_takes():
    rows = recommend(with_memory(8 * GIB), evidence()).rows
    assert [row.backbone for row in rows] == ["resnet50", "resnet18"]  # resnet101 takes 0.7 + 32 · 0.3 = 10.3
    (need,) = rows[1].memory
    assert need.peak_bytes == pytest.approx((0.2 + 32 * 0.05) * GIB)
    # (8 GB − 0.5 of context) / 1.02, less what is fixed, over what an image takes
    assert need.largest_batch == math.floor((7.5 / 1.02 - 0.2) / 0.05)
    assert need.verdict == "keeps"
    assert need.optimiser == "sgd"


def test_the_error_of_memory_is_what_the_table_states():
    assert set(load_memory()["error"]) == {costs.MEMORY_ERROR}


def test_a_limit_within_the_interval_says_measure():
    (row, *_) = recommend(with_memory(6.9 * GIB), evidence()).rows  # 0.4 + 32 · 0.2 = 6.8, with context 7.4
    (need,) = row.memory
    assert (row.backbone, need.verdict) == ("resnet50", "measure")
    assert "measure it" in need.source


def test_an_inference_step_has_its_own_budget():
    rows = recommend(with_memory(0.9 * GIB, 1, "inference"), evidence()).rows
    assert [row.backbone for row in rows] == ["resnet50", "resnet18"]
    assert rows[0].memory[0].optimiser is None


def test_memory_that_nobody_keeps_names_the_smallest():
    with pytest.raises(InputError, match=r"--max-memory '1 GB @ 32': .* resnet18 with 1.76 GB"):
        recommend(with_memory(1 * GIB), evidence())


@pytest.mark.parametrize(
    ("text", "mode", "expected"),
    [
        ("8GB", "training", MemoryBudget(8 * GIB, 32, "training")),
        ("24 GiB @ 64", "training", MemoryBudget(24 * GIB, 64, "training")),
        ("512m", "inference", MemoryBudget(2**29, 1, "inference")),
    ],
)
def test_memory_is_read_as_people_write_it(text, mode, expected):
    assert parse_memory_budget(text, mode) == expected


@pytest.mark.parametrize("text", ["much", "0GB", "2", "8GB @ 0", "8GB @ many", "8 @", "-1GB"])
def test_what_is_no_memory_is_refused(text):
    with pytest.raises(InputError, match="no memory budget"):
        parse_memory_budget(text, "training")


def test_a_fit_time_is_read_as_people_write_it():
    assert parse_fit_budget("2 h @ RTX 3090") == FitBudget(7200, "RTX 3090")
    assert parse_fit_budget("90min@4090") == FitBudget(5400, "4090")
    with pytest.raises(InputError, match="no fit time"):
        parse_fit_budget("2 h")
    with pytest.raises(InputError, match="no time at all"):
        parse_fit_budget("0 h @ RTX 3090")


def test_a_fit_time_needs_the_number_of_images():
    with pytest.raises(InputError, match="give --images"):
        Query(fit_within=(FitBudget(60, "RTX 3090"),))


def test_the_verdict_follows_the_interval():
    cost = Cost(2.0, 1.0, 3.0, "")
    assert [cost.verdict(limit) for limit in (0.5, 1.0, 2.9, 3.0)] == [
        "exceeds", "measure", "measure", "keeps",
    ]  # fmt: skip


@pytest.fixture(scope="module")
def shipped():
    return load_evidence()


def test_a_fit_is_images_times_epochs_at_the_published_training_speed(shipped):
    query = Query(images=10_000, epochs=5, fit_within=(FitBudget(36_000, "RTX 3090"),), top=30)
    answer = recommend(query, shipped)
    row = next(row for row in answer.rows if "published" in row.fit_times[0].source)
    rate = shipped.speeds("NVIDIA GeForce RTX 3090", "training")
    own = rate.get(row.weights) or rate[row.backbone]
    assert row.fit_times[0].seconds == pytest.approx(50_000 / own["throughput"])
    assert {row.fit_times[0].low, row.fit_times[0].high} == {row.fit_times[0].seconds}


def test_elsewhere_a_fit_is_predicted_and_its_interval_is_wider(shipped):
    (row, *_) = recommend(Query(images=10_000, fit_within=(FitBudget(36_000, "RTX 4090"),)), shipped).rows
    (fit,) = row.fit_times
    assert "times training over inference on the NVIDIA GeForce RTX 3090" in fit.source
    assert fit.high / fit.seconds >= math.exp(costs.TRANSFER[True]) - 1e-9
    assert fit.low < fit.seconds < fit.high


def test_one_image_at_a_time_is_not_called_offline(shipped):
    def notes(device):
        return " ".join(recommend(Query(within=(LatencyBudget(1, device),)), shipped).notes)

    assert "offline" in notes("RTX 4090")
    assert "offline" not in notes("i9")
    assert "one image at a time" in notes("i9")


def test_a_device_is_named_by_its_words():
    known = ("Intel Core i9-10940X", "NVIDIA GeForce RTX 3090", "my box, batch 1", "my box, batch 64")
    assert costs.device_named("rtx 3090", known) == "NVIDIA GeForce RTX 3090"
    assert costs.device_named("my box", known) == "my box, batch 1"
    assert costs.device_named("my box batch 64", known) == "my box, batch 64"
    with pytest.raises(UnknownNameError, match="archimeter calibrate"):
        costs.device_named("TPU", known)


def test_a_published_time_is_that_of_the_size_whose_macs_are_shown(shipped):
    """resnet50 was timed at 160 to 288 pixels; its counts are those of 224."""
    row = shipped.speeds("NVIDIA GeForce RTX 4090")["resnet50"]
    assert row["input_shapes"] == shipped.profiles["resnet50"]["input_shapes"]


def test_a_device_calibrated_one_image_at_a_time_tells_no_fit_time(monkeypatch, shipped):
    from archimeter.analysis.atlas import load_atlas
    from archimeter.analysis.calibration import PROBES, Probe, calibrate

    atlas = load_atlas()
    times = {n: float(atlas.times("NVIDIA GeForce RTX 3090")[atlas.place[n]]) for n in PROBES}
    probes = [Probe(backbone=name, seconds=s, p90_s=s) for name, s in times.items()]

    def held(*batches):
        names = [f"my box, batch {size}" for size in batches]
        return lambda: {name: calibrate(name, "batch", probes) for name in names}

    query = Query(images=1000, fit_within=(FitBudget(1e6, "my box"),))
    monkeypatch.setattr(costs, "calibrated", held(1))
    with pytest.raises(InputError, match=r"'my box, batch 1' is one image at a time.*--batch 64"):
        recommend(query, shipped)
    monkeypatch.setattr(costs, "calibrated", held(1, 64))
    (fit,) = recommend(query, shipped).rows[0].fit_times
    assert fit.device == "my box, batch 64"
    assert fit.high / fit.seconds >= math.exp(costs.TRANSFER[False]) - 1e-9


def test_the_next_run_takes_as_long_as_training_is_published_to_take(shipped):
    answer = recommend(Query(images=10_000, epochs=3, max_params=30e6), shipped)
    rates = shipped.speeds("NVIDIA GeForce RTX 3090", "training")
    backbones = {row.weights: row.backbone for row in answer.rows}
    for run in answer.next_runs:
        backbone = backbones.get(run.model, run.model.partition(".")[0])
        row = rates.get(backbone)
        if row and row["input_shapes"] == shipped.profiles[backbone]["input_shapes"]:
            assert run.minutes == pytest.approx(30_000 / row["throughput"] / 60, rel=1e-3)
    assert answer.next_runs[0].minutes > 0


def test_without_a_limit_one_gpu_of_24_gb_is_assumed_and_said(shipped):
    plain = recommend(Query(images=1000, classes=10), shipped)
    stated = recommend(
        Query(images=1000, classes=10, memory=(MemoryBudget(24 * 2**30, 32, "training"),)), shipped
    )
    assert [row.weights for row in plain.rows] == [row.weights for row in stated.rows]
    assumed = "training steps of 32 images on one GPU of 24 GB are assumed"
    assert sum(assumed in words for words in plain.notes) == 1
    assert not any("was stated: training" in words for words in stated.notes)


def test_frozen_features_need_no_training_memory(shipped):
    answer = recommend(Query(images=1000, classes=10, recipe="linear-probe"), shipped)
    assert not answer.query.memory
    assert any(words.startswith("No budget was stated, and larger models") for words in answer.notes)


def test_weights_that_expect_larger_images_take_more_by_the_area(shipped):
    counted = Costs(Query(), shipped)
    small, large = (shipped.candidate(f"convnext_base.fb_in22k_ft_in1k{size}") for size in ("", "_384"))
    sides = [model.preprocessing["input_size"][-1] for model in (small, large)]
    one, other = (counted.seconds(model, "Intel Core i9-10940X") for model in (small, large))
    need, more = (
        Costs(Query(memory=(MemoryBudget(2**40, 32, "training"),)), shipped).budgets()[0].cost(model)
        for model in (small, large)
    )
    assert sides == [224, 384]
    assert more.value > 2 * need.value
    assert other.value > 2 * one.value


def test_an_architecture_without_weights_is_timed_at_the_size_it_was_counted_at(shipped):
    counted, bare = Costs(Query(), shipped), shipped.candidate("convnext_base")
    device = "Intel Core i9-10940X"
    row = shipped.speeds(device)["convnext_base"]
    assert bare.preprocessing is None
    larger = {**row, "input_shapes": "[[3,448,448]]"}
    counted._published[device, "inference"] = {"convnext_base": larger}
    assert counted.seconds(bare, device).value == pytest.approx(1 / row["throughput"] / 4)


def test_frozen_features_take_one_pass_of_inference(shipped):
    budget = FitBudget(3600, "RTX 3090")
    query = Query(images=1000, recipe="linear-probe", fit_within=(budget,), epochs=50, top=1)
    answer = recommend(query, shipped)
    (fit,) = answer.rows[0].fit_times
    counted = Costs(query, shipped)
    model = shipped.candidate(answer.rows[0].weights)
    assert fit.epochs == 1
    assert fit.seconds == pytest.approx(1000 * counted.seconds(model, "NVIDIA GeForce RTX 3090").value)
    assert any("embedding the images once" in words for words in answer.notes)


def test_a_licence_or_pretraining_that_no_weights_have_is_not_taken_in_silence(shipped):
    with pytest.raises(InputError, match=r"No weights have the pretraining 'clip'\. There are: .*image-text"):
        recommend(Query(exclude_pretraining=("clip",)), shipped)
    with pytest.raises(InputError, match=r"No weights have the licence 'gpl'\. There are: .*apache-2\.0"):
        recommend(Query(licences=("mit", "gpl")), shipped)
    assert recommend(Query(licences=("MIT", "bsd*"), exclude_pretraining=("generative",)), shipped).rows


@pytest.mark.parametrize("asked", ["RTX 4090", "rtx4090", "GeForce 4090", "NVIDIA RTX4090"])
def test_a_device_is_found_by_the_words_of_its_name(asked):
    known = ("Intel Core i9-10940X", "NVIDIA GeForce RTX 3090", "NVIDIA GeForce RTX 4090")
    assert costs.device_named(asked, known) == "NVIDIA GeForce RTX 4090"
