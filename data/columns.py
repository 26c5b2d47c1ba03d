"""Which column of a user's table means which field: guessed from the names, shown, and overruled by hand.

A column's name is compared without case, signs and the prefixes that trackers add. The result figure is
chosen among the candidates by split (test before validation before unmarked, training never) and by metric
(accuracy before others); what was passed over is said.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, NamedTuple

from .errors import InputError, UnknownNameError
from .records import Observation

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = ["Columns", "Measure", "map_columns", "measure_named"]

ALIASES: Mapping[str, str] = {
    "study": "study",
    "dataset": "dataset data data_set dataset_name task target target_dataset benchmark",
    "backbone": "backbone model model_name arch architecture network net encoder timm_name timm_model "
    "model_name_or_path name_or_path base_model pretrained_model",
    "weights": "weights pretrained_weights weights_name checkpoint",
    "published_name": "published_name",
    "pretraining": "pretraining pretraining_method pretrain_method pretraining_objective",
    "recipe": "recipe protocol method training_mode",
    "recipe_detail": "recipe_detail",
    "epochs": "epochs n_epochs num_epochs num_train_epochs max_epochs epoch",
    "learning_rate": "learning_rate lr base_lr max_lr",
    "pooling": "pooling pool global_pool pool_type",
    "resolution": "resolution img_size image_size input_size res image_resolution",
    "n_train": "n_train train_size num_train n_train_images train_images",
    "n_eval": "n_eval n_test test_size num_test num_eval n_val val_size",
    "replicate": "replicate seed trial fold rep repeat random_seed",
    "n_replicates": "n_replicates n_runs n_seeds num_seeds num_runs",
    "error_sd": "error_sd sd std stdev error_std accuracy_std acc_std accuracy_sd acc_sd",
    "fit_time_s": "fit_time_s fit_time train_runtime train_time training_time runtime train_time_s "
    "training_time_s runtime_s duration_s fit_time_sec",
    "peak_memory_bytes": "peak_memory_bytes",
    "status": "status state",
    "reason": "reason",
    "metric": "metric metric_name",
}
ERRORS = "error error_rate err top1_err top1_error top_1_error top_1_err classification_error"
METRICS: Mapping[str, str] = {
    "top1": "accuracy acc acc1 acc_1 top1 top_1 top1_acc acc_top1 top1_accuracy accuracy_top1 acc_at_1 "
    "accuracy_score top_1_accuracy top_1_acc acc_top_1",
    "mean-per-class-accuracy": "mean_per_class_accuracy mean_per_class_acc per_class_accuracy mpca mca "
    "mean_class_accuracy",
    "balanced-accuracy": "balanced_accuracy balanced_acc bacc bal_acc",
    "auc": "auc auroc roc_auc roc_auc_score",
    "f1-macro": "f1_macro macro_f1",
    "f1": "f1 f1_score",
    "quadratic-kappa": "qwk quadratic_kappa quadratic_weighted_kappa",
    "mean-average-precision": "map mean_average_precision average_precision",
    "top5": "top5 acc5 top5_acc top5_accuracy acc_5 accuracy_top5",
}
UNCLEAR = "score value result metric_value performance"
SPLITS = (("test", 0), ("eval", 1), ("val", 1), ("valid", 1), ("validation", 1))
TRAINING = ("train", "training")
PREFIXES = ("config", "summary", "params", "hparams", "args", "metrics", "cfg", "best", "final")

_FIELD_OF = {alias: name for name, aliases in ALIASES.items() for alias in aliases.split()}
_METRIC_OF = {alias: metric for metric, aliases in METRICS.items() for alias in aliases.split()}
_ERROR_NAMES = frozenset(ERRORS.split())
OBSERVATION_FIELDS = tuple(f.name for f in fields(Observation))
NATIVE = frozenset(OBSERVATION_FIELDS) - {"pretraining"}
"""Columns of every export of our own, from the first version on."""


@dataclass(frozen=True, slots=True)
class Measure:
    """What a column of results holds: the metric's name, whether lower is better, a unit its name states."""

    metric: str
    is_error: bool
    percent: bool | None = None


@dataclass(frozen=True, slots=True)
class Columns:
    """The agreed meaning of a table's columns.

    Args:
        places: field → index of its column.
        measure: what the column under `error` holds; None where a `metric` column says it row by row.
        native: whether the table is an export of our own, to be taken as it stands.
        ignored: columns that mean nothing here.
        notes: choices that a reader may want to overrule.
    """

    places: Mapping[str, int]
    measure: Measure | None
    native: bool
    ignored: tuple[str, ...]
    notes: tuple[str, ...]


def _plain(name: str) -> str:
    name = name.replace("%", " percent ").replace("@", " at ")
    name = re.sub(r"(?<=[a-z])(?=[A-Z][a-z])", "_", name)  # camelCase
    return re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")


def _without_prefix(name: str) -> str:
    words = name.split("_")
    while len(words) > 1 and words[0] in PREFIXES:
        words = words[1:]
    return "_".join(words)


def measure_named(name: str) -> tuple[Measure, int] | None:
    """Say what a column of this name measures, and how far it is from the test set's figure (0 is best).

    Returns:
        None for a name that is no known measure, or a training figure.
    """
    words = _without_prefix(_plain(name)).split("_")
    if any(word in TRAINING for word in words):
        return None
    distance = min((rank for word, rank in SPLITS if word in words), default=2)
    percent = True if {"percent", "pct"} & set(words) else None
    split_words = {word for word, _ in SPLITS}
    core = "_".join(word for word in words if word not in split_words and word not in ("percent", "pct"))
    if core in _ERROR_NAMES:
        return Measure("top1", is_error=True, percent=percent), distance
    if core in _METRIC_OF:
        return Measure(_METRIC_OF[core], is_error=False, percent=percent), distance
    return None


def map_columns(header: Sequence[str], given: Mapping[str, str], constants: Sequence[str] = ()) -> Columns:
    """Decide what each column means.

    Args:
        header: the columns' names as written.
        given: column → field, as the user says; a field is one of Observation's, or the name of a metric
            ("accuracy", "auc", "error" …).
        constants: fields that have one value for the whole file, so that no column is needed.

    Raises:
        UnknownNameError: if `given` names a column that is not there, or a field that does not exist.
        InputError: if a needed field has no column, two columns claim one field, or it is not clear whether a
            figure is an accuracy or an error.
    """
    if set(header) >= NATIVE and not given:
        places = {name: _only(header, name) for name in OBSERVATION_FIELDS if name in header}
        ignored = tuple(name for name in header if name not in places)
        return Columns(
            places, Measure("", is_error=True, percent=False), native=True, ignored=ignored, notes=()
        )
    places, measure = _given_places(header, given)
    notes: list[str] = []
    for index, name in enumerate(header):
        if name not in given:
            _guess_field(header, index, places, constants)
    if "error" not in places:
        chosen, passed_over = _choose_measure(
            header, given, metric_by_row="metric" in places or "metric" in constants
        )
        if chosen is not None:
            places["error"], measure = chosen
            notes += [f"Not imported: {', '.join(passed_over)} (--map to choose)."] if passed_over else []
    if measure is not None and not measure.metric:
        measure = None  # the metric column says it row by row
    _require(header, places, constants)
    used = set(places.values())
    ignored = tuple(name for i, name in enumerate(header) if i not in used and name)
    return Columns(places, measure, native=False, ignored=ignored, notes=tuple(notes))


def _given_places(header: Sequence[str], given: Mapping[str, str]) -> tuple[dict[str, int], Measure | None]:
    places: dict[str, int] = {}
    measure: Measure | None = None
    for column, wanted in given.items():
        if column not in header:
            raise UnknownNameError("column", column, header, "--map is COLUMN=FIELD.")
        field, found = wanted, None
        if wanted not in OBSERVATION_FIELDS or wanted == "error":
            found = measure_named(wanted)
            if found is None:
                known = [*OBSERVATION_FIELDS, *_METRIC_OF]
                raise UnknownNameError("field", wanted, known, "--map is COLUMN=FIELD.")
            field, measure = "error", found[0]
        if field in places:
            raise InputError(f"--map gives two columns for {field!r}. One column per field.")
        places[field] = _only(header, column)
    return places, measure


def _guess_field(header: Sequence[str], index: int, places: dict[str, int], constants: Sequence[str]) -> None:
    field = _FIELD_OF.get(_without_prefix(_plain(header[index])))
    if field is None or field in constants:
        return
    if field not in places:
        places[field] = index
        return
    rivals = header[places[field]], header[index]
    if field in ("dataset", "backbone", "error", "study"):
        # the plainer name wins: "model" over "base_model"; equal ones need a decision
        order = ALIASES[field].split()
        ranks = [order.index(_without_prefix(_plain(name))) for name in rivals]
        if ranks[0] == ranks[1]:
            raise InputError(
                f"Columns {rivals[0]!r} and {rivals[1]!r} both look like {field}. Say which: "
                f"--map {rivals[0]}={field}, and rename the other if they are spelled alike."
            )
        if ranks[1] < ranks[0]:
            places[field] = index


class _Candidate(NamedTuple):
    """A column that may hold the result; the smallest is the best."""

    distance: int
    order: int
    is_accuracy: bool  # where both are there, the error needs no conversion
    place: int
    measure: Measure


def _choose_measure(
    header: Sequence[str], given: Mapping[str, str], *, metric_by_row: bool
) -> tuple[tuple[int, Measure] | None, list[str]]:
    found = sorted(_candidates(header, given), key=lambda c: c[:4])
    if not found:
        return _unclear_measure(header, metric_by_row=metric_by_row), []
    best = found[0]
    twins = [c for c in found[1:] if c[:3] == best[:3]]
    if twins:
        names = header[best.place], header[twins[0].place]
        raise InputError(
            f"Columns {names[0]!r} and {names[1]!r} both look like the result. Say which: "
            f"--map {names[0]}={'accuracy' if best.is_accuracy else 'error'}."
        )
    return (best.place, best.measure), [header[c.place] for c in found[1:]]


def _candidates(header: Sequence[str], given: Mapping[str, str]) -> Iterator[_Candidate]:
    order = [*METRICS]
    for index, name in enumerate(header):
        known = None if name in given else measure_named(name)
        if known is not None:
            measure, distance = known
            yield _Candidate(distance, order.index(measure.metric), not measure.is_error, index, measure)


def _unclear_measure(header: Sequence[str], *, metric_by_row: bool) -> tuple[int, Measure] | None:
    unclear = [i for i, name in enumerate(header) if _without_prefix(_plain(name)) in UNCLEAR.split()]
    if not unclear:
        return None
    if metric_by_row:
        return unclear[0], Measure("", is_error=False)
    name = header[unclear[0]]
    raise InputError(
        f"Column {name!r} may be an accuracy or an error. Say which: --map {name}=accuracy, or =error."
    )


def _only(header: Sequence[str], name: str) -> int:
    if header.count(name) > 1:
        raise InputError(f"The header has two columns {name!r}. Rename or remove one.")
    return header.index(name)


def _require(header: Sequence[str], places: Mapping[str, int], constants: Sequence[str]) -> None:
    shown = ", ".join(repr(name) for name in header[:20]) + (" …" if len(header) > 20 else "")
    for field in ("backbone", "dataset", "error"):
        if field in places or field in constants or (field == "backbone" and "weights" in places):
            continue
        what = "accuracy or error" if field == "error" else field
        remedy = f"--map COLUMN={'accuracy' if field == 'error' else field}"
        if field != "error":
            remedy += f", or --set {field}=NAME for the whole file"
        raise InputError(f"No column for the {what} among {shown}. Say which: {remedy}.")
