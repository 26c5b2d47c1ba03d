"""Sweeps: each profile once, every failure a row, nothing lost by a kill at any moment."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import textwrap
import time
from functools import partial

import pytest

from archimeter.data.records import Profile
from archimeter.data.store import Store
from archimeter.profilers.execution import run_local
from archimeter.profilers.sweep import Sweep, Task


def _task(name, text=None, **options):
    text = text or f"{{'backbone': {name!r}, 'params': 7, 'macs': 3}}"
    options = {"measures": ("params",)} | options
    return Task(identity=Profile(backbone=name), function=eval, spec=text, **options)


@pytest.fixture
def store(tmp_path):
    with Store(tmp_path / "runs.db") as opened:
        yield opened


def _rows(sweep, **options):
    list(sweep.run(partial(run_local, **options)))
    return {row.backbone: row for row in sweep.rows()}


def test_six_faults_among_sixty_cost_six_rows(store):
    faults = {
        "hang": ("__import__('time').sleep(600)", "timed out after 6 s"),
        "segfault": ("__import__('ctypes').string_at(0)", "crashed (SIGSEGV)"),
        "memory": ("__import__('torch').empty(2**36, dtype=__import__('torch').uint8)", "out of memory: "),
        "killed": ("__import__('os').kill(__import__('os').getpid(), 9)", "killed, probably out of memory"),
        "exception": ("{}['head']", "KeyError: 'head' (at "),
        "exit": ("__import__('sys').exit(2)", "called sys.exit(2)"),
    }
    tasks = [_task(f"net{i}", shareable=True) for i in range(54)]
    for place, (name, (text, _)) in enumerate(faults.items()):
        tasks.insert(9 * place + 3, _task(name, text, shareable=True))
    sweep = Sweep(tasks, store, timeout_s=6)
    rows = _rows(sweep, slots=2, limits={"memory_bytes": 8 * 2**30})
    good = {name for name, row in rows.items() if row.status == "ok"}
    assert good == {f"net{i}" for i in range(54)}
    assert {name: rows[name].reason.startswith(faults[name][1]) for name in faults} == dict.fromkeys(
        faults, True
    )
    assert [row.backbone for row in sweep.rows()] == [task.identity.backbone for task in tasks]
    assert store.counts()["profiles"] == {"failed": 6, "ok": 54}


def test_nothing_is_measured_twice(store, tmp_path):
    count = f"open({str(tmp_path / 'log')!r}, 'a').write('x') and {{'backbone': 'a', 'params': 1}}"
    for _ in range(2):
        _rows(Sweep([_task("a", count), _task("a", count)], store))
    assert (tmp_path / "log").read_text() == "x"


def test_refresh_measures_again(store):
    _rows(Sweep([_task("a")], store))
    rows = _rows(Sweep([_task("a", "{'backbone': 'a', 'params': 8, 'macs': 3}")], store, refresh=True))
    assert rows["a"].params == store.profiles()[0].params == 8


def test_failure_is_kept_and_not_tried_again(store):
    _rows(Sweep([_task("a", "1 / 0")], store))
    again = Sweep([_task("a")], store)
    assert (again.kept, again.pending) == (1, [])
    assert again.rows()[0].reason.startswith("ZeroDivisionError")


def test_row_that_lacks_what_is_asked_is_measured(store):
    _rows(Sweep([_task("a")], store))
    assert not Sweep([_task("a", measures=("macs",))], store).pending
    assert Sweep([_task("a", measures=("latencies_s",))], store).pending


def test_row_from_before_the_file_changed_is_measured_again(store):
    _rows(Sweep([_task("a")], store))
    assert not Sweep([_task("a", newer_than="2020-01-01T00:00:00+00:00")], store).pending
    assert Sweep([_task("a", newer_than="2120-01-01T00:00:00+00:00")], store).pending


def test_stored_key_is_the_one_that_was_looked_up(store):
    other = "{'backbone': 'a', 'params': 1, 'device': 'somewhere else'}"
    _rows(Sweep([_task("a", other)], store))
    assert not Sweep([_task("a", other)], store).pending


def test_field_that_only_the_measurement_tells_may_have_any_value(store):
    fused = "{'backbone': 'a', 'params': 1, 'attention_fused': True}"
    rows = _rows(Sweep([_task("a", fused, open=frozenset({"attention_fused"}))], store))
    assert rows["a"].attention_fused
    assert not Sweep([_task("a", open=frozenset({"attention_fused"}))], store).pending
    assert Sweep([_task("a")], store).pending


def test_failure_counts_for_what_was_asked_only(store):
    def at(side, text=None):
        shapes = ((3, side, side),)
        identity = Profile(backbone="a", input_shapes=shapes)
        options = {"open": frozenset({"input_shapes"}), "measures": ("params",)}
        return Task(identity=identity, function=eval, spec=text, **options)

    _rows(Sweep([at(64, "1 / 0")], store))
    assert not Sweep([at(64)], store).pending
    assert Sweep([at(32)], store).pending


def test_row_keeps_what_was_known_beforehand(store):
    identity = Profile(backbone="a", params=9, depth=18, reason="a note of its own")
    task = Task(identity=identity, function=eval, spec="{'backbone': 'a', 'params': 8}", measures=("params",))
    row = _rows(Sweep([task], store))["a"]
    assert (row.params, row.depth, row.reason) == (8, 18, None)


def test_device_is_any_of_the_clusters(store):
    row = "{'backbone': 'a', 'params': 1, 'device': 'H100'}"
    options = {"open": frozenset({"device"})}
    rows = _rows(Sweep([_task("a", row, devices=frozenset({"H100", "A100"}), **options)], store))
    assert rows["a"].device == "H100"
    assert not Sweep([_task("a", devices=frozenset({"H100", "A100"}), **options)], store).pending
    assert Sweep([_task("a", devices=frozenset({"A100"}), **options)], store).pending


def test_what_is_never_taken_from_the_store_is_measured_each_time(store):
    for _ in range(2):
        sweep = Sweep([_task("a", measures=())], store)
        assert len(sweep.pending) == 1
        _rows(sweep)


def test_answer_that_is_no_profile_is_a_failure(store):
    rows = _rows(Sweep([_task("a", "{'backbone': 'a', 'speed': 3}"), _task("b", "17")], store))
    assert rows["a"].reason == "what was measured is no profile: " + rows["a"].reason.partition(": ")[2]
    assert "no field 'speed'" in rows["a"].reason
    assert rows["b"].status == "failed"


def test_row_is_on_disk_when_it_is_yielded(store):
    sweep = Sweep([_task("a"), _task("b")], store)
    run = sweep.run()
    for name in "ab":
        assert next(run).backbone == name
        assert {row.backbone for row in store.profiles()} == set("ab"[: "ab".index(name) + 1])
    run.close()


DRIVER = """
import sys
from archimeter.data.records import Profile
from archimeter.data.store import Store
from archimeter.profilers import isolation
from archimeter.profilers.sweep import Sweep, Task
isolation.PRELOAD = []  # the calls need neither torch nor timm
log, path, n = sys.argv[1], sys.argv[2], int(sys.argv[3])
call = (
    "open({log!r}, 'a').write('net{i} ') and __import__('time').sleep(0.03) "
    "or dict(backbone='net{i}', params={i})"
)

def task(i):
    identity, spec = Profile(backbone=f"net{i}"), call.format(log=log, i=i)
    return Task(identity=identity, function=eval, spec=spec, shareable=i % 4 > 0, measures=("params",))

tasks = [task(i) for i in range(n)]
with Store(path) as store:
    for row in Sweep(tasks, store).run():
        pass
"""


@pytest.mark.slow
def test_killed_at_ten_random_moments_and_resumed_nothing_is_lost_or_done_twice(tmp_path):
    log, path, n = tmp_path / "log", tmp_path / "runs.db", 120
    command = [sys.executable, "-c", textwrap.dedent(DRIVER), str(log), str(path), str(n)]
    rng = random.Random(os.getpid())  # noqa: S311  # moments, not secrets
    known, kills = {}, 0
    while kills < 10:
        begun = len(log.read_text()) if log.exists() else 0
        driver = subprocess.Popen(command)
        while driver.poll() is None and (not log.exists() or len(log.read_text()) == begun):
            time.sleep(0.005)
        time.sleep(rng.uniform(0, 0.25))
        driver.send_signal(signal.SIGKILL)
        driver.wait()
        kills += 1
        done_again = set(log.read_text()[begun:].split()) & set(known)
        assert done_again == set(), "measured although it was in the store"
        with Store(path) as store:
            assert store.check() == []
            now = {row.backbone: row for row in store.profiles()}
        assert {name: now.get(name) for name in known} == known
        known = now
    assert 0 < len(known) < n, "the kills have to hit the sweep at work"
    subprocess.run(command, check=True)
    with Store(path) as store:
        assert store.check() == []
        rows = {row.backbone: row for row in store.profiles()}
    assert {name: row.params for name, row in rows.items()} == {f"net{i}": i for i in range(n)}
    assert {name: rows[name] for name in known} == known
    done = log.read_text().split()
    assert len(done) - n <= kills, "only what a kill interrupted may be begun again"
