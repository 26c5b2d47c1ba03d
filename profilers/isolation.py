"""One call in its own process: what hangs, crashes or eats the memory costs that call and nothing else.

The child is forked from a server that has torch and timm imported already, so a process per call costs
tenths of a second. It leads a session of its own: whatever it started dies with it. What it prints goes
into a log of its own, never among the rows on stdout.
"""

from __future__ import annotations

import contextlib
import faulthandler
import json
import multiprocessing
import os
import pickle
import signal
import threading
import time
import traceback
from concurrent.futures import Future, TimeoutError  # noqa: A004  # before 3.11 not the builtin
from dataclasses import dataclass
from multiprocessing import connection, util
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import psutil
from pebble import ProcessExpired, ProcessPool

from ..data.errors import ArchimeterError
from .scratch import ScratchFolder

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

__all__ = ["IsolatedWorker", "Outcome", "run_isolated"]

PRELOAD = ["torch", "timm", __name__, f"{__package__}.survey"]
GRACE_S = 5.0
"""How long after its limit a worker may outlive a driver that was killed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of one isolated call.

    status: `ok` or `failed`. value: what the function returned, as JSON holds it. error: why it failed,
    in words. exitcode: of the process, where it died of the call. wall_s: seconds from start to end.
    attempts: how often it was tried.
    """

    status: str
    value: Any = None
    error: str | None = None
    exitcode: int | None = None
    wall_s: float = 0.0
    attempts: int = 1

    @property
    def ok(self) -> bool:
        """Whether there is a value."""
        return self.status == "ok"


class IsolatedWorker:
    """A process that runs one call at a time and is replaced when it dies, or after so many calls.

    Args:
        calls_per_process: 1 isolates each call; more is faster where calls are harmless as a rule.
        threads: torch threads in the child; None leaves torch's own choice.
        memory_bytes: limit on the child's private memory (RLIMIT_DATA); for calls on the CPU only.
        environment: variables set in the child before the call, such as CUDA_VISIBLE_DEVICES.
    """

    def __init__(
        self,
        *,
        calls_per_process: int = 1,
        threads: int | None = None,
        memory_bytes: int | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self._calls = calls_per_process
        self._scratch = ScratchFolder()
        self._folder = self._scratch.path
        self._setup = (str(self._folder), threads, memory_bytes, dict(environment or {}))
        self._pool = self._new_pool()
        self._started: dict[Future[str], float] = {}

    def _new_pool(self) -> ProcessPool:
        return ProcessPool(
            max_workers=1,
            max_tasks=self._calls,
            initializer=_prepare,
            initargs=(*self._setup, self._calls == 1),
            context=_context(),
        )

    def submit(
        self, function: Callable[[Any], Any], spec: Any, timeout_s: float | None = None
    ) -> Future[str]:
        """Start `function(spec)`; both must be picklable. Give the result to `collect`."""
        payload = pickle.dumps((function, spec))
        self._reap()
        try:
            future = self._pool.schedule(_call, args=(payload, timeout_s), timeout=timeout_s)
        except RuntimeError:  # the process died between two calls, and the pool with it
            self._replace_pool()
            future = self._pool.schedule(_call, args=(payload, timeout_s), timeout=timeout_s)
        self._started[future] = time.monotonic()
        return future

    def collect(self, future: Future[str], timeout_s: float | None = None) -> Outcome:
        """Wait for a submitted call and say what became of it.

        Args:
            future: what `submit` returned.
            timeout_s: the limit that the call was given, for the message.
        """
        try:
            answer = json.loads(future.result())
            return Outcome(**answer)
        except TimeoutError:
            error, code = f"timed out after {timeout_s:g} s", None
        except ProcessExpired as expired:
            code = expired.exitcode
            error = _cause(code) + self._last_words(expired.pid)
        except RuntimeError as broken:  # BrokenProcessPool: the pool itself failed
            self._replace_pool()
            error, code = f"the process could not be kept running ({broken})", None
        finally:
            started = self._started.pop(future, time.monotonic())
        self._reap()
        return Outcome(status="failed", error=error, exitcode=code, wall_s=time.monotonic() - started)

    def close(self) -> None:
        """End the process at once, with whatever it is doing and everything it started."""
        self._pool.stop()
        self._pool.join()
        self._reap()
        self._scratch.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _replace_pool(self) -> None:
        self._pool.stop()
        self._pool.join()
        self._pool = self._new_pool()

    def _reap(self) -> None:
        """Kill what dead workers left behind: each led a session, and its log is named by its process."""
        for log in self._folder.glob("*.log"):
            leader = int(log.stem)
            if psutil.pid_exists(leader):
                continue
            with contextlib.suppress(ProcessLookupError, PermissionError, AttributeError):
                os.killpg(leader, signal.SIGKILL)
            log.unlink(missing_ok=True)

    def _last_words(self, pid: int | None) -> str:
        try:
            text = (self._folder / f"{pid}.log").read_text(encoding="utf-8", errors="replace")
        except OSError:
            return ""
        lines = [line.strip() for line in text.splitlines() if line.strip()]
        return f": {lines[-1][:300]}" if lines else ""


def run_isolated(
    function: Callable[[Any], Any],
    spec: Any,
    timeout_s: float | None = None,
    *,
    threads: int | None = None,
    memory_bytes: int | None = None,
    environment: Mapping[str, str] | None = None,
) -> Outcome:
    """Run `function(spec)` in a process of its own and return what became of it; never raise for it.

    A hang past the limit, a segfault, an exit, an exhausted memory or any exception is a failed Outcome.

    Args:
        function: importable by name; what it returns must be plain (JSON).
        spec: its argument, picklable.
        timeout_s: seconds until it is killed, None for no limit.
        threads: see IsolatedWorker.
        memory_bytes: see IsolatedWorker.
        environment: see IsolatedWorker.
    """
    with IsolatedWorker(threads=threads, memory_bytes=memory_bytes, environment=environment) as worker:
        return worker.collect(worker.submit(function, spec, timeout_s), timeout_s)


def _context() -> Any:
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(PRELOAD)
    return context


def _cause(exitcode: int) -> str:
    if exitcode == -9:
        return "killed, probably out of memory"
    if exitcode >= 0:
        return f"the process exited with code {exitcode}"
    try:
        return f"crashed ({signal.Signals(-exitcode).name})"
    except ValueError:
        return f"crashed (signal {-exitcode})"


# What runs in the child.


def _prepare(
    folder: str, threads: int | None, memory_bytes: int | None, environment: dict[str, str], alone: bool
) -> None:
    if hasattr(os, "setsid"):
        with contextlib.suppress(OSError):  # a session's leader already
            os.setsid()
    log = os.open(Path(folder) / f"{os.getpid()}.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(log, 1)
    os.dup2(log, 2)
    os.environ.update(environment)
    threading.Thread(target=_die_with_driver, daemon=True).start()
    if alone:
        # the result is sent by then: neither an endless thread nor a crash in a teardown may matter
        util.Finalize(None, _leave, exitpriority=1000)
    if memory_bytes is not None:
        import resource

        resource.setrlimit(resource.RLIMIT_DATA, (memory_bytes, memory_bytes))
    if threads is not None:
        import torch

        torch.set_num_threads(threads)


def _die_with_driver() -> None:
    parent = multiprocessing.parent_process()
    if parent is None:
        return
    connection.wait([parent.sentinel])
    if hasattr(os, "killpg"):
        os.killpg(0, signal.SIGKILL)
    os._exit(1)


def _leave() -> None:
    with contextlib.suppress(psutil.Error):
        for child in psutil.Process().children(recursive=True):
            child.kill()
    os._exit(0)


def _call(payload: bytes, timeout_s: float | None) -> str:
    started = time.monotonic()
    os.ftruncate(1, 0)
    if timeout_s is not None:  # ends even a call that holds the interpreter's lock when no driver is left to
        faulthandler.dump_traceback_later(timeout_s + GRACE_S, exit=True, file=2)
    try:
        function, spec = pickle.loads(payload)  # noqa: S301  # from our own driver
        value = function(spec)
        answer = json.dumps({"status": "ok", "value": value, "wall_s": time.monotonic() - started})
    except BaseException as error:  # noqa: BLE001  # sys.exit and odder things are one call's failure too
        answer = json.dumps(
            {"status": "failed", "error": _in_words(error), "wall_s": time.monotonic() - started}
        )
    finally:
        faulthandler.cancel_dump_traceback_later()
    return answer


def _in_words(error: BaseException) -> str:
    try:
        text = str(error).strip()
    except BaseException:  # noqa: BLE001  # an exception that cannot even be printed
        text = ""
    name = type(error).__name__
    if any(_lacks_memory(cause) for cause in _chain(error)):
        return f"out of memory: {text or name}"
    if isinstance(error, ArchimeterError):
        return text or name
    if isinstance(error, SystemExit):
        return f"called sys.exit({text})"
    frames = traceback.extract_tb(error.__traceback__)
    place = f" (at {Path(frames[-1].filename).name}:{frames[-1].lineno})" if frames else ""
    return f"{name}: {text}{place}" if text else f"{name}{place}"


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__


def _lacks_memory(error: BaseException) -> bool:
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
        return True
    return type(error) is RuntimeError and "can't allocate memory" in str(error)
