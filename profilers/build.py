"""The shipped table of profiles: every architecture of timm at its default size, by our own profiler.

`python -m archimeter.profilers.build OUT [PROCESSES]` writes `profiles.parquet` and its line in the manifest
into the folder OUT.
"""

from __future__ import annotations

import gc
import multiprocessing
import sys
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import timm
import torch

from ..data.errors import ArchimeterError, InputError, TargetError
from ..data.records import Profile
from ..data.tables import TableEntry, publish
from .static import profile
from .targets import Target, known_backbones

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

__all__ = ["ENTRY", "folder_and_processes", "main", "profile_all"]

ENTRY = TableEntry(
    table="profiles",
    record="Profile",
    title="Static profiles of all timm architectures",
    rows_are="one architecture at its default input size",
    built_by="archimeter.profilers.build",
    repository="huggingface/pytorch-image-models",
    commit=f"v{timm.__version__}",
    path="timm/models",
    licence="Apache-2.0 (the code that was profiled)",
    citation="Ross Wightman: PyTorch Image Models, 2019, doi:10.5281/zenodo.4414861; counted by archimeter",
    notes=(
        "macs are multiply-accumulates of one input; macs_fvcore adds fvcore's terms for norms and pooling",
        "architectures as timm builds them: not re-parameterised, with their classifier",
    ),
)
_COLLECT_EVERY = 50


def profile_all(names: Sequence[str] | None = None, *, processes: int = 1) -> list[Profile]:
    """Profile architectures at their default size, in the order given; one that fails is a failed row.

    Args:
        names: timm architectures; all of them by default.
        processes: how many share the work, each with one thread.
    """
    names = list(known_backbones() if names is None else names)
    if processes <= 1:
        return _profile_share(names)
    shares = [names[start::processes] for start in range(processes)]
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(processes, mp_context=context) as pool:
        done = {row.source_ref: row for rows in pool.map(_profile_share, shares) for row in rows}
    return [done[name] for name in names]


def _profile_share(names: Iterable[str]) -> list[Profile]:
    torch.set_num_threads(1)
    rows = []
    gc.disable()  # building makes millions of objects that reference counting frees; scans cost a quarter
    try:
        for index, name in enumerate(names):
            if index % _COLLECT_EVERY == 0:
                gc.collect()
                gc.freeze()  # what is remembered stays, and need not be scanned again
            rows.append(_row(name))
    finally:
        gc.enable()
        gc.unfreeze()
    return rows


def _row(name: str) -> Profile:
    target = Target(form="timm", ref=name)
    try:
        return profile(target)
    except TargetError as error:
        return Profile(
            backbone=name,
            family=target.family,
            kind=target.kind,
            source_ref=name,
            status="failed",
            reason=str(error),
        )


def folder_and_processes(arguments: Sequence[str], module: str) -> tuple[Path, int]:
    """Read the arguments of a module that builds a table: OUT [PROCESSES].

    Raises:
        InputError: if they are anything else.
    """
    folder, processes = (*arguments, "1")[:2] if arguments else ("", "")
    if not (1 <= len(arguments) <= 2 and processes.isdigit() and int(processes) >= 1):
        raise InputError(f"Write `python -m {module} OUT [PROCESSES]`.")
    return Path(folder), int(processes)


def main(arguments: Sequence[str]) -> None:
    """Write the table into the folder named by the first argument."""
    folder, processes = folder_and_processes(arguments, ENTRY.built_by)
    rows = profile_all(processes=processes)
    # the day of the build is no fact about an architecture: without it, the same code gives the same bytes
    entry = publish(ENTRY, [replace(row, date=None) for row in rows], Profile, folder)
    print(f"{entry.rows} rows, {entry.rows_by_status}")  # noqa: T201


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except ArchimeterError as error:
        sys.exit(f"error: {error}")
