"""A module's parts and tensors, each once, read in one walk."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from torch import nn

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["Tree", "read_tree"]


class Tree(NamedTuple):
    """What a module is made of.

    Attributes:
        paths: identity of a part → its first dotted path, "" for the whole.
        parameters, buffers: every tensor once, however many parts share it.
    """

    paths: dict[int, str]
    parameters: list[nn.Parameter]
    buffers: list[Tensor]

    def counts(self) -> dict[str, int]:
        """Elements of parameters, of trainable ones and of buffers, as the record names them."""
        known = [p for p in self.parameters if not nn.parameter.is_lazy(p)]
        return {
            "params": sum(p.numel() for p in known),
            "params_trainable": sum(p.numel() for p in known if p.requires_grad),
            "buffers": sum(b.numel() for b in self.buffers if not nn.parameter.is_lazy(b)),
        }

    def dtype(self) -> str:
        """Type of the parameters, `mixed` where they differ, `float32` where there are none."""
        kinds = {str(p.dtype).removeprefix("torch.") for p in self.parameters}
        return kinds.pop() if len(kinds) == 1 else "mixed" if kinds else "float32"


def read_tree(module: nn.Module) -> Tree:
    """Walk the module once."""
    paths: dict[int, str] = {}
    parameters: dict[int, nn.Parameter] = {}
    buffers: dict[int, Tensor] = {}
    for path, part in module.named_modules():
        paths[id(part)] = path
        parameters |= {id(p): p for p in part._parameters.values() if p is not None}  # noqa: SLF001  # parameters() walks once more
        buffers |= {id(b): b for b in part._buffers.values() if b is not None}  # noqa: SLF001
    return Tree(paths, list(parameters.values()), list(buffers.values()))
