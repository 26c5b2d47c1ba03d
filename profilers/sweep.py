"""Many profiles, each measured once: what the store holds is taken, what it lacks is measured and put there.

A row is in the store before the next one of its slot begins, so that the same command continues after
Ctrl-C or a kill where it stopped. A failure is a row too: it is kept, with its reason, and not tried again
unless a refresh asks for it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from ..data.errors import ArchimeterError
from ..data.keys import PROFILE_KEY, profile_key
from ..data.records import Profile
from .execution import Job, run_local

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from ..data.store import Store
    from .isolation import Outcome

__all__ = ["Sweep", "Task"]

_OWN = frozenset({"date", "reason"})
Execute = Callable[["Sequence[Job]"], "Iterator[tuple[Job, Outcome]]"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One profile to be made.

    identity: what is known of it beforehand: the fields that a profile's key consists of, and any others
        that the measurement may leave empty, such as counts beside a timing.
    open: those of them that only the measurement tells; a stored row may have any value there.
    devices: if `device` is open, the names that it may have.
    function, spec: `function(spec)` measures it and returns a profile's row; both are picklable.
    shareable: whether a process may do it among others (counting), or needs one of its own (timing).
    measures: a stored row spares the measurement if one of these fields is there; empty if none does,
        as for what is counted faster than it is told whether it changed. A failure always spares it.
    newer_than: a stored row older than this (ISO time) is out of date, such as before the file changed.
    """

    identity: Profile
    function: Callable[[Any], Mapping[str, Any]]
    spec: Any
    open: frozenset[str] = frozenset()
    devices: frozenset[str] = frozenset()
    shareable: bool = False
    measures: tuple[str, ...] = ()
    newer_than: str | None = None

    @property
    def key(self) -> str:
        """What tells it from other tasks."""
        return profile_key(self.identity)

    @property
    def fixed(self) -> dict[str, Any]:
        """The identity's fields that are known."""
        return {name: getattr(self.identity, name) for name in PROFILE_KEY if name not in self.open}

    def is_made(self, row: Profile) -> bool:
        """Say whether a stored row spares the measurement."""
        if any(getattr(row, name) != value for name, value in self.fixed.items()):
            return False
        if "device" in self.open and row.device not in self.devices:
            return False
        if self.newer_than and (row.date or "") < self.newer_than:
            return False
        if row.status == "failed":  # nothing was measured: what was asked is all there is to compare
            return all(getattr(row, name) == getattr(self.identity, name) for name in self.open - {"device"})
        return any(not _missing(row, name) for name in self.measures)


class Sweep:
    """What is to be done and what is done; iterate over `run` to do it.

    Args:
        tasks: what is wanted, in the order of the answer; the same task twice is done once.
        store: where rows are found and put.
        timeout_s: limit in seconds for each.
        refresh: measure again what the store holds.
    """

    def __init__(
        self, tasks: Iterable[Task], store: Store, *, timeout_s: float | None = None, refresh: bool = False
    ) -> None:
        tasks = list({task.key: task for task in tasks}.values())
        self._store, self._timeout_s = store, timeout_s
        self._keys = [task.key for task in tasks]
        self._rows = {} if refresh else _made(tasks, store)
        self.pending = [task for task in tasks if task.key not in self._rows]
        self.kept = len(self._rows)

    def run(self, execute: Execute = run_local) -> Iterator[Profile]:
        """Measure what is pending; yield each row once it is in the store.

        Args:
            execute: runs jobs and yields them with their outcomes, such as `run_local` or `run_ray`.
        """
        tasks = {task.key: task for task in self.pending}
        jobs = [
            Job(
                key=key,
                function=task.function,
                spec=task.spec,
                timeout_s=self._timeout_s,
                shareable=task.shareable,
            )
            for key, task in tasks.items()
        ]
        for job, outcome in execute(jobs):
            task = tasks[job.key]
            row = _row_of(task, outcome)
            self._store.put_profiles([row])
            self._rows[job.key] = row
            self.pending.remove(task)
            yield row

    def rows(self) -> list[Profile]:
        """Return the rows that are there, in the order of the tasks."""
        return [self._rows[key] for key in self._keys if key in self._rows]


def _row_of(task: Task, outcome: Outcome) -> Profile:
    now = datetime.now(UTC).isoformat(timespec="milliseconds")
    failed = replace(task.identity, status="failed", date=now)
    if not outcome.ok:
        return replace(failed, reason=outcome.error)
    try:
        row = Profile.from_row(outcome.value)
    except (ArchimeterError, TypeError, ValueError, AttributeError) as error:
        return replace(failed, reason=f"what was measured is no profile: {error}")
    empty = [f.name for f in fields(Profile) if f.name not in _OWN and _missing(row, f.name)]
    known = {name: getattr(task.identity, name) for name in empty}
    # the key that was looked up is the key that is stored, or it would be measured again next time
    return replace(row, **(known | task.fixed), date=now)


def _missing(row: Profile, name: str) -> bool:
    return getattr(row, name) in (None, (), {})


def _made(tasks: Sequence[Task], store: Store) -> dict[str, Profile]:
    stored: dict[str, list[Profile]] = defaultdict(list)
    for row in store.profiles():
        stored[row.source_ref or row.backbone].append(row)
    made = {}
    for task in tasks:
        rows = [
            row for row in stored[task.identity.source_ref or task.identity.backbone] if task.is_made(row)
        ]
        if rows:
            made[task.key] = max(rows, key=lambda row: (row.status == "ok", row.date or ""))
    return made
