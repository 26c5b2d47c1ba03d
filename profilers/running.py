"""Running a backbone once on shapes: built on meta, or copied there; on the CPU where it needs values."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils import _pytree as pytree

from ..data.errors import InputError, TargetError
from .meta import build_on_meta, copy_module, copy_to_meta, to_meta, to_values
from .targets import Built, Target, first_line, stated_size
from .tracing import Trace, trace

__all__ = [
    "Inputs",
    "Pass",
    "asks_for_values",
    "input_shapes",
    "make_inputs",
    "on_cpu",
    "on_meta",
    "run_pass",
    "unwrap",
]

Inputs = Tensor | Sequence[Any] | Mapping[str, Any]
DEFAULT_SIZE = (3, 224, 224)
_META_ERRORS = frozenset(
    {"NotImplementedError", "DataDependentOutputException", "DynamicOutputShapeException"}
)


@dataclass(frozen=True, slots=True)
class Pass:
    """A module that was run once on shapes, and what was seen.

    Attributes:
        module: the copy that ran. traced: what its operators did. args, kwargs: what it was given.
        shapes: of the inputs, without the batch. note: what a reader must know of the run, or None.
    """

    module: nn.Module
    traced: Trace
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    shapes: tuple[tuple[int, ...], ...]
    note: str | None = None


def run_pass(
    target: Target | nn.Module,
    *,
    input_size: int | Sequence[int] | None = None,
    inputs: Inputs | None = None,
    name: str | None = None,
) -> Pass:
    """Build the target on meta (or copy the live module there) and run it once; on the CPU where it must.

    Raises:
        TargetError: if it cannot be built, or raises in its forward on meta and on the CPU.
    """
    label = name or (target.backbone if isinstance(target, Target) else type(unwrap(target)).__name__)
    try:
        return _run(on_meta(target, input_size), input_size, inputs, label)
    except _NeedsValues as error:
        why = str(error)
    return _run(on_cpu(target, input_size), input_size, inputs, label, why)


class _NeedsValues(Exception):  # noqa: N818  # never leaves this module: it says "again, with values"
    """The forward asked for values that meta tensors do not have."""


def on_meta(target: Target | nn.Module, input_size: int | Sequence[int] | None = None) -> Built:
    """Build the target on meta; a live module, a file's, or one that needs values is copied there.

    Args:
        target: what to build.
        input_size: as for `run_pass`; a timm architecture of fixed size is built for it.

    Raises:
        TargetError: if it cannot be built or copied.
    """
    if isinstance(target, nn.Module):
        return _copied(_live(target), copy_to_meta)
    if target.form in {"torchscript", "export"}:
        return _copied(target.build(), copy_to_meta)
    try:
        return build_on_meta(lambda: _sized(target, input_size))
    except TargetError as error:
        if target.form == "timm" or not asks_for_values(error.__cause__):
            raise
    return _copied(target.build(), copy_to_meta)


def on_cpu(target: Target | nn.Module, input_size: int | Sequence[int] | None = None) -> Built:
    """Build the target with values, or copy a live module with its own; arguments and errors as `on_meta`."""
    return (
        _copied(_live(target), copy_module) if isinstance(target, nn.Module) else _sized(target, input_size)
    )


def _sized(target: Target, input_size: int | Sequence[int] | None) -> Built:
    """Build a timm architecture for the size that is asked, where it is one that must know."""
    if target.form == "timm" and input_size is not None and "img_size" not in dict(target.arguments):
        height_width = (input_size,) * 2 if isinstance(input_size, int) else tuple(input_size)[-2:]
        try:
            return replace(target, arguments=(*target.arguments, ("img_size", height_width))).build()
        except TargetError as error:
            if not (isinstance(error.__cause__, TypeError) and "img_size" in str(error.__cause__)):
                raise
    return target.build()


def _live(module: nn.Module) -> Built:
    return Built(unwrap(module), stated_size(unwrap(module)))


def _copied(built: Built, copy: Callable[[nn.Module], nn.Module]) -> Built:
    try:
        return replace(built, module=copy(built.module))
    except Exception as error:
        raise TargetError(
            f"{type(built.module).__name__} cannot be copied ({type(error).__name__}: {first_line(error)}), "
            "and a module of yours is never run itself. Give a factory instead: `file.py:factory`."
        ) from error


def unwrap(module: nn.Module) -> nn.Module:
    """Return the module inside torch.compile's and the parallel wrappers."""
    if hasattr(module, "_orig_mod"):
        return module._orig_mod  # noqa: SLF001  # pyright: ignore[reportReturnType]  # torch.compile's name
    if isinstance(module, nn.DataParallel | nn.parallel.DistributedDataParallel):
        return module.module
    return module


def _run(
    built: Built, input_size: int | Sequence[int] | None, inputs: Inputs | None, label: str, why: str = ""
) -> Pass:
    """Run once; `why` says what was missing on meta, and that this is the second try, with values."""
    module = built.module.eval()
    args, kwargs = make_inputs(built, input_size=input_size, inputs=inputs)
    args, kwargs = (to_values if why else to_meta)((args, kwargs))
    shapes = input_shapes(args, kwargs)
    try:
        traced = _traced(module, args, kwargs)
    except (Exception, SystemExit) as error:
        if not why and asks_for_values(error):
            raise _NeedsValues(f"{type(error).__name__}: {first_line(error)}") from error
        raise TargetError(
            f"{label} raised {type(error).__name__} in its forward: {first_line(error)} (inputs, without the "
            f"batch: {_written(shapes)}). Check the input size and the number of inputs."
        ) from error
    note = f"counted on the CPU with made-up values, as it needs values to run ({why})" if why else None
    return Pass(module, traced, tuple(args), kwargs, shapes, note)


def _traced(module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Trace:
    try:
        return trace(module, args, kwargs)
    except RuntimeError as error:
        if not any(words in str(error) for words in ("nference tensor", "does not require grad")):
            raise
    return trace(module, args, kwargs, whole=False)  # its forward differentiates something


def _written(shapes: tuple[tuple[int, ...], ...]) -> str:
    return ", ".join("x".join(map(str, shape)) or "a number" for shape in shapes) or "none"


def asks_for_values(error: BaseException | None) -> bool:
    """Whether the failure is meta's: no values to read, or an operator without a meta kernel."""
    names = {cls.__name__ for cls in type(error).__mro__}
    return bool(names & _META_ERRORS) or re.search(r"\bmeta\b", str(error)) is not None


# inputs -------------------------------------------------------------------------------------------------


def make_inputs(
    built: Built, *, input_size: int | Sequence[int] | None = None, inputs: Inputs | None = None
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Return positional and named inputs for a batch of one: what the caller gave, or what the model states.

    Raises:
        InputError: if both or nonsense are given.
    """
    if inputs is not None and input_size is not None:
        raise InputError("input_size and inputs contradict each other: give one.")
    given = inputs if inputs is not None else built.inputs if input_size is None else None
    if given is not None:
        if isinstance(given, Mapping):
            return (), dict(given)
        return (tuple(given), {}) if isinstance(given, tuple | list) else ((given,), {})
    size = _image_size(input_size, built.input_size)
    return (torch.zeros(1, *size, dtype=_float_type(built.module)),), {}


def _image_size(asked: int | Sequence[int] | None, stated: tuple[int, ...] | None) -> tuple[int, ...]:
    if asked is None:
        return stated or DEFAULT_SIZE
    size = (asked,) if isinstance(asked, int) else tuple(asked)
    if not size or any(not isinstance(n, int) or isinstance(n, bool) or n < 1 for n in size):
        raise InputError(
            f"input_size is {asked!r}; give positive whole numbers, such as 224 or (3, 224, 224)."
        )
    if len(size) == 1 and isinstance(asked, int):
        return ((stated or DEFAULT_SIZE)[0], asked, asked)
    return size


def _float_type(module: nn.Module) -> torch.dtype:
    first = next((p.dtype for p in module.parameters() if p.dtype.is_floating_point), None)
    return first or torch.float32


def input_shapes(args: Any, kwargs: Any) -> tuple[tuple[int, ...], ...]:
    """Shapes of all input tensors, without the batch, in the order given."""
    leaves = pytree.tree_leaves((args, kwargs))
    return tuple(tuple(leaf.shape[1:]) for leaf in leaves if isinstance(leaf, Tensor))
