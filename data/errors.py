"""What can go wrong, as one family that a caller can catch at once.

Each message says what was wrong, the offending value, what is allowed and what to do next.
"""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = [
    "ArchimeterError",
    "InputError",
    "MissingPartError",
    "TargetError",
    "UnknownNameError",
    "close_matches",
]


class ArchimeterError(Exception):
    """Anything archimeter refuses or fails to do; the command line prints it and exits with 1."""


class InputError(ArchimeterError, ValueError):
    """A value, option or file that cannot be used as it is."""


class TargetError(ArchimeterError, RuntimeError):
    """A backbone that could not be built, run or traced."""


class MissingPartError(ArchimeterError, ImportError):
    """An optional dependency or device that is not there; the message says how to get it."""


class UnknownNameError(ArchimeterError, LookupError):
    """A name that is not among the known ones; the message lists the nearest.

    Args:
        what: the kind of thing that was named, such as "backbone".
        name: what the user wrote.
        known: every allowed name.
        hint: what else to try, one sentence.
    """

    def __init__(self, what: str, name: str, known: Iterable[str], hint: str = "") -> None:
        allowed = sorted(known)
        near = close_matches(name, allowed)
        if near:
            tail = f"Did you mean {', '.join(near)}?"
        elif len(allowed) <= 20:
            tail = f"Known: {', '.join(allowed)}."
        else:
            tail = f"None of the {len(allowed)} known names is close."
        super().__init__(f"Unknown {what} {name!r}. {tail}{' ' + hint if hint else ''}")


def close_matches(name: str, known: Iterable[str], n: int = 5) -> list[str]:
    """Return up to `n` known names closest to `name`, best first, ignoring case."""
    by_lower = {candidate.lower(): candidate for candidate in known}
    return [by_lower[hit] for hit in difflib.get_close_matches(name.lower(), by_lower, n=n, cutoff=0.6)]
