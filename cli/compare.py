"""`archimeter compare`: backbones side by side, their nearest kin, their place on the published fronts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from .measuring import place, read_conditions, read_size, row_of, say_what_failed
from .progress import Progress
from .render import Column, JsonFlag, OutputFile, emit, note, percent, plain, si
from .store import StoreOption, open_store

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

    from ..data.records import Profile
    from ..profilers.conditions import Condition
    from ..profilers.machines import Machine
    from ..profilers.targets import Target

__all__ = ["compare"]

NEAREST_COLUMNS = [
    Column("of", "of", right=False),
    Column("backbone", "nearest", right=False),
    Column("family", "family", right=False),
    Column("distance", "distance", plain(2)),
    Column("params", "params", si()),
    Column("macs", "MACs", si()),
    Column("activations", "activations", si()),
    Column("depth", "depth", lambda n: f"{n:.0f}"),
]
IN_TURN_COLUMNS = [
    Column("backbone", "backbone", right=False),
    Column("ratio", "takes ×", plain(3)),
    Column("ratio_low", "95 % from", plain(3)),
    Column("ratio_high", "to", plain(3)),
    Column("n", "pairs"),
    Column("reference", "of", right=False),
]
FRONT_COLUMNS = [
    Column("of", "of", right=False),
    Column("cost", "at no more", right=False),
    Column("value", "than", si()),
    Column("n", "published"),
    Column("best", "best of them", right=False),
    Column("best_error", "error", percent()),
    Column("error", "own error", percent()),
    Column("on_front", "on the front", lambda yes: "yes" if yes else "no", right=False),
    Column("next", "next better", right=False),
    Column("next_cost", "costs", si()),
]


def compare(
    targets: Annotated[list[str], typer.Argument(help="Two or more of what `profile` takes.")],
    *,
    size: Annotated[
        str | None, typer.Option(help="Input side in pixels, or channels,height,width.", show_default=False)
    ] = None,
    device: Annotated[
        str | None,
        typer.Option(
            help="Time and weigh them there, too; and each in turn with the first.", show_default=False
        ),
    ] = None,
    batch: Annotated[int, typer.Option(min=1, help="Batch size to time.")] = 1,
    nearest: Annotated[int, typer.Option(min=0, help="How many known backbones to name as nearest.")] = 5,
    timeout: Annotated[
        float | None, typer.Option(min=0.1, help="Seconds for each row.", show_default=False)
    ] = None,
    store_path: StoreOption = None,
    as_json: JsonFlag = False,
    output: OutputFile = None,
) -> None:
    """Set backbones side by side, with ratios to the first, and say what is known that is like them.

    Example: archimeter compare ./net.py:build convnext_tiny resnet50
    """
    from ..profilers.survey import resolve_each, survey

    conditions = read_conditions(device, sizes=[batch])
    found, unknown = resolve_each(targets)
    with place() as machine, open_store(store_path, create=True) as store:
        made = survey(
            found,
            conditions,
            store=store,
            input_size=read_size(size),
            timeout_s=timeout,
            machine=machine,
            watch=Progress,
        )
        good = [row for row in made if row.status == "ok"]
        able = {row.source_ref for row in good}
        in_turn = _in_turn([t for t in found if t.source_ref in able], conditions, timeout, machine)
    document = _document(good, nearest)
    if conditions:
        document["in_turn"] = in_turn
    failed = say_what_failed(row_of(row) for row in [*made, *unknown])
    if document["profiles"]:
        _show(document, as_json=as_json, output=output)
    if failed:
        raise typer.Exit(3)


def _in_turn(
    targets: Sequence[Target], conditions: Sequence[Condition], timeout_s: float | None, machine: Machine
) -> list[dict[str, Any]]:
    """Time each target in turn with the first: whatever the machine does meets both."""
    from ..profilers.measure import ratio_row
    from ..profilers.survey import MEASURING_LIMIT_S, ask_each

    rows = []
    for condition in conditions:
        specs = [(other, targets[0], condition) for other in targets[1:]]
        outcomes = ask_each(
            ratio_row,
            specs,
            what="timing in turn",
            timeout_s=timeout_s or MEASURING_LIMIT_S,
            machine=machine,
            device=condition.device,
            watch=Progress,
        )
        for (other, first, _), outcome in zip(specs, outcomes, strict=True):
            who = {"backbone": other.backbone, "reference": first.backbone}
            rows.append(who | (outcome.value if outcome.ok else {"reason": outcome.error}))
    return rows


def _document(profiles: Sequence[Profile], n: int) -> dict[str, list[dict[str, Any]]]:
    import pandas as pd

    from ..analysis.compare import nearest, place_on_fronts, ratios
    from ..analysis.shipped import shipped
    from ..data.tables import load_profiles

    rows = [row_of(profile) for profile in profiles]
    if not rows:
        return {"profiles": [], "ratios": [], "nearest": [], "fronts": []}
    known = load_profiles()
    published = shipped(studies=["timm-imagenet"], datasets=["imagenet-1k"]).frame
    kin = [nearest(row, known, n).assign(of=row["backbone"]) for row in rows] if n else []
    fronts = [place_on_fronts(row, published).assign(of=row["backbone"]) for row in rows]
    return {
        "profiles": rows,
        "ratios": _records(ratios(pd.DataFrame(rows))),
        "nearest": _records(pd.concat(kin)) if kin else [],
        "fronts": _records(pd.concat(fronts)),
    }


def _records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    return frame.to_dict("records")  # pyright: ignore[reportReturnType]


def _show(document: dict[str, list[dict[str, Any]]], *, as_json: bool, output: Any) -> None:
    if as_json or output:
        emit(document["ratios"], [], as_json=as_json, output=output, document=document)
        return
    names = [row["backbone"] for row in document["profiles"]]
    columns = [Column("measure", "", right=False)]
    for place_, name in enumerate(names):
        columns.append(Column(f"value{place_}", name))
        if place_:
            columns.append(Column(f"ratio{place_}", "×", plain()))
    side: dict[str, dict[str, Any]] = {}
    for row in document["ratios"]:
        cells = side.setdefault(row["measure"], {"measure": row["measure"]})
        value = None if row["value"] != row["value"] else _written(row["measure"], row["value"])  # NaN
        cells |= {f"value{row['place']}": value, f"ratio{row['place']}": row["ratio"]}
    emit(list(side.values()), columns)
    if document.get("in_turn"):
        emit(document["in_turn"], IN_TURN_COLUMNS, title="\nTime of a batch, measured in turn (A B A B …)")
    if document["nearest"]:
        emit(document["nearest"], NEAREST_COLUMNS, title="\nNearest known backbones, by their statistics")
    if document["fronts"]:
        emit(
            document["fronts"],
            FRONT_COLUMNS,
            title="\nPlace on the published fronts (ImageNet-1k, top-1 error)",
        )
        note(
            "A front holds the published weights that none beats with less error at no more cost. "
            "A distance of 1 is one standard deviation of the known backbones in every statistic."
        )


def _written(measure: str, value: float) -> str:
    if measure == "attention_share":
        return percent(0)(value)
    return f"{value:.0f}" if value == int(value) and value < 10_000 else si()(value)
