"""What enters a mixed model: the error on the logit scale, its fixed terms, and who shares what."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import csr_array

from ..data.errors import InputError
from .association import logit
from .units import per_model, protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["GROUPINGS", "Design", "design", "with_datasets"]

GROUPINGS = ("task", "backbone", "family", "weights", "family_slope", "task_slope")
"""What rows share: the task (study, data set, recipe), the architecture, its family, the set of weights, and
what size does in the family and on the task. Without the slopes of the tasks every result of a domain would
count as news of what size does there, without the weights every result as news of a pretraining."""

Floats = NDArray[np.float64]
Group = tuple[list[str], NDArray[np.intp], Floats]
SIZES = {
    "size": ("macs", "doubling of MACs"),
    "activations": ("activations_per_sqrt_macs", "doubling of activations at equal MACs"),
    "parameters": ("params_per_mac", "doubling of parameters at equal MACs"),
}
IMAGES = 1000
FEWEST_ROWS = 20
FEWEST_TASKS = 2
USUAL = {"domain": ("natural", " images", "on"), "recipe": ("fine-tune", "", "under")}
"""Kind of task → the level that the others are compared with, and how a sentence about them goes."""
USUAL_PRETRAINING = "supervised-in1k"


@dataclass(frozen=True, slots=True)
class Design:
    """Everything that a fit needs.

    Attributes:
        y: `[n]`, logit of the error. rows: who they are (`task`, `backbone`, `family`, `weights` …).
        terms: `[n, p]`, named columns, `intercept` first.
        units: term → what one unit of it is, in words.
        groups: grouping → (names of its levels, `[n]` codes, `[n]` multiplier: 1, or size for a slope).
        notes: what was left out, and why.
    """

    y: Floats
    rows: pd.DataFrame
    terms: pd.DataFrame
    units: dict[str, str]
    groups: dict[str, Group]
    notes: tuple[str, ...]


def with_datasets(frame: pd.DataFrame, datasets: pd.DataFrame | None) -> pd.DataFrame:
    """Add `domain`, and fill `n_train` where the study does not state it, from the data sets' table.

    Args:
        frame: joined observations.
        datasets: columns of `Dataset`; None leaves every domain unknown.
    """
    facts = pd.DataFrame(columns=["domain", "n_train"]) if datasets is None else datasets.set_index("dataset")
    domain = frame["dataset"].map(facts["domain"]).astype(object)
    known = pd.to_numeric(frame["dataset"].map(facts["n_train"]))
    own = frame["n_train"] if "n_train" in frame else pd.Series(np.nan, frame.index)
    stated = frame["domain"].astype(object) if "domain" in frame else domain
    return frame.assign(
        domain=stated.where(stated.notna(), domain).fillna("unknown"), n_images=own.fillna(known)
    )


def design(frame: pd.DataFrame, groupings: Sequence[str] = GROUPINGS) -> Design:
    """Build logit error ~ size axes × domain × recipe × images + pretraining, with what the rows share.

    Size is log2 of MACs from its mean; activations and parameters enter at equal MACs (ratio axes), so that
    the three do not say the same. Domain, recipe (fine-tune, linear-probe …) and log2 of the training images
    enter alone and times size: a frozen backbone's size says nothing of a fine-tuned one's.

    Args:
        frame: joined observations with the ratio axes (`axes.with_axes`) and, for domain and images,
            `with_datasets`.
        groupings: of GROUPINGS, those that get an effect.

    Raises:
        InputError: for an unknown grouping, a missing column, or too few complete rows.
    """
    for name in groupings:
        if name not in GROUPINGS:
            raise InputError(f"Unknown grouping {name!r}; allowed: {', '.join(GROUPINGS)}.")
    for column in ("family", *(column for column, _ in SIZES.values())):
        if column not in frame:
            raise InputError(f"The frame has no column {column!r}; use `analysis.shipped.shipped`.")
    models = per_model(frame)
    sizes = {name: _log2(models[column]) for name, (column, _) in SIZES.items()}
    n_eval = models["n_eval"].to_numpy(float) if "n_eval" in models else np.nan
    y = logit(models["error"].to_numpy(float), n_eval)
    complete = np.isfinite(y) & np.isfinite(np.column_stack(list(sizes.values()))).all(1)
    notes = []
    if not complete.all():
        notes.append(f"{int((~complete).sum())} rows without a profile's counts were left out")
    images = _images(models, complete, notes)
    complete &= np.isfinite(images)
    if complete.sum() < FEWEST_ROWS:
        raise InputError(
            f"{int(complete.sum())} complete rows are too few for a mixed model; {FEWEST_ROWS} are needed."
        )
    rows = models[complete].reset_index(drop=True)
    rows["task"] = rows["study"] + " / " + rows["dataset"] + " / " + rows["recipe"]
    kept = {name: values[complete] for name, values in sizes.items()}
    rows["weights"] = _weights(rows)
    terms, units = _terms(rows, kept, images[complete], notes)
    groups = _groups(rows, terms, groupings, notes)
    return Design(y[complete], rows, terms, units, groups, tuple(notes))


def _weights(rows: pd.DataFrame) -> pd.Series:
    """Weights that were not named are the study's own, whatever another study calls by the same name."""
    unnamed = rows["study"] + " / " + rows["model"].astype(str)
    return (
        rows["weights"].astype(object).where(rows["weights"].notna(), unnamed)
        if "weights" in rows
        else unnamed
    )


def _log2(values: pd.Series) -> Floats:
    numbers = pd.to_numeric(values).to_numpy(dtype=float)
    return np.log2(np.where(numbers > 0, numbers, np.nan))


def _images(models: pd.DataFrame, complete: NDArray[np.bool_], notes: list[str]) -> Floats:
    """log2 of thousands of training images; zeros where too few rows or tasks state them."""
    images = _log2(models["n_images"]) if "n_images" in models else np.full(len(models), np.nan)
    known = np.isfinite(images) & complete
    if known.sum() < complete.sum() / 2 or len(np.unique(images[known])) < 3:
        notes.append("the number of training images is mostly unknown, or hardly varies: not in the model")
        return np.zeros(len(models))
    if known.sum() < complete.sum():
        notes.append(f"{int(complete.sum() - known.sum())} rows with unknown training images were left out")
    return images - np.log2(IMAGES)


def _terms(
    rows: pd.DataFrame, sizes: dict[str, Floats], images: Floats, notes: list[str]
) -> tuple[pd.DataFrame, dict[str, str]]:
    terms: dict[str, Floats] = {"intercept": np.ones(len(rows))}
    units = {"intercept": "the usual case"}
    for name, values in sizes.items():
        terms[name], units[name] = values - values.mean(), SIZES[name][1]
    size = terms["size"]
    if np.ptp(images) > 0:
        terms["images"], units["images"] = images, "doubling of the training images"
        terms["size × images"] = size * images
        units["size × images"] = "doubling of MACs, for each doubling of the training images"
    domain = rows["domain"] if "domain" in rows else pd.Series("unknown", rows.index)
    _add_kinds(rows, terms, units, notes, kind="domain", values=domain)
    _add_kinds(rows, terms, units, notes, kind="recipe", values=protocol(rows["recipe"]))
    _add_pretraining(rows, terms, units)
    frame = pd.DataFrame(terms)
    if np.ptp(size) == 0:
        raise InputError(
            f"All {len(rows)} results are of architectures with the same MACs, so nothing can be said of "
            "size. Give results of several architectures."
        )
    kept = _independent(frame.to_numpy())
    notes += [f"{name} is told by the other terms: left out" for name in frame.columns[~kept]]
    return frame.loc[:, kept], {name: units[name] for name in frame.columns[kept]}


def _add_kinds(
    rows: pd.DataFrame,
    terms: dict[str, Floats],
    units: dict[str, str],
    notes: list[str],
    *,
    kind: str,
    values: pd.Series,
) -> None:
    """Give each kind of task its own level and its own slope of size, from the usual kind."""
    usual, after, on = USUAL[kind]
    usual = usual if (values == usual).any() else str(values.mode()[0])
    for level in sorted(set(values) - {usual}):
        here = np.where(values == level, 1.0, 0.0)
        if rows.loc[here > 0, "task"].nunique() < FEWEST_TASKS:
            notes.append(f"only one task is {level}: its level is the task's own, only its slope is told")
        else:
            terms[f"{kind} {level}"] = here
            units[f"{kind} {level}"] = f"{level} instead of {usual}{after}"
        terms[f"size × {level}"] = terms["size"] * here
        units[f"size × {level}"] = f"doubling of MACs, {on} {level} instead of {usual}{after}"
    if (values != usual).any():
        units["size"] += f", {on} {usual}{after}"


def _add_pretraining(rows: pd.DataFrame, terms: dict[str, Floats], units: dict[str, str]) -> None:
    named = rows["pretraining"] if "pretraining" in rows else pd.Series(None, rows.index, dtype=object)
    stated = named.astype(object).where(named.notna(), "unstated")
    usual = USUAL_PRETRAINING if (stated == USUAL_PRETRAINING).any() else stated.mode()[0]
    for level in sorted(set(stated) - {usual}):
        here = (stated == level).to_numpy()
        if rows.loc[here, "backbone"].nunique() >= 2 or here.sum() >= FEWEST_ROWS:
            terms[f"pretraining {level}"] = here.astype(float)
            units[f"pretraining {level}"] = f"{level} instead of {usual} weights"


def _independent(columns: Floats) -> NDArray[np.bool_]:
    """Mark the columns that are no combination of those before them."""
    kept = np.zeros(columns.shape[1], dtype=bool)
    basis = np.empty((len(columns), 0))
    for i, column in enumerate(columns.T):
        rest = column - basis @ (basis.T @ column)
        rest -= basis @ (basis.T @ rest)
        if np.linalg.norm(rest) > 1e-8 * max(np.linalg.norm(column), 1e-300):
            kept[i] = True
            basis = np.column_stack([basis, rest / np.linalg.norm(rest)])
    return kept


def _groups(
    rows: pd.DataFrame, terms: pd.DataFrame, names: Sequence[str], notes: list[str]
) -> dict[str, Group]:
    """The random effects that the rows can tell apart."""
    basis = np.linalg.qr(terms.to_numpy())[0]
    kept: dict[str, Group] = {}
    for name in sorted(names, key=GROUPINGS.index):
        levels, codes, by = _grouping(rows, name, terms["size"].to_numpy())
        word = name.replace("_", " ")
        twin = next((other for other, group in kept.items() if _same(codes, by, group)), None)
        told = csr_array((by, codes, np.arange(len(rows) + 1)), shape=(len(rows), len(levels))).T @ basis
        if len(levels) < FEWEST_TASKS:
            notes.append(f"only one {word.removesuffix(' slope')}: no effect of {word}")
        elif len(levels) == len(rows):
            notes.append(f"no two results share their {word}: its effect is part of the residual")
        elif twin:
            notes.append(f"{twin} and {word} are one and the same in these results: one effect for both")
        elif float(by @ by) - float((told**2).sum()) < 1e-8 * float(by @ by):
            notes.append(f"the fixed terms tell every {word}: no random effect beside them")
        else:
            kept[name] = levels, codes, by
    return kept


def _same(codes: NDArray[np.intp], by: Floats, other: Group) -> bool:
    levels, theirs, their_by = other
    pairs = len(np.unique(codes * len(levels) + theirs))
    return np.array_equal(by, their_by) and pairs == len(levels) == int(codes.max()) + 1


def _grouping(rows: pd.DataFrame, name: str, size: Floats) -> Group:
    slope = name.endswith("_slope")
    codes, levels = pd.factorize(rows[name.removesuffix("_slope")], sort=True)
    return [str(level) for level in levels], codes, size if slope else np.ones(len(rows))
