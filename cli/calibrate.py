"""`archimeter calibrate`: measure ten backbones here, and know how fast the others are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..data.errors import InputError
from .progress import Progress
from .render import Column, JsonFlag, emit, note, percent, plain
from .store import StoreOption, open_store

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..analysis.calibration import Calibration
    from ..data.records import Profile

__all__ = ["calibrate"]


def calibrate(
    *,
    device: Annotated[str, typer.Option(help="cpu, cuda or cuda:N.")] = "cpu",
    name: Annotated[
        str | None,
        typer.Option(help="What to call it in --within; its own name if left out.", show_default=False),
    ] = None,
    batch: Annotated[str, typer.Option(help="Images a step; commas separate several.")] = "1",
    dtype: Annotated[str, typer.Option(help="float32, tf32, amp-float16, amp-bfloat16.")] = "float32",
    compiled: Annotated[bool, typer.Option("--compile", help="Through torch.compile.")] = False,
    timeout: Annotated[
        float | None, typer.Option(min=0.1, help="Seconds for each probe.", show_default=False)
    ] = None,
    refresh: Annotated[bool, typer.Option("--refresh", help="Measure again what the store holds.")] = False,
    check: Annotated[
        bool, typer.Option("--check", help="Measure nothing; say how good such predictions are.")
    ] = False,
    store_path: StoreOption = None,
    as_json: JsonFlag = False,
) -> None:
    """Time about ten probes on a device; `recommend --within '5 ms @ NAME'` then works for all backbones.

    Every probe's time is kept in the store at once, so that the same command continues after a kill.

    Example: archimeter calibrate --device cuda:0 --batch 1,64 --dtype amp-float16
    """
    if check:
        _check(as_json=as_json)
        return
    from ..analysis.calibration import PROBES, save
    from ..profilers.conditions import Condition
    from ..profilers.survey import resolve_each, survey

    conditions = [
        Condition(device=device, dtype=dtype, batch_size=size, compiled=compiled)  # pyright: ignore[reportArgumentType]  # it checks
        for size in _sizes(batch)
    ]
    targets, _ = resolve_each(PROBES)
    with open_store(store_path, create=True) as store:
        rows = survey(targets, conditions, store=store, timeout_s=timeout, refresh=refresh, watch=Progress)
    made, failed = [], [row for row in rows if row.status != "ok"]
    for condition in conditions:
        good = [row for row in rows if row.status == "ok" and row.batch_size == condition.batch_size]
        made.append(_calibration(good, name, condition.batch_size))
        path = save(made[-1])
        note(f"{made[-1].device}: {len(good)} probes kept in {path}.")
    _show(made, as_json=as_json)
    for row in failed:
        note(f"failed: {row.backbone} at batch {row.batch_size}: {row.reason}")
    if failed:
        raise typer.Exit(3)


def _sizes(batch: str) -> list[int]:
    parts = [part.strip() for part in batch.split(",")]
    if not all(part.isdigit() and int(part) for part in parts):
        raise InputError(f"--batch is {batch!r}; write numbers such as 1,64.")
    return list(dict.fromkeys(map(int, parts)))


def _calibration(rows: Sequence[Profile], name: str | None, batch: int) -> Calibration:
    from ..analysis.calibration import Probe, calibrate
    from ..data.errors import TargetError

    if len(rows) < 3:
        raise TargetError(
            f"Only {len(rows)} probes could be measured at batch {batch}; at least three are needed. "
            "`archimeter profile resnet50` with the same options says what is wrong."
        )
    first = rows[0]
    noisy = sum(bool(row.noisy or row.contended) for row in rows)
    setting = f"batch {batch}, {first.dtype}, torch {first.torch_version}" + (
        ", compiled" if first.compiled else ""
    )
    if noisy:
        note(
            f"{noisy} of {len(rows)} probes were noisy or shared the device: calibrate again when it is "
            "idle, with --refresh."
        )
    probes = [
        Probe(
            backbone=row.backbone,
            seconds=(row.latency_median_s or 0.0) / batch,
            p90_s=(row.latency_p90_s or 0.0) / batch,
        )
        for row in rows
    ]
    return calibrate(f"{name or first.device}, batch {batch}", setting, probes)


def _show(made: Sequence[Calibration], *, as_json: bool) -> None:
    document = [one.as_document() for one in made]
    if as_json:
        emit([], [], as_json=True, document=document)
        return
    for one in document:
        emit(one["probes"], _PROBE_COLUMNS, title=f"{one['device']} ({one['setting']})")
        note(
            f"Like the {one['base']}. Of probes left out in turn the median error is "
            f"{100 * one['left_out']:.0f} %. Now: archimeter recommend --within '5 ms @ {one['device']}'"
        )


_PROBE_COLUMNS = [
    Column("backbone", "probe", right=False),
    Column("seconds", "ms per image, median", lambda s: f"{1e3 * s:.3f}"),
    Column("p90_s", "p90", lambda s: f"{1e3 * s:.3f}"),
    Column("left_out_s", "as the others foretell it", lambda s: f"{1e3 * s:.3f}"),
]


def _check(*, as_json: bool) -> None:
    from ..analysis.latency_check import family_scores, held_out_devices

    families, devices = family_scores(), held_out_devices()
    document: dict[str, Any] = {"families": families, "devices": devices}
    if as_json:
        emit([], [], as_json=True, document=document)
        return
    errors = [Column("median", "median error", percent()), Column("p90", "90 % within", percent(0))]
    emit(
        families,
        [
            Column("device", "device", right=False),
            Column("mode", "mode", right=False),
            Column("setting", "setting", right=False),
            Column("n", "backbones"),
            *errors,
            Column("r2", "R² of log time", plain(3)),
        ],
        title="Published devices, one family left out at a time",
    )
    emit(
        devices,
        [
            Column("device", "GPU left out", right=False),
            Column("setting", "setting", right=False),
            Column("base", "foretold by", right=False),
            Column("base_setting", "in the setting", right=False),
            Column("n_probes", "probes"),
            Column("n", "backbones"),
            *errors,
            Column("coverage", "in the 90 % interval", percent(0)),
        ],
        title="\nPublished GPUs left out entirely, predicted from their probes",
    )
    note(
        "Settings that no other GPU is known in (compiled here, torch 1.13) are foretold worse: calibrate in "
        "the setting that you will run in."
    )
