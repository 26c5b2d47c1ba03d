"""Operator calls on meta tensors, each really made once: a call seen before is answered from memory.

A meta kernel takes up to a millisecond to say which shape comes out; remembering it takes microseconds.
A call is the same when operator, plain arguments, and shapes, strides and types of its tensors are.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from torch import Tensor
from torch.utils import _pytree as pytree

from .flow import node_of, set_node, storage_id
from .rules import Rule, Work
from .shapes import known_result

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Call", "Done", "perform", "read_call", "shares_memory", "tensors_in"]

_LIMIT = 200_000
_PLAIN = (bool, int, float, str, torch.dtype, torch.device, torch.memory_format, torch.layout)


class Call(NamedTuple):
    """One operator call: `key` identifies it among calls on meta tensors, None where it must really run."""

    func: Any
    rule: Rule
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    tensors: list[Tensor]
    key: tuple[Any, ...] | None


class Done(NamedTuple):
    """What a call gave: `out` as torch returns it, its tensors, its work, and bytes of new memory."""

    out: Any
    outputs: list[Tensor]
    work: Work
    bytes_out: int


class _Remembered(NamedTuple):
    shapes: tuple[tuple[Any, ...], ...]
    single: bool
    work: Work
    bytes_out: int


_memory: dict[tuple[Any, ...], _Remembered] = {}
_sharing: set[tuple[Any, ...]] = set()
"""Calls whose result shares its argument's memory: they must really run, and do nothing else."""


def read_call(func: Any, rule: Rule, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Call:
    """Take a call apart; where meta tensors meet others, all become meta (constants carry no work)."""
    key: list[Any] = [func]
    tensors: list[Tensor] = []
    repeatable = _collect(args, key, tensors)
    for name, value in kwargs.items():
        key.append(name)
        repeatable = _collect((value,), key, tensors) and repeatable
    on_meta = sum(tensor.is_meta for tensor in tensors)
    if on_meta and on_meta < len(tensors):
        return read_call(func, rule, *_all_meta((args, kwargs)))
    device = kwargs.get("device")
    if on_meta and device is not None and torch.device(device).type != "meta":
        kwargs = {**kwargs, "device": torch.device("meta")}  # nothing to move: it stays where it is
    made_on_meta = not tensors and device is not None and torch.device(device).type == "meta"
    known = repeatable and (on_meta or made_on_meta)
    return Call(func, rule, args, kwargs, tensors, tuple(key) if known else None)


def _collect(args: Sequence[Any], key: list[Any], tensors: list[Tensor]) -> bool:
    """Add each argument to `key` and each tensor to `tensors`; False where one cannot be part of a key."""
    plain = True
    for value in args:
        if isinstance(value, Tensor):
            tensors.append(value)
            if value.layout is torch.strided and not value.is_nested:
                key += (value.shape, value.stride(), value.dtype)
                if value.dtype.is_complex:
                    key.append(value.is_conj())
            else:
                plain = False
        elif isinstance(value, list | tuple):
            key.append(len(value))
            plain = _collect(value, key, tensors) and plain
        elif value is None or isinstance(value, _PLAIN):
            key += (type(value), value)  # 1, 1.0 and True are equal keys but not equal arguments
        else:
            plain = False
    return plain


def _all_meta(value: Any) -> Any:
    return pytree.tree_map_only(Tensor, _as_meta, value)


def _as_meta(tensor: Tensor) -> Tensor:
    if tensor.is_meta:
        return tensor
    new = torch.empty_like(tensor, device="meta")
    set_node(new, node_of(tensor))
    return new


def shares_memory(call: Call) -> bool:
    """Whether the same call was made before and only gave another view of its argument."""
    return call.key in _sharing


def perform(call: Call) -> Done:
    """Make the call, or answer it from memory."""
    known = _memory.get(call.key) if call.key is not None else None
    if known is not None:
        return _answer(call, known)
    out = known_result(call.func.name(), call.args) if call.key is not None else None
    if out is None:
        out = call.func(*call.args, **call.kwargs)
    outputs = tensors_in(out)
    if not outputs:
        return Done(out, [], Work(), 0)
    work = call.rule.work(call.args, outputs[0])
    fresh = [new for new in outputs if not any(_share(new, old) for old in call.tensors)]
    bytes_out = sum(new.numel() * new.element_size() for new in fresh)
    if call.key is not None:
        _remember(call, Done(out, outputs, work, bytes_out), fresh)
    return Done(out, outputs, work, bytes_out)


def _answer(call: Call, known: _Remembered) -> Done:
    if call.rule.inplace:
        return Done(call.args[0], [call.args[0]], known.work, 0)
    outputs = [
        torch.empty_strided(size, stride, dtype=dtype, device="meta") for size, stride, dtype in known.shapes
    ]
    return Done(outputs[0] if known.single else tuple(outputs), outputs, known.work, known.bytes_out)


def _remember(call: Call, done: Done, fresh: list[Tensor]) -> None:
    """Keep the result's shapes, unless it shares an argument's memory: such a call must really run."""
    single, outputs = isinstance(done.out, Tensor), done.outputs
    flat = single or (isinstance(done.out, tuple | list) and len(outputs) == len(done.out))
    own = len(fresh) == len(outputs)
    on_meta = all(new.is_meta and new.layout is torch.strided and not new.is_conj() for new in outputs)
    repeatable = single if call.rule.inplace else flat and own and on_meta
    if call.key is None:
        return
    if not repeatable:
        if not fresh:
            _sharing.add(call.key)
        return
    if len(_memory) >= _LIMIT:
        _memory.clear()
        _sharing.clear()
    shapes = tuple((tuple(new.shape), new.stride(), new.dtype) for new in outputs)
    _memory[call.key] = _Remembered(shapes, single, done.work, done.bytes_out)


def tensors_in(value: Any) -> list[Tensor]:
    """Tensors of an operator's result or argument, in order."""
    if isinstance(value, Tensor):
        return [value]
    if isinstance(value, list | tuple):
        return [tensor for item in value for tensor in tensors_in(item)]
    return []


def _share(one: Tensor, two: Tensor) -> bool:
    return one is two or storage_id(one) == storage_id(two)
