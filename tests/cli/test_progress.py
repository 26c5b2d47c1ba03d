"""Progress: quiet when short, plain lines with the time left away from a terminal, a bar on one."""

from __future__ import annotations

import io
import sys

from archimeter.cli.progress import Progress


class _Clock:
    now = 0.0

    def __call__(self):
        return self.now


def _run(seconds_per_step, steps, failing=()):
    clock = _Clock()
    with Progress("profiling", steps, clock) as progress:
        for step in range(steps):
            clock.now += seconds_per_step
            progress.step(f"net{step}", ok=step not in failing)


def test_short_work_says_nothing_away_from_a_terminal(capsys):
    _run(0.1, 5)
    assert capsys.readouterr() == ("", "")


def test_lines_say_how_far_and_how_long_still(capsys):
    _run(6, 5, failing={1})
    out, err = capsys.readouterr()
    assert out == ""
    assert err.splitlines() == [
        "profiling: 2/5 in 0:12, 0:18 left, 1 failed",
        "profiling: 4/5 in 0:24, 0:06 left, 1 failed",
        "profiling: 5/5 in 0:30, 1 failed",
    ]


def test_last_line_is_not_said_twice(capsys):
    _run(11, 2)
    assert len(capsys.readouterr().err.splitlines()) == 2


def test_hours_are_hours(capsys):
    _run(3700, 2)
    assert "profiling: 1/2 in 1:01:40, 1:01:40 left" in capsys.readouterr().err


def test_terminal_gets_a_bar_with_names(monkeypatch):
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.setenv("TERM", "xterm")
    _run(1, 3, failing={2})
    assert "3/3" in terminal.getvalue()
    assert "net2, 1 failed" in terminal.getvalue()
