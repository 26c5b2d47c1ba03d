"""Running a backbone once on shapes: built on meta, or copied there; on the CPU where it needs values."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils import _pytree as pytree

from ..data.errors import InputError, TargetError
from .meta import build_on_meta, copy_module, copy_to_meta, to_meta
from .targets import Built, Target, stated_size
from .tracing import Trace, trace

__all__ = ["Inputs", "Pass", "input_shapes", "make_inputs", "run_pass", "unwrap"]

Inputs = Tensor | Sequence[Any] | Mapping[str, Any]
DEFAULT_SIZE = (3, 224, 224)


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
    label = name or (target.backbone if isinstance(target, Target) else type(target).__name__)
    built, why = _on_meta(target)
    if built is not None:
        try:
            return _run(built, input_size, inputs, label, why)
        except _NeedsValues as error:
            why = str(error)
    return _run(_on_cpu(target), input_size, inputs, label, why, meta=False)


class _NeedsValues(Exception):  # noqa: N818  # never leaves this module: it says "again, with values"
    """The forward asked for values that meta tensors do not have."""


def _on_meta(target: Target | nn.Module) -> tuple[Built | None, str | None]:
    if isinstance(target, nn.Module):
        return _copied(Built(unwrap(target), stated_size(unwrap(target))), copy_to_meta), None
    if target.form in {"torchscript", "export"}:
        return _copied(target.build(), copy_to_meta), None
    try:
        made: list[Built] = []
        build_on_meta(lambda: _keep(made, target.build()))
    except TargetError as error:
        if target.form == "timm" or not _asks_for_values(error.__cause__):
            raise
        # a constructor that reads values: build it for real, and take the copy to meta
        return _copied(target.build(), copy_to_meta), None
    return made[0], None


def _keep(made: list[Built], built: Built) -> nn.Module:
    made.append(built)
    return built.module


def _on_cpu(target: Target | nn.Module) -> Built:
    if isinstance(target, nn.Module):
        return _copied(Built(unwrap(target), stated_size(unwrap(target))), copy_module)
    return target.build()


def _copied(built: Built, copy: Callable[[nn.Module], nn.Module]) -> Built:
    if isinstance(built.module, torch.jit.ScriptModule):
        module = built.module.copy() if hasattr(built.module, "copy") else built.module
        return Built(module, built.input_size, built.inputs)
    try:
        return Built(copy(built.module), built.input_size, built.inputs)
    except Exception as error:
        raise TargetError(
            f"{type(built.module).__name__} cannot be copied ({type(error).__name__}: {error}), and your own "
            "module is not touched. Give a factory instead: `file.py:factory`."
        ) from error


def unwrap(module: nn.Module) -> nn.Module:
    """Return the module inside torch.compile's and the parallel wrappers."""
    if hasattr(module, "_orig_mod"):
        return module._orig_mod  # noqa: SLF001  # pyright: ignore[reportReturnType]  # torch.compile's name
    if isinstance(module, nn.DataParallel | nn.parallel.DistributedDataParallel):
        return module.module
    return module


def _run(
    built: Built,
    input_size: int | Sequence[int] | None,
    inputs: Inputs | None,
    label: str,
    why: str | None,
    *,
    meta: bool = True,
) -> Pass:
    args, kwargs = make_inputs(built, input_size=input_size, inputs=inputs)
    if meta and not isinstance(built.module, torch.jit.ScriptModule):
        args, kwargs = to_meta(args), to_meta(kwargs)
    module = built.module.eval()
    try:
        traced = trace(module, args, kwargs)
    except Exception as error:
        if meta and _asks_for_values(error):
            raise _NeedsValues(f"{type(error).__name__}: {_first_line(error)}") from error
        shapes = ", ".join("x".join(map(str, s)) for s in input_shapes(args, kwargs)) or "none"
        raise TargetError(
            f"{label} raised {type(error).__name__} in its forward: {_first_line(error)} "
            f"(inputs, without the batch: {shapes}). Check the input size and the number of inputs."
        ) from error
    note = f"counted on the CPU with made-up values, as it needs values to run ({why})" if why else None
    return Pass(module, traced, tuple(args), dict(kwargs), input_shapes(args, kwargs), note)


def _asks_for_values(error: BaseException | None) -> bool:
    """Whether the failure is meta's: no values to read, or an operator without a meta kernel."""
    if error is None:
        return False
    names = {cls.__name__ for cls in type(error).__mro__}
    text = str(error).lower()
    return bool(
        names & {"NotImplementedError", "DataDependentOutputException", "DynamicOutputShapeException"}
    ) or any(
        word in text for word in ("meta tensor", "meta device", "'meta'", "device meta", "device type meta")
    )


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or ["no message"])[0]


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
