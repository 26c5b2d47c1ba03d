"""Modules without weights: built on the meta device, or copied there, with nothing computed.

A meta tensor has a shape and no memory, so a backbone of any size is built in a fraction of a second.
What its constructor would do to the values (random initialisation above all) is skipped: there are none.
"""

from __future__ import annotations

import copy
import types
from typing import TYPE_CHECKING, Any, TypeVar

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode
from torch.utils import _pytree as pytree

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["MetaConstruction", "build_on_meta", "copy_module", "copy_to_meta", "to_meta", "to_values"]

T = TypeVar("T")

_FACTORIES = frozenset(
    {
        torch.empty,
        torch.empty_strided,
        torch.empty_permuted,
        torch.zeros,
        torch.ones,
        torch.full,
        torch.rand,
        torch.randn,
        torch.randint,
        torch.randperm,
        torch.arange,
        torch.range,
        torch.linspace,
        torch.logspace,
        torch.eye,
        torch.tril_indices,
        torch.triu_indices,
        torch.tensor,
        torch.as_tensor,
        torch.asarray,
        torch.scalar_tensor,
        torch.hann_window,
        torch.hamming_window,
        torch.blackman_window,
        torch.bartlett_window,
        torch.kaiser_window,
    }
)

_FILL_METHODS = """
    uniform_ normal_ log_normal_ exponential_ bernoulli_ random_ cauchy_ geometric_ fill_ zero_ copy_
    add_ sub_ mul_ div_ pow_ clamp_ clamp_min_ clamp_max_ erfinv_ sqrt_ exp_ log_
    fill_diagonal_ masked_fill_ index_fill_ __setitem__
"""
_FILL_FUNCTIONS = """
    uniform_ normal_ constant_ ones_ zeros_ eye_ dirac_ xavier_uniform_ xavier_normal_ trunc_normal_
    kaiming_uniform_ kaiming_normal_ orthogonal_ sparse_
"""
_FILLS = frozenset(
    [getattr(Tensor, name) for name in _FILL_METHODS.split()]
    + [getattr(nn.init, name) for name in _FILL_FUNCTIONS.split()]
)


class MetaConstruction(TorchFunctionMode):
    """While it is active, new tensors are meta tensors and filling a meta tensor costs nothing.

    An explicit `device=` is obeyed, and tensors that hold values are filled as ever.
    """

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: tuple[type, ...],
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        """Send factories to meta and return fills' targets as they are."""
        if func in _FILLS:
            target = args[0] if args else (kwargs or {}).get("tensor")
            if isinstance(target, Tensor) and target.is_meta:
                return target
        if func in _FACTORIES and (kwargs is None or kwargs.get("device") is None):
            kwargs = {**(kwargs or {}), "device": "meta"}
        return func(*args, **(kwargs or {}))


def build_on_meta(factory: Callable[[], T]) -> T:
    """Call `factory` with every tensor it makes on the meta device, initialisation skipped.

    Raises whatever the factory raises; one that needs values (`.item()`, `.numpy()`) raises there.
    """
    with MetaConstruction():
        return factory()


def to_meta(value: Any) -> Any:
    """Return `value` with each tensor in it (in lists, tuples, dicts) as a meta tensor like it."""
    return pytree.tree_map_only(Tensor, _meta_like, value)


def to_values(value: Any) -> Any:
    """Return `value` with each tensor in it as a copy on the CPU; a meta tensor becomes zeros."""
    return pytree.tree_map_only(Tensor, _values_of, value)


def _values_of(tensor: Tensor) -> Tensor:
    if tensor.is_meta:
        return torch.zeros(tensor.shape, dtype=tensor.dtype)
    return tensor.detach().to("cpu", copy=True)


def _meta_like(tensor: Tensor) -> Tensor:
    if tensor.is_meta:
        return tensor.detach()
    if tensor.layout is not torch.strided:
        return tensor.detach().to("meta")
    return torch.empty_strided(tensor.shape, tensor.stride(), dtype=tensor.dtype, device="meta")


class _Copying(TorchFunctionMode):
    """While it is active, `copy.deepcopy` of a tensor is what `convert` makes of it."""

    def __init__(self, convert: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.convert = convert

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: tuple[type, ...],
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        if func is not Tensor.__deepcopy__ or nn.parameter.is_lazy(args[0]):
            return func(*args, **(kwargs or {}))
        tensor, memo = args
        if id(tensor) not in memo:
            memo[id(tensor)] = self._converted(tensor)
        return memo[id(tensor)]

    def _converted(self, tensor: Tensor) -> Tensor:
        new = self.convert(tensor.detach())
        if isinstance(tensor, nn.Parameter):
            new = nn.Parameter(new, requires_grad=tensor.requires_grad)
        vars(new).update(vars(tensor))  # what others noted on it, such as which dimension is sharded
        return new


def copy_to_meta(module: nn.Module) -> nn.Module:
    """Copy `module` to the meta device without copying a weight; the original is not touched.

    Shared parameters stay shared, trainable stays trainable, plain tensor attributes move too.
    """
    return _deepcopy(module, _meta_like)


def copy_module(module: nn.Module) -> nn.Module:
    """Copy `module` with its values to the CPU, tensors that are results of others included."""
    return _deepcopy(module, _values_of)


def _deepcopy(module: nn.Module, convert: Callable[[Tensor], Tensor]) -> nn.Module:
    # generators are not copied by deepcopy and hold no state that a count depends on
    memo = {
        id(value): value for part in module.modules() for value in vars(part).values() if _uncopyable(value)
    }
    with _Copying(convert):
        return copy.deepcopy(module, memo)


def _uncopyable(value: Any) -> bool:
    return isinstance(value, types.GeneratorType | types.ModuleType | torch.Generator)
