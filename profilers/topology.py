"""Depth, width, blocks, stages and reduction of a module, from its tree and from one traced pass."""

from __future__ import annotations

from math import isqrt, prod
from typing import TYPE_CHECKING, Any

from torch import nn

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .tracing import FeatureMap, Trace
    from .tree import Tree

__all__ = ["block_paths", "classifier_paths", "feature_dim", "last_map", "stages", "topology"]

_CONTAINERS = (nn.Sequential, nn.ModuleList, nn.ModuleDict)
_WEIGHTED = (
    nn.modules.conv._ConvNd,  # noqa: SLF001  # the base of all convolutions
    nn.Linear,
    nn.Bilinear,
    nn.RNNBase,
    nn.RNNCellBase,
    nn.MultiheadAttention,
)
_PREFIX_TOKENS = 16
"""Class and register tokens that a token grid may have beside its positions."""


def topology(module: nn.Module, traced: Trace, input_shape: Sequence[int]) -> dict[str, Any]:
    """Return the profile's fields on topology.

    Args:
        module: the traced module.
        traced: what the pass saw.
        input_shape: of the first input, without the batch.

    Returns:
        depth, blocks, stages, width_max, width_mean, width_macs, width_residual, feature_dim, reduction.
        A width is the channels out of a weighted layer; those of timm's classifier are classes and left out.
    """
    heads = classifier_paths(module, traced.tree)
    on_path = [layer for index, layer in enumerate(traced.layers) if index not in traced.generators]
    body = [layer for layer in on_path if layer.path not in heads] or on_path
    widths = [layer.width for layer in body]
    macs = sum(layer.macs for layer in body)
    blocks = block_paths(module)
    maps = [found for found in traced.maps if found.positions > 1 and found.path not in heads]
    spatial = tuple(input_shape[1:])
    side = last_map(maps, spatial)
    return {
        "depth": traced.depth,
        "blocks": len(blocks),
        "stages": stages(maps, blocks),
        "width_max": max(widths, default=None),
        "width_mean": sum(widths) / len(widths) if widths else None,
        "width_macs": sum(layer.width * layer.macs for layer in body) / macs if macs else None,
        "width_residual": max(traced.residual_widths, default=None),
        "feature_dim": feature_dim(module, traced),
        "reduction": spatial[0] / side[0] if side else None,
    }


def classifier_paths(module: nn.Module, tree: Tree) -> set[str]:
    """Paths of the modules that timm calls the classifier and of all inside; empty for other modules."""
    head = getattr(module, "get_classifier", None)
    try:
        found = head() if callable(head) else None
    except (AttributeError, TypeError, NotImplementedError):
        return set()
    parts = found if isinstance(found, tuple | list) else [found]
    heads = [tree.paths[id(part)] for part in parts if id(part) in tree.paths]
    inside = tuple(f"{path}." for path in heads)
    return (
        {path for path in tree.paths.values() if path in heads or path.startswith(inside)} if heads else set()
    )


def block_paths(module: nn.Module) -> list[str]:
    """Paths of the repeated units, a best effort on the module tree.

    A block is a child of a container (Sequential, ModuleList, ModuleDict) with at least two weighted layers
    and no smaller block inside. Where there is none, siblings of one class with two weighted layers count.
    """
    in_containers, siblings, _ = _blocks_inside(module, "")
    return in_containers or siblings


def _blocks_inside(module: nn.Module, prefix: str) -> tuple[list[str], list[str], int]:
    """Blocks among container children, blocks among siblings, and the number of weighted layers."""
    in_containers: list[str] = []
    siblings: list[str] = []
    composite: list[tuple[str, type, bool]] = []
    total = int(isinstance(module, _WEIGHTED))
    for name, child in module.named_children():
        path = prefix + name
        inner, inner_siblings, weighted = _blocks_inside(child, f"{path}.")
        total += weighted
        in_containers += inner
        siblings += inner_siblings
        if weighted >= 2:
            composite.append((path, type(child), bool(inner_siblings)))
            if isinstance(module, _CONTAINERS) and not inner:
                in_containers.append(path)
    kinds = [kind for _, kind, _ in composite]
    siblings += [path for path, kind, divided in composite if kinds.count(kind) >= 2 and not divided]
    return in_containers, siblings, total


def stages(maps: Sequence[FeatureMap], blocks: Sequence[str]) -> int | None:
    """Count the resolutions at which blocks end; without blocks, those of all weighted layers.

    A block ends at its last map with more than one position (squeezed branches have one).
    """
    ends: dict[str, int] = dict.fromkeys(blocks, 0)
    on_grid = [found for found in maps if found.weighted and len(found.side) != 1]
    for found in on_grid:
        for path in _ancestors(found.path):
            if path in ends:
                ends[path] = found.positions
    resolutions = {positions for positions in ends.values() if positions}
    return len(resolutions or {found.positions for found in on_grid}) or None


def _ancestors(path: str) -> list[str]:
    parts = path.split(".")
    return [".".join(parts[: n + 1]) for n in range(len(parts))]


def last_map(maps: Sequence[FeatureMap], spatial: Sequence[int]) -> tuple[int, ...] | None:
    """Spatial size of the last feature map: the deepest with more than one position, the last of equals.

    Tokens are laid out on an earlier map's grid where they fit it (up to 16 class and register tokens
    more), else on the largest grid of the input's aspect.
    """
    on_grid = [found for found in maps if len(found.side) in {0, len(spatial)}]
    if len(spatial) < 2 or not on_grid:
        return None
    deepest = max(reversed(on_grid), key=lambda found: found.depth)
    if deepest.side:
        return deepest.side
    grids = {found.side for found in on_grid if found.side}
    fitting = [grid for grid in grids if 0 <= deepest.positions - prod(grid) <= _PREFIX_TOKENS]
    if fitting:
        return max(fitting, key=prod)
    if len(spatial) != 2:
        return None
    rows = isqrt(deepest.positions * spatial[0] // spatial[1])
    return (rows, deepest.positions // rows) if rows else None


def feature_dim(module: nn.Module, traced: Trace) -> int | None:
    """Channels of the features: what the module itself says (`num_features`), else read off the pass.

    Read off: what a final linear layer takes in, or else the channels of the output.
    """
    stated = getattr(module, "num_features", None)
    if isinstance(stated, int) and not isinstance(stated, bool) and stated > 0:
        return stated
    if not traced.output_shapes:
        return None
    shape = traced.output_shapes[0]
    last = traced.layers[-1] if traced.layers else None
    if last and last.kind == "linear" and len(shape) == 2 and shape[-1] == last.width:
        return last.fan_in
    if len(shape) >= 4:
        return shape[1]
    return shape[-1] if len(shape) > 1 else None
