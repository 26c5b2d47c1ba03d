"""Real processes on one store: writers at once, a reader beside them, and a kill in the middle."""

import signal
import subprocess
import sys
import time

from archimeter.data.records import Observation
from archimeter.data.store import Store, observation_key

WRITER = """
import sys
from archimeter.data.records import Observation
from archimeter.data.store import Store, observation_key

path, name, rows, acknowledged = sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4]
with Store(path) as store, open(acknowledged, "a", buffering=1) as log:
    for i in range(rows):
        row = Observation(study=name, dataset="d", backbone="b", error=i / rows, replicate=i)
        store.put_observations([row])
        log.write(observation_key(row) + "\\n")
"""


def start(path, name, rows, log):
    return subprocess.Popen([sys.executable, "-c", WRITER, str(path), name, str(rows), str(log)])


def acknowledged(log):
    return [line for line in log.read_text().splitlines() if len(line) == 32] if log.exists() else []


def wait_for(log, rows):
    deadline = time.monotonic() + 60
    while len(acknowledged(log)) < rows:
        assert time.monotonic() < deadline, "the writer does not get on"
        time.sleep(0.01)


def test_two_writers_a_reader_and_a_kill_lose_nothing_and_double_nothing(tmp_path):
    path, rows = tmp_path / "runs.db", 10_000
    logs = {name: tmp_path / f"{name}.log" for name in ("one", "two")}
    writers = {name: start(path, name, rows, log) for name, log in logs.items()}
    wait_for(logs["one"], 1000)
    reads = []
    with Store(path) as reader:
        while len(acknowledged(logs["two"])) < 3000:
            before = {name: len(acknowledged(log)) for name, log in logs.items()}
            seen = reader.counts()["observations"].get("ok", 0)
            reads.append(seen)
            assert seen >= sum(before.values()), "an acknowledged row is not seen"
            time.sleep(0.05)
        writers["two"].send_signal(signal.SIGKILL)
        assert writers["two"].wait(timeout=30) == -signal.SIGKILL
        while writers["one"].poll() is None:
            reads.append(reader.counts()["observations"]["ok"])
            time.sleep(0.05)
    assert writers["one"].returncode == 0
    assert reads == sorted(reads)
    assert len(set(reads)) > 3, "the reader was there while rows came in"
    with Store(path) as store:
        observations = store.observations()
        keys = [observation_key(o) for o in observations]
        assert store.check() == []
    assert len(keys) == len(set(keys))
    assert sum(o.study == "one" for o in observations) == rows
    two = acknowledged(logs["two"])
    assert 3000 <= len(two) < rows
    assert set(two) <= set(keys)
    # at most the one row whose acknowledgement the kill cut off
    assert sum(o.study == "two" for o in observations) <= len(two) + 1

    resumed = start(path, "two", rows, tmp_path / "again.log")
    assert resumed.wait(timeout=120) == 0
    with Store(path) as store:
        assert store.counts()["observations"] == {"ok": 2 * rows}


def test_many_processes_may_make_the_same_store_at_once(tmp_path):
    path = tmp_path / "runs.db"
    writers = [start(path, f"w{i}", 20, tmp_path / f"w{i}.log") for i in range(6)]
    assert [writer.wait(timeout=120) for writer in writers] == [0] * 6
    with Store(path) as store:
        assert store.counts()["observations"] == {"ok": 120}


def test_a_kill_inside_a_large_call_leaves_none_of_it(tmp_path):
    path = tmp_path / "runs.db"
    with Store(path) as store:
        store.put_observations([Observation(study="s", dataset="d", backbone="b", error=0.5)])
    script = """
import sys
import os, signal
from archimeter.data.records import Observation
from archimeter.data.store import Store
store = Store(sys.argv[1])
with store._transaction() as connection:
    for i in range(20_000):
        connection.execute("INSERT INTO observations VALUES (?, '{}', 'ok')", (str(i),))
    os.kill(os.getpid(), signal.SIGKILL)
"""
    assert (
        subprocess.run([sys.executable, "-c", script, str(path)], check=False).returncode == -signal.SIGKILL
    )
    with Store(path) as store:
        assert store.counts()["observations"] == {"ok": 1}
        assert store.check() == []
