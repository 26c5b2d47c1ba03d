"""The shipped table of memory needs: every architecture of timm at its default size, predicted.

`python -m archimeter.profilers.build_memory OUT [PROCESSES]` writes `memory.parquet` and its line in the
manifest into the folder OUT. What is finished lies in `memory.jsonl` there until the table is whole: the
same command continues after a kill.
"""

from __future__ import annotations

import gc
import json
import multiprocessing
import sys
from dataclasses import replace
from typing import TYPE_CHECKING

import timm
import torch

from ..data.errors import ArchimeterError, TargetError
from ..data.memory import MemoryNeed
from ..data.tables import TableEntry, publish
from .batch_memory import memory_line
from .build import folder_and_processes
from .conditions import Condition
from .liveness import storage_bytes
from .memory import PREDICTION_ERROR
from .meta import to_meta
from .running import make_inputs, on_meta
from .targets import Target, known_backbones

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path
    from typing import Any

    from torch import nn

__all__ = ["ENTRY", "main", "memory_needs"]

LINE_ERROR = 0.01
"""How far the line is from the predictions, relative, 1 sigma, rounded up: the peak is the highest of several
lines. Over 40 architectures at batches of 1 to 256: in inference 4.2 % too high to 2.7 % too low, 0.7 % root
mean square; in training from batch 8 on 2.7 % too high to 1.6 % too low, 0.5 %; below up to 8.2 % too low."""

ENTRY = TableEntry(
    table="memory",
    record="MemoryNeed",
    title="Predicted peak memory of all timm architectures",
    rows_are="one architecture in inference, or in training with one optimiser, at its default input size",
    built_by="archimeter.profilers.build_memory",
    repository="huggingface/pytorch-image-models",
    commit=f"v{timm.__version__}",
    path="timm/models",
    licence="Apache-2.0 (the code whose memory was predicted)",
    citation="Ross Wightman: PyTorch Image Models, 2019, doi:10.5281/zenodo.4414861; predicted by archimeter",
    notes=(
        "for a CUDA device, float32, fused attention; its context and cuDNN's workspaces are not counted",
        "peak = fixed_bytes + bytes_per_image * batch, or the optimiser's update where that is more",
    ),
)


def memory_needs(name: str) -> list[MemoryNeed]:
    """Predict what an architecture needs: in inference, in training with AdamW and with SGD.

    Args:
        name: timm architecture.
    """
    try:
        with Condition(device="cuda").active():
            built = on_meta(Target(form="timm", ref=name))
            inputs = to_meta(make_inputs(built))
    except TargetError as error:
        return [MemoryNeed(backbone=name, mode="inference", status="failed", reason=str(error))]
    adamw = _need(name, built.module, inputs, "training")
    return [_need(name, built.module, inputs, "inference"), adamw, _with_sgd(adamw, built.module)]


def _need(name: str, module: nn.Module, inputs: Any, mode: Any) -> MemoryNeed:
    args, kwargs = inputs
    row: dict[str, Any] = {
        "backbone": name,
        "mode": mode,
        "optimiser": "adamw" if mode == "training" else None,
        "input_shape": tuple(args[0].shape[1:]),
    }
    condition = Condition(device="cuda", mode=mode, optimiser="adamw")
    try:
        row |= memory_line(module, args, kwargs, condition)
    except TargetError as error:
        return MemoryNeed(**row, status="failed", reason=str(error))
    return MemoryNeed(**row, error=PREDICTION_ERROR[mode] + LINE_ERROR)


def _with_sgd(adamw: MemoryNeed, module: nn.Module) -> MemoryNeed:
    """Derive SGD from AdamW: of each trained parameter it keeps one number instead of two.

    AdamW's update holds gradients, two states and a temporary (4 numbers a parameter), SGD's gradients and
    momentum (2).
    """
    if adamw.fixed_bytes is None or adamw.update_bytes is None:
        return replace(adamw, optimiser="sgd")
    resident = storage_bytes([*module.parameters(), *module.buffers()])
    state = (adamw.update_bytes - resident) // 4
    return replace(
        adamw,
        optimiser="sgd",
        fixed_bytes=adamw.fixed_bytes - state,
        update_bytes=adamw.update_bytes - 2 * state,
    )


def _all_needs(names: Sequence[str], kept: Path, processes: int) -> list[MemoryNeed]:
    """Predict every name that `kept` does not hold yet, and keep it there; return all, in order."""
    done = _read(kept)
    waiting = [name for name in names if name not in done]
    context = multiprocessing.get_context("spawn")
    with (
        context.Pool(processes, initializer=_prepare, maxtasksperchild=200) as pool,
        kept.open("a", encoding="utf-8") as file,
    ):
        for rows in pool.imap_unordered(memory_needs, waiting):
            done[rows[0].backbone] = rows
            file.write(json.dumps([row.as_row() for row in rows]) + "\n")
            file.flush()
    return [row for name in names for row in done[name]]


def _read(kept: Path) -> dict[str, list[MemoryNeed]]:
    if not kept.exists():
        return {}
    lines = kept.read_text(encoding="utf-8").splitlines()
    if lines and not lines[-1].endswith("]"):
        lines.pop()  # killed while it was written
    kept.write_text("".join(line + "\n" for line in lines), encoding="utf-8")
    found = [[MemoryNeed.from_row(row) for row in json.loads(line)] for line in lines]
    return {rows[0].backbone: rows for rows in found}


def _prepare() -> None:
    torch.set_num_threads(1)
    gc.freeze()


def main(arguments: Sequence[str]) -> None:
    """Write the table into the folder named by the first argument."""
    folder, processes = folder_and_processes(arguments, ENTRY.built_by)
    kept = folder / "memory.jsonl"
    kept.parent.mkdir(parents=True, exist_ok=True)
    rows = _all_needs(known_backbones(), kept, processes)
    entry = publish(ENTRY, rows, MemoryNeed, folder)
    kept.unlink()
    print(f"{entry.rows} rows, {entry.rows_by_status}")  # noqa: T201


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except ArchimeterError as error:
        sys.exit(f"error: {error}")
