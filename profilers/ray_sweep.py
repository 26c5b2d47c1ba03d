"""The same jobs on a Ray cluster: an actor per GPU or core, and in it the same isolation as at home.

The driver hands each actor one job at a time and yields what comes back, so results stream into the
driver's store. A job whose node is lost goes to another; Ray's own retries are not used.
"""

from __future__ import annotations

import os
import time
from collections import deque
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

from ..data.errors import InputError, MissingPartError
from .execution import Job, WorkerPair
from .isolation import Outcome

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

__all__ = ["Slot", "ask_nodes", "connect", "disconnect", "plan_slots", "run_ray"]

MAX_ATTEMPTS = 3
START_LIMIT_S = 120.0


class Slot(NamedTuple):
    """What one actor takes: a node's id, and how much of that node."""

    node: str
    cpus: float
    gpus: float


def connect(address: str | None = None) -> bool:
    """Join the Ray cluster at `address`, or start one on this machine; say whether it was started here.

    Args:
        address: `host:port`, `ray://host:port`, `auto` for the cluster that this machine belongs to, or
            None for that cluster where there is one and else a new one.

    Raises:
        MissingPartError: if Ray is not installed.
        InputError: if there is no cluster at the address.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("RAY_task_oom_retries", "1")  # otherwise retried for ever
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    ray = _ray()
    if ray.is_initialized():
        return False
    try:
        ray.init(address=address, logging_level="ERROR", log_to_driver=False)
    except (ConnectionError, ValueError, RuntimeError, OSError) as error:
        where = f"Ray cluster at {address!r}" if address else "local Ray cluster"
        raise InputError(
            f"No {where}: {str(error).splitlines()[0]} Start one with `ray start --head`, or give its "
            "host:port."
        ) from error
    return True


def disconnect() -> None:
    """Leave the cluster; one that `connect` started here ends."""
    _ray().shutdown()


def plan_slots(nodes: Iterable[Mapping[str, Any]], *, gpu: bool, whole_node: bool) -> list[Slot]:
    """Divide a cluster into slots, one node's after another's in turn.

    Args:
        nodes: what `ray.nodes()` returns.
        gpu: a slot per GPU; otherwise per core.
        whole_node: a slot per node with all its cores: a CPU's clock must not share them.
    """
    per_node: list[list[Slot]] = []
    for node in nodes:
        if not node.get("Alive"):
            continue
        cpus = int(node["Resources"].get("CPU", 0))
        gpus = int(node["Resources"].get("GPU", 0))
        if gpu:
            per_node.append([Slot(node["NodeID"], min(1, cpus), 1)] * gpus)
        elif whole_node:
            per_node.append([Slot(node["NodeID"], cpus, 0)] * min(1, cpus))
        else:
            per_node.append([Slot(node["NodeID"], 1, 0)] * cpus)
    longest = max(map(len, per_node), default=0)
    return [slots[turn] for turn in range(longest) for slots in per_node if turn < len(slots)]


def run_ray(
    jobs: Iterable[Job],
    *,
    address: str | None = None,
    gpu: bool = False,
    whole_node: bool = False,
    limits: Mapping[str, Any] | None = None,
) -> Iterator[tuple[Job, Outcome]]:
    """Run jobs on a Ray cluster and yield each with its outcome as soon as it ends.

    Args:
        jobs: what to run; function and spec must be importable on the nodes.
        address: see `connect`.
        gpu: give each job a whole GPU.
        whole_node: give each job a whole node's cores.
        limits: IsolatedWorker's threads, memory_bytes and environment.

    Raises:
        MissingPartError: if Ray is not installed.
        InputError: if there is no cluster, nothing in it that jobs can run on, or no room in it.
    """
    waiting = deque((job, 1) for job in jobs)
    if not waiting:
        return
    ours = connect(address)
    fleet = _Fleet(gpu=gpu, whole_node=whole_node, limits=limits or {}, most=len(waiting))
    try:
        fleet.enlist()
        while waiting or fleet.running:
            while waiting and fleet.idle:
                fleet.start(*waiting.popleft())
            for job, attempt, outcome in fleet.wait(some_left=bool(waiting)):
                if outcome is not None:
                    yield job, outcome
                elif attempt < MAX_ATTEMPTS:
                    waiting.appendleft((job, attempt + 1))
                else:
                    error = f"its process or node was lost {attempt} times, perhaps through its own doing"
                    yield job, Outcome(status="failed", error=error, attempts=attempt)
    finally:
        fleet.dismiss()
        if ours:
            disconnect()


def ask_nodes(
    function: Callable[[Any], Any], spec: Any, *, gpu: bool = False, whole_node: bool = False
) -> list[Any]:
    """Call `function(spec)` once on every node of the cluster that we joined, and return the answers.

    Args:
        function: importable on the nodes.
        spec: its argument, picklable.
        gpu: ask the nodes with a GPU, each with one GPU in sight.
        whole_node: with as many threads as a timing has there.

    Raises:
        InputError: if a node has no room for the question.
    """
    ray = _ray()
    first = {slot.node: slot for slot in reversed(plan_slots(ray.nodes(), gpu=gpu, whole_node=whole_node))}
    actors = [_hire(slot, {}) for slot in first.values()]
    try:
        job = Job(key="question", function=function, spec=spec, timeout_s=START_LIMIT_S)
        outcomes = ray.get([actor.run.remote(job) for actor in actors], timeout=START_LIMIT_S)
    except ray.exceptions.GetTimeoutError as error:
        raise InputError(_no_room()) from error
    finally:
        for actor in actors:
            ray.kill(actor)
    return [outcome.value for outcome in outcomes if outcome.ok]


class Measurer:
    """The actor: a slot on some node."""

    def __init__(self, limits: Mapping[str, Any]) -> None:
        self._slot = WorkerPair(limits)

    def ready(self) -> bool:
        """Answer once the actor lives."""
        return True

    def run(self, job: Job) -> Outcome:
        """Run one job in its own process on this node."""
        return self._slot.run(job)


class _Fleet:
    def __init__(self, *, gpu: bool, whole_node: bool, limits: Mapping[str, Any], most: int) -> None:
        self.gpu, self.whole_node, self.limits, self.most = gpu, whole_node, limits, most
        self.idle: list[Any] = []
        self.running: dict[Any, tuple[Any, Job, int]] = {}
        self.starting: dict[Any, Any] = {}
        self.posts: dict[Any, Slot] = {}

    def enlist(self) -> None:
        """Put an actor into every slot that has none, up to the number of jobs."""
        slots = plan_slots(_ray().nodes(), gpu=self.gpu, whole_node=self.whole_node)
        if not slots:
            what = "GPU" if self.gpu else "CPU"
            raise InputError(
                f"The Ray cluster has no {what}: {_resources()}. "
                + ("Use --device cpu, or add a node with a GPU." if self.gpu else "Add a node.")
            )
        taken = list(self.posts.values())
        for slot in slots:
            if slot in taken:
                taken.remove(slot)
            elif len(self.posts) < self.most:
                actor = _hire(slot, self.limits)
                self.posts[actor] = slot
                self.starting[actor.ready.remote()] = actor

    def start(self, job: Job, attempt: int) -> None:
        """Give a job to an idle actor."""
        actor = self.idle.pop()
        self.running[actor.run.remote(job)] = actor, job, attempt

    def wait(self, *, some_left: bool) -> list[tuple[Job, int, Outcome | None]]:
        """Wait until something happens; return the jobs that ended, with None for those that were lost."""
        ray = _ray()
        watched: Sequence[Any] = [*self.running, *self.starting]
        began = time.monotonic()
        ready: list[Any] = []
        while not ready:
            ready, _ = ray.wait(watched, num_returns=1, timeout=5.0)
            if not ready and not self.running and time.monotonic() - began > START_LIMIT_S:
                raise InputError(_no_room())
        return [ended for ref in ready if (ended := self._settle(ref, some_left=some_left)) is not None]

    def _settle(self, ref: Any, *, some_left: bool) -> tuple[Job, int, Outcome | None] | None:
        ray = _ray()
        actor, job, attempt = (
            self.running.pop(ref) if ref in self.running else (self.starting.pop(ref), None, 0)
        )
        lost = (ray.exceptions.RayActorError, ray.exceptions.ObjectLostError, ray.exceptions.NodeDiedError)
        try:
            answer = ray.get(ref)
        except lost:
            self.posts.pop(actor, None)
            if job is not None or some_left:
                self.enlist()
            return None if job is None else (job, attempt, None)
        self.idle.append(actor)
        return (
            None if job is None else (job, attempt, replace(answer, attempts=answer.attempts + attempt - 1))
        )

    def dismiss(self) -> None:
        """End every actor, and with it what it runs."""
        for actor in self.posts:
            _ray().kill(actor)


def _hire(slot: Slot, limits: Mapping[str, Any]) -> Any:
    ray = _ray()
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    place = NodeAffinitySchedulingStrategy(slot.node, soft=False)
    measurer = ray.remote(Measurer)
    return measurer.options(
        num_cpus=slot.cpus, num_gpus=slot.gpus, max_restarts=0, scheduling_strategy=place
    ).remote(dict(limits))


def _no_room() -> str:
    return (
        f"The Ray cluster gave us no room within {START_LIMIT_S:g} s: it has {_resources()}, "
        f"free are {_resources(free=True)}. Wait until others are done, or run without --ray."
    )


def _resources(*, free: bool = False) -> str:
    ray = _ray()
    has = ray.available_resources() if free else ray.cluster_resources()
    return f"{has.get('CPU', 0):g} CPUs and {has.get('GPU', 0):g} GPUs"


def _ray() -> Any:
    try:
        import ray
    except ImportError as error:
        raise MissingPartError(
            "Ray is not installed: `pip install 'archimeter[ray]'`, or leave out --ray to run here."
        ) from error
    return ray
