"""What experiment trackers write: Weights & Biases exports and the Hugging Face Trainer's files.

Weights & Biases: the runs table downloaded from the page is a plain CSV (`Name`, `State`, `Runtime`, then the
configuration's and the summary's columns); the script in its documentation writes `summary` and `config`
as the text of a Python dictionary, which is taken apart here. The CSV of a chart is a history, no result.

Hugging Face: `all_results.json` and `eval_results.json` are one object of `eval_…` figures, without the
model's name; `trainer_state.json` holds the whole history. The name is read from `config.json` beside them.
"""

from __future__ import annotations

import ast
import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from .errors import InputError

if TYPE_CHECKING:
    from pathlib import Path

    from .reading import RawTable

__all__ = ["trainer_rows", "unpacked"]

PACKED = ("summary", "config")
LITERAL_CHARS = 100_000
CONFIG_BYTES = 1_000_000


def trainer_rows(path: Path, value: Any) -> tuple[list[dict[str, Any]], tuple[str, ...]] | None:
    """Return the one result that a Trainer's JSON file holds, with notes; None for any other JSON.

    Raises:
        InputError: if a `trainer_state.json` holds no evaluation.
    """
    if not isinstance(value, dict):
        return None
    history = value.get("log_history")
    if isinstance(history, list):
        row, notes = _last_evaluation(path.name, value, [step for step in history if isinstance(step, dict)])
    elif any(key.startswith("eval_") for key in value):
        row, notes = dict(value), ()
    else:
        return None
    name = _model_beside(path)
    if name and "model_name" not in row:
        row["model_name"] = name
        notes = (*notes, f"The model's name {name!r} is from config.json beside {path.name}.")
    return [row], notes


def _last_evaluation(
    name: str, state: dict[str, Any], history: list[dict[str, Any]]
) -> tuple[dict[str, Any], tuple[str, ...]]:
    evaluations = [step for step in history if any(key.startswith("eval_") for key in step)]
    if not evaluations:
        raise InputError(f"{name} holds no evaluation (no eval_… figure). Import all_results.json instead.")
    row = {key: item for key, item in evaluations[-1].items() if key.startswith("eval_") or key == "epoch"}
    row |= {key: step[key] for step in history for key in ("train_runtime",) if key in step}
    note = f"The last of {len(evaluations)} evaluations was taken (step {evaluations[-1].get('step', '?')})."
    if state.get("best_metric") is not None:
        note += f" The best one ({state['best_metric']}) was chosen on the same images, so it is not."
    return row, (note,)


def _model_beside(path: Path) -> str | None:
    config = path.with_name("config.json")
    try:
        if config.stat().st_size > CONFIG_BYTES:
            return None
        value = json.loads(config.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return None  # there need not be one: the name can also be given with --set
    if not isinstance(value, dict):
        return None
    if value.get("model_type") == "timm_wrapper" and isinstance(value.get("architecture"), str):
        pretrained = value.get("pretrained_cfg")
        tag = pretrained.get("tag") if isinstance(pretrained, dict) else None
        return f"{value['architecture']}.{tag}" if tag else value["architecture"]
    name = value.get("_name_or_path")
    return name if isinstance(name, str) and name else None


def unpacked(table: RawTable) -> RawTable:
    """Take the dictionaries in `summary` and `config` columns apart; other tables come back as they are.

    Raises:
        InputError: if the table is the history of a chart, or a dictionary cannot be read.
    """
    from .reading import flat, from_objects

    if any(column.endswith("__MIN") for column in table.header):
        raise InputError(
            f"{table.source} is the history behind a Weights & Biases chart. Export the runs table instead: "
            f"open Table, then Export → CSV."
        )
    packed = [i for i, column in enumerate(table.header) if column in PACKED]
    if not any(
        str(cells[i]).lstrip().startswith("{") for _, cells in table.rows for i in packed if i < len(cells)
    ):
        return table
    objects: list[tuple[int, dict[str, Any]]] = []
    for line, cells in table.rows:
        if len(cells) != len(table.header):
            raise InputError(f"{table.source}:{line}: {len(cells)} cells for {len(table.header)} columns.")
        row: dict[str, Any] = {}
        for i, (column, cell) in enumerate(zip(table.header, cells, strict=True)):
            if i in packed:
                row |= flat(_dictionary(cell, f"{table.source}:{line}: {column}"), f"{column}.")
            elif column:  # the frame's index has no name
                row[column] = cell
        objects.append((line, row))
    made = from_objects(table.source, objects, place=table.place)
    return replace(made, notes=(*table.notes, "The dictionaries in summary and config were taken apart."))


def _dictionary(cell: Any, where: str) -> dict[str, Any]:
    text = "" if cell is None else str(cell).strip()
    if not text:
        return {}
    if len(text) > LITERAL_CHARS:
        raise InputError(f"{where}: more than {LITERAL_CHARS:,} characters, the limit. Export fewer keys.")
    try:
        value = ast.literal_eval(text.replace(": nan", ": None"))  # data only: literal_eval runs nothing
    except (ValueError, SyntaxError, RecursionError, MemoryError, TypeError) as error:
        raise InputError(
            f"{where}: not a Python dictionary ({type(error).__name__}). Export it again."
        ) from error
    if not isinstance(value, dict):
        raise InputError(f"{where}: a dictionary was expected, not {type(value).__name__}.")
    return {str(key): item for key, item in value.items()}
