import types

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from archimeter.data.errors import InputError, TargetError
from archimeter.profilers.conditions import Condition
from archimeter.profilers.memory import (
    _measured_on_cuda,
    largest_batch,
    measure_step_memory,
    predict_step_memory,
)
from archimeter.profilers.steps import Step

WIDTH = 256


def mlp():
    return nn.Sequential(nn.Linear(WIDTH, WIDTH, bias=False), nn.ReLU(), nn.Linear(WIDTH, WIDTH, bias=False))


def convnet():
    return nn.Sequential(
        nn.Conv2d(3, 16, 3, stride=2, padding=1), nn.BatchNorm2d(16), nn.ReLU(),
        nn.Conv2d(16, 16, 3, padding=1, groups=16), nn.Conv2d(16, 20, 1, stride=2), nn.SiLU(),
        nn.Conv2d(20, 24, 3, padding=2, dilation=2), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(24, 10),
    )  # fmt: skip


def predicted(factory, shape, **condition):
    with torch.device("meta"):
        module, x = factory(), torch.empty(shape)
    return predict_step_memory(module, (x,), None, Condition(**condition))


def test_inference_of_a_perceptron_by_hand():
    memory = predicted(mlp, (8, WIDTH))
    weights, activation = 2 * WIDTH * WIDTH * 4, 8 * WIDTH * 4
    assert memory.resident_bytes == weights + activation  # the input as well
    assert memory.step_bytes == 2 * activation  # a layer's input and its output
    assert memory.method == "predicted"
    assert memory.error > 0


@pytest.mark.parametrize(("optimiser", "states"), [("sgd", 1), ("adamw", 2)])
def test_training_holds_gradients_and_the_optimisers_state(optimiser, states):
    memory = predicted(mlp, (1, WIDTH), mode="training", optimiser=optimiser)
    weights = 2 * WIDTH * WIDTH * 4
    rest = memory.step_bytes - weights * (1 + states)
    # scratch of the update: up to three tensors of one layer; activations of batch 1 are small beside it
    assert 0 <= rest <= 1.6 * weights


def test_adamw_on_cuda_updates_all_parameters_at_once():
    def deep():
        return nn.Sequential(*[nn.Linear(WIDTH, WIDTH, bias=False) for _ in range(8)])

    one_by_one = predicted(deep, (1, WIDTH), mode="training", optimiser="adamw")
    at_once = predicted(deep, (1, WIDTH), mode="training", optimiser="adamw", device="cuda")
    layer = WIDTH * WIDTH * 4
    assert one_by_one.step_bytes == pytest.approx((3 * 8 + 3) * layer, rel=0.02)
    assert at_once.step_bytes == pytest.approx((3 * 8 + 8) * layer, rel=0.02)  # one square root for all


@pytest.mark.parametrize("mode", ["inference", "training"])
@pytest.mark.parametrize("layout", ["contiguous", "channels_last"])
@pytest.mark.usefixtures("one_thread")
@pytest.mark.parametrize("optimiser", ["sgd", "adamw"])
def test_prediction_meets_the_cpus_allocator(mode, layout, optimiser):
    condition = Condition(mode=mode, memory_format=layout, optimiser=optimiser, batch_size=2)
    with torch.device("meta"):
        hollow, images = convnet(), torch.empty(2, 3, 64, 64)
    prediction = predict_step_memory(hollow, (images,), None, condition)
    measurement = measure_step_memory(Step(convnet(), (torch.randn(2, 3, 64, 64),), None, condition))
    assert measurement.method == "measured"
    assert prediction.resident_bytes == measurement.resident_bytes
    assert prediction.step_bytes == pytest.approx(measurement.step_bytes, rel=0.1)


def test_what_a_first_step_caches_is_counted():
    class Caching(nn.Module):
        def __init__(self):
            super().__init__()
            self.cache = None

        def forward(self, x):
            if self.cache is None:
                self.cache = torch.ones(1 << 18, device=x.device)  # 1 MiB
            return x + 1

    x = torch.zeros(4)
    prediction = predict_step_memory(Caching(), (x.to("meta"),), None, Condition())
    measurement = measure_step_memory(Step(Caching(), (x,), None, Condition()))
    assert prediction.step_bytes == (1 << 20) + 16
    assert measurement.step_bytes == pytest.approx(prediction.step_bytes, abs=64)  # a scalar or two stay


def test_shared_weights_are_resident_once():
    layer = nn.Linear(64, 64, bias=False, device="meta")
    x = torch.empty(1, 64, device="meta")
    memory = predict_step_memory(nn.Sequential(layer, layer), (x,), None, Condition())
    assert memory.resident_bytes == 64 * 64 * 4 + 64 * 4


def test_peak_is_nearly_affine_in_the_batch():
    two, four, eight = (predicted(convnet, (b, 3, 64, 64), batch_size=b).peak_bytes for b in (2, 4, 8))
    assert eight - four == pytest.approx(2 * (four - two), rel=0.05)


def test_the_users_own_memory_after_a_step_that_needs_values():
    class Looks(nn.Module):
        def forward(self, x):
            return x * float(x.sum().item())

    with pytest.raises(TargetError, match=r"does not run on the meta device .* Measure it on a real device"):
        predict_step_memory(Looks(), (torch.empty(1, 3, device="meta"),), None, Condition())


@pytest.mark.parametrize("refused", [{"compiled": True}])
def test_what_the_meta_device_cannot_foresee_is_refused(refused):
    with pytest.raises(InputError, match="cannot be predicted"):
        predicted(mlp, (1, WIDTH), **refused)


def test_on_cuda_the_second_steps_peak_is_read():
    calls = []
    cuda = types.SimpleNamespace(
        synchronize=lambda device: calls.append("synchronize"),
        empty_cache=lambda: calls.append("empty_cache"),
        reset_peak_memory_stats=lambda device: calls.append("reset"),
        max_memory_allocated=lambda device: 1000,
        max_memory_reserved=lambda device: 2048,
    )
    step = Step(nn.Identity(), (torch.zeros(2),), None, Condition())
    step.module.register_forward_hook(lambda *_: calls.append("step"))
    memory = _measured_on_cuda(step, cuda)
    assert calls == ["step", "synchronize", "empty_cache", "reset", "step", "synchronize"]
    assert (memory.peak_bytes, memory.reserved_bytes, memory.resident_bytes) == (1000, 2048, 8)


@given(
    fixed=st.integers(0, 10**6),
    slope=st.integers(1, 1000),
    bump=st.integers(0, 500),
    budget=st.integers(1, 10**7),
)
def test_the_largest_batch_fits_and_the_next_does_not(fixed, slope, bump, budget):
    def peak(batch):  # grows, but not quite affinely
        return fixed + slope * batch + bump * (batch // 7)

    best = largest_batch(peak, budget, most=5000)
    assert best == 0 or peak(best) <= budget
    assert best == 5000 or peak(best + 1) > budget


def test_few_predictions_are_enough_where_memory_is_affine():
    asked = []
    best = largest_batch(lambda b: asked.append(b) or 1000 + 37 * b, 10**6)
    assert best == (10**6 - 1000) // 37
    assert len(asked) <= 8


def test_a_budget_must_be_positive():
    with pytest.raises(InputError, match="budget is 0 bytes"):
        largest_batch(lambda b: b, 0)
