"""`archimeter scaling`: exponents of work and size in depth, width and resolution."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..data.errors import InputError
from .own import OnlyFlag, Own, ResultsFile, StoreOption, own_results
from .render import Column, CsvFlag, JsonFlag, OutputFile, emit, note, plain

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["scaling"]


def scaling(
    targets: Annotated[
        list[str],
        typer.Argument(
            help="An architecture (resnet18, efficientnet_b0), file.py:factory, or a family's name."
        ),
    ],
    *,
    depth: Annotated[
        str | None,
        typer.Option(help="Multipliers (1,2) or your factory's argument=values.", show_default=False),
    ] = None,
    width: Annotated[
        str | None,
        typer.Option(help="Multipliers (1,2) or your factory's argument=values.", show_default=False),
    ] = None,
    resolution: Annotated[str, typer.Option(help="Pixels of square images.")] = "160,224,320",
    latency: Annotated[
        str | None, typer.Option(help="Time each one as well, on this device: cpu, cuda.", show_default=False)
    ] = None,
    error: Annotated[
        bool, typer.Option("--error", help="Error against MACs within the families instead.")
    ] = False,
    results: ResultsFile = None,
    only: OnlyFlag = False,
    store_path: StoreOption = None,
    as_json: JsonFlag = False,
    as_csv: CsvFlag = False,
    output: OutputFile = None,
) -> None:
    """Fit how MACs, activations and parameters grow with depth, width and resolution.

    A family's name (as in `archimeter tables profiles`) fits over its published members instead of building
    new ones. With --error the results of each family say how error falls with MACs.

    Example: archimeter scaling efficientnet_b0 --depth 1,1.2,1.44 --width 1,1.1,1.21
    """
    import pandas as pd

    if not error and (results is not None or only):
        raise InputError(
            "--results and --only are for --error: without it nothing but the architecture counts."
        )
    if error:
        table = _errors(targets, own_results(results, only=only, store=store_path))
        emit(_rows(table), ERRORS, as_json=as_json, as_csv=as_csv, output=output)
        note("exponent −0.1: ten times the MACs divide the odds of an error by 1.26. Intervals are 95 %.")
        return
    found = [_of(target, depth, width, resolution, latency) for target in targets]
    table = pd.concat(found, ignore_index=True)
    emit(_rows(table), COLUMNS, as_json=as_json, as_csv=as_csv, output=output)
    note("value ∝ depthᵃ · widthᵇ · resolutionᶜ. The interval is 95 %, of how far one law fits all members.")


COLUMNS = [
    Column("target", "target", right=False),
    Column("response", "response", right=False),
    Column("factor", "in", right=False),
    Column("n", "n"),
    Column("exponent", "exponent", plain(3)),
    Column("low", "95 % from", plain(3)),
    Column("high", "to", plain(3)),
    Column("r2", "R²", plain(4)),
    Column("largest_miss", "worst ×", plain(3)),
    Column("note", "note", right=False),
]
ERRORS = [
    Column("family", "family", right=False),
    Column("study", "study", right=False),
    Column("dataset", "data set", right=False),
    Column("recipe", "recipe", right=False),
    Column("n", "n"),
    Column("exponent", "exponent", plain(3)),
    Column("low", "95 % from", plain(3)),
    Column("high", "to", plain(3)),
    Column("r2", "R²", plain(2)),
    Column("note", "note", right=False),
]


def _rows(table: pd.DataFrame) -> list[dict[str, Any]]:
    return table.to_dict("records")  # pyright: ignore[reportReturnType]


def _of(
    target: str, depth: str | None, width: str | None, resolution: str, latency: str | None
) -> pd.DataFrame:
    from ..analysis.scaling import exponents, family_frame
    from ..data.tables import load_profiles

    profiles = load_profiles()
    if target in set(profiles["family"].dropna()) and target not in set(profiles["backbone"]):
        return exponents(family_frame(profiles, target)).assign(target=f"{target} (published members)")
    return exponents(_built(target, depth, width, resolution, latency)).assign(target=target)


def _built(
    target: str, depth: str | None, width: str | None, resolution: str, latency: str | None
) -> pd.DataFrame:
    import pandas as pd

    from ..profilers.scaling import scale, variation

    members = scale(
        target,
        depth=variation(depth) if depth else None,
        width=variation(width) if width else None,
        resolutions=[int(value) for value in variation(resolution).steps],
        measured=_timed(latency) if latency else None,
    )
    return pd.DataFrame(
        [
            {
                "depth": member.depth,
                "width": member.width,
                "resolution": member.resolution,
                "macs": member.profile.macs,
                "activations": member.profile.activations,
                "params": member.profile.params,
                "latency_s": member.profile.latency_median_s,
            }
            for member in members
        ]
    )


def _timed(device: str) -> Any:
    from ..profilers.conditions import Condition
    from ..profilers.measure import measure

    condition = Condition(device=device)
    return lambda member, side: measure(member, condition, input_size=(3, side, side), memory=False)


def _errors(families: list[str], own: Own) -> pd.DataFrame:
    from ..analysis.scaling import error_exponents
    from ..analysis.shipped import choose, shipped

    joined = shipped(observations=own.observations, own_profiles=own.profiles)
    frame = choose(joined.frame, "family", families)
    return error_exponents(frame).sort_values(["family", "study", "dataset"], ignore_index=True)
