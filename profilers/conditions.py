"""Under what a backbone is measured: everything that changes a latency or a peak of memory."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, cast, get_args

from ..data.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator

    import torch

__all__ = ["Condition"]

Dtype = Literal["float32", "tf32", "amp-float16", "amp-bfloat16"]
MemoryFormat = Literal["contiguous", "channels_last"]
Mode = Literal["inference", "training"]
Optimiser = Literal["sgd", "adamw"]
DEVICE_TYPES = ("cpu", "cuda")


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """One way of running a backbone.

    device: `cpu`, `cuda` or `cuda:1`; a prediction takes it as the device to predict for.
    batch_size: images a step.
    dtype: `float32` (products in full precision), `tf32` (CUDA: products of float32 in TF32),
        `amp-float16` or `amp-bfloat16` (autocast; float16 scales the loss in training).
    memory_format: `contiguous` or `channels_last`, of weights and images.
    compiled: through `torch.compile`; the compilation itself is never timed.
    attention_fused: fused attention kernels where the device has them, or matrix products and softmax.
    mode: `inference` (evaluation mode, no gradients) or `training` (forward, loss, backward, optimiser).
    optimiser: of a training step: `sgd` (momentum 0.9) or `adamw`, as torch runs it by default.
    """

    device: str = "cpu"
    batch_size: int = 1
    dtype: Dtype = "float32"
    memory_format: MemoryFormat = "contiguous"
    compiled: bool = False
    attention_fused: bool = True
    mode: Mode = "inference"
    optimiser: Optimiser = "sgd"

    def __post_init__(self) -> None:
        _require("dtype", self.dtype, get_args(Dtype))
        _require("memory format", self.memory_format, get_args(MemoryFormat))
        _require("mode", self.mode, get_args(Mode))
        _require("optimiser", self.optimiser, get_args(Optimiser))
        kind, _, index = self.device.partition(":")
        if kind not in DEVICE_TYPES or (index and not index.isdigit()):
            raise InputError(f"Device {self.device!r} is not known; give cpu, cuda or cuda:N.")
        if self.batch_size < 1:
            raise InputError(f"The batch size is {self.batch_size}; it must be at least 1.")
        if self.dtype == "tf32" and kind == "cpu":
            raise InputError("TF32 is a format of CUDA devices; on the cpu choose float32 or amp-bfloat16.")

    @property
    def device_type(self) -> str:
        """`cpu` or `cuda`."""
        return self.device.partition(":")[0]

    @property
    def training(self) -> bool:
        """Whether a step has a backward pass and an optimiser."""
        return self.mode == "training"

    @property
    def amp_dtype(self) -> torch.dtype | None:
        """What autocast casts to; None without autocast."""
        import torch

        return {"amp-float16": torch.float16, "amp-bfloat16": torch.bfloat16}.get(self.dtype)

    @contextlib.contextmanager
    def active(self) -> Iterator[None]:
        """Set torch's switches to this condition, and back at the end.

        Build the module in here too: timm reads at construction whether attention is to be fused.
        """
        import torch
        from timm.layers import config

        matmul, convolution = torch.backends.cuda.matmul, cast("Any", torch.backends.cudnn)
        before = matmul.allow_tf32, convolution.allow_tf32, config._USE_FUSED_ATTN  # noqa: SLF001  # timm has no getter for it
        matmul.allow_tf32 = convolution.allow_tf32 = self.dtype == "tf32"
        config.set_fused_attn(self.attention_fused)
        try:
            with _sdpa_kernels(fused=self.attention_fused):
                yield
        finally:
            matmul.allow_tf32, convolution.allow_tf32 = before[:2]
            config._USE_FUSED_ATTN = before[2]  # noqa: SLF001


def _sdpa_kernels(*, fused: bool) -> contextlib.AbstractContextManager[Any]:
    from torch.nn.attention import SDPBackend, sdpa_kernel

    return contextlib.nullcontext() if fused else sdpa_kernel(SDPBackend.MATH)


def _require(what: str, value: str, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        raise InputError(f"The {what} is {value!r}; allowed: {', '.join(allowed)}.")
