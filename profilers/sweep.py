"""Many profiles, each measured once: what the store holds is taken, what it lacks is measured and put there.

A row is in the store before the next one of its slot begins, so that the same command continues after
Ctrl-C or a kill where it stopped. A failure is a row too: it is kept, with its reason, and not tried again
unless a refresh asks for it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
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

Execute = Callable[["Sequence[Job]"], "Iterator[tuple[Job, Outcome]]"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One profile to be made.

    identity: what is known of it beforehand: all that its key consists of.
    function, spec: `function(spec)` measures it and returns a profile's row; both are picklable.
    shareable: whether a process may do it among others (counting), or needs one of its own (timing).
    measures: a stored row counts as made if one of these fields is there.
    newer_than: a stored row older than this (ISO time) is out of date, such as before the file changed.
    """

    identity: Profile
    function: Callable[[Any], Mapping[str, Any]]
    spec: Any
    shareable: bool = False
    measures: tuple[str, ...] = ()
    newer_than: str | None = None

    @property
    def key(self) -> str:
        """The key of its row."""
        return profile_key(self.identity)

    def is_made(self, row: Profile | None) -> bool:
        """Say whether a stored row spares the measurement."""
        if row is None or (self.newer_than and (row.date or "") < self.newer_than):
            return False
        return row.status == "failed" or not self.measures or any(_there(row, f) for f in self.measures)


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
        self._store, self._timeout_s = store, timeout_s
        self._keys = []
        self._rows: dict[str, Profile] = {}
        self.pending: list[Task] = []
        seen = set()
        for task in tasks:
            key = task.key
            self._keys.append(key)
            if key in seen:
                continue
            seen.add(key)
            row = None if refresh else store.profile(key)
            if row is not None and task.is_made(row):
                self._rows[key] = row
            else:
                self.pending.append(task)
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
    # the key that was looked up is the key that is stored, or it would be measured again next time
    asked = {name: getattr(task.identity, name) for name in PROFILE_KEY}
    return replace(row, **asked, date=now)


def _there(row: Profile, name: str) -> bool:
    return getattr(row, name) not in {None, ()}
