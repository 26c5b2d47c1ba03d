"""Names of aten operators that do no multiply-accumulates, sorted by what they do instead.

Everything that torch itself tags as pointwise or as a reduction needs no mention here.
"""

from __future__ import annotations

__all__ = ["ELEMENTWISE", "FREE"]

ELEMENTWISE = """
    __and__ __invert__ __or__ __xor__ _adaptive_avg_pool3d _fused_rms_norm _log_softmax
    _prelu_kernel _safe_softmax _softmax _upsample_bicubic2d_aa _upsample_bilinear2d_aa
    _upsample_nearest_exact1d _upsample_nearest_exact2d _upsample_nearest_exact3d absolute addcdiv_
    addcmul_ affine_grid affine_grid_generator all amax amin aminmax any arctan2 argmax argmin
    bucketize celu celu_ clip clip_ col2im complex cosine_similarity count_nonzero cross cumprod
    cumsum divide floor_divide floor_divide_ fmod frobenius_norm gelu_ ger glu grid_sampler_3d
    hardsigmoid hardsigmoid_ hardswish hardswish_ hardtanh hardtanh_ index_add index_add_ isclose
    isfinite isinf isnan l1_loss linalg_cross linalg_norm linalg_vector_norm local_response_norm
    log_sigmoid log_sigmoid_forward log_softmax logcumsumexp logsumexp lp_pool2d max mean median min
    mish mse_loss multiply native_dropout norm outer pairwise_distance polar prelu prod relu6 relu6_
    remainder remainder_ rms_norm rrelu rrelu_ rsub scatter_add scatter_add_ scatter_reduce
    scatter_reduce_ searchsorted selu selu_ silu softmax softplus square square_ std std_mean
    subtract sum threshold threshold_ true_divide upsample_bicubic2d upsample_linear1d
    upsample_nearest1d upsample_nearest3d upsample_trilinear3d var var_mean view_as_complex_copy
"""
"""Arithmetic, counted as one operation per output element."""

FREE = """
    _embedding_bag _index_put_impl_ _local_scalar_dense _nested_tensor_from_mask
    _pack_padded_sequence _pad_circular _pad_enum _pad_packed_sequence _reshape_alias _reshape_copy
    _reshape_from_tensor _shape_as_tensor _to_copy _unsafe_index _unsafe_view alpha_dropout arange
    argsort as_strided_scatter bernoulli bernoulli_ bincount block_diag broadcast_tensors
    cartesian_prod cat channel_shuffle channel_shuffle_ chunk clone column_stack concat concatenate
    constant_pad_nd contiguous copy_ detach diag diag_embed diagonal_scatter dropout dropout_ dstack
    embedding embedding_bag empty empty_like empty_strided equal expand_as eye feature_dropout fill_
    flatten flip fliplr flipud full full_like gather hamming_window hann_window hstack im2col index
    index_copy index_copy_ index_fill index_fill_ index_put index_put_ index_select is_complex
    is_floating_point is_nonzero is_same_size item kthvalue lift lift_fresh lift_fresh_copy linspace
    logspace masked_scatter masked_scatter_ masked_select meshgrid mode native_channel_shuffle
    nested_to_padded_tensor new_empty new_empty_strided new_full new_ones new_zeros nonzero normal_
    one_hot ones ones_ ones_like pad pin_memory pixel_shuffle pixel_unshuffle rad2deg rand rand_like
    randint randint_like randn randn_like random_ randperm range reflection_pad1d reflection_pad2d
    reflection_pad3d repeat repeat_interleave replication_pad1d replication_pad2d replication_pad3d
    reshape reshape_as resolve_conj resolve_neg result_type roll rot90 scalar_tensor scatter
    scatter_ select_scatter set_ size slice_scatter sort stack stride sym_numel sym_size take
    take_along_dim tile to topk trace tril tril_ tril_indices triu triu_ triu_indices type_as
    unfold_copy uniform_ unique unsafe_chunk unsafe_split unsafe_split_with_sizes view_as_real_copy
    vstack where_index zero_ zeros zeros_like
"""
"""Making, moving and choosing values: no arithmetic."""
