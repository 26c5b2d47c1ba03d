"""One row of a user's file, checked by pydantic before its names are resolved.

Values arrive as text (CSV) or as numbers (Parquet, JSON, Excel); both are taken, nothing is rounded to fit.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from .pretraining import PRETRAININGS
from .records import RECIPES

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["ImportedRow", "WrongRowError", "checked_row"]

STATUSES = ("ok", "incomplete", "failed", "excluded")
RECIPE_NAMES: Mapping[str, str] = {
    "finetune": "fine-tune",
    "finetuning": "fine-tune",
    "finetuned": "fine-tune",
    "ft": "fine-tune",
    "full": "fine-tune",
    "linear": "linear-probe",
    "linearprobe": "linear-probe",
    "linearprobing": "linear-probe",
    "lp": "linear-probe",
    "probe": "linear-probe",
    "frozen": "linear-probe",
    "knn": "knn",
    "zeroshot": "zero-shot",
    "scratch": "from-scratch",
    "fromscratch": "from-scratch",
    "pretrainingtask": "pretraining-task",
}
PRETRAINING_NAMES: Mapping[str, str] = {
    **dict.fromkeys(("imagenet", "supervised"), "supervised-in1k"),
    **dict.fromkeys(("clip", "siglip", "contrastivelanguageimage"), "image-text"),
    **dict.fromkeys(("mae", "beit", "mim"), "masked-image"),
    **dict.fromkeys(("dino", "dinov", "moco", "simclr", "swav", "byol", "ssl"), "self-supervised"),
    **dict.fromkeys(("no", "random", "scratch", "fromscratch"), "none"),
    **dict.fromkeys(("distillation", "distil"), "distilled"),
}
STATUS_NAMES: Mapping[str, str] = {
    "finished": "ok",
    "completed": "ok",
    "success": "ok",
    "done": "ok",
    "crashed": "failed",
    "error": "failed",
    "killed": "failed",
    "running": "incomplete",
    "pending": "incomplete",
    "preempting": "incomplete",
    "preempted": "incomplete",
}
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")


def _one_line(text: str) -> str:
    if _CONTROL.search(text):
        raise ValueError("a name must not hold line breaks or control characters")
    return text


def _count(value: int | None) -> int | None:
    if value is not None and value > 2**53:
        raise ValueError("too large a number")
    return value


Name = Annotated[str, Field(min_length=1, max_length=200), AfterValidator(_one_line)]
Text = Annotated[str, Field(max_length=10_000)]
Count = Annotated[int, Field(ge=1), AfterValidator(_count)]
Index = Annotated[int, Field(ge=0), AfterValidator(_count)]
Amount = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class ImportedRow(BaseModel):
    """What one row of a user's file must be, before its names are resolved; `error` is in [0, 1] here."""

    model_config = ConfigDict(extra="forbid", coerce_numbers_to_str=True)

    study: Name | None = None
    dataset: Name
    backbone: Name | None = None
    weights: Name | None = None
    published_name: Name | None = None
    match: Name | None = None
    pretraining: Name | None = None
    recipe: Name = "fine-tune"
    recipe_detail: Text | None = None
    epochs: Index | None = None
    learning_rate: Amount | None = None
    pooling: Name | None = None
    resolution: Count | None = None
    n_train: Count | None = None
    error: Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)] | None = None
    metric: Name = "top1"
    n_eval: Count | None = None
    replicate: Index | None = None
    n_replicates: Count | None = None
    error_sd: Amount | None = None
    fit_time_s: Amount | None = None
    peak_memory_bytes: Index | None = None
    status: Name = "ok"
    reason: Text | None = None


class WrongRowError(Exception):
    """What is wrong with a row, one sentence each; it never leaves the import."""

    def __init__(self, *what: str) -> None:
        self.what = what


def checked_row(fields: Mapping[str, Any]) -> ImportedRow:
    """Check a row's values, by field; None is an empty cell.

    Raises:
        WrongRowError: with a sentence per field that is wrong.
    """
    stated = {name: value for name, value in fields.items() if value is not None}
    if "status" in stated:
        stated["status"] = _named(stated["status"], STATUS_NAMES, STATUSES)
    if "recipe" in stated:
        stated["recipe"] = _named(stated["recipe"], RECIPE_NAMES, RECIPES)
    if "pretraining" in stated:
        stated["pretraining"] = _pretraining(stated["pretraining"])
    try:
        row = ImportedRow.model_validate(stated)
    except ValidationError as error:
        raise WrongRowError(
            *(_spelled(found, stated) for found in error.errors(include_url=False))
        ) from error
    if row.status == "ok" and row.error is None:
        raise WrongRowError("no result. Give it one, give the row the status 'failed', or remove it.")
    return row


def _named(value: Any, names: Mapping[str, str], allowed: tuple[str, ...]) -> Any:
    key = str(value).strip().lower()
    return key if key in allowed else names.get(re.sub(r"[^a-z]", "", key), value)


def _pretraining(value: Any) -> str:
    text = re.sub(r"[\s_]", "-", str(value).strip().lower())
    text = re.sub(r"^(image-?net|in)-?(1|12|21|22)k$", r"supervised-in\2k", text)
    found = _named(text, PRETRAINING_NAMES, tuple(PRETRAININGS))
    if found not in PRETRAININGS:
        raise WrongRowError(
            f"pretraining: {str(value)[:60]!r} is no kind of pretraining. Leave it empty if not known; "
            f"allowed: {', '.join(PRETRAININGS)}."
        )
    return found


def _spelled(found: Any, fields: Mapping[str, Any]) -> str:
    name = str(found["loc"][0]) if found["loc"] else "row"
    message = found["msg"].removeprefix("Value error, ")
    value = fields.get(name)
    if value is None:
        return f"{name}: missing. Fill the cell, or give it for the whole file with --set {name}=VALUE."
    text = repr(value)
    return (
        f"{name}: {message[:1].lower()}{message[1:]} (found {text if len(text) <= 60 else text[:60] + '…'})."
    )
