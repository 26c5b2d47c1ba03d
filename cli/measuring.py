"""What `profile` does with its options: conditions, the place to run, and the rows that people read."""

from __future__ import annotations

import contextlib
import itertools
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ..data.errors import InputError
from .progress import Progress
from .render import Column, note, percent, plain, si

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from ..data.records import Profile
    from ..data.store import Store
    from ..profilers.conditions import Condition
    from ..profilers.machines import Machine
    from ..profilers.targets import Target

__all__ = [
    "COUNT_COLUMNS",
    "DIFFERENCE_COLUMNS",
    "FIT_COLUMNS",
    "TIMED_COLUMNS",
    "check",
    "exit_code",
    "fits",
    "place",
    "read_conditions",
    "read_size",
    "row_of",
    "say_what_failed",
]

SHOWN_FAILURES = 20


def _flag(value: bool) -> str:
    return "yes" if value else ""


COUNT_COLUMNS = [
    Column("backbone", "backbone", right=False),
    Column("params", "params", si()),
    Column("macs", "MACs", si()),
    Column("activations", "activations", si()),
    Column("depth", "depth"),
    Column("blocks", "blocks"),
    Column("width_max", "width"),
    Column("feature_dim", "features"),
    Column("attention_share", "attention", percent(0)),
    Column("status", "status", right=False),
]

TIMED_COLUMNS = [
    Column("backbone", "backbone", right=False),
    Column("params", "params", si()),
    Column("macs", "MACs", si()),
    Column("device", "device", right=False),
    Column("mode", "mode", right=False),
    Column("dtype", "dtype", right=False),
    Column("batch_size", "batch"),
    Column("latency_median_s", "median ms", lambda s: plain()(1e3 * s)),
    Column("latency_iqr_s", "IQR ms", lambda s: plain(2)(1e3 * s)),
    Column("latency_p90_s", "p90 ms", lambda s: plain()(1e3 * s)),
    Column("throughput", "images/s", plain()),
    Column("peak_memory_bytes", "peak MiB", lambda b: plain()(b / 2**20)),
    Column("noisy", "noisy", _flag, right=False),
    Column("contended", "contended", _flag, right=False),
    Column("status", "status", right=False),
]

DIFFERENCE_COLUMNS = [
    Column("backbone", "backbone", right=False),
    Column("what", "what", right=False),
    Column("ours", "ours", si(5)),
    Column("theirs", "fvcore", si(5)),
    Column("reason", "reason", right=False),
]

FIT_COLUMNS = [
    Column("backbone", "backbone", right=False),
    Column("params", "params", si()),
    Column("mode", "mode", right=False),
    Column("optimiser", "optimiser", right=False),
    Column("dtype", "dtype", right=False),
    Column("smallest_batch", "smallest batch"),
    Column("peak_memory_bytes", "its peak MiB", lambda b: plain()(b / 2**20)),
    Column("largest_batch", "largest batch"),
    Column("largest_batch_sure", "surely"),
]


def read_size(text: str | None) -> int | tuple[int, ...] | None:
    """Read `--size`: `224` or `3,224,224`."""
    if text is None:
        return None
    parts = [part.strip() for part in text.replace("x", ",").split(",")]
    if not all(part.isdigit() and int(part) > 0 for part in parts):
        raise InputError(f"--size is {text!r}; write 224, or channels,height,width such as 3,192,256.")
    return int(parts[0]) if len(parts) == 1 else tuple(map(int, parts))


def read_conditions(
    device: str | None,
    *,
    sizes: Sequence[int] = (1,),
    dtype: str = "float32",
    channels_last: bool = False,
    compiled: bool = False,
    attention_fused: bool = True,
    training: bool = False,
    optimiser: str = "sgd",
    predict: bool = False,
) -> list[Condition]:
    """Combine the options' values and the batch sizes into conditions; commas separate values.

    Without a device there are none, but for a prediction of memory, which is for CUDA unless told otherwise.
    """
    if device is None:
        if not predict:
            return []
        device = "cuda"
    from ..profilers.conditions import Condition

    combined = itertools.product(_parts(device), _parts(dtype), sizes)
    return [
        Condition(
            device=where,
            dtype=kind,  # pyright: ignore[reportArgumentType]  # the condition checks it
            batch_size=size,
            memory_format="channels_last" if channels_last else "contiguous",
            compiled=compiled,
            attention_fused=attention_fused,
            mode="training" if training else "inference",
            optimiser=optimiser,  # pyright: ignore[reportArgumentType]
        )
        for where, kind, size in combined
    ]


def _parts(text: str) -> list[str]:
    return list(dict.fromkeys(part.strip() for part in text.split(",")))


@contextlib.contextmanager
def place(ray: str | None = None) -> Iterator[Machine]:
    """Give the place to run: this machine, or the Ray cluster that --ray names."""
    from ..profilers.machines import LocalMachine, RayMachine

    if ray is None:
        yield LocalMachine()
        return
    with RayMachine(None if ray == "auto" else ray) as machine:
        yield machine


def row_of(profile: Profile) -> dict[str, Any]:
    """Return a profile's row, and of its samples median, spread and tails."""
    row = profile.as_row()
    if profile.latencies_s:
        for name in ("latency_median_s", "latency_iqr_s", "latency_p90_s", "latency_p99_s"):
            row[name] = getattr(profile, name)
    return row


def exit_code(failed: int, targets: int) -> int:
    """0 where none failed, 3 where some did, 1 where nothing is left: then the question was bad."""
    return 0 if not failed else 3 if failed < targets else 1


def say_what_failed(rows: Iterable[Mapping[str, Any]]) -> int:
    """Name each failure with its reason, on stderr; return how many there were."""
    failed = [row for row in rows if row["status"] == "failed"]
    for row in failed[:SHOWN_FAILURES]:
        note(f"failed: {row['source_ref'] or row['backbone']}: {row['reason']}")
    if len(failed) > SHOWN_FAILURES:
        note(f"… and {len(failed) - SHOWN_FAILURES} more; --json has them all.")
    if failed:
        kept = any(row.get("date") for row in failed)
        note(f"{len(failed)} failed.{' A failure is kept too: --refresh tries again.' if kept else ''}")
    return len(failed)


def check(
    targets: Sequence[Target],
    profiles: Sequence[Profile],
    size: Any,
    tool: str,
    *,
    timeout_s: float | None,
    machine: Machine,
    store: Store,
) -> tuple[list[Profile], list[dict[str, Any]]]:
    """Ask fvcore about every target that was counted.

    Returns:
        The profiles with `macs_second_opinion`, and one row per difference: `backbone`, `what`, `ours`,
        `theirs`, `reason`, `known`; a target that fvcore cannot count is a row with its reason.
    """
    if tool != "fvcore":
        raise InputError(f"--check is {tool!r}; allowed: fvcore.")
    if len(targets) != len(profiles):
        raise InputError("--check asks about counts: leave out --device, or ask in a run of its own.")
    from ..profilers.second_opinion import fvcore_answer
    from ..profilers.survey import ask_each

    good = [i for i, profile in enumerate(profiles) if profile.status == "ok"]
    specs = [(targets[i], profiles[i], size) for i in good]
    outcomes = ask_each(
        fvcore_answer, specs, what="asking fvcore", timeout_s=timeout_s, machine=machine, watch=Progress
    )
    checked, differences = list(profiles), []
    for i, outcome in zip(good, outcomes, strict=True):
        name = {"backbone": profiles[i].backbone}
        if outcome.ok:
            checked[i] = replace(profiles[i], macs_second_opinion=outcome.value["macs_second_opinion"])
            differences += [name | difference for difference in outcome.value["differences"]]
        else:
            unknown = {"what": "everything", "ours": profiles[i].macs, "theirs": None}
            differences.append({**name, **unknown, "reason": outcome.error, "known": False})
    store.put_profiles(row for row in checked if row.macs_second_opinion is not None)
    return checked, differences


def fits(
    targets: Sequence[Target],
    conditions: Sequence[Condition],
    budget: str,
    size: Any,
    *,
    timeout_s: float | None,
    machine: Machine,
) -> list[dict[str, Any]]:
    """Predict what fits into a budget: one row per target and condition, the largest that fits first."""
    from ..profilers.fits import fit_row, parse_bytes
    from ..profilers.survey import ask_each

    budget_bytes = parse_bytes(budget)
    specs = [(target, condition, budget_bytes, size) for target in targets for condition in conditions]
    outcomes = ask_each(
        fit_row, specs, what="predicting memory", timeout_s=timeout_s, machine=machine, watch=Progress
    )
    rows = [
        {"status": "ok", "reason": None} | outcome.value
        if outcome.ok
        else {"backbone": spec[0].backbone, "source_ref": spec[0].source_ref, "status": "failed"}
        | {"reason": outcome.error}
        for spec, outcome in zip(specs, outcomes, strict=True)
    ]
    return sorted(rows, key=lambda row: (not row.get("largest_batch"), -row.get("params", 0)))
