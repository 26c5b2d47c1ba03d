"""Peak memory at every batch size from one run on the meta device.

What a step holds is either the same for any batch (parameters, gradients, optimiser state) or in proportion
to it (images, activations). One run at a batch that is a large prime tells which is which: of a tensor that
does not depend on the batch, the number of bytes is not divisible by it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch.utils._pytree import tree_leaves

from ..data.errors import InputError, TargetError
from .liveness import Liveness, storage_bytes
from .memory import CUDA_BLOCK_BYTES, attention
from .steps import Step, with_batch

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from torch import nn

    from .conditions import Condition

__all__ = ["BATCHES", "PRIME_BATCH", "memory_line", "peaks_by_batch"]

PRIME_BATCH = 251
"""Prime, and no factor of channels, window sides or numbers of tokens that anybody builds."""
BATCHES = {"inference": (1, 32), "training": (8, 64)}
"""Where a line is laid through the predicted peaks."""


class _BatchLiveness(Liveness):
    """`Liveness` whose bytes are arrays `[batches]`: what would be alive at each of several batches."""

    def __init__(self, known: Iterable[torch.Tensor], batches: Sequence[int]) -> None:
        super().__init__(known, granularity=CUDA_BLOCK_BYTES, host_is_device=False)
        self._batches = np.asarray(batches)
        self.bytes: Any = np.zeros(len(batches), dtype=np.int64)
        self.peak_bytes: Any = self.bytes

    def _size(self, nbytes: int) -> Any:
        if nbytes % PRIME_BATCH:
            return super()._size(nbytes)
        return -(-nbytes // PRIME_BATCH * self._batches // CUDA_BLOCK_BYTES) * CUDA_BLOCK_BYTES

    def _note(self, func: Any, args: tuple[Any, ...], out: Any, before: Any) -> None:  # noqa: ARG002  # of those only a CPU makes use
        self.peak_bytes = np.maximum(self.peak_bytes, self.bytes)


def memory_line(
    module: nn.Module, args: tuple[Any, ...], kwargs: Mapping[str, Any] | None, condition: Condition
) -> dict[str, int | None]:
    """Lay a line through the peaks at BATCHES of the condition's mode; arguments and errors as below.

    Returns:
        The fields of `data.memory.MemoryNeed`: `fixed_bytes` and `bytes_per_image` of the passes,
        `update_bytes` of the optimiser's update without the images (None in inference), `input_bytes` of one.
    """
    if isinstance(module, torch.jit.ScriptModule):
        raise TargetError("The memory of a script cannot be predicted; measure it on a real device instead.")
    low, high = batches = BATCHES[condition.mode]
    passes, update = peaks_by_batch(module, args, kwargs, condition, batches)
    slope = -(int(passes[0] - passes[1]) // (high - low))
    image = storage_bytes(t for t in tree_leaves((args, dict(kwargs or {}))) if isinstance(t, torch.Tensor))
    return {
        "fixed_bytes": int(passes[1]) - slope * high,
        "bytes_per_image": slope,
        "update_bytes": None if update is None else int(update[0]) - image * low,
        "input_bytes": image,
    }


def peaks_by_batch(
    module: nn.Module,
    args: tuple[Any, ...],
    kwargs: Mapping[str, Any] | None,
    condition: Condition,
    batches: Sequence[int],
) -> tuple[np.ndarray, np.ndarray | None]:
    """Predict the peak memory of a settled step on CUDA at several batches, running it once on meta.

    Args:
        module: on the meta device.
        args: its positional inputs on meta, for a batch of one.
        kwargs: its named inputs.
        condition: mode, dtype and optimiser; a CUDA device, not compiled. Its batch is ignored.
        batches: at which batches.

    Returns:
        Bytes `[batches]` at the peak of the forward pass (and backward, the optimiser's state included),
        and at the peak of the optimiser's update, None in inference. All that `predict_step_memory` counts
        is in both: to the byte the same, save for rounding to blocks.

    Raises:
        InputError: for conditions that it does not know.
        TargetError: if the step does not run on meta.
    """
    if condition.device_type != "cuda" or condition.compiled:
        raise InputError("The peaks at several batches are predicted for CUDA, not compiled.")
    with condition.active(), attention(condition):
        args, kwargs = with_batch((args, kwargs), PRIME_BATCH)
        step = Step(module, args, kwargs, condition)
        live = _BatchLiveness(step.tensors(), batches)
        try:
            with live:
                passes, update = _peaks(step, live)
        except (RuntimeError, NotImplementedError, TypeError, ValueError) as error:
            raise TargetError(
                f"The step does not run on the meta device ({type(error).__name__}: {error})."
            ) from error
    fixed = storage_bytes([*step.module.parameters(), *step.module.buffers()])
    inputs = storage_bytes(step.tensors()) - fixed
    resident = fixed + inputs // PRIME_BATCH * np.asarray(batches)
    return resident + passes, None if update is None else resident + update


def _peaks(step: Step, live: _BatchLiveness) -> tuple[np.ndarray, np.ndarray | None]:
    if not step.trains:
        step()
        live.restart_peak()
        step()
        return live.peak_bytes, None
    step.forward_backward()
    passes, before = live.peak_bytes, live.bytes
    live.restart_peak()
    step.update()
    return passes + live.bytes - before, live.peak_bytes
