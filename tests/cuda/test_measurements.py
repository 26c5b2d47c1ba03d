"""What only a CUDA device can show; writes its table to `cuda_measurements.csv` in $ARCHIMETER_CUDA_OUT.

ARCHIMETER_CUDA_OUT=. pytest -n 0 -m cuda tests/cuda -s
"""

import csv
import os
from pathlib import Path

import pytest
import torch

from archimeter.profilers.capacity import largest_batch_that_fits, predict_memory, real_step
from archimeter.profilers.clocks import clock_for
from archimeter.profilers.conditions import Condition
from archimeter.profilers.devices import device_name, nvml_handle
from archimeter.profilers.energy import EnergyMeter
from archimeter.profilers.latency import Protocol, time_step
from archimeter.profilers.measure import compare, measure

pytestmark = [
    pytest.mark.cuda,
    pytest.mark.xdist_group("cuda"),
    pytest.mark.skipif(not torch.cuda.is_available(), reason="torch sees no CUDA device"),
]

QUICK = Protocol(min_seconds=0.5, max_seconds=5.0)
NETS = ["resnet18", "resnet50", "convnext_tiny", "vit_small_patch16_224", "efficientnet_b0"]
CONDITIONS = {
    "float32": Condition(device="cuda", batch_size=8),
    "tf32": Condition(device="cuda", batch_size=8, dtype="tf32"),
    "amp, channels last": Condition(
        device="cuda", batch_size=8, dtype="amp-float16", memory_format="channels_last"
    ),
    "unfused": Condition(device="cuda", batch_size=8, attention_fused=False),
    "train sgd": Condition(device="cuda", batch_size=8, mode="training"),
    "train adamw": Condition(device="cuda", batch_size=8, mode="training", optimiser="adamw"),
    "train amp": Condition(device="cuda", batch_size=8, mode="training", dtype="amp-float16"),
}


@pytest.fixture(scope="module")
def table():
    rows = []
    yield rows
    print(f"\n{device_name('cuda')}, torch {torch.__version__}")  # noqa: T201  # the table is the point
    for row in rows:
        print("  ".join(f"{value}" for value in row.values()))  # noqa: T201
    folder = os.environ.get("ARCHIMETER_CUDA_OUT")
    if folder and rows:
        with (Path(folder) / "cuda_measurements.csv").open("w", newline="") as file:
            writer = csv.DictWriter(file, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)


@pytest.mark.parametrize("name", NETS)
@pytest.mark.parametrize("key", CONDITIONS)
def test_every_condition_is_measured(name, key, table):
    condition = CONDITIONS[key]
    torch.cuda.empty_cache()
    row = measure(name, condition, protocol=QUICK)
    assert row.device == device_name("cuda")
    assert row.latency_median_s > 0
    assert row.memory_reserved_bytes >= row.peak_memory_bytes > 4 * row.params
    table.append(
        {
            "backbone": name,
            "condition": key,
            "median_ms": 1e3 * row.latency_median_s,
            "p90_ms": 1e3 * row.latency_p90_s,
            "images_per_s": row.throughput,
            "peak_bytes": row.peak_memory_bytes,
            "reserved_bytes": row.memory_reserved_bytes,
            "predicted_bytes": predict_memory(name, condition).peak_bytes,
            "energy_j": row.energy_j,
            "noisy": row.noisy,
            "reason": row.reason,
        }
    )


@pytest.mark.parametrize("name", NETS)
@pytest.mark.parametrize("mode", ["inference", "training"])
def test_predicted_memory_is_a_lower_bound_near_the_truth(name, mode):
    """cuDNN's workspaces come on top of tensors: never less than the prediction, rarely much more."""
    condition = Condition(device="cuda", batch_size=8, mode=mode)
    torch.cuda.empty_cache()
    measured = measure(name, condition, latency=False).peak_memory_bytes
    predicted = predict_memory(name, condition).peak_bytes
    assert 0.9 * predicted <= measured <= 1.5 * predicted


def test_events_agree_with_the_hosts_clock_on_a_long_step():
    import time

    a = torch.randn(4096, 4096, device="cuda")

    def step():
        for _ in range(20):
            a @ a

    clock = clock_for("cuda")
    step()
    start = time.perf_counter()
    by_events = clock.time(step)
    by_host = time.perf_counter() - start
    assert by_events == pytest.approx(by_host, rel=0.2)


def test_a_larger_backbone_takes_longer():
    ratio = compare("resnet50", "resnet18", Condition(device="cuda", batch_size=32), protocol=QUICK).ratio
    assert ratio.low > 1


def test_the_largest_batch_is_found_by_trying():
    free = torch.cuda.mem_get_info()[0]
    torch.cuda.set_per_process_memory_fraction(
        min(1.0, 2 * 2**30 / torch.cuda.get_device_properties(0).total_memory)
    )
    try:
        best = largest_batch_that_fits("resnet50", Condition(device="cuda", mode="training"), most=512)
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0)
    assert 1 <= best <= 512
    assert free > 0


def test_energy_is_counted_where_nvml_answers():
    if nvml_handle("cuda") is None:
        pytest.skip("NVML (nvidia-ml-py) is not there")
    condition = Condition(device="cuda", batch_size=32)
    step, meter = real_step(_target("resnet50"), condition), EnergyMeter("cuda")
    timing = time_step(step, clock_for("cuda"), Protocol(min_seconds=3.0), on_warm=meter.start)
    joules = meter.joules_per_step(timing.steps, timing.window_s)
    if joules is None:
        pytest.skip("this GPU does not count its energy")
    assert 1 < joules * timing.steps / timing.window_s < 2000  # watts


def test_compiled_steps_are_timed_without_their_compilation():
    row = measure("resnet18", Condition(device="cuda", compiled=True), memory=False, protocol=QUICK)
    assert row.compiled
    assert max(row.latencies_s) < 1


def _target(name):
    from archimeter.profilers.targets import Target

    return Target(form="timm", ref=name)
