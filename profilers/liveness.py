"""Peak memory of a computation that never runs: the bytes of the storages alive on the meta device.

Every storage that an operator makes counts from its creation until its last reference is gone, which is
how torch's allocators see a real run. What kernels allocate for themselves is added per operator by a
`kernel_bytes` rule (`profilers.kernels`); attention goes to the fused operator that the device would
choose, so that the attention matrix, which it never makes, is not counted.
"""

from __future__ import annotations

import contextlib
import weakref
from typing import TYPE_CHECKING, Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from .repeats import perform

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

# ruff: noqa: SLF001  # the operators and storages of torch that carry no public name
__all__ = ["Liveness", "fused_attention", "storage_bytes"]

AMP_DTYPES = (torch.float16, torch.bfloat16)
aten = torch.ops.aten


class Liveness(TorchDispatchMode):
    """Count the bytes alive while operators run under it; `peak_bytes` is the most there ever was.

    Args:
        known: tensors that are there already; they are not counted.
        granularity: an allocator's smallest unit: 1 byte on the CPU, 512 bytes on CUDA.
        kernel_bytes: bytes that an operator holds at its worst moment, its own outputs included, from
            (operator, arguments, output); 0 where it needs no more than its outputs.
        host_is_device: whether host tensors share the device's memory, as on a CPU: they then count, and
            a copy from host to device is no copy.
    """

    def __init__(
        self,
        known: Iterable[torch.Tensor] = (),
        *,
        granularity: int = 1,
        kernel_bytes: Callable[[Any, tuple[Any, ...], Any], int] | None = None,
        host_is_device: bool = True,
    ) -> None:
        super().__init__()
        self.bytes = 0
        self.peak_bytes = 0
        self.peak_operator = ""
        self._granularity = granularity
        self._kernel_bytes = kernel_bytes
        self._host_is_device = host_is_device
        # the reference keeps a known storage's address from being given to a new one
        self._alive: dict[int, Any] = {}
        for tensor in known:
            storage = tensor.untyped_storage()
            self._alive[storage._cdata] = storage

    def restart_peak(self) -> None:
        """Forget the peak so far; what is alive stays."""
        self.peak_bytes, self.peak_operator = self.bytes, ""

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """Run one operator and account for what it made."""
        before = self.bytes
        out = perform(func, args, kwargs or {})
        if func is aten.convolution.default:
            out = _as_the_device_lays_it_out(out, args[0])
        if self._host_is_device and func is aten._to_copy.default and _only_moves(args[0], out):
            self._share(args[0], out)
        for leaf in tree_leaves(out):
            if isinstance(leaf, torch.Tensor):
                self._track(leaf)
        self._note(func, args, out, before)
        return out

    def _note(self, func: Any, args: tuple[Any, ...], out: Any, before: int) -> None:
        inside = self._kernel_bytes(func, args, out) if self._kernel_bytes else 0
        reached = max(self.bytes, before + inside)
        if reached > self.peak_bytes:
            self.peak_bytes, self.peak_operator = reached, str(func)

    def _track(self, tensor: torch.Tensor) -> None:
        if tensor.device.type == "cpu" and not self._host_is_device:
            return
        storage = tensor.untyped_storage()
        key = storage._cdata
        if key in self._alive:
            return
        size = self._size(storage.nbytes())
        self._alive[key] = weakref.ref(storage, lambda _: self._free(key, size))
        self.bytes = self.bytes + size

    def _size(self, nbytes: int) -> Any:
        return -(-nbytes // self._granularity) * self._granularity

    def _free(self, key: int, size: Any) -> None:
        if self._alive.pop(key, None) is not None:
            self.bytes = self.bytes - size

    def _share(self, source: torch.Tensor, copy: torch.Tensor) -> None:
        held, storage = source.untyped_storage(), copy.untyped_storage()
        key = storage._cdata
        self._alive[key] = weakref.ref(storage, lambda _, _held=held: self._alive.pop(key, None))


def _only_moves(source: torch.Tensor, copy: torch.Tensor) -> bool:
    return source.device.type == "cpu" and copy.device.type == "meta" and source.dtype == copy.dtype


def _as_the_device_lays_it_out(out: torch.Tensor, source: torch.Tensor) -> torch.Tensor:
    # The meta kernel answers contiguous, whatever came in; oneDNN and cuDNN keep channels_last.
    if out.dim() != 4 or source.is_contiguous() or out.device.type != "meta":
        return out
    if not source.is_contiguous(memory_format=torch.channels_last):
        return out
    return torch.empty_like(out, memory_format=torch.channels_last)


def storage_bytes(tensors: Iterable[torch.Tensor]) -> int:
    """Return the bytes that tensors occupy together; what they share counts once."""
    storages = {s._cdata: s for s in (tensor.untyped_storage() for tensor in tensors)}
    return sum(storage.nbytes() for storage in storages.values())


@contextlib.contextmanager
def fused_attention(device_type: str) -> Iterator[None]:
    """Within this, attention on meta tensors is the fused operator that `device_type` would choose.

    On meta, `scaled_dot_product_attention` falls apart into matrix products and holds the attention
    matrix; a device keeps the output and one number a row for the backward pass. Where the device itself
    would not fuse (a mask that is learned, on a CPU), it stays apart.

    Args:
        device_type: `cpu` or `cuda`.

    Source: `sdp::use_flash_attention_cpp` and `sdp_utils.cpp` of torch 2.14: which operator, when.
    """
    choose = _fused_on_cuda if device_type == "cuda" else _fused_on_cpu

    def attend(  # noqa: PLR0917  # the operator's own signature
        query: torch.Tensor,
        key: torch.Tensor,
        value: torch.Tensor,
        attn_mask: torch.Tensor | None = None,
        dropout_p: float = 0.0,
        is_causal: bool = False,
        scale: float | None = None,
        enable_gqa: bool = False,
    ) -> torch.Tensor:
        mask = attn_mask
        if mask is not None and mask.dtype == torch.bool:
            mask = torch.empty_like(mask, dtype=query.dtype)
        fusible = query.dim() == 4 and not enable_gqa and query.shape[-1] == value.shape[-1]
        out = None
        if fusible:
            out = choose(query, key, value, mask, dropout_p=dropout_p, is_causal=is_causal, scale=scale)
        if out is None:
            out = aten._scaled_dot_product_attention_math(
                query, key, value, mask, dropout_p, is_causal, None, scale=scale, enable_gqa=enable_gqa
            )[0]
        return out

    library = torch.library.Library("aten", "IMPL")  # destroyed below: it lasts as long as the context
    library.impl("scaled_dot_product_attention", attend, "AutogradMeta")
    try:
        yield
    finally:
        library._destroy()


def _fused_on_cpu(
    query: Any, key: Any, value: Any, mask: Any, *, dropout_p: float, is_causal: bool, scale: float | None
) -> torch.Tensor | None:
    learned = mask is not None and mask.requires_grad and torch.is_grad_enabled()
    if learned or dropout_p > 0:
        return None
    mask = None if mask is None else mask.detach()
    return aten._scaled_dot_product_flash_attention_for_cpu(
        query, key, value, dropout_p, is_causal, attn_mask=mask, scale=scale
    )[0]


def _fused_on_cuda(
    query: Any, key: Any, value: Any, mask: Any, *, dropout_p: float, is_causal: bool, scale: float | None
) -> torch.Tensor:
    width = query.shape[-1]
    if mask is None and query.dtype in AMP_DTYPES and width <= 256:
        return aten._scaled_dot_product_flash_attention(
            query, key, value, dropout_p, is_causal, False, scale=scale
        )[0]
    if mask is not None:
        mask = mask.expand(*query.shape[:2], query.shape[2], key.shape[2])
    needs_rows = torch.is_grad_enabled()
    return aten._scaled_dot_product_efficient_attention(
        query, key, value, mask, needs_rows, dropout_p, is_causal, scale=scale
    )[0]
