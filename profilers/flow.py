"""What a value was made from: the data-flow facts that depth, width and kinds of products need.

Each storage carries one Node. Views share their base's storage and so its node; a result gets the join of
its operands' nodes. An operand that only gates a larger one (broadcast multiply or add: squeeze-and-excite,
global context) does not lengthen the path.
"""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, NamedTuple

import torch

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

__all__ = ["CONSTANT", "INPUT", "WEIGHT", "Node", "join", "node_of", "set_node", "storage_id"]

_ATTRIBUTE = "_archimeter_node"


class Node(NamedTuple):
    """Where a value stands.

    Attributes:
        depth: weighted layers on the longest path from an input; -1 for what no input reaches.
        learned: whether parameters (and nothing that an input reaches) made it.
        width: channels out of the last weighted layer before it, 0 where there was none.
        layer: index of that layer in the order in which they ran, -1 where there was none.
    """

    depth: int
    learned: bool = False
    width: int = 0
    layer: int = -1

    @property
    def reached(self) -> bool:
        """Whether it depends on an input."""
        return self.depth >= 0


INPUT = Node(0)
WEIGHT = Node(-1, learned=True)
CONSTANT = Node(-1)


def storage_id(tensor: Tensor) -> int:
    """A number that tensors sharing memory share; unique among living ones, 0 for those without storage."""
    return tensor.untyped_storage()._cdata if tensor.layout is torch.strided else 0  # noqa: SLF001


def node_of(tensor: Tensor) -> Node:
    """The node of the tensor's storage; a constant's where nothing is known."""
    if tensor.layout is not torch.strided:
        return CONSTANT
    return getattr(tensor.untyped_storage(), _ATTRIBUTE, CONSTANT)


def set_node(tensor: Tensor, node: Node) -> None:
    """Give the tensor's storage its node; torch keeps it as long as the storage."""
    if tensor.layout is torch.strided:
        setattr(tensor.untyped_storage(), _ATTRIBUTE, node)


def join(tensors: Sequence[Tensor], *, gate: bool) -> Node:
    """The node of a result of `tensors`; with `gate`, smaller operands do not lengthen the path."""
    if len(tensors) == 1:
        return node_of(tensors[0])
    nodes = [node_of(tensor) for tensor in tensors]
    reached = [index for index, node in enumerate(nodes) if node.depth >= 0]
    if not reached:
        return WEIGHT if any(node.learned for node in nodes) else CONSTANT
    if gate and len(reached) > 1:
        sizes = {index: _own_size(tensors[index]) for index in reached}
        largest = max(sizes.values())
        reached = [index for index in reached if sizes[index] == largest]
    return max(nodes[index] for index in reached)


def _own_size(tensor: Tensor) -> int:
    """Elements that the tensor really has: an expanded dimension (stride 0) counts once."""
    if 0 not in tensor.stride():
        return tensor.numel()
    return prod(n for n, stride in zip(tensor.shape, tensor.stride(), strict=True) if stride)
