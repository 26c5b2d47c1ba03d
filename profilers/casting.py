"""Autocast on the meta device, where torch has none: which operators run in half precision, which in full.

A prediction of memory under autocast needs the copies that it makes: inputs and weights cast down before
products, the cast weights kept until the pass is over, and on CUDA norms and softmax cast up.
"""

from __future__ import annotations

from typing import Any

import torch
from torch.overrides import TorchFunctionMode
from torch.utils import _pytree as pytree

from ..data.errors import TargetError

__all__ = ["MetaAutocast"]

_PRODUCTS = """
    conv1d conv2d conv3d conv_tbc conv_transpose1d conv_transpose2d conv_transpose3d convolution
    matmul __matmul__ __rmatmul__ mm bmm addmm addbmm baddbmm einsum tensordot linear chain_matmul multi_dot
    linalg_multi_dot vecdot linalg_vecdot scaled_dot_product_attention prelu
"""
_PRODUCTS_CUDA = "mv addmv addr"
_FULL_CPU = """
    avg_pool3d binary_cross_entropy grid_sample grid_sampler polar prod quantile nanquantile stft cdist
    trace cholesky cholesky_inverse cholesky_solve inverse lu_solve mse_loss cosine_embedding_loss
    nll_loss cross_entropy hinge_embedding_loss poisson_nll_loss smooth_l1_loss l1_loss huber_loss
    margin_ranking_loss soft_margin_loss triplet_margin_loss multi_margin_loss ctc_loss kl_div
    multilabel_margin_loss binary_cross_entropy_with_logits
"""
_FULL_CUDA = """
    acos asin cosh erfinv exp expm1 log log10 log2 log1p reciprocal rsqrt sinh tan pow __pow__ __rpow__
    softplus layer_norm native_layer_norm rms_norm group_norm cosine_similarity poisson_nll_loss
    cosine_embedding_loss nll_loss cross_entropy hinge_embedding_loss kl_div l1_loss smooth_l1_loss
    huber_loss mse_loss margin_ranking_loss multilabel_margin_loss soft_margin_loss triplet_margin_loss
    multi_margin_loss binary_cross_entropy_with_logits dist pdist cdist renorm logsumexp interpolate
    upsample prod cumprod cumsum sum norm vector_norm matrix_norm linalg_vector_norm linalg_matrix_norm
    softmax log_softmax normalize
"""
_UNKNOWN = """
    lstm gru rnn_tanh rnn_relu lstm_cell gru_cell rnn_tanh_cell rnn_relu_cell multi_head_attention_forward
"""
_LOWER = {"cpu": frozenset(_PRODUCTS.split()), "cuda": frozenset((_PRODUCTS + _PRODUCTS_CUDA).split())}
_FULL = {"cpu": frozenset(_FULL_CPU.split()), "cuda": frozenset(_FULL_CUDA.split())}
_REFUSED = frozenset(_UNKNOWN.split())


class MetaAutocast(TorchFunctionMode):
    """While it is active, torch's functions treat tensors as under `torch.autocast`.

    Args:
        device_type: whose autocast: `cpu` or `cuda`.
        dtype: what products are cast to.

    Source: `AT_FORALL_LOWER_PRECISION_FP` and `AT_FORALL_FP32` in `ATen/autocast_mode.h`, the CPU's lists
        in `autocast_mode.cpp`, of torch 2.14. As there, the cast copy of a weight is kept until the end,
        other copies are not.
    """

    def __init__(self, device_type: str, dtype: torch.dtype) -> None:
        super().__init__()
        self._lower, self._full, self._dtype = _LOWER[device_type], _FULL[device_type], dtype
        self._weights: dict[int, tuple[torch.Tensor, torch.Tensor]] = {}

    def __exit__(self, *details: object) -> None:
        self._weights.clear()
        super().__exit__(*details)

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """Cast the arguments as autocast would, then call."""
        name = getattr(func, "__name__", "")
        if name in _REFUSED:
            raise TargetError(
                f"The memory of {name} under autocast cannot be predicted; predict float32, or measure it."
            )
        if name in self._lower:
            args, kwargs = pytree.tree_map_only(torch.Tensor, self._down, (args, kwargs))
        elif name in self._full:
            args, kwargs = pytree.tree_map_only(torch.Tensor, _up, (args, kwargs))
        return func(*args, **(kwargs or {}))

    def _down(self, tensor: torch.Tensor) -> torch.Tensor:
        if not tensor.is_floating_point() or tensor.dtype in {self._dtype, torch.float64}:
            return tensor
        kept = self._weights.get(id(tensor))
        if kept is not None:
            return kept[1]
        cast = tensor.to(self._dtype)
        if tensor.requires_grad and tensor.is_leaf and tensor.dtype == torch.float32:
            self._weights[id(tensor)] = tensor, cast
        return cast


def _up(tensor: torch.Tensor) -> torch.Tensor:
    half = tensor.dtype in {torch.float16, torch.bfloat16}
    return tensor.float() if half else tensor
