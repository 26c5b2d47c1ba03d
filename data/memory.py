"""How much memory a backbone needs, as a line in the batch: the rows of `load_memory`, and what follows.

Peak memory is nearly affine in the batch, because activations are proportional to it and parameters,
gradients and optimiser state do not depend on it. So a row gives any batch:

    peak = fixed_bytes + bytes_per_image * batch                       forward, and backward in training
    peak = update_bytes + input_bytes * batch                          the optimiser's update, if that is more
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from .errors import InputError
from .records import _Row  # pyright: ignore[reportPrivateUsage]  # the records' one way to a row

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["MemoryNeed", "largest_batches", "peak_bytes"]


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryNeed(_Row):
    """The memory that one architecture needs in one mode, at its default input size.

    Condition:
        backbone: timm architecture. mode: `inference` (no gradients) or `training` (a whole step).
        optimiser: of training, `adamw` or `sgd` (with momentum); None in inference.
        device: `cuda`, whose allocator rounds to 512 bytes and whose attention is fused.
        dtype: `float32`. input_shape: channels, height, width.
    Prediction (bytes; all tensors that must be on the device at once):
        fixed_bytes: what does not depend on the batch: parameters and buffers, in training also gradients
            and the optimiser's state.
        bytes_per_image: what each image of the batch adds.
        update_bytes: peak of the optimiser's update without inputs, which may exceed that of a small batch;
            None in inference. input_bytes: one image.
        error: relative, 1 sigma, against a real allocator (the CPU's: no CUDA device has confirmed it).
    Not counted: the device's context (some 300-500 MB) and cuDNN's workspaces.
    Outcome:
        status: `ok` or `failed`; reason: why.
    """

    backbone: str
    mode: Literal["inference", "training"]
    optimiser: str | None = None
    device: str = "cuda"
    dtype: str = "float32"
    input_shape: tuple[int, ...] = ()
    fixed_bytes: int | None = None
    bytes_per_image: int | None = None
    update_bytes: int | None = None
    input_bytes: int | None = None
    error: float | None = None
    status: Literal["ok", "failed"] = "ok"
    reason: str | None = None


def peak_bytes(needs: pd.DataFrame, batch: int) -> np.ndarray:
    """Return the peak memory in bytes of each row of `load_memory` at a batch; NaN where it failed.

    Args:
        needs: rows of `load_memory`.
        batch: images a step, at least 1.
    """
    if batch < 1:
        raise InputError(f"The batch is {batch}; it must be at least 1.")
    passes = needs["fixed_bytes"] + needs["bytes_per_image"] * batch
    update = needs["update_bytes"] + needs["input_bytes"] * batch
    return np.fmax(passes.to_numpy(float), update.to_numpy(float))


def largest_batches(needs: pd.DataFrame, budget_bytes: float) -> np.ndarray:
    """Return the largest batch of each row of `load_memory` that fits; 0 if not even one image does.

    Args:
        needs: rows of `load_memory`.
        budget_bytes: what there is, such as 8 * 2**30 for a GPU of 8 GiB.
    """
    passes = (budget_bytes - needs["fixed_bytes"]) // needs["bytes_per_image"]
    update = (budget_bytes - needs["update_bytes"]) // needs["input_bytes"]
    return np.clip(np.fmin(passes.to_numpy(float), update.to_numpy(float)), 0, None)
