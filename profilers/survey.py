"""Many targets under many conditions: counted first, then measured, each row once.

Counting tells what a measurement has to be named by (the input's shape), spares the measuring of what
cannot even be built, and costs a fraction of a second.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import timm
import torch

from ..data.errors import ArchimeterError, InputError
from ..data.records import Profile
from .execution import Job
from .machines import LocalMachine
from .static import profile
from .sweep import Sweep, Task
from .targets import Target, resolve_targets

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from ..data.store import Store
    from .conditions import Condition
    from .isolation import Outcome
    from .machines import Machine
    from .sweep import Execute

__all__ = ["COUNTING_LIMIT_S", "MEASURING_LIMIT_S", "ask_each", "resolve_each", "survey"]

COUNTING_LIMIT_S = 120.0
MEASURING_LIMIT_S = 600.0
_ONLY_COUNTING_TELLS = frozenset({"attention_fused", "dtype"})

Size = int | tuple[int, ...] | None
Watch = Callable[[str, int], contextlib.AbstractContextManager[Any]]
"""`watch(what, total)` is entered once per stage; its `step(name, ok=…)` is told of every row."""


def resolve_each(patterns: Iterable[str]) -> tuple[list[Target], list[Profile]]:
    """Resolve names one by one: targets in the order written, and a failed row for each that names none.

    Raises:
        InputError, UnknownNameError: if not one of them names a target.
    """
    targets: dict[Target, None] = {}
    failed: list[Profile] = []
    errors: list[ArchimeterError] = []
    for pattern in patterns:
        try:
            targets |= dict.fromkeys(resolve_targets(pattern))
        except ArchimeterError as error:
            errors.append(error)
            failed.append(Profile(backbone=pattern, source_ref=pattern, status="failed", reason=str(error)))
    if errors and not targets:
        raise errors[0] if len(errors) == 1 else InputError("\n".join(map(str, errors)))
    return list(targets), failed


def survey(
    targets: Sequence[Target],
    conditions: Sequence[Condition] | Mapping[Target, Sequence[Condition]] = (),
    *,
    store: Store,
    input_size: Size = None,
    timeout_s: float | None = None,
    refresh: bool = False,
    machine: Machine | None = None,
    watch: Watch | None = None,
) -> list[Profile]:
    """Profile every target under every condition, each in its own process, and keep every row in the store.

    Args:
        targets: what to profile.
        conditions: how to measure it, or of each target how to measure that; none for counts only.
        store: where rows that are there are taken from and new ones are put.
        input_size: side in pixels or shape without the batch; what each target states if left out.
        timeout_s: limit for each row in seconds; 120 for counting and 600 for measuring if left out.
        refresh: do again what the store holds.
        machine: where to run; this machine if left out.
        watch: told of the progress.

    Returns:
        One row per target, or per target and condition, in the order given; failed ones with their reason.

    Raises:
        MissingPartError: if a device or Ray is not there.
        InputError: if the place to run is not there.
    """
    machine = machine or LocalMachine()
    plan = conditions if isinstance(conditions, Mapping) else dict.fromkeys(targets, conditions)
    asked = {c.device for of in plan.values() for c in of}
    devices = {device: machine.device_names(device) for device in sorted(asked)}
    stage = _Stage(store, refresh, watch or _unwatched)
    counting = [_counting(target, input_size) for target in targets]
    counted = stage.run("counting", counting, machine.counting(), timeout_s or COUNTING_LIMIT_S)
    if not conditions:
        return counted
    whole = [(t, row) for t, row in zip(targets, counted, strict=True) if row.status == "ok"]
    tasks = {
        (t, c): _measuring(t, c, row, input_size, devices[c.device]) for t, row in whole for c in plan[t]
    }
    rows: dict[tuple[Target, Condition], Profile] = {}
    for device in devices:  # the CPU's clock waits until the GPU's is done, and the other way round
        chosen = {at: task for at, task in tasks.items() if at[1].device == device}
        done = stage.run(
            f"measuring on {device}",
            list(chosen.values()),
            machine.timing(device),
            timeout_s or MEASURING_LIMIT_S,
        )
        rows |= dict(zip(chosen, done, strict=True))
    answer: list[Profile] = []
    for target, count in zip(targets, counted, strict=True):
        answer += [rows[target, c] for c in plan[target]] if count.status == "ok" else [count]
    return answer


def ask_each(
    function: Callable[[Any], Mapping[str, Any]],
    specs: Sequence[Any],
    *,
    what: str,
    timeout_s: float | None = None,
    machine: Machine | None = None,
    device: str | None = None,
    watch: Watch | None = None,
) -> list[Outcome]:
    """Call `function` on each spec in its own process; return the outcomes in order. Nothing is stored.

    Args:
        function: importable by name, returns plain data.
        specs: its arguments, picklable.
        what: what is being done, for `watch`.
        timeout_s: limit for each in seconds; 120 if left out.
        machine: where to run; this machine if left out.
        device: where a device itself is asked: one call at a time on it.
        watch: told of the progress.
    """
    limit = timeout_s or COUNTING_LIMIT_S
    jobs = [Job(key=str(i), function=function, spec=spec, timeout_s=limit) for i, spec in enumerate(specs)]
    outcomes: dict[str, Outcome] = {}
    with (watch or _unwatched)(what, len(jobs)) as progress:
        place = machine or LocalMachine()
        for job, outcome in (place.timing(device) if device else place.counting())(jobs):
            outcomes[job.key] = outcome
            progress.step(what, ok=outcome.ok)
    return [outcomes[job.key] for job in jobs]


class _Stage:
    def __init__(self, store: Store, refresh: bool, watch: Watch) -> None:
        self.store, self.refresh, self.watch = store, refresh, watch

    def run(self, what: str, tasks: list[Task], execute: Execute, timeout_s: float) -> list[Profile]:
        sweep = Sweep(tasks, self.store, timeout_s=timeout_s, refresh=self.refresh)
        with self.watch(what, len(sweep.pending)) as progress:
            for row in sweep.run(execute):
                progress.step(row.backbone, ok=row.status == "ok")
        return sweep.rows()


class _Silence:
    def step(self, name: str, *, ok: bool = True) -> None:
        pass


def _unwatched(what: str, total: int) -> contextlib.AbstractContextManager[Any]:  # noqa: ARG001
    return contextlib.nullcontext(_Silence())


def _counting(target: Target, input_size: Size) -> Task:
    shapes = _shapes_beforehand(target, input_size)
    identity = Profile(
        backbone=target.backbone,
        family=target.family,
        kind=target.kind,
        source=target.source,
        source_ref=target.source_ref,
        input_shapes=shapes,
        torch_version=torch.__version__.partition("+")[0],
        timm_version=timm.__version__ if target.form == "timm" else None,
    )
    trusted = _is_plain_timm(target)
    return Task(
        identity=identity,
        function=_count,
        spec=(target, input_size),
        open=_ONLY_COUNTING_TELLS if trusted else _ONLY_COUNTING_TELLS | {"input_shapes"},
        shareable=trusted,
        # of a user's own code a count is made anew: it takes less than to make sure that nothing changed
        measures=("params",) if trusted else (),
        newer_than=_changed(target),
    )


def _measuring(
    target: Target, condition: Condition, counted: Profile, input_size: Size, devices: frozenset[str]
) -> Task:
    identity = replace(
        counted,
        batch_size=condition.batch_size,
        dtype=condition.dtype,
        device=min(devices),
        mode=condition.mode,
        memory_format=condition.memory_format,
        attention_fused=condition.attention_fused,
        compiled=condition.compiled,
        optimiser=condition.optimiser if condition.training else None,
    )
    return Task(
        identity=identity,
        function=_measure,
        spec=(target, condition, input_size),
        open=frozenset({"device"} if len(devices) > 1 else ()),
        devices=devices,
        measures=("latencies_s",),
        newer_than=_changed(target),
    )


def _count(spec: tuple[Target, Size]) -> dict[str, Any]:
    target, input_size = spec
    return profile(target, input_size=input_size).as_row()


def _measure(spec: tuple[Target, Condition, Size]) -> dict[str, Any]:
    from .measure import measure

    target, condition, input_size = spec
    return measure(target, condition, input_size=input_size).as_row()


def _is_plain_timm(target: Target) -> bool:
    return target.form == "timm" and not target.arguments


def _shapes_beforehand(target: Target, input_size: Size) -> tuple[tuple[int, ...], ...]:
    if isinstance(input_size, tuple):
        return (input_size,)
    if not _is_plain_timm(target):
        return () if input_size is None else ((3, input_size, input_size),)
    config = timm.get_pretrained_cfg(target.ref, allow_unregistered=True)
    stated = tuple(config.input_size) if config and config.input_size else (3, 224, 224)
    return (stated if input_size is None else (stated[0], input_size, input_size),)


def _changed(target: Target) -> str | None:
    """When the file of a target was last written, as rows write their dates."""
    if target.form in {"timm", "package"}:
        return None
    path = Path(target.ref.rpartition(":")[0] if target.form == "file" else target.ref)
    return datetime.fromtimestamp(path.stat().st_mtime, UTC).isoformat(timespec="milliseconds")
