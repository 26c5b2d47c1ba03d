import pytest
import torch
from torch import nn

from archimeter.data.errors import InputError, MissingPartError, TargetError
from archimeter.data.records import Profile
from archimeter.profilers.capacity import (
    fitting,
    largest_batch_that_fits,
    predict_memory,
    real_step,
)
from archimeter.profilers.conditions import Condition
from archimeter.profilers.latency import Protocol
from archimeter.profilers.measure import compare, measure, sweep_batches
from archimeter.profilers.steps import Step, loss_of, with_batch

QUICK = Protocol(min_samples=3, min_seconds=0.0, max_seconds=1.0, warmup_seconds=0.05)
NET = "test_resnet"


def tiny():
    return nn.Sequential(
        nn.Conv2d(3, 8, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 4)
    )


def test_a_row_carries_counts_condition_and_measurements():
    condition = Condition(mode="training", optimiser="adamw", batch_size=2, memory_format="channels_last")
    row = measure(NET, condition, protocol=QUICK)
    assert row.params > 0
    assert row.macs > 0
    assert (row.mode, row.optimiser, row.batch_size, row.memory_format) == (
        "training",
        "adamw",
        2,
        "channels_last",
    )
    assert "thread" in row.device
    assert len(row.latencies_s) >= 3
    assert row.throughput == pytest.approx(2 / row.latency_median_s)
    assert row.peak_memory_method == "measured"
    assert row.peak_memory_bytes > 4 * 4 * row.params  # weights, gradients and two states
    assert row.energy_j is None  # nothing counts it on a CPU
    assert row.noisy in {True, False}
    assert 0 < row.core_share <= 1
    assert Profile.from_row(row.as_row()) == row


def test_an_inference_row_has_no_optimiser():
    row = measure(NET, memory=False, protocol=QUICK)
    assert row.optimiser is None
    assert row.peak_memory_bytes is None


def test_a_live_module_comes_back_untouched():
    module = tiny().train()
    weights = {name: value.clone() for name, value in module.state_dict().items()}
    row = measure(module, Condition(mode="training"), inputs=torch.randn(1, 3, 16, 16), protocol=QUICK)
    assert row.latencies_s
    assert module.training
    assert all(p.grad is None for p in module.parameters())
    assert all(torch.equal(value, weights[name]) for name, value in module.state_dict().items())


def test_training_moves_the_weights_and_inference_does_not():
    for mode, moved in (("training", True), ("inference", False)):
        step = Step(tiny(), (torch.randn(2, 3, 16, 16),), None, Condition(mode=mode))
        before = [p.detach().clone() for p in step.module.parameters()]
        step()
        changed = any(not torch.equal(a, b) for a, b in zip(before, step.module.parameters(), strict=True))
        assert changed is moved


def test_autocast_reaches_the_forward():
    seen = []
    module = tiny()
    module[0].register_forward_hook(lambda *call: seen.append(call[2].dtype))
    Step(module, (torch.randn(1, 3, 16, 16),), None, Condition(dtype="amp-bfloat16"))()
    assert seen == [torch.bfloat16]


def test_layout_reaches_weights_and_images():
    step = Step(tiny(), (torch.randn(2, 3, 16, 16),), None, Condition(memory_format="channels_last"))
    assert step.args[0].is_contiguous(memory_format=torch.channels_last)
    assert step.module[0].weight.is_contiguous(memory_format=torch.channels_last)


def test_every_output_gets_a_gradient():
    logits, dense = torch.randn(2, 5, requires_grad=True), torch.randn(2, 3, 4, 4, requires_grad=True)
    loss_of({"logits": logits, "maps": [dense, torch.zeros(2, dtype=torch.long)]}).backward()
    assert logits.grad.abs().sum() > 0
    assert dense.grad.abs().sum() > 0


def test_a_batch_is_made_of_one_input_repeated():
    args, kwargs = with_batch(
        ((torch.ones(1, 3),), {"mask": torch.ones(1, 2, 2), "scale": torch.tensor(2.0)}), 4
    )
    assert args[0].shape == (4, 3)
    assert kwargs["mask"].shape == (4, 2, 2)
    assert kwargs["scale"].shape == ()


def test_images_of_zeros_become_noise():
    step = real_step(tiny(), Condition(batch_size=2), input_size=(3, 16, 16))
    assert step.args[0].shape == (2, 3, 16, 16)
    assert step.args[0].std() > 0.5


def test_unfused_attention_is_slower_memory_not_other_counts():
    fused, apart = (
        predict_memory("test_vit", Condition(attention_fused=f, batch_size=4)) for f in (True, False)
    )
    assert apart.resident_bytes == fused.resident_bytes
    assert apart.peak_bytes >= fused.peak_bytes


def test_two_backbones_are_compared_with_an_interval():
    ratio = compare(NET, NET, protocol=Protocol(min_samples=10, min_seconds=0.1)).ratio
    assert 0 < ratio.low <= ratio.estimate <= ratio.high


def test_a_batch_sweep_ends_with_the_largest():
    rows = list(sweep_batches(NET, Condition(), most=3, protocol=QUICK, memory=False))
    assert [row.batch_size for row in rows] == [1, 2, 3]


def test_the_largest_batch_is_the_last_that_fits():
    condition = Condition(device="cuda", mode="training")
    budget = 2**28
    best = largest_batch_that_fits(NET, condition, budget_bytes=budget)

    def peak(batch):
        return predict_memory(NET, Condition(device="cuda", mode="training", batch_size=batch)).peak_bytes

    assert peak(best) <= budget < peak(best + 1)


def test_backbones_that_fit_a_budget_are_told_from_those_that_do_not():
    small, large = (predict_memory(name).peak_bytes for name in ("test_resnet", "resnet18"))
    assert small < large
    found = [target.ref for target, _ in fitting(["resnet18", "test_resnet"], (small + large) // 2)]
    assert found == ["test_resnet"]


def test_a_device_that_is_not_there_is_refused_at_once():
    if torch.cuda.is_available():
        pytest.skip("there is a CUDA device here")
    with pytest.raises(MissingPartError, match="torch sees 0"):
        measure(NET, Condition(device="cuda"))


def test_several_names_at_once_are_refused():
    with pytest.raises(InputError, match=r"names \d+ architectures"):
        measure("test_*")


class Raises(nn.Module):
    def __init__(self, error):
        super().__init__()
        self.error = error

    def forward(self, x):
        if not x.is_meta:
            raise self.error
        return x


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (
            RuntimeError("sizes differ\nlong story"),
            r"^Raises at batch 1 on cpu raised RuntimeError: sizes differ$",
        ),
        (torch.OutOfMemoryError("CUDA out of memory"), "out of memory. Try a smaller batch"),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory"), "out of memory. Try a smaller batch"),
    ],
)
def test_what_goes_wrong_in_a_step_is_one_sentence(error, message):
    with pytest.raises(TargetError, match=message):
        measure(Raises(error), inputs=torch.randn(1, 3), protocol=QUICK)
