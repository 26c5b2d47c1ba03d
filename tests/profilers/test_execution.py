"""Many isolated calls: a bad one costs itself only, whether it shares a process or not."""

from __future__ import annotations

import os
import time

import psutil
import pytest

from archimeter.profilers.execution import Job, run_local

PID = "__import__('os').getpid()"


def _jobs(texts, **options):
    return [Job(key=str(i), function=eval, spec=text, **options) for i, text in enumerate(texts)]


def _outcomes(jobs, **options):
    return {job.key: outcome for job, outcome in run_local(jobs, **options)}


def test_every_job_is_answered_once_and_by_key():
    outcomes = _outcomes(_jobs([f"{i} ** 2" for i in range(20)], shareable=True), slots=2)
    assert {key: outcome.value for key, outcome in outcomes.items()} == {str(i): i**2 for i in range(20)}


def test_no_jobs_no_outcomes():
    assert _outcomes([]) == {}


def test_jobs_share_a_process_only_where_they_may():
    assert len({o.value for o in _outcomes(_jobs([PID] * 4, shareable=True)).values()}) == 1
    assert len({o.value for o in _outcomes(_jobs([PID] * 4)).values()}) == 4


@pytest.mark.parametrize("slots", [1, 2])
def test_faults_among_sharing_jobs_cost_only_themselves(slots):
    texts = ["1"] * 12
    texts[2] = "__import__('os').abort()"
    texts[5] = "__import__('time').sleep(600)"
    texts[8] = "__import__('sys').exit('enough')"
    outcomes = _outcomes(_jobs(texts, shareable=True, timeout_s=6), slots=slots)
    failed = {int(key): outcome.error for key, outcome in outcomes.items() if not outcome.ok}
    assert len(outcomes) == 12
    assert failed == {2: "crashed (SIGABRT)", 5: "timed out after 6 s", 8: "called sys.exit(enough)"}
    assert all(outcome.attempts == (1 if outcome.ok else 2) for outcome in outcomes.values())


def test_job_that_fails_for_what_a_neighbour_left_behind_succeeds_alone():
    texts = [
        "__import__('builtins').__dict__.update(poison=True) or 0",
        "1 // (not __builtins__.get('poison'))",
    ]
    outcomes = _outcomes(_jobs(texts, shareable=True))
    assert outcomes["1"].value == 1
    assert outcomes["1"].attempts == 2


def test_next_job_of_a_slot_starts_only_when_the_caller_comes_back(tmp_path):
    run = run_local(_jobs([f"open({str(tmp_path / name)!r}, 'w').close()" for name in "ab"]))
    next(run)
    time.sleep(1)
    assert [path.name for path in tmp_path.iterdir()] == ["a"]
    next(run)
    assert len(list(tmp_path.iterdir())) == 2
    run.close()


def test_leaving_early_ends_what_is_running(tmp_path):
    hang = f"open({str(tmp_path / 'pid')!r}, 'w').write(str({PID})) and __import__('time').sleep(600)"
    run = run_local(_jobs(["1", hang]), slots=2)
    next(run)
    while not (tmp_path / "pid").exists() or not (tmp_path / "pid").read_text():
        time.sleep(0.05)
    pid = int((tmp_path / "pid").read_text())
    assert pid != os.getpid()
    run.close()
    assert not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
