"""Scratch folders: gone with their owner, swept after a kill, never taken from a living one."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from archimeter.profilers.scratch import LOCK, ScratchFolder

OWNER = """
import sys, time
from archimeter.profilers.scratch import ScratchFolder
folder = ScratchFolder()
print(folder.path, flush=True)
time.sleep(600)
"""


@pytest.fixture
def place(tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", None)
    return tmp_path


@pytest.fixture
def owner(place):
    with subprocess.Popen([sys.executable, "-c", OWNER], stdout=subprocess.PIPE, text=True) as process:
        path = Path(process.stdout.readline().strip())
        yield process, path
        process.kill()


def test_a_folder_is_there_until_it_is_closed(place):
    folder = ScratchFolder()
    assert folder.path.parent == place
    (folder.path / "1.log").write_text("x")
    folder.close()
    assert list(place.iterdir()) == []


def test_a_killed_owners_folder_goes_at_the_next_start(place, owner):
    process, left = owner
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert left.is_dir()
    ScratchFolder().close()
    assert not left.exists()


def test_a_living_owners_folder_and_strangers_stay(place, owner):
    _, used = owner
    strangers = [place / "archimeter-notes", place / "other-x"]
    for folder in strangers:
        folder.mkdir()
    (strangers[1] / LOCK).touch()
    ScratchFolder().close()
    assert used.is_dir()
    assert all(folder.is_dir() for folder in strangers)


def test_closing_twice_does_no_harm(place):
    folder = ScratchFolder()
    folder.close()
    folder.close()
    assert not list(place.iterdir())
