"""What CPU kernels allocate for themselves: the reason why liveness alone falls short of a real peak.

oneDNN convolves in a layout of its own (channels in blocks of the vector's width): input, weights and
output are copied into it and out of it. torch's fallback unfolds the input into columns. Both were read
from the allocator's events, operator by operator, on torch 2.14 with AVX2; the largest effect is a
convolution whose weights outweigh its images, such as a patch embedding of 32 pixels.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import torch

__all__ = ["cpu_kernel_bytes"]

aten = torch.ops.aten
GEMM_KERNEL_SIDE = 15
"""oneDNN has no vector kernel for the backward pass of wider or of dilated convolutions: it unfolds them."""


@dataclass(frozen=True, slots=True)
class _Convolution:
    """Sizes in bytes of one 2-D convolution."""

    source: int
    weight: int
    output: int
    source_blocked: int
    weight_blocked: int
    output_blocked: int
    columns: int  # of one image and one group
    images: int
    groups: int
    blocks: bool
    plain_source: bool
    channels_last: bool
    onednn: bool
    pointwise: bool
    unfolds_backward: bool
    threads: int


def cpu_kernel_bytes(func: Any, args: tuple[Any, ...], out: Any) -> int:
    """Return the bytes that a CPU operator holds at its worst moment, its own outputs included.

    Only what matters is modelled: 2-D convolutions in float32, forward and backward. 0 means that an
    operator needs its outputs and nothing beside.

    Args:
        func: the aten operator.
        args: its arguments.
        out: what it returned.
    """
    if func is aten.convolution.default:
        source, weight, _, stride, _, dilation, transposed, _, groups = args[:9]
        sizes = _sizes(
            source, weight, out, stride=stride, dilation=dilation, transposed=transposed, groups=groups
        )
        return _forward_bytes(sizes) if sizes else 0
    if func is aten.convolution_backward.default:
        output, source, weight, _, stride, _, dilation, transposed, _, groups, wanted = args[:11]
        sizes = _sizes(
            source, weight, output, stride=stride, dilation=dilation, transposed=transposed, groups=groups
        )
        return _backward_bytes(sizes, wants_source=wanted[0]) if sizes else 0
    return 0


def _sizes(
    source: torch.Tensor,
    weight: torch.Tensor,
    output: torch.Tensor,
    *,
    stride: list[int],
    dilation: list[int],
    transposed: bool,
    groups: int,
) -> _Convolution | None:
    if source.dim() != 4 or source.dtype not in {torch.float32, torch.bfloat16} or transposed:
        return None
    unit = 16 if torch.backends.cpu.get_cpu_capability() == "AVX512" else 8
    images, c_in = source.shape[0], source.shape[1]
    c_out, c_in_group, *kernel = weight.shape
    depthwise = groups > 1 and groups == c_in == c_out
    grow_in, grow_out = _round_up(c_in, unit) / c_in, _round_up(c_out, unit) / c_out
    plain_source = groups == 1 and c_in <= 3  # the first convolution reads images as they are
    grow_weight = grow_out * (1 if groups > 1 or plain_source else grow_in)
    threads = torch.get_num_threads()
    return _Convolution(
        source=source.nbytes,
        weight=weight.nbytes,
        output=output.nbytes,
        source_blocked=int(source.nbytes * grow_in),
        weight_blocked=int(weight.nbytes * grow_weight),
        output_blocked=int(output.nbytes * grow_out),
        columns=source.element_size() * c_in_group * math.prod(kernel) * math.prod(output.shape[2:]),
        images=images,
        groups=groups,
        blocks=groups == 1 or depthwise or (c_in_group % unit == 0 and (c_out // groups) % unit == 0),
        plain_source=plain_source,
        channels_last=not source.is_contiguous() and source.is_contiguous(memory_format=torch.channels_last),
        onednn=_goes_to_onednn(
            source, kernel, stride=stride, dilation=dilation, groups=groups, threads=threads
        ),
        pointwise=kernel == [1, 1] and set(stride) == {1},
        unfolds_backward=max(kernel) >= GEMM_KERNEL_SIDE or set(dilation) != {1},
        threads=threads,
    )


def _goes_to_onednn(
    source: torch.Tensor,
    kernel: list[int],
    *,
    stride: list[int],
    dilation: list[int],
    groups: int,
    threads: int,
) -> bool:
    # ConvParams::use_mkldnn, aten/src/ATen/native/Convolution.cpp
    worth_it = set(stride) != {1} or set(dilation) != {1} or source.shape[0] >= 16 or threads > 1
    worth_it = worth_it or kernel != [1, 1]
    large = groups > 1 or min(kernel) > 3 or source.shape[0] > 1 or source.numel() > 20480
    if source.dtype == torch.bfloat16:
        worth_it = large = torch.ops.mkldnn._is_mkldnn_bf16_supported()  # noqa: SLF001  # what torch itself asks
    return torch.backends.mkldnn.is_available() and worth_it and large


def _forward_bytes(c: _Convolution) -> int:
    if not c.onednn:
        if c.pointwise and c.groups == 1:
            return c.output
        return max(c.output + c.images * c.columns, 2 * c.output if c.groups > 1 else 0)
    if c.channels_last:
        return c.output + c.weight_blocked
    if not c.blocks:
        return 2 * c.output
    source = 0 if c.plain_source else c.source_blocked
    return max(source + c.weight_blocked + c.output_blocked, c.output_blocked + c.output)


def _backward_bytes(c: _Convolution, *, wants_source: bool) -> int:
    made = c.source if wants_source else 0
    if not c.onednn:
        return made + c.weight + (0 if c.pointwise else c.images * c.columns)
    if c.unfolds_backward:
        return made + 5 * c.weight + c.columns * c.threads
    if c.channels_last:
        return made + 3 * c.weight_blocked
    if not c.blocks:
        return made + max(made, c.weight + c.columns)
    source = 0 if c.plain_source else c.source_blocked
    data = max(c.output_blocked + c.weight_blocked + source, source + made) if wants_source else 0
    weights = made + c.output_blocked + source + c.weight_blocked
    return max(data, weights, made + 2 * c.weight_blocked)


def _round_up(value: int, unit: int) -> int:
    return -(-value // unit) * unit
