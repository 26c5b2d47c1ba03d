"""How far long work has come, on stderr: a bar on a terminal, plain lines anywhere else."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Any, Self

from .render import note

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Progress"]

LINE_EVERY_S = 10.0


class Progress:
    """Counts steps that end well or not; use it as a context manager.

    Args:
        what: what is being done, one or two words.
        total: how many steps there are.
        clock: seconds, monotonic.
    """

    def __init__(self, what: str, total: int, clock: Callable[[], float] = time.monotonic) -> None:
        self.what, self.total, self.done, self.failed = what, total, 0, 0
        self._clock = clock
        self._began = self._said = clock()
        self._told = 0
        self._bar: Any = None

    def __enter__(self) -> Self:
        if self.total and sys.stderr.isatty():
            self._bar = _bar()
            self._task = self._bar.add_task(self.what, total=self.total, last="")
            self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.stop()
        elif self._said != self._began and self._told != self.done:
            self._say()

    def step(self, name: str, *, ok: bool = True) -> None:
        """One step, called `name`, has ended."""
        self.done += 1
        self.failed += not ok
        if self._bar is not None:
            self._bar.update(self._task, advance=1, last=f"{name}{self._failures()}")
        elif self._clock() - self._said >= LINE_EVERY_S:
            self._say()

    def _say(self) -> None:
        self._said, self._told = self._clock(), self.done
        spent = self._said - self._began
        left = (
            f", {_span(spent / self.done * (self.total - self.done))} left"
            if 0 < self.done < self.total
            else ""
        )
        note(f"{self.what}: {self.done}/{self.total} in {_span(spent)}{left}{self._failures()}")

    def _failures(self) -> str:
        return f", {self.failed} failed" if self.failed else ""


def _bar() -> Any:
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )
    from rich.progress import Progress as Bar

    return Bar(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
        TextColumn("{task.fields[last]}", markup=False),
        console=Console(stderr=True),
        transient=True,
    )


def _span(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
