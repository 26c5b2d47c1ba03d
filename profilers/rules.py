"""How much work one operator call does, by its shapes alone.

What is counted: multiply-accumulates of convolutions, linear layers, matrix products, attention and
recurrent cells; one multiply with its add is 1 MAC, a complex one is 4. Element-wise work is one operation
per output element and call, apart from the MACs. An operator that no rule covers is reported, never 0.

A rule sees the call as the dispatcher sees it under `torch.inference_mode()`: `linear`, `conv2d`,
`scaled_dot_product_attention`, `lstm` are still whole there, so fused and unfused attention give the same
numbers, and so do padding as a word ("same") and as numbers.

Source: fvcore's `flop_count.py` for `fvcore_extra` (norms 4 or 5 per element, batch norm 1 or 2,
adaptive average pooling 1 per input element, resizing 1 or 4 per output element);
`torch.utils.flop_counter` agrees on all MACs of real numbers that it counts.
"""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from .operators import ELEMENTWISE, FREE

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from torch import Tensor

__all__ = ["KINDS", "Handling", "Rule", "Work", "rule_for"]

KINDS = ("convolution", "grouped", "depthwise", "transposed", "linear", "product", "recurrent")
"""Kinds of MACs. `linear`: one factor is a weight; `product`: both depend on the input (attention)."""

Handling = Literal["view", "maybe view", "drop", "compute", "decompose", "skip"]


class Work(NamedTuple):
    """What one call does.

    Attributes:
        macs: multiply-accumulates. kind: one of KINDS, or None where there are none.
        activations: elements of convolution and matrix-product outputs, attention maps included.
        elementwise: operations of everything else, one per output element.
        fvcore_extra: what fvcore adds to the MACs for this call.
        counted: False where no rule covers the operator.
        factors: indices of the arguments that are multiplied; a weight among them makes a weighted layer.
        width: channels out of a weighted layer. positions: output elements per
            channel, batch included.
        layers: weighted layers that the call stands for (an LSTM of two layers is 2).
        side: spatial size of the output of a convolution or pooling.
    """

    macs: int = 0
    kind: str | None = None
    activations: int = 0
    elementwise: int = 0
    fvcore_extra: int = 0
    counted: bool = True
    factors: tuple[int, ...] = ()
    width: int = 0
    positions: int = 0
    layers: int = 0
    side: tuple[int, ...] = ()


class Rule(NamedTuple):
    """How the tracer treats an operator.

    Attributes:
        handling: `view` (shares its argument's memory, no work), `maybe view` (or a copy), `drop` (dropout:
            the argument itself in evaluation), `compute` (new values), `decompose` (its parts are seen
            instead), `skip` (a check without effect).
        work: the call's work from its arguments and its first output tensor.
        gate: whether a smaller operand only gates the larger one (broadcast multiply, add).
        inplace: whether it returns its first argument.
    """

    handling: Handling
    work: Callable[[Sequence[Any], Tensor], Work]
    gate: bool = False
    inplace: bool = False


def _at(args: Sequence[Any], index: int, default: Any = None) -> Any:
    return args[index] if len(args) > index else default


def _scale(tensor: Tensor) -> int:
    return 4 if tensor.is_complex() else 1


def _free(args: Sequence[Any], out: Tensor) -> Work:  # noqa: ARG001
    return Work()


def _elementwise(args: Sequence[Any], out: Tensor) -> Work:  # noqa: ARG001
    return Work(elementwise=out.numel())


def _unknown(args: Sequence[Any], out: Tensor) -> Work:  # noqa: ARG001
    return Work(counted=False)


# convolutions -------------------------------------------------------------------------------------------


def _convolution(image: Tensor, weight: Tensor, out: Tensor, *, groups: int, transposed: bool) -> Work:
    """Every weight meets every output position (of a transposed convolution: every input position)."""
    spatial = weight.dim() - 2
    batch = image.shape[0] if image.dim() == weight.dim() else 1
    channels_in = image.shape[-spatial - 1]
    channels_out = out.shape[-spatial - 1]
    at = image if transposed else out
    if transposed:
        kind = "transposed"
    elif groups == 1:
        kind = "convolution"
    else:
        kind = "depthwise" if groups == channels_in else "grouped"
    return Work(
        macs=batch * prod(weight.shape) * prod(at.shape[-spatial:]) * _scale(out),
        kind=kind,
        activations=out.numel(),
        factors=(0, 1),
        width=channels_out,
        positions=out.numel() // max(1, channels_out),
        layers=1,
        side=tuple(out.shape[-spatial:]),
    )


def _conv(args: Sequence[Any], out: Tensor) -> Work:
    return _convolution(args[0], args[1], out, groups=_at(args, 6, 1), transposed=False)


def _conv_transpose(args: Sequence[Any], out: Tensor) -> Work:
    return _convolution(args[0], args[1], out, groups=_at(args, 6, 1), transposed=True)


def _conv_general(args: Sequence[Any], out: Tensor) -> Work:
    return _convolution(args[0], args[1], out, groups=args[8], transposed=bool(args[6]))


def _conv_tbc(args: Sequence[Any], out: Tensor) -> Work:
    weight = args[1]  # [kernel, in, out] on [time, batch, channels]
    return _product(out.numel() * weight.shape[0] * weight.shape[1], out)._replace(
        kind="convolution", factors=(0, 1)
    )


# matrix products ----------------------------------------------------------------------------------------


def _product(macs: int, out: Tensor, first: int = 0, *, vector: bool = False) -> Work:
    """A product of two matrices: whether `linear` or `product`, the tracer decides by what they depend on."""
    width = 1 if vector or out.dim() == 0 else out.shape[-1]
    return Work(
        macs=macs * _scale(out),
        kind="product",
        activations=out.numel(),
        factors=(first, first + 1),
        width=width,
        positions=out.numel() // max(1, width),
        layers=1,
    )


def _linear(args: Sequence[Any], out: Tensor) -> Work:
    return _product(out.numel() * args[0].shape[-1], out)


def _matmul(args: Sequence[Any], out: Tensor) -> Work:
    return _product(out.numel() * args[0].shape[-1], out, vector=args[1].dim() == 1)


def _added_matmul(args: Sequence[Any], out: Tensor) -> Work:
    return _product(out.numel() * args[1].shape[-1], out, first=1, vector=args[2].dim() == 1)


def _added_batch_matmul(args: Sequence[Any], out: Tensor) -> Work:
    return _product(prod(args[1].shape) * args[2].shape[-1], out, first=1)


def _bilinear(args: Sequence[Any], out: Tensor) -> Work:
    weight = args[2]  # [out, in1, in2]: the weight meets in1, the result meets in2
    rows = out.numel() // weight.shape[0]
    macs = rows * (prod(weight.shape) + weight.shape[0] * weight.shape[2])
    return _product(macs, out)._replace(factors=(0, 2))


def _attention(args: Sequence[Any], out: Tensor) -> Work:
    query, key, value = args[:3]  # [..., heads, length, channels]; grouped keys meet every query head
    rows = prod(query.shape[:-1])
    length = key.shape[-2]
    return Work(
        macs=rows * length * (query.shape[-1] + value.shape[-1]) * _scale(out),
        kind="product",
        activations=rows * (length + value.shape[-1]),
        elementwise=2 * rows * length,  # scaling and softmax of the attention map
        factors=(0, 1),
    )


# recurrent layers ---------------------------------------------------------------------------------------

_STEP_OPERATIONS = {"lstm": 13, "gru": 11, "rnn_tanh": 2, "rnn_relu": 2}
"""Element-wise operations per hidden unit and step: gates' sums, activations and state updates."""


def _recurrent_work(
    name: str, rows: int, weights: Sequence[Tensor], out: Tensor, *, layers: int, width: int
) -> Work:
    matrices = [weight for weight in weights if weight.dim() == 2]
    hidden = {"lstm": 4, "gru": 3}.get(name, 1)
    recurrent_rows = sum(weight.shape[0] for weight in matrices) // (2 * hidden)
    return Work(
        macs=rows * sum(prod(weight.shape) for weight in matrices) * _scale(out),
        kind="recurrent",
        activations=rows * sum(weight.shape[0] for weight in matrices),
        elementwise=rows * recurrent_rows * _STEP_OPERATIONS[name],
        width=width,
        positions=rows,
        layers=layers,
    )


def _recurrent(name: str, *, packed: bool) -> Callable[[Sequence[Any], Tensor], Work]:
    def work(args: Sequence[Any], out: Tensor) -> Work:
        weights, layers = (args[3], args[5]) if packed else (args[2], args[4])
        rows = args[0].shape[0] if packed else prod(args[0].shape[:-1])
        return _recurrent_work(name, rows, weights, out, layers=layers, width=out.shape[-1])

    return work


def _recurrent_cell(name: str) -> Callable[[Sequence[Any], Tensor], Work]:
    def work(args: Sequence[Any], out: Tensor) -> Work:
        rows = prod(args[0].shape[:-1])
        return _recurrent_work(name, rows, args[2:4], out, layers=1, width=out.shape[-1])

    return work


# norms, pooling, resizing -------------------------------------------------------------------------------


def _norm(weight_at: int) -> Callable[[Sequence[Any], Tensor], Work]:
    def work(args: Sequence[Any], out: Tensor) -> Work:
        size = args[0].numel()
        affine = _at(args, weight_at) is not None
        return Work(elementwise=out.numel(), fvcore_extra=size * (5 if affine else 4))

    return work


def _batch_norm(training_at: int | None) -> Callable[[Sequence[Any], Tensor], Work]:
    def work(args: Sequence[Any], out: Tensor) -> Work:
        size = args[0].numel()
        affine = _at(args, 1) is not None
        training = training_at is not None and bool(_at(args, training_at, default=False))
        per_element = (5 if affine else 4) if training else (2 if affine else 1)
        return Work(elementwise=out.numel(), fvcore_extra=size * per_element)

    return work


def _resize(per_element: int) -> Callable[[Sequence[Any], Tensor], Work]:
    return lambda _, out: Work(elementwise=out.numel(), fvcore_extra=per_element * out.numel())


def _pool(spatial: int) -> Callable[[Sequence[Any], Tensor], Work]:
    def work(args: Sequence[Any], out: Tensor) -> Work:  # noqa: ARG001
        side = tuple(out.shape[-spatial:])
        return Work(elementwise=out.numel(), positions=prod(side), side=side)

    return work


def _adaptive_pool(args: Sequence[Any], out: Tensor) -> Work:
    return _pool(2)(args, out)._replace(fvcore_extra=args[0].numel())


def _named(names: str, work: Callable[[Sequence[Any], Tensor], Work]) -> dict[str, Any]:
    return dict.fromkeys(names.split(), work)


_WORK: dict[str, Callable[[Sequence[Any], Tensor], Work]] = {
    **_named("conv1d conv2d conv3d", _conv),
    **_named("conv_transpose1d conv_transpose2d conv_transpose3d", _conv_transpose),
    **_named("convolution _convolution convolution_overrideable cudnn_convolution", _conv_general),
    **_named("conv_tbc", _conv_tbc),
    **_named("linear mm bmm matmul mv dot vdot inner", _matmul),
    **_named("linear", _linear),
    **_named("addmm baddbmm addmv", _added_matmul),
    **_named("addbmm", _added_batch_matmul),
    **_named("bilinear", _bilinear),
    **_named(
        "scaled_dot_product_attention _scaled_dot_product_flash_attention "
        "_scaled_dot_product_efficient_attention _scaled_dot_product_cudnn_attention "
        "_scaled_dot_product_flash_attention_for_cpu _scaled_dot_product_attention_math "
        "_scaled_dot_product_fused_attention_overrideable",
        _attention,
    ),
    **_named("layer_norm native_layer_norm group_norm", _norm(2)),
    **_named("native_group_norm instance_norm", _norm(1)),
    **_named("batch_norm native_batch_norm _native_batch_norm_legit", _batch_norm(5)),
    **_named("_native_batch_norm_legit_no_training", _batch_norm(None)),
    **_named("adaptive_avg_pool2d _adaptive_avg_pool2d", _adaptive_pool),
    **_named("upsample_nearest2d", _resize(1)),
    **_named("upsample_bilinear2d grid_sampler grid_sampler_2d", _resize(4)),
    **_named("avg_pool1d max_pool1d adaptive_avg_pool1d adaptive_max_pool1d", _pool(1)),
    **_named("avg_pool2d max_pool2d max_pool2d_with_indices adaptive_max_pool2d", _pool(2)),
    **_named(
        "avg_pool3d max_pool3d max_pool3d_with_indices adaptive_avg_pool3d adaptive_max_pool3d", _pool(3)
    ),
    # work of one operation per output element, beside everything that torch itself tags as pointwise
    **_named(ELEMENTWISE, _elementwise),
    # moving, making and choosing values is no arithmetic
    **_named(FREE, _free),
    **{f"{name}.input": _recurrent(name, packed=False) for name in _STEP_OPERATIONS},
    **{f"{name}.data": _recurrent(name, packed=True) for name in _STEP_OPERATIONS},
    **{f"{name}_cell": _recurrent_cell(name) for name in _STEP_OPERATIONS},
}

_CHECKS = frozenset({"_assert_async", "_assert_scalar", "_assert_tensor_metadata", "sym_constrain_range"})
_DROPOUTS = frozenset({"dropout", "feature_dropout", "alpha_dropout", "feature_alpha_dropout"})
_GATES = frozenset({"add", "addcmul", "div", "mul", "multiply", "sub", "where"})
_ARITHMETIC = frozenset({"pointwise", "reduction"})

_rules: dict[Any, Rule] = {}


def rule_for(func: Any) -> Rule:
    """Return how to treat the operator overload `func`; every operator has an answer."""
    rule = _rules.get(func)
    if rule is None:
        rule = _rules[func] = _make_rule(func)
    return rule


def _make_rule(func: Any) -> Rule:
    schema = func._schema  # noqa: SLF001  # the only place where torch keeps what an operator returns
    namespace, _, name = schema.name.partition("::")
    tags = {tag.name for tag in func.tags}
    base = name.removesuffix("_") if namespace == "aten" else ""
    if base in _CHECKS:
        return Rule("skip", _free)
    if "inplace_view" in tags or (namespace, name) == ("prim", "device"):
        return Rule("view", _free)
    if _returns_view(schema):
        # a composite (reshape, contiguous, to) only may share: it copies where it must
        return Rule("maybe view" if func._can_decompose() else "view", _free)  # noqa: SLF001
    if base in _DROPOUTS:
        return Rule("drop", _free, inplace=_is_inplace(schema))
    work = _WORK.get(f"{name}.{schema.overload_name}") or _WORK.get(name) or _WORK.get(base) if base else None
    if work is None and tags & _ARITHMETIC:
        work = _elementwise
    if work is None and func._can_decompose():  # noqa: SLF001
        return Rule("decompose", _unknown)
    return Rule("compute", work or _unknown, gate=base in _GATES, inplace=_is_inplace(schema))


def _returns_view(schema: Any) -> bool:
    returns = [value.alias_info for value in schema.returns]
    return bool(returns) and all(alias is not None and not alias.is_write for alias in returns)


def _is_inplace(schema: Any) -> bool:
    if len(schema.returns) != 1 or not schema.arguments or schema.returns[0].alias_info is None:
        return False
    first = schema.arguments[0].alias_info
    return first is not None and first.is_write
