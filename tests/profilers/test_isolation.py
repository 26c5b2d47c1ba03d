"""Isolated calls: each way of going wrong is one failed outcome with its reason."""

from __future__ import annotations

import ctypes
import os
import re
import signal
import subprocess
import sys
import textwrap
import time

import psutil
import pytest

from archimeter.data.errors import UnknownNameError
from archimeter.profilers.isolation import IsolatedWorker, run_isolated

# Builtins serve as calls: `eval` and `exec` take any fault as text, and a child can import them.


def test_value_comes_back_as_plain_data():
    outcome = run_isolated(eval, "{'macs': 4_089_184_256, 'shape': (3, 224, 224), 'share': 0.1}")
    assert outcome.ok
    assert outcome.value == {"macs": 4_089_184_256, "shape": [3, 224, 224], "share": 0.1}
    assert outcome.error is None


def test_call_runs_in_another_process():
    assert run_isolated(eval, "__import__('os').getpid()").value != os.getpid()


def test_hang_is_killed_at_its_limit():
    started = time.monotonic()
    outcome = run_isolated(time.sleep, 600, 1.0)
    assert outcome.error == "timed out after 1 s"
    assert time.monotonic() - started < 60


@pytest.mark.slow
def test_hang_that_holds_the_interpreter_lock_is_killed_too():
    backtracking = "__import__('re').match(r'(a+)+$', 'a' * 60 + 'b')"
    assert run_isolated(eval, backtracking, 1.0).error == "timed out after 1 s"


def test_segfault_is_named():
    outcome = run_isolated(ctypes.string_at, 0)
    assert outcome.exitcode == -signal.SIGSEGV
    assert outcome.error
    assert outcome.error.startswith("crashed (SIGSEGV)")


def test_last_words_of_a_crash_are_quoted():
    outcome = run_isolated(exec, "import os\nos.write(2, b'assertion x > 0 failed\\n')\nos.abort()")
    assert outcome.error == "crashed (SIGABRT): assertion x > 0 failed"


def test_kill_is_reported_as_probable_lack_of_memory():
    outcome = run_isolated(exec, "import os, signal; os.kill(os.getpid(), signal.SIGKILL)")
    assert outcome.error == "killed, probably out of memory"
    assert outcome.exitcode == -9


def test_exit_code_is_named():
    assert run_isolated(os._exit, 4).error == "the process exited with code 4"


def test_sys_exit_is_a_failure_of_the_call():
    outcome = run_isolated(sys.exit, 3)
    assert (outcome.status, outcome.error, outcome.exitcode) == ("failed", "called sys.exit(3)", None)


def test_exception_is_named_with_its_place():
    assert run_isolated(int, "x").error.startswith("ValueError: invalid literal")
    placed = run_isolated(exec, "def build():\n    raise KeyError('head')\nbuild()").error
    assert placed == "KeyError: 'head' (at <string>:2)"


def test_own_errors_need_no_type_name():
    code = """
    from archimeter.data.errors import UnknownNameError
    raise UnknownNameError('backbone', 'resnet51', ['resnet50'])
    """
    outcome = run_isolated(exec, textwrap.dedent(code))
    assert outcome.error == str(UnknownNameError("backbone", "resnet51", ["resnet50"]))


def test_exception_that_cannot_be_printed_or_unpickled_is_contained():
    code = """
    class Odd(Exception):
        def __init__(self, a, b):
            super().__init__(a)
        def __str__(self):
            raise RuntimeError
    raise Odd(1, 2)
    """
    assert run_isolated(exec, textwrap.dedent(code)).error.startswith("Odd (at ")


def test_value_that_is_not_plain_is_refused():
    assert "not JSON serializable" in run_isolated(eval, "object()").error


def test_memory_limit_turns_an_allocation_into_a_failure():
    pytest.importorskip("resource")
    code = "import torch\ntorch.empty(4 * 2**30, dtype=torch.uint8)"
    outcome = run_isolated(exec, code, memory_bytes=2 * 2**30)
    assert outcome.error.startswith("out of memory: ")
    assert run_isolated(exec, code, memory_bytes=6 * 2**30).ok


def test_threads_and_environment_are_set_in_the_child():
    code = "(__import__('torch').get_num_threads(), __import__('os').environ['CUDA_VISIBLE_DEVICES'])"
    outcome = run_isolated(eval, code, threads=1, environment={"CUDA_VISIBLE_DEVICES": "7"})
    assert outcome.value == [1, "7"]


def test_what_a_call_prints_does_not_reach_our_stdout(capfd):
    assert run_isolated(exec, "print('noise', flush=True)").ok
    assert capfd.readouterr() == ("", "")


def _alive(pid: int) -> bool:
    return psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE


@pytest.mark.parametrize("ending", ["time.sleep(600)", "os._exit(9)", "pass"])
def test_grandchildren_die_with_the_call(tmp_path, ending):
    note = tmp_path / "pid"
    code = f"""
    import os, subprocess, time
    child = subprocess.Popen(["sleep", "600"])
    open({str(note)!r}, "w").write(str(child.pid))
    {ending}
    """
    run_isolated(exec, textwrap.dedent(code), 2.0)
    pid = int(note.read_text())
    deadline = time.monotonic() + 5
    while _alive(pid) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not _alive(pid)


def test_thread_that_never_ends_does_not_hold_up_the_next_call():
    code = "import threading, time; threading.Thread(target=time.sleep, args=(600,)).start()"
    with IsolatedWorker() as worker:
        assert worker.collect(worker.submit(exec, code)).ok
        assert worker.collect(worker.submit(abs, -3, 30), 30).value == 3


def test_each_call_has_its_process_unless_shared():
    pid = "__import__('os').getpid()"
    with IsolatedWorker() as worker:
        assert len({worker.collect(worker.submit(eval, pid)).value for _ in range(3)}) == 3
    with IsolatedWorker(calls_per_process=3) as worker:
        assert len({worker.collect(worker.submit(eval, pid)).value for _ in range(6)}) == 2


def test_worker_goes_on_after_a_fault_in_a_shared_process():
    with IsolatedWorker(calls_per_process=10) as worker:
        assert worker.collect(worker.submit(abs, -1)).value == 1
        assert worker.collect(worker.submit(os._exit, 7)).exitcode == 7
        assert worker.collect(worker.submit(abs, -2)).value == 2


def test_worker_goes_on_after_its_process_died_between_calls():
    with IsolatedWorker(calls_per_process=10) as worker:
        pid = worker.collect(worker.submit(eval, "__import__('os').getpid()")).value
        os.kill(pid, signal.SIGKILL)
        time.sleep(0.5)
        assert worker.collect(worker.submit(abs, -2)).value == 2


def test_calls_die_with_a_killed_driver(tmp_path):
    note = tmp_path / "pid"
    call = f"import os, time; open({str(note)!r}, 'w').write(str(os.getpid())); time.sleep(600)"
    driver = subprocess.Popen(
        [
            sys.executable,
            "-c",
            f"from archimeter.profilers.isolation import run_isolated as r; r(exec, {call!r})",
        ]
    )
    deadline = time.monotonic() + 60
    while not (note.exists() and note.read_text()) and time.monotonic() < deadline:
        time.sleep(0.1)
    pid = int(note.read_text())
    driver.kill()
    driver.wait()
    deadline = time.monotonic() + 10
    while _alive(pid) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not _alive(pid)
    assert re.fullmatch(r"\d+", note.read_text())
