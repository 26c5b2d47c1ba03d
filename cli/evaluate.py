"""`archimeter evaluate`: how well the predictions hold on data sets that they have not seen."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003  # typer reads the annotations
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .own import own_alone
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
        Some, typer.Option(help="dataset, dataset-alone, domain, family, double, study; repeatable.")
    ] = None,
    as_json: JsonFlag = False,
) -> None:
    """Leave data sets, domains, families and studies out, predict them, and score that beside baselines.

    Example: archimeter evaluate --study sfda-cnn-finetune
    """
    from ..analysis.evaluation.run import DEFAULT
    from ..analysis.evaluation.run import evaluate as run
    from ..analysis.evaluation.splits import PROTOCOLS
    from ..data.errors import UnknownNameError
    from ..data.tables import load_observations

    for name in protocol or ():
        if name not in DEFAULT:
            raise UnknownNameError("protocol", name, DEFAULT)
    rows = own_alone(results) if results else load_observations() if study else None
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
    for name, words in _SITUATIONS.items():
        part = found.levels[found.levels["protocol"] == name] if len(found.levels) else found.levels
        if len(part):
            note(f"Predicted error in points, {words}; 80 % intervals, calibrated on other studies only:")
            emit(_rows(part), _ERROR_COLUMNS[name])
            emit(_rows(part), _COVER_COLUMNS)
    if len(found.levels):
        note(_INTERVALS)
    if len(found.ladder):
        note("The ladder: each rung's gain on the one it is laid over; it says something where clear of 0:")
        emit([row | _gain_words(row) for row in _rows(found.ladder)], _LADDER_COLUMNS)
        note(_LADDER)
    if len(found.ceilings):
        note("Noise ceiling: weighted tau of one run with a rerun, from the studies' own replicates:")
        emit(_rows(found.ceilings), _CEILING_COLUMNS)
    note(_READING)


def _rows(frame: Any) -> list[dict[str, Any]]:
    return [{str(name): value for name, value in row.items()} for row in frame.to_dict("records")]


def _interval(row: dict[str, Any]) -> str:
    words = _paired(row, "gain_tau_w", 3)
    return f"{words} on {row['gain_on']}" if words else ""


def _gain_words(row: dict[str, Any]) -> dict[str, str]:
    over = row.get("over")
    return {
        "over_words": over if isinstance(over, str) else "",
        "gain": _paired(row, "gain_tau_w", 3),
        "gain_regret": _paired(row, "gain_regret_1", 2),
        "said": row["verdict"] if isinstance(over, str) else "",
        "use": "used" if row["used"] else "",
    }


def _paired(row: dict[str, Any], name: str, digits: int) -> str:
    gain = row.get(name)
    if gain is None or gain != gain:  # noqa: PLR0124  # NaN
        return ""
    low, high = row[f"{name}_low"], row[f"{name}_high"]
    return f"{gain:+.{digits}f} [{low:+.{digits}f}, {high:+.{digits}f}]"


_SITUATIONS = {
    "dataset": "the laboratory's other data sets known",
    "study": "a plain query to `recommend`: neither laboratory nor data set ever seen",
}
_READING = (
    "archimeter is the order that `recommend` gives: under `study` that of a plain query, elsewhere with the "
    "laboratory's other results. Mean rank and archimeter know the same models' results on other data sets; "
    "size and ImageNet do not. Nothing here says what a score would be under another recipe."
)
_INTERVALS = (
    "Promised: on 4 of 5 data sets an interval holds at least 80 % of the models' errors, with an anchor on "
    "19 of 20 at least 60 %, where the laboratory is like the known ones. Not promised: anything for one "
    "given data set. Without an anchor its difficulty is missed or met for all models at once, so the worst "
    "data set is near 0; with one anchor, and for differences, it is `worst`. Laboratories differ much by "
    "how far apart their models lie; a second anchor tells. No promise beyond m/(m+1) is possible with m "
    "known groups of data sets: column `cap`."
)
_LADDER = (
    "M4 and L4 know frozen results on the very images. Two studies ran the same models on the same images "
    "both ways, one of them (MedMNIST+) fine-tuned: there k-NN adds nothing to a known laboratory's order, "
    "and a plain query's, worse than chance, becomes no better than chance. The order of linear probes it "
    "tells once every candidate is probed; of the first three, as one would with `--probe`, no pick gets "
    "better: so none is used. Effects of families and weights over studies, slopes on kind, parameters and "
    "activations, and interactions of slopes with domain, recipe and images were tried while the model was "
    "built; none raised the order on studies left out."
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
    Column("interval", "tau_w gain", right=False),
]
_OFF = [
    Column("study", "study", right=False),
    Column("n_datasets", "sets"),
    *(Column(f"mae_{k}", f"off, {k} anchors", plain(2)) for k in range(4)),
    Column("mae_copy", "anchor copied", plain(2)),
]
_ERROR_COLUMNS = {
    "dataset": [
        *_OFF,
        Column("mae_mean", "model's mean", plain(2)),
        Column("mae_median", "its median", plain(2)),
        Column("mae_all", "median of all", plain(2)),
        Column("mae_domain", "of the domain", plain(2)),
    ],
    "study": _OFF,
}
_COVER_COLUMNS = [
    Column("study", "study", right=False),
    Column("coverage_1", "cover, 1 anchor", plain(2)),
    Column("coverage_1_worst", "worst", plain(2)),
    Column("coverage_1_under_bar", "sets < 0.6", plain(2)),
    Column("width_1", "width", plain(1)),
    Column("coverage_2", "2 anchors", plain(2)),
    Column("coverage_2_worst", "worst", plain(2)),
    Column("coverage_2_under_bar", "sets < 0.6", plain(2)),
    Column("width_2", "width", plain(1)),
    Column("coverage_gap", "differences", plain(2)),
    Column("coverage_gap_worst", "worst", plain(2)),
    Column("coverage_0", "no anchor", plain(2)),
    Column("coverage_0_under_bar", "sets < 0.6", plain(2)),
    Column("width_0", "width", plain(1)),
    Column("brier", "Brier", plain(3)),
    Column("brier_base", "of base rate", plain(3)),
    Column("highest_level", "cap", plain(2)),
]
_LADDER_COLUMNS = [
    Column("rung", "rung", right=False),
    Column("adds", "what it is", right=False),
    Column("over_words", "over", right=False),
    Column("n_datasets", "sets"),
    Column("tau_w", "tau_w", plain(3)),
    Column("gain", "gain", right=False),
    Column("regret_1", "regret@1", plain(2)),
    Column("gain_regret", "gain", right=False),
    Column("said", "verdict", right=False),
    Column("use", "", right=False),
]
_CEILING_COLUMNS = [
    Column("study", "study", right=False),
    Column("n_datasets", "sets"),
    Column("tau_w_between_runs", "tau_w", plain(3)),
]
