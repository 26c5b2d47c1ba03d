import pytest
import torch

from archimeter.profilers.kernels import cpu_kernel_bytes
from archimeter.profilers.memory import _allocations, _highest

# input channels, side, output channels, kernel, stride, groups, channels_last
CONVOLUTIONS = {
    "first layer": (3, 64, 16, 3, 2, 1, False),
    "patches": (3, 64, 96, 16, 16, 1, False),
    "plain": (16, 64, 32, 3, 1, 1, False),
    "odd channels": (10, 64, 20, 3, 1, 1, False),
    "depthwise": (20, 64, 20, 5, 1, 20, False),
    "grouped": (24, 64, 24, 3, 1, 3, False),
    "pointwise": (16, 64, 32, 1, 1, 1, False),
    "heavy weights": (256, 7, 256, 3, 1, 1, False),
    "channels last": (16, 64, 32, 3, 1, 1, True),
    "depthwise, channels last": (16, 64, 16, 7, 1, 16, True),
}


@pytest.mark.parametrize("name", CONVOLUTIONS)
def test_a_convolution_holds_what_the_allocator_saw(name):
    c_in, side, c_out, kernel, stride, groups, channels_last = CONVOLUTIONS[name]
    layout = torch.channels_last if channels_last else torch.contiguous_format
    x = torch.randn(2, c_in, side, side).to(memory_format=layout)
    weight = torch.randn(c_out, c_in // groups, kernel, kernel).to(memory_format=layout)
    pad = kernel // 2 if stride < kernel else 0
    args = (x, weight, None, [stride] * 2, [pad] * 2, [1, 1], False, [0, 0], groups)
    with torch.no_grad():
        out = torch.ops.aten.convolution(*args)
        real = _highest(_allocations(lambda: torch.ops.aten.convolution(*args)), start=0)
    predicted = max(out.nbytes, cpu_kernel_bytes(torch.ops.aten.convolution.default, args, out))
    assert predicted == pytest.approx(real, rel=0.05)


def test_other_operators_need_their_outputs_only():
    x = torch.randn(8)
    assert cpu_kernel_bytes(torch.ops.aten.relu.default, (x,), x) == 0


def test_transposed_and_half_precision_convolutions_have_no_rule():
    x, w = torch.empty(1, 4, 8, 8), torch.empty(4, 4, 3, 3)
    conv = torch.ops.aten.convolution.default
    transposed = (x, w, None, [1, 1], [0, 0], [1, 1], True, [0, 0], 1)
    half = (x.half(), w.half(), None, [1, 1], [0, 0], [1, 1], False, [0, 0], 1)
    assert cpu_kernel_bytes(conv, transposed, x) == cpu_kernel_bytes(conv, half, x) == 0
