"""One inference or training step of a module, the same for the clock, the allocator and the meta device."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

import torch
from torch import nn
from torch.utils._pytree import tree_leaves, tree_map_only

from .casting import MetaAutocast

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from .conditions import Condition

__all__ = ["Step", "loss_of", "with_batch"]


class Step:
    """Calling it runs the step once: forward; in training also loss, backward and optimiser.

    Gradients are released before each step (`set_to_none`), as training loops do. The module is put into
    the condition's mode, layout and device and stays there: give a copy where that matters.

    Args:
        module: what to run. args, kwargs: its inputs, the batch in them.
        condition: mode, dtype, layout, optimiser, compilation; its device is where the module is moved,
            meta tensors excepted.
    """

    def __init__(
        self, module: nn.Module, args: tuple[Any, ...], kwargs: Mapping[str, Any] | None, condition: Condition
    ) -> None:
        self.condition = condition
        self.module = _placed(module, condition).train(condition.training)
        self.args, self.kwargs = _placed_inputs((args, dict(kwargs or {})), condition)
        self.parameters = [p for p in self.module.parameters() if p.requires_grad]
        self._run: Callable[..., Any] = torch.compile(self.module) if condition.compiled else self.module
        self.optimiser = _optimiser(self.parameters, condition) if self.trains else None
        self._on_meta = _is_on_meta(self.module)
        scales = condition.training and condition.dtype == "amp-float16" and condition.device_type == "cuda"
        scales = scales and not self._on_meta  # a number more, and no more memory
        self._scaler = torch.amp.GradScaler("cuda") if scales else None

    @property
    def trains(self) -> bool:
        """Whether there is anything to train."""
        return self.condition.training and bool(self.parameters)

    def __call__(self) -> None:
        """Run one step."""
        if not self.condition.training:
            with torch.no_grad(), self._autocast():
                self._run(*self.args, **self.kwargs)
            return
        self.forward_backward()
        self.update()

    def forward_backward(self) -> None:
        """Release the gradients, then run forward, loss and backward."""
        if self.optimiser is not None:
            self.optimiser.zero_grad(set_to_none=True)
        with self._autocast():
            loss = loss_of(self._run(*self.args, **self.kwargs))
        if loss.requires_grad:
            (self._scaler.scale(loss) if self._scaler else loss).backward()

    def update(self) -> None:
        """Let the optimiser step."""
        if self.optimiser is None:
            return
        if self._scaler is None:
            self.optimiser.step()
        else:
            self._scaler.step(self.optimiser)
            self._scaler.update()

    def tensors(self) -> list[torch.Tensor]:
        """Return what is in memory before the step: parameters, buffers and inputs."""
        inputs = [leaf for leaf in tree_leaves((self.args, self.kwargs)) if isinstance(leaf, torch.Tensor)]
        return [*self.module.parameters(), *self.module.buffers(), *inputs]

    def _autocast(self) -> contextlib.AbstractContextManager[Any]:
        dtype = self.condition.amp_dtype
        if dtype is None:
            return contextlib.nullcontext()
        autocast = MetaAutocast if self._on_meta else torch.autocast
        return autocast(self.condition.device_type, dtype)


def loss_of(output: Any) -> torch.Tensor:
    """Return a loss that sends a gradient through all of an output.

    Logits `[batch, classes]` get cross-entropy against class 0; any other floating-point tensor its mean
    square; several are added up.
    """
    tensors = [t for t in tree_leaves(output) if isinstance(t, torch.Tensor) and t.dtype.is_floating_point]
    if not tensors:
        return torch.zeros(())
    losses = [_one_loss(tensor) for tensor in tensors]
    total = losses[0]
    for loss in losses[1:]:
        total = total + loss
    return total


def _one_loss(tensor: torch.Tensor) -> torch.Tensor:
    if tensor.dim() == 2:
        labels = torch.zeros(tensor.shape[0], dtype=torch.long, device=tensor.device)
        return nn.functional.cross_entropy(tensor, labels)
    return tensor.float().square().mean()


def with_batch(inputs: Any, batch_size: int) -> Any:
    """Return inputs of batch 1 with every tensor's first dimension grown to `batch_size`."""
    return tree_map_only(torch.Tensor, lambda t: _grown(t, batch_size), inputs)


def _grown(tensor: torch.Tensor, batch_size: int) -> torch.Tensor:
    if tensor.dim() == 0 or tensor.shape[0] == batch_size:
        return tensor
    return tensor.expand(batch_size, *tensor.shape[1:]).contiguous()


def _optimiser(parameters: list[nn.Parameter], condition: Condition) -> torch.optim.Optimizer:
    # torch runs optimisers over all parameters at once on CUDA: a prediction on meta has to say so itself
    foreach = condition.device_type == "cuda"
    if condition.optimiser == "adamw":
        return torch.optim.AdamW(parameters, lr=1e-6, foreach=foreach)
    return torch.optim.SGD(parameters, lr=1e-6, momentum=0.9, foreach=foreach)


def _is_on_meta(module: nn.Module) -> bool:
    return any(t.is_meta for t in (*module.parameters(), *module.buffers()))


def _placed(module: nn.Module, condition: Condition) -> nn.Module:
    if not _is_on_meta(module):
        module = module.to(condition.device)
    if condition.memory_format == "channels_last":
        module = module.to(memory_format=torch.channels_last)
    return module


def _placed_inputs(inputs: Any, condition: Condition) -> Any:
    def place(tensor: torch.Tensor) -> torch.Tensor:
        moved = tensor if tensor.is_meta else tensor.to(condition.device)
        if condition.memory_format == "channels_last" and moved.dim() == 4:
            return moved.contiguous(memory_format=torch.channels_last)
        return moved

    return tree_map_only(torch.Tensor, place, inputs)
