"""`archimeter evaluate`: how well the predictions hold on data sets that they have not seen."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003  # typer reads the annotations
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .render import Column, JsonFlag, emit, note, plain

if TYPE_CHECKING:
    from ..analysis.evaluation.run import Evaluation

__all__ = ["evaluate"]

Some = list[str] | None


def evaluate(
    *,
    study: Annotated[Some, typer.Option(help="Study to evaluate on; repeatable. All by default.")] = None,
    results: Annotated[
        Path | None, typer.Option(help="Your own results (any file that `import` reads), scored alone.")
    ] = None,
    protocol: Annotated[
        Some, typer.Option(help="dataset, dataset-alone, domain, family, double; repeatable. All by default.")
    ] = None,
    as_json: JsonFlag = False,
) -> None:
    """Leave data sets, domains and families out, predict them, and print the scores beside the baselines.

    Example: archimeter evaluate --study sfda-cnn-finetune
    """
    from ..analysis.evaluation.run import DEFAULT
    from ..analysis.evaluation.run import evaluate as run
    from ..analysis.evaluation.splits import PROTOCOLS
    from ..data.errors import UnknownNameError
    from ..data.results import load_results
    from ..data.tables import load_observations

    for name in protocol or ():
        if name not in DEFAULT:
            raise UnknownNameError("protocol", name, DEFAULT)
    rows = load_results(results, only=True) if results else load_observations() if study else None
    for name in study or ():
        if rows is not None and name not in set(rows["study"]):
            raise UnknownNameError("study", name, sorted(set(rows["study"])))
    found = run(rows, studies=tuple(study or ()), protocols=tuple(protocol or DEFAULT))
    if as_json:
        emit([], [], as_json=True, document=found.as_document())
        return
    _show(found, PROTOCOLS)


def _show(found: Evaluation, protocols: Any) -> None:
    for name, part in found.orders.groupby("protocol", sort=False):
        note(f"{name}: {protocols[name]} (split {found.splits[str(name)][:12]})")
        rows = [row | {"interval": _interval(row)} for row in _rows(part)]
        emit(rows, _ORDER_COLUMNS)
    if len(found.levels):
        note("Predicted error, in points; intervals at 80 %, calibrated on the known data sets only:")
        emit(_rows(found.levels), _LEVEL_COLUMNS)
        note("No promise beyond m/(m+1) is possible with m known data sets: column `cap`.")
    if len(found.ceilings):
        note("Noise ceiling: weighted tau of one run with a rerun, from the studies' own replicates:")
        emit(_rows(found.ceilings), _CEILING_COLUMNS)
    note(_READING)


def _rows(frame: Any) -> list[dict[str, Any]]:
    return [{str(name): value for name, value in row.items()} for row in frame.to_dict("records")]


def _interval(row: dict[str, Any]) -> str:
    gain = row.get("gain_tau_w")
    if gain is None or gain != gain:  # noqa: PLR0124  # NaN
        return ""
    return f"{gain:+.3f} [{row['gain_tau_w_low']:+.3f}, {row['gain_tau_w_high']:+.3f}]"


_READING = (
    "Mean rank and archimeter know the same models' results on other data sets; size and ImageNet do not. "
    "Nothing here says what a score would be under another recipe."
)
_ORDER_COLUMNS = [
    Column("study", "study", right=False),
    Column("method", "method", right=False),
    Column("n_datasets", "sets"),
    Column("tau_w", "tau_w", plain(3)),
    Column("tau", "tau", plain(3)),
    Column("regret_1", "regret@1", plain(2)),
    Column("regret_3", "@3", plain(2)),
    Column("regret_5", "@5", plain(2)),
    Column("recall_3", "recall@3", plain(2)),
    Column("interval", "tau_w gain on mean rank", right=False),
]
_LEVEL_COLUMNS = [
    Column("protocol", "protocol", right=False),
    Column("study", "study", right=False),
    Column("n_datasets", "sets"),
    *(Column(f"mae_{k}", f"off, {k} anchors", plain(2)) for k in range(4)),
    Column("mae_mean", "mean elsewhere", plain(2)),
    Column("mae_copy", "anchor copied", plain(2)),
    Column("coverage_1", "cover, 1 anchor", plain(2)),
    Column("coverage_1_worst", "worst", plain(2)),
    Column("width_1", "width", plain(1)),
    Column("coverage_0", "cover, none", plain(2)),
    Column("brier", "Brier", plain(3)),
    Column("brier_base", "of base rate", plain(3)),
    Column("highest_level", "cap", plain(2)),
]
_CEILING_COLUMNS = [
    Column("study", "study", right=False),
    Column("n_datasets", "sets"),
    Column("tau_w_between_runs", "tau_w", plain(3)),
]
