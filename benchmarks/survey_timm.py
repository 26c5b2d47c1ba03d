"""How long a survey of timm takes, every row stored, beside the same counts in one process without a store.

Usage: python benchmarks/survey_timm.py [GLOB]

Prints wall seconds and, as cores may be shared with others, the CPU seconds that the counting itself took.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from archimeter.data.store import Store
from archimeter.profilers import survey as surveys
from archimeter.profilers.execution import Job, run_local, usable_cores
from archimeter.profilers.machines import LocalMachine
from archimeter.profilers.static import profile
from archimeter.profilers.targets import resolve_targets

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from archimeter.profilers.isolation import Outcome
    from archimeter.profilers.sweep import Execute


class Clocked(LocalMachine):
    """This machine, remembering how long each job took."""

    def __init__(self) -> None:
        self.in_jobs_s = 0.0

    def counting(self) -> Execute:
        """Run, and add up."""

        def execute(jobs: Sequence[Job]) -> Iterator[tuple[Job, Outcome]]:
            for job, outcome in run_local(jobs, slots=usable_cores(), limits={"threads": 1}):
                self.in_jobs_s += outcome.wall_s
                yield job, outcome

        return execute


def main() -> None:
    """Print the figures."""
    targets = resolve_targets(sys.argv[1] if len(sys.argv) > 1 else "*")
    print(f"{len(targets)} targets, {usable_cores()} cores, load {os.getloadavg()[0]:.1f}")
    machine = Clocked()
    with tempfile.TemporaryDirectory() as folder, Store(Path(folder) / "runs.db") as store:
        for name in ("first run", "second run"):
            began = time.monotonic()
            rows = surveys.survey(targets, store=store, machine=machine)
            wall = time.monotonic() - began
            failed = sum(row.status == "failed" for row in rows)
            print(f"{name}: {wall:.1f} s, {len(rows)} rows, {failed} failed")
    print(f"in the jobs themselves: {machine.in_jobs_s:.1f} s")
    began, used = time.monotonic(), time.process_time()
    for target in targets[:: max(1, len(targets) // 100)]:
        profile(target)
    sample = len(targets[:: max(1, len(targets) // 100)])
    wall, cpu = time.monotonic() - began, time.process_time() - used
    scale = len(targets) / sample
    print(f"one process, no store, {sample} scaled up: {wall * scale:.1f} s wall, {cpu * scale:.1f} s CPU")
    print(f"load now {os.getloadavg()[0]:.1f}")


if __name__ == "__main__":
    main()
