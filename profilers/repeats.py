"""Operators on meta tensors under the allocator's eyes: a call made before is answered from memory.

`profilers.replay` does the same for counting, where results may share memory that they do not share on a
device. Here memory is what counts: only a result whose storages are its own is remembered; views run.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import torch

from .replay import read_call, tensors_in
from .rules import rule_for

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

__all__ = ["perform"]

_LIMIT = 200_000


class _Made(NamedTuple):
    """What a call made: size, strides and type of each new tensor (None where there is none)."""

    kind: type | None  # tuple or list; None for a single tensor
    specs: tuple[Any, ...]


_SHARES = _Made(None, ())
"""The result shares an argument's memory, or cannot be remembered: the call must really run."""
_ITSELF = _Made(None, ())
"""The result is the first argument, unchanged in shape."""
_memory: dict[tuple[Any, ...], _Made] = {}


def perform(func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Make a call, or answer it from memory; what it allocates is the same.

    Args:
        func: the aten operator.
        args: its arguments.
        kwargs: its named arguments.
    """
    call = read_call(func, rule_for(func), args, kwargs)
    if call.key is None or call.args is not args or call.kwargs is not kwargs:
        return func(*args, **kwargs)  # other devices take part
    if not func._schema.returns:  # noqa: SLF001  # in place, on lists: on meta there is nothing to do
        return None
    known = _memory.get(call.key)
    if known is None:
        return _first_time(call.key, call.tensors, func, args, kwargs)
    if known is _ITSELF:
        return args[0]
    if known is _SHARES:
        return func(*args, **kwargs)
    made = [spec and torch.empty_strided(*spec[:2], dtype=spec[2], device="meta") for spec in known.specs]
    return made[0] if known.kind is None else known.kind(made)


def _first_time(
    key: tuple[Any, ...], tensors: Sequence[torch.Tensor], func: Any, args: Any, kwargs: Any
) -> Any:
    before = [(tensor.shape, tensor.stride()) for tensor in tensors[:1]]
    out = func(*args, **kwargs)
    if len(_memory) >= _LIMIT:
        _memory.clear()
    if args and out is args[0]:
        unchanged = [(tensor.shape, tensor.stride()) for tensor in tensors[:1]] == before
        _memory[key] = _ITSELF if unchanged else _SHARES
    else:
        _memory[key] = _made(out, tensors)
    return out


def _made(out: Any, given: Iterable[torch.Tensor]) -> _Made:
    kind = None if isinstance(out, torch.Tensor) else type(out)
    made = [out] if kind is None else out if kind in {tuple, list} else []
    new = tensors_in(list(made))
    if not new or len(new) + sum(item is None for item in made) != len(made):
        return _SHARES
    storages = {_address(tensor) for tensor in new}
    if len(storages) < len(new) or storages & {_address(tensor) for tensor in given}:
        return _SHARES
    if not all(_is_whole(tensor) for tensor in new):
        return _SHARES
    specs = [None if item is None else (tuple(item.shape), item.stride(), item.dtype) for item in made]
    return _Made(kind, tuple(specs))


def _address(tensor: torch.Tensor) -> int:
    return tensor.untyped_storage()._cdata  # noqa: SLF001  # a storage has no other name


def _is_whole(tensor: torch.Tensor) -> bool:
    """Whether `empty_strided` gives a tensor like it, storage and all."""
    if not tensor.is_meta or tensor.layout is not torch.strided or tensor.is_conj() or tensor.is_neg():
        return False
    like = torch.empty_strided(tensor.shape, tensor.stride(), dtype=tensor.dtype, device="meta")
    return not tensor.storage_offset() and _nbytes(like) == _nbytes(tensor)


def _nbytes(tensor: torch.Tensor) -> int:
    return tensor.untyped_storage().nbytes()
