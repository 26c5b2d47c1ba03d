"""Autocast on meta: the types of torch's own on the CPU, its lists on CUDA, and the memory that follows."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from archimeter.data.errors import TargetError
from archimeter.profilers.casting import MetaAutocast
from archimeter.profilers.conditions import Condition
from archimeter.profilers.memory import measure_step_memory, predict_step_memory
from archimeter.profilers.steps import Step

# a function of (rank-2, rank-3, rank-4, rank-5) tensors
CALLS = {
    "conv2d": lambda m, b, x, v: nn.functional.conv2d(x, x),
    "conv_transpose2d": lambda m, b, x, v: nn.functional.conv_transpose2d(x, x),
    "conv3d": lambda m, b, x, v: nn.functional.conv3d(v, v),
    "linear": lambda m, b, x, v: nn.functional.linear(m, m, m[0]),
    "@": lambda m, b, x, v: m @ m,
    "matmul": lambda m, b, x, v: torch.matmul(b, m),
    "mm": lambda m, b, x, v: m.mm(m),
    "mv": lambda m, b, x, v: torch.mv(m, m[0]),
    "addmm": lambda m, b, x, v: torch.addmm(m, m, m),
    "bmm": lambda m, b, x, v: torch.bmm(b, b),
    "baddbmm": lambda m, b, x, v: torch.baddbmm(b, b, b),
    "einsum": lambda m, b, x, v: torch.einsum("ij,jk->ik", m, m),
    "attention": lambda m, b, x, v: nn.functional.scaled_dot_product_attention(x, x, x),
    "prelu": lambda m, b, x, v: nn.functional.prelu(m, m[0, :1]),
    "tensordot": lambda m, b, x, v: torch.tensordot(m, m, 1),
    "softmax": lambda m, b, x, v: m.softmax(-1),
    "layer_norm": lambda m, b, x, v: nn.functional.layer_norm(m, (4,)),
    "group_norm": lambda m, b, x, v: nn.functional.group_norm(x, 2),
    "exp": lambda m, b, x, v: m.exp(),
    "sum": lambda m, b, x, v: m.sum(),
    "prod": lambda m, b, x, v: m.prod(),
    "pow": lambda m, b, x, v: m**2,
    "interpolate": lambda m, b, x, v: nn.functional.interpolate(x, scale_factor=2),
    "cross_entropy": lambda m, b, x, v: nn.functional.cross_entropy(
        m, torch.zeros(4, dtype=torch.long, device=m.device)
    ),
    "mse_loss": lambda m, b, x, v: nn.functional.mse_loss(m, m),
    "avg_pool3d": lambda m, b, x, v: nn.functional.avg_pool3d(v, 2),
    "gelu": lambda m, b, x, v: nn.functional.gelu(m),
    "add": lambda m, b, x, v: m + m,
}


def arguments(dtype, device):
    return [torch.ones((4,) * rank, dtype=dtype, device=device) for rank in (2, 3, 4, 5)]


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("name", CALLS)
def test_types_are_those_of_torchs_own_autocast_on_the_cpu(name, dtype):
    with torch.autocast("cpu", torch.bfloat16):
        expected = CALLS[name](*arguments(dtype, "cpu")).dtype
    with MetaAutocast("cpu", torch.bfloat16):
        assert CALLS[name](*arguments(dtype, "meta")).dtype == expected


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("linear", torch.float16),
        ("mv", torch.float16),
        ("softmax", torch.float32),
        ("layer_norm", torch.float32),
        ("sum", torch.float32),
        ("pow", torch.float32),
        ("interpolate", torch.float32),
        ("gelu", torch.float16),
    ],
)
def test_cuda_casts_norms_and_softmax_up(name, expected):
    with MetaAutocast("cuda", torch.float16):
        assert CALLS[name](*arguments(torch.float16, "meta")).dtype == expected


def test_whole_numbers_and_doubles_stay():
    with MetaAutocast("cuda", torch.float16):
        double = torch.ones(4, 4, dtype=torch.float64, device="meta")
        assert (double @ double).dtype == torch.float64


WIDTH, BATCH = 256, 8


def predicted(module, **condition):
    vectors = torch.empty(BATCH, WIDTH, device="meta")
    return predict_step_memory(
        module.to("meta"), (vectors,), None, Condition(dtype="amp-bfloat16", batch_size=BATCH, **condition)
    )


def test_cast_weights_are_kept_until_the_pass_is_over():
    layers = [nn.Linear(WIDTH, WIDTH, bias=False) for _ in range(3)]
    memory = predicted(nn.Sequential(*layers))
    half = 2 * BATCH * WIDTH
    assert memory.resident_bytes == 3 * 4 * WIDTH**2 + 4 * BATCH * WIDTH
    assert memory.step_bytes == 3 * 2 * WIDTH**2 + 2 * half  # all weights once more, an input and an output


def convnet():
    return nn.Sequential(
        nn.Unflatten(1, (1, 16, 16)), nn.Conv2d(1, 16, 3, padding=1), nn.BatchNorm2d(16), nn.GELU(),
        nn.Conv2d(16, 16, 3, padding=1, groups=16), nn.Flatten(2), nn.LayerNorm(256), nn.Linear(256, 64),
        nn.Flatten(), nn.Linear(1024, 10),
    )  # fmt: skip


@pytest.mark.usefixtures("one_thread")
@pytest.mark.parametrize("mode", ["inference", "training"])
def test_prediction_is_what_the_allocator_measures(mode):
    condition = Condition(dtype="amp-bfloat16", mode=mode, batch_size=BATCH)
    measured = measure_step_memory(Step(convnet(), (torch.randn(BATCH, WIDTH),), None, condition))
    assert predicted(convnet(), mode=mode).step_bytes == pytest.approx(measured.step_bytes, rel=0.02)


def test_half_precision_on_cuda_predicts_less_than_single_and_scales_no_loss_on_meta():
    vectors = torch.empty(64, WIDTH, device="meta")
    peaks = [
        predict_step_memory(
            convnet().to("meta"), (vectors,), None, Condition(device="cuda", dtype=dtype, mode="training")
        ).step_bytes
        for dtype in ("float32", "amp-float16")
    ]
    assert peaks[1] < peaks[0]


def test_recurrent_layers_are_refused():
    class Last(nn.Module):
        def __init__(self):
            super().__init__()
            self.lstm = nn.LSTM(16, 8, batch_first=True)

        def forward(self, x):
            return self.lstm(x.unflatten(1, (16, 16)))[0]

    with pytest.raises(TargetError, match="lstm under autocast cannot be predicted"):
        predicted(Last())
