import pandas as pd
import pytest

from archimeter.analysis.axes import choose_axes, device_slug, published_latency, with_axes

ROW = {
    "backbone": "vit", "mode": "inference", "status": "ok", "throughput": 100.0, "compiled": False,
    "memory_format": "contiguous", "device": "NVIDIA GeForce RTX 4090", "input_shapes": "[[3,224,224]]",
    "torch_version": "2.4.0",
}  # fmt: skip


def speeds(*changes):
    return published_latency(pd.DataFrame([ROW | change for change in changes]))


def test_a_device_is_called_as_a_person_calls_it():
    assert device_slug("NVIDIA GeForce RTX 4090") == "rtx_4090"
    assert device_slug("Intel Core i7-12700H") == "i7_12700h"


def test_latency_is_seconds_per_image_of_the_smallest_size_and_newest_torch():
    found = speeds(
        {"throughput": 50.0, "input_shapes": "[[3,384,384]]", "torch_version": "2.9.1"},
        {"throughput": 100.0},
        {"throughput": 125.0, "torch_version": "2.10.0"},
        {"throughput": 999.0, "compiled": True},
        {"throughput": 999.0, "memory_format": "channels_last"},
        {"throughput": 999.0, "status": "failed"},
    )
    assert found.to_dict("records") == [{"backbone": "vit", "latency_rtx_4090": pytest.approx(1 / 125)}]


def test_cpus_were_published_compiled_and_training_has_a_column_of_its_own():
    found = speeds(
        {"device": "Intel Core i7-12700H", "compiled": True, "throughput": 4.0},
        {"mode": "training", "throughput": 10.0},
    )
    assert found.to_dict("records") == [
        {"backbone": "vit", "latency_i7_12700h": 0.25, "training_latency_rtx_4090": 0.1}
    ]


def test_latencies_are_axes_with_a_name_and_a_unit():
    frame = pd.DataFrame({"backbone": ["vit"], "macs": [4.0], "activations": [6.0], "params": [8.0]})
    joined = with_axes(frame, pd.DataFrame([ROW, ROW | {"mode": "training"}]))
    axes = {axis.key: axis for axis in choose_axes(joined)}
    assert axes["latency_rtx_4090"].label == "time per image, RTX 4090"
    assert axes["training_latency_rtx_4090"].label == "training time per image, RTX 4090"
    assert axes["latency_rtx_4090"].unit == "s per image"
    assert (joined["activations_per_sqrt_macs"][0], joined["params_per_mac"][0]) == (3, 2)
