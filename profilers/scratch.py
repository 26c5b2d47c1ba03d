"""Folders for a moment: gone with their owner, and where it was killed, at the next start of another.

An owner holds a lock on a file in its folder. The system frees it when the owner is gone, however it went,
so a folder whose lock is free is nobody's.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from pathlib import Path

try:
    import fcntl
except ImportError:  # not on Windows: there nothing is swept
    fcntl = None

__all__ = ["ScratchFolder"]

PREFIX = "archimeter-"
LOCK = "owner.lock"


class ScratchFolder:
    """A new folder among the system's temporary files; what killed owners left there is removed first."""

    def __init__(self) -> None:
        parent = Path(tempfile.gettempdir())
        _sweep(parent)
        self._folder = tempfile.TemporaryDirectory(prefix=PREFIX, dir=parent)
        self.path = Path(self._folder.name)
        self._lock = os.open(self.path / "new.lock", os.O_RDWR | os.O_CREAT)
        _is_free(self._lock)
        (self.path / "new.lock").rename(self.path / LOCK)  # never to be seen without its owner

    def close(self) -> None:
        """Remove it."""
        self._folder.cleanup()
        with contextlib.suppress(OSError):  # closed before
            os.close(self._lock)


def _sweep(parent: Path) -> None:
    for lock in parent.glob(f"{PREFIX}*/{LOCK}") if fcntl else ():
        with contextlib.suppress(OSError):  # another user's, or another sweep was faster
            if lock.stat().st_uid == os.getuid() and _has_no_owner(lock):
                shutil.rmtree(lock.parent)


def _has_no_owner(lock: Path) -> bool:
    descriptor = os.open(lock, os.O_RDWR)
    try:
        return _is_free(descriptor)
    finally:
        os.close(descriptor)


def _is_free(descriptor: int) -> bool:
    """Take the lock if nobody holds it."""
    if fcntl is None:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
