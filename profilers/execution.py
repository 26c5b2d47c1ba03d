"""Many isolated calls on this machine: jobs in, outcomes out, in the order in which they end.

A job that is harmless as a rule may share a process with others, which is several times faster; when one
fails there it is tried again alone, so that no job is ever charged with what a neighbour did.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from .isolation import IsolatedWorker, Outcome

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

__all__ = ["Job", "WorkerPair", "run_local", "usable_cores"]

CALLS_PER_SHARED_PROCESS = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One call: `function(spec)` under a limit of seconds; `shareable` if a process may do it among others.

    key tells jobs apart.
    """

    key: str
    function: Callable[[Any], Any]
    spec: Any
    timeout_s: float | None = None
    shareable: bool = False


class WorkerPair:
    """A slot: one process for jobs that share and one for those that do not, never both at work.

    Args:
        limits: IsolatedWorker's threads, memory_bytes and environment.
    """

    def __init__(self, limits: Mapping[str, Any]) -> None:
        self._limits = limits
        self._workers: dict[bool, IsolatedWorker] = {}

    def start(self, job: Job) -> Future[str]:
        """Start a job; one at a time."""
        return self._worker(shared=job.shareable).submit(job.function, job.spec, job.timeout_s)

    def finish(self, job: Job, future: Future[str]) -> Outcome:
        """Wait for a started job; one that failed among others is run again alone."""
        outcome = self._worker(shared=job.shareable).collect(future, job.timeout_s)
        if outcome.ok or not job.shareable:
            return outcome
        alone = replace(job, shareable=False)
        again = self.finish(alone, self.start(alone))
        return replace(again, attempts=outcome.attempts + again.attempts)

    def run(self, job: Job) -> Outcome:
        """Start a job and wait for it."""
        return self.finish(job, self.start(job))

    def close(self) -> None:
        """End both processes at once."""
        for worker in self._workers.values():
            worker.close()

    def _worker(self, *, shared: bool) -> IsolatedWorker:
        if shared not in self._workers:
            calls = CALLS_PER_SHARED_PROCESS if shared else 1
            self._workers[shared] = IsolatedWorker(calls_per_process=calls, **self._limits)
        return self._workers[shared]


def run_local(
    jobs: Iterable[Job], *, slots: int = 1, limits: Mapping[str, Any] | None = None
) -> Iterator[tuple[Job, Outcome]]:
    """Run jobs on this machine and yield each with its outcome as soon as it ends.

    The next job of a slot starts when the caller comes back for more: whatever it does with an outcome,
    such as writing it to the disk, is done by then. Closing the iterator, or Ctrl-C, ends all processes.

    Args:
        jobs: what to run.
        slots: how many at a time; 1 where a clock decides.
        limits: IsolatedWorker's threads, memory_bytes and environment.
    """
    waiting = deque(jobs)
    idle = [WorkerPair(limits or {}) for _ in range(max(1, min(slots, len(waiting))))]
    everyone = list(idle)
    running: dict[Future[str], tuple[WorkerPair, Job]] = {}
    try:
        while waiting or running:
            while waiting and idle:
                slot, job = idle.pop(), waiting.popleft()
                running[slot.start(job)] = slot, job
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                slot, job = running.pop(future)
                yield job, slot.finish(job, future)
                idle.append(slot)
    finally:
        for slot in everyone:
            slot.close()


def usable_cores() -> int:
    """Return how many cores this process may use."""
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity else os.cpu_count() or 1
