"""A family built anew: one architecture at other depths, widths and resolutions, counted on meta.

Depth and width are multipliers of the architecture's own. What they mean, by family:

- vision transformers (`vit`, `deit`, `deit3`): blocks, and heads of the same size;
- ConvNeXt, Swin, ResNet and its kin: blocks of every stage, and channels (Swin: heads) of every stage;
- EfficientNet: the compound-scaling multipliers of Tan and Le, rounded as they round;
- a factory of one's own: any two of its arguments, named by the user.

Rounding to whole blocks and heads is part of the model: the factors that come back are those built.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import product
from typing import TYPE_CHECKING, Any

import torch

from ..data.errors import InputError
from ..data.names import split
from ..data.records import Profile  # a dataclass reads its annotations
from .static import profile
from .targets import Target, resolve_targets

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

__all__ = ["KNOBS", "Built", "Variation", "scale", "variation"]

MULTIPLIERS = (1.0, 2.0)
RESOLUTIONS = (160, 224, 320)


@dataclass(frozen=True, slots=True)
class Variation:
    """Values of one factor. argument: of the user's factory, None for a multiplier. steps: its values."""

    argument: str | None
    steps: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Built:
    """One member of the family: its factors (`depth`, `width` as built; `resolution`) and its profile."""

    depth: float
    width: float
    resolution: int
    profile: Profile


def variation(text: str) -> Variation:
    """Read `1,2,4` (multipliers) or `layers=2,4,8` (an argument of the factory and its values).

    Raises:
        InputError: if a value is no positive number, or none is given.
    """
    argument, equals, listed = text.rpartition("=")
    try:
        values = tuple(float(part) for part in listed.split(","))
    except ValueError:
        values = ()
    if not values or min(values) <= 0 or (equals and not argument.isidentifier()):
        raise InputError(f"Cannot read {text!r}. Write `0.5,1,2`, or `argument=2,4,8` for your own factory.")
    return Variation(argument if equals else None, values)


def scale(
    target: str | Target,
    *,
    depth: Variation | None = None,
    width: Variation | None = None,
    resolutions: Sequence[int] = RESOLUTIONS,
    measured: Callable[[Target, int], Profile] | None = None,
) -> Iterator[Built]:
    """Build every combination of depth, width and resolution, and profile it.

    Args:
        target: one architecture of KNOBS, or a factory of one's own with the arguments named.
        depth: multipliers (1 and 2 by default for timm's), or an argument's values.
        width: the same.
        resolutions: pixels of square images.
        measured: profiles a target at a size; static on meta when None, such as for latency on a device.

    Yields:
        One member after the other; a target whose depth or width is not named keeps its own (factor 1).

    Raises:
        InputError: for a target that has no known depth and width, or an impossible combination.
        TargetError: if a member cannot be built or run.
    """
    chosen = _only(target) if isinstance(target, str) else target
    members = _of_timm(chosen, depth, width) if chosen.form == "timm" else _of_factory(chosen, depth, width)
    counted = measured or (lambda member, side: profile(member, input_size=(3, side, side)))
    for (deep, wide, member), side in product(members, resolutions):
        yield Built(deep, wide, side, counted(_at(member, side), side))


def _only(pattern: str) -> Target:
    found = resolve_targets(pattern)
    if len(found) != 1:
        raise InputError(f"{pattern!r} names {len(found)} architectures; scaling takes one and varies it.")
    return found[0]


def _of_factory(
    target: Target, depth: Variation | None, width: Variation | None
) -> list[tuple[float, float, Target]]:
    for name, asked in (("depth", depth), ("width", width)):
        if asked is not None and asked.argument is None:
            raise InputError(
                f"Which argument of {target.ref} is its {name}? Write `--{name} argument=1,2,4`."
            )
    deep = [(None, 1.0)] if depth is None else [(depth.argument, value) for value in depth.steps]
    wide = [(None, 1.0)] if width is None else [(width.argument, value) for value in width.steps]
    members = []
    for (d, deep_value), (w, wide_value) in product(deep, wide):
        arguments = dict(target.arguments)
        arguments |= {name: _whole(v) for name, v in ((d, deep_value), (w, wide_value)) if name}
        members.append((deep_value, wide_value, replace(target, arguments=tuple(arguments.items()))))
    return members


def _whole(value: float) -> float | int:
    return int(value) if value == int(value) else value


def _of_timm(
    target: Target, depth: Variation | None, width: Variation | None
) -> list[tuple[float, float, Target]]:
    for asked in (depth, width):
        if asked is not None and asked.argument is not None:
            raise InputError(
                f"{target.ref} is timm's: give multipliers such as 1,2, not the argument {asked.argument!r}."
            )
    knob = KNOBS.get(target.family or "")
    if knob is None:
        raise InputError(
            f"The depth and width of {target.ref} ({target.family}) cannot be varied; known families: "
            f"{', '.join(sorted(KNOBS))}. A factory of your own can: `file.py:build --depth layers=2,4`."
        )
    deep, wide = (MULTIPLIERS if asked is None else asked.steps for asked in (depth, width))
    return [knob(target, d, w) for d, w in product(deep, wide)]


def _module(target: Target) -> Any:
    with torch.device("meta"):
        return target.build().module


def _with(target: Target, **arguments: Any) -> Target:
    return replace(target, arguments=tuple((dict(target.arguments) | arguments).items()))


def _rounded(values: Sequence[int], by: float) -> tuple[int, ...]:
    return tuple(max(1, round(value * by)) for value in values)


def _transformer(target: Target, depth: float, width: float) -> tuple[float, float, Target]:
    module = _module(target)
    blocks, heads = len(module.blocks), module.blocks[0].attn.num_heads
    (deep,), (many,) = _rounded([blocks], depth), _rounded([heads], width)
    dim = module.embed_dim // heads * many
    return deep / blocks, many / heads, _with(target, depth=deep, embed_dim=dim, num_heads=many)


def _swin(target: Target, depth: float, width: float) -> tuple[float, float, Target]:
    module = _module(target)
    blocks = [len(layer.blocks) for layer in module.layers]
    heads = [layer.blocks[0].attn.num_heads for layer in module.layers]
    deep = _rounded(blocks, depth)
    (first,) = _rounded(heads[:1], width)
    many = tuple(first * head // heads[0] for head in heads)
    dim = module.embed_dim // heads[0] * first
    factors = sum(deep) / sum(blocks), first / heads[0]
    return *factors, _with(target, depths=deep, embed_dim=dim, num_heads=many)


def _convnext(target: Target, depth: float, width: float) -> tuple[float, float, Target]:
    module = _module(target)
    blocks = [len(stage.blocks) for stage in module.stages]
    deep = _rounded(blocks, depth)
    dims = _rounded([info["num_chs"] for info in module.feature_info], width)
    return (
        sum(deep) / sum(blocks),
        dims[0] / module.feature_info[0]["num_chs"],
        _with(target, depths=deep, dims=dims),
    )


def _resnet(target: Target, depth: float, width: float) -> tuple[float, float, Target]:
    module = _module(target)
    stages = [module.layer1, module.layer2, module.layer3, module.layer4]
    blocks = [len(stage) for stage in stages]
    deep = _rounded(blocks, depth)
    channels = _rounded((64, 128, 256, 512), width)
    (stem,) = _rounded([64], width)
    return (
        sum(deep) / sum(blocks),
        channels[0] / 64,
        _with(target, layers=deep, channels=channels, stem_width=stem),
    )


def _efficientnet(target: Target, depth: float, width: float) -> tuple[float, float, Target]:
    name = split(target.ref)[0]
    member = Target(
        form="package",
        ref="timm.models.efficientnet:_gen_efficientnet",
        arguments=(("variant", name), ("channel_multiplier", width), ("depth_multiplier", depth)),
    )
    return depth, width, member


KNOBS: dict[str, Callable[[Target, float, float], tuple[float, float, Target]]] = {
    "convnext": _convnext,
    "deit": _transformer,
    "deit3": _transformer,
    "efficientnet": _efficientnet,
    "resnet": _resnet,
    "swin": _swin,
    "vit": _transformer,
}
"""Family → how a member is built at a multiple of its depth and width."""


def _at(target: Target, side: int) -> Target:
    """Tell a transformer of timm's its image size; convolutions take any."""
    fixed = target.form == "timm" and KNOBS.get(target.family or "") in {_transformer, _swin}
    return _with(target, img_size=side) if fixed else target
