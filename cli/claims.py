"""`archimeter claims`: what the sources say, put to the test."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from .own import OnlyFlag, ResultsFile, StoreOption, own_results
from .render import Column, CsvFlag, JsonFlag, OutputFile, emit, note, plain

__all__ = ["claims"]


def claims(
    *,
    system: Annotated[
        list[int] | None, typer.Option(help="Claims of these systems only: 2, 5, 7, 8 or 9; repeatable.")
    ] = None,
    changed: Annotated[
        bool, typer.Option("--changed", help="Where a better method changes what was published.")
    ] = False,
    results: ResultsFile = None,
    only: OnlyFlag = False,
    store_path: StoreOption = None,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the bootstrap.")] = 0,
    as_json: JsonFlag = False,
    as_csv: CsvFlag = False,
    output: OutputFile = None,
) -> None:
    """Judge each claim of the sources on all results: estimate, interval, n, verdict, data.

    Example: archimeter claims --system 9
    """
    from ..analysis.claims import changed_conclusions, gather
    from ..analysis.claims import claims as judge

    own = own_results(results, only=only, store=store_path)
    evidence = gather(own.observations, own.profiles, seed=seed)
    if changed:
        compared = changed_conclusions(evidence)
        rows: list[dict[str, Any]] = compared.to_dict("records")  # pyright: ignore[reportAssignmentType]
        emit(rows, CHANGED, as_json=as_json, as_csv=as_csv, output=output)
        note(f"{sum(row['changed'] for row in rows)} of {len(rows)} comparisons change the conclusion.")
        return
    judged = judge(evidence)
    if system:
        _check(system, set(judged["system"]))
        judged = judged[judged["system"].isin(system)]
    rows = judged.to_dict("records")  # pyright: ignore[reportAssignmentType]
    plainly = as_json or as_csv or output is not None
    shown = [row | {"data": _data(row)} for row in rows]
    emit(rows if plainly else shown, CLAIMS, as_json=as_json, as_csv=as_csv, output=output)
    counts = ", ".join(
        f"{sum(row['verdict'] == verdict for row in rows)} {verdict}"
        for verdict in ("supported", "not supported", "undecided")
    )
    note(
        f"{counts}. Intervals are 95 %, each claim by itself. --json says what each estimate is, and whence."
    )


CLAIMS = [
    Column("system", "row"),
    Column("statement", "claim", right=False),
    Column("verdict", "verdict", right=False),
    Column("estimate", "estimate", plain(2)),
    Column("low", "95 % from", plain(2)),
    Column("high", "to", plain(2)),
    Column("n", "n"),
    Column("n_of", "of", right=False),
    Column("reason", "why", right=False),
    Column("data", "data", right=False),
]
CHANGED = [
    Column("dataset", "data set", right=False),
    Column("family", "family", right=False),
    Column("statistic", "statistic", right=False),
    Column("n", "n"),
    Column("published_r2", "R² published way", plain(2)),
    Column("r2", "R² ours", plain(2)),
    Column("pearson", "r", plain(2)),
    Column("low", "95 % from", plain(2)),
    Column("high", "to", plain(2)),
    Column("q_value", "q", plain(2)),
    Column("verdict", "verdict", right=False),
    Column("changed", "changed", lambda value: "yes" if value else "no"),
]


def _check(wanted: list[int], known: set[int]) -> None:
    from ..data.errors import InputError

    for system in wanted:
        if system not in known:
            raise InputError(
                f"No claim is of system {system}; there are claims of {', '.join(map(str, sorted(known)))}."
            )


def _data(row: dict[str, Any]) -> str:
    sets = len(row["datasets"])
    where = row["datasets"][0] if sets == 1 else f"{sets} data sets"
    return f"{', '.join(row['studies'])}: {where}" if sets else "shipped profiles, weights and speeds"
