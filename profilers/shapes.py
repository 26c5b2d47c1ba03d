"""Results of frequent operators on meta tensors, by the operators' own definition of their shape.

torch's meta kernels of these run in Python and take a millisecond each, or unroll every step of a recurrent
layer. Where a call is anything but the plain case, torch is asked: it also says what is wrong with it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from torch import Tensor

__all__ = ["known_result"]


def known_result(name: str, args: Sequence[Any]) -> Any:
    """Return the result of operator `name` (`aten::linear`) on meta tensors, or None: ask torch."""
    rule = _RESULTS.get(name.removeprefix("aten::"))
    return rule(args) if rule else None


def _same(args: Sequence[Any]) -> Tensor | None:
    return torch.empty_like(args[0]) if args[0].is_floating_point() else None


def _itself(args: Sequence[Any]) -> Tensor | None:
    return args[0] if args[0].is_floating_point() else None


def _batch_norm(args: Sequence[Any]) -> Tensor | None:
    x, weight, bias, mean = args[:4]
    fits = all(part is None or part.shape == x.shape[1:2] for part in (weight, bias, mean))
    return torch.empty_like(x) if fits and x.dim() > 1 and x.is_floating_point() else None


def _layer_norm(args: Sequence[Any]) -> Tensor | None:
    x, shape = args[:2]
    weight = args[2] if len(args) > 2 else None
    fits = tuple(x.shape[-len(shape) :]) == tuple(shape) and (weight is None or weight.dtype == x.dtype)
    if not fits or not shape or not x.is_floating_point():
        return None
    return torch.empty_like(x, memory_format=torch.contiguous_format)


def _group_norm(args: Sequence[Any]) -> Tensor | None:
    x, groups = args[:2]
    weight = args[2] if len(args) > 2 else None
    fits = x.dim() > 1 and x.shape[1] % groups == 0 and (weight is None or weight.shape == x.shape[1:2])
    return torch.empty_like(x, memory_format=torch.contiguous_format) if fits else None


def _linear(args: Sequence[Any]) -> Tensor | None:
    x, weight = args[:2]
    bias = args[2] if len(args) > 2 else None
    fits = x.dim() > 0 and weight.dim() == 2 and x.shape[-1] == weight.shape[1] and x.dtype == weight.dtype
    if not fits or (bias is not None and (bias.shape != weight.shape[:1] or bias.dtype != x.dtype)):
        return None
    return x.new_empty((*x.shape[:-1], weight.shape[0]))


def _attention(args: Sequence[Any]) -> Tensor | None:
    query, key, value = args[:3]
    batched = query.dim() == 4 and query.shape[:2] == key.shape[:2] == value.shape[:2]
    fits = batched and query.shape[3] == key.shape[3] and key.shape[2] == value.shape[2]
    if not fits or not query.dtype == key.dtype == value.dtype or (len(args) > 3 and args[3] is not None):
        return None
    return query.new_empty((*query.shape[:3], value.shape[3]))


def _pair(args: Sequence[Any]) -> Tensor | None:
    """A sum or product of two values of one kind: their shape; everything else broadcasts or promotes."""
    one, two = args[:2]
    if isinstance(two, float | int) and not isinstance(two, bool):
        return torch.empty_like(one) if one.is_floating_point() else None
    if not isinstance(two, torch.Tensor) or (one.dtype, one.shape, one.stride()) != (
        two.dtype,
        two.shape,
        two.stride(),
    ):
        return None
    return torch.empty_like(one)


def _recurrent(args: Sequence[Any], *, packed: bool) -> tuple[Tensor, ...]:
    data, state = args[0], args[2 if packed else 1]
    states: Sequence[Tensor] = state if isinstance(state, list | tuple) else [state]
    directions = 2 if args[8 if packed else 7] else 1
    shape = (*data.shape[:-1], states[0].shape[-1] * directions)
    if not packed and args[8]:  # batch first: a transposed view of what was computed
        out = data.new_empty((shape[1], shape[0], *shape[2:])).transpose(0, 1)
    else:
        out = data.new_empty(shape)
    return (out, *(tensor.new_empty(tensor.shape) for tensor in states))


def _unary(names: str, result: Callable[[Sequence[Any]], Any]) -> dict[str, Callable[[Sequence[Any]], Any]]:
    return dict.fromkeys(names.split(), result)


_RESULTS: dict[str, Callable[[Sequence[Any]], Any]] = {
    **_unary("relu gelu silu mish hardswish hardsigmoid hardtanh relu6 leaky_relu elu sigmoid tanh", _same),
    **_unary("relu_ silu_ mish_ hardswish_ hardsigmoid_ hardtanh_ relu6_ leaky_relu_ elu_ sigmoid_", _itself),
    "batch_norm": _batch_norm,
    "layer_norm": _layer_norm,
    "group_norm": _group_norm,
    "linear": _linear,
    "scaled_dot_product_attention": _attention,
    "add.Tensor": _pair,
    "mul.Tensor": _pair,
    **{
        f"{name}.{form}": lambda args, packed=form == "data": _recurrent(args, packed=packed)
        for name in ("lstm", "gru", "rnn_tanh", "rnn_relu")
        for form in ("input", "data")
    },
}
