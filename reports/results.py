"""The results a page shows: one set per study, data set and recipe, each joined to what its backbones are."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from ..analysis.axes import with_axes
from ..analysis.correlate import FEWEST
from ..analysis.shipped import choose
from ..analysis.units import TUNED, Summary, per_model
from ..data.errors import InputError
from ..data.join import join

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from numpy.typing import NDArray

__all__ = ["LEAST_MODELS", "ResultSet", "Results", "collect", "has_value", "points_on"]

SET = ["study", "dataset", "recipe"]
LEAST_MODELS = 20
"""A set with fewer backbones says too little about families to have charts unless it is asked for."""


@dataclass(frozen=True, slots=True)
class ResultSet:
    """Results that may be compared with each other: one study, data set, recipe and metric.

    key: what the page's address calls it. dataset: what `--dataset` calls it. title: for people.
    recipe: as `analysis.units.per_model` calls it; condition: the same with its detail.
    summarised_by: `mean` or `min` of a model's runs; summary: the same in words. unmatched: models of it
    that no profile names. frame: one row per model (see `analysis.units.per_model`), with `name`,
    `backbone`, `weights`, `family`, `kind`, `error`, `error_sd`, `n_runs` and the columns of the profiles.
    """

    key: str
    title: str
    study: str
    dataset: str
    recipe: str
    condition: str
    metric: str
    summarised_by: Summary
    summary: str
    unmatched: int
    frame: pd.DataFrame


@dataclass(frozen=True, slots=True)
class Results:
    """What is shown, and what is not.

    sets: the sets. left_out: per study, how many small sets were left out. runs: the joined observations
    of every set that is shown.
    """

    sets: tuple[ResultSet, ...]
    left_out: dict[str, int]
    runs: pd.DataFrame


def collect(
    observations: pd.DataFrame,
    profiles: pd.DataFrame,
    *,
    weights: pd.DataFrame | None = None,
    datasets: pd.DataFrame | None = None,
    wanted: Sequence[str] = (),
    own: Collection[str] = (),
) -> Results:
    """Split the ok observations into comparable sets, one number a model, joined to profiles.

    Where a study searched a setting, such as the learning rate, its set becomes two: the mean at the value
    that most models share, and the best of all runs, which favours whoever ran more often and says so.

    Args:
        observations: columns of `Observation`.
        profiles: columns of `Profile`, plus speeds (`reports.measures.with_speeds`).
        weights: facts of the weights names, see `data.join.join`.
        datasets: columns of `Dataset`, for titles.
        wanted: keys or globs of data sets to keep; all when empty.
        own: studies of the user's. Their sets, and those of data sets that are wanted, are shown from FEWEST
            backbones on, all others from LEAST_MODELS.

    Raises:
        UnknownNameError: for a wanted data set that no observation has.
        InputError: if no set is left.
    """
    good = observations[observations["status"] == "ok"]
    good = choose(good, "dataset", wanted, "data set")
    joined = join(good, profiles, weights)
    runs = _with_profile_columns(with_axes(_at_profiled_size(joined.frame)), profiles)
    unmatched = Counter(zip(*(joined.unmatched_observations[c] for c in ("study", "dataset")), strict=True))
    titles = {} if datasets is None else dict(zip(datasets["dataset"], datasets["title"], strict=True))
    means = _drawable(per_model(runs))
    sizes = means.groupby(SET)["backbone"].nunique()
    asked_for = pd.Series(bool(wanted), sizes.index) | sizes.index.get_level_values("study").isin(list(own))
    large = sizes >= np.where(asked_for, FEWEST, LEAST_MODELS)
    sets = [
        replace(one, unmatched=unmatched[one.study, one.dataset])
        for one in _sets(runs, means, list(sizes.index[large]), titles)
    ]
    if not sets:
        fewest = FEWEST if asked_for.any() else LEAST_MODELS
        raise InputError(
            f"No data set has results of {fewest} backbones, the least a chart is drawn for; there are "
            f"{len(good)} usable results. Name other data sets, or give more results."
        )
    left_out = Counter(str(study) for study, _, _ in sizes.index[~large])
    shown = {(one.study, one.dataset) for one in sets}
    here = [identity in shown for identity in zip(runs["study"], runs["dataset"], strict=True)]
    return Results(sets=tuple(_with_keys(sets)), left_out=dict(left_out), runs=runs[here])


def _at_profiled_size(frame: pd.DataFrame) -> pd.DataFrame:
    """Of a classifier that was tested at several sizes keep the test nearest to the size it is profiled at.

    A test size is no recipe of its own: leaving it in would split every ImageNet table by size.
    """
    tests = frame["recipe"] == "pretraining-task"
    distance = (
        (frame["resolution"].astype(float) - frame["profile_size"].astype(float)).abs().where(tests, 0.0)
    )
    model = ["study", "dataset", "published_name"]
    order = frame.assign(distance=distance).sort_values("distance", kind="stable")
    kept = ~(tests.reindex(order.index) & order.duplicated(model)).sort_index()
    return frame.assign(resolution=frame["resolution"].where(~tests))[kept]


def _with_profile_columns(frame: pd.DataFrame, profiles: pd.DataFrame) -> pd.DataFrame:
    """Add the profile's columns that the join does not bring: speeds and predicted memory."""
    more = [c for c in profiles if c not in frame and str(c).startswith(("time_", "predicted_"))]
    extra = profiles.drop_duplicates("backbone").set_index("backbone")[more]
    return frame.join(extra, on="backbone")


def _sets(
    runs: pd.DataFrame,
    means: pd.DataFrame,
    identities: list[tuple[str, str, str]],
    titles: dict[str, str | None],
) -> Iterator[ResultSet]:
    """Sets, searched ones twice: fine-tuning first, repeated runs first, many models first."""
    by_set, by_dataset = means.groupby(SET), runs.groupby(SET[:2])
    for study, dataset, recipe in _in_order(means, identities):
        frame = by_set.get_group((study, dataset, recipe))
        title = titles.get(dataset) or dataset
        of_dataset = by_dataset.get_group((study, dataset))
        searched = _searched(of_dataset)
        most = int(frame["n_runs"].max())
        words = f"mean of up to {most} runs a model" if most > 1 else "one number a model"
        if searched:
            words += f", all at the {' and '.join(searched)} that most models share"
        yield _one(dataset, title, frame, "mean", words)
        if searched:
            best = _drawable(per_model(of_dataset, summary="min"))
            words = "best of each model's runs, as the study published it; it favours models with more runs"
            yield _one(f"{dataset}-best", f"{title}, best run", best[best["recipe"] == recipe], "min", words)


def _in_order(means: pd.DataFrame, identities: list[tuple[str, str, str]]) -> list[tuple[str, str, str]]:
    """Studies stay together; the one most worth a first look leads."""
    studies = means.assign(tuned=means["recipe"].str.startswith("fine-tune")).groupby("study")
    rank = studies.agg(tuned=("tuned", "max"), runs=("n_runs", "max"), models=("backbone", "nunique"))
    rank["runs"] = rank["runs"] > 1
    order = list(rank.sort_values(["tuned", "runs", "models"], ascending=False, kind="stable").index)
    return sorted(identities, key=lambda identity: (order.index(identity[0]), *identity))


def _searched(runs: pd.DataFrame) -> list[str]:
    """Settings that the study tried several values of, in words."""
    return [
        name.replace("_", " ") for name in TUNED if name in runs and len(runs[name].dropna().unique()) > 1
    ]


def _one(key: str, title: str, frame: pd.DataFrame, summarised_by: Summary, summary: str) -> ResultSet:
    first = frame.iloc[0]
    return ResultSet(
        key=key,
        title=title,
        study=first["study"],
        dataset=first["dataset"],
        recipe=first["recipe"],
        condition=_condition(frame),
        metric=", ".join(sorted(frame["metric"].dropna().unique())),
        summarised_by=summarised_by,
        summary=summary,
        unmatched=0,
        frame=frame.reset_index(drop=True),
    )


def _condition(frame: pd.DataFrame) -> str:
    """The recipe with its detail, where that is the same for all and not yet said."""
    recipe = str(frame["recipe"].iloc[0])
    details = frame["recipe_detail"].dropna().unique() if "recipe_detail" in frame else []
    return f"{recipe} ({details[0]})" if len(details) == 1 and details[0] not in recipe else recipe


def _drawable(frame: pd.DataFrame) -> pd.DataFrame:
    """Models with an error, the best first; words as plain objects, faster in many small selections."""
    words = [column for column in frame if frame[column].dtype == "str"]
    plain = frame[frame["error"].notna()].astype(dict.fromkeys([*SET, *words], object))
    named = plain.assign(name=plain["weights"].where(plain["weights"].notna(), plain["backbone"]))
    return named.sort_values(["error", "name"], ignore_index=True)


def has_value(frame: pd.DataFrame, key: str, *, log: bool) -> NDArray[np.bool_]:
    """Rows that have the statistic `key`, positive where the axis is a logarithm."""
    x = frame[key].to_numpy(dtype=float)
    return x > 0 if log else np.isfinite(x)


def points_on(frame: pd.DataFrame, key: str, *, log: bool) -> pd.DataFrame:
    """Rows that have the statistic `key`, with that as `x`; the index stays."""
    points = frame.loc[has_value(frame, key, log=log), ["name", "family", "kind", "error", key]]
    return points.rename(columns={key: "x"})


def _with_keys(sets: list[ResultSet]) -> Iterator[ResultSet]:
    """Where sets share a key, the study tells them apart, and a number where even that does not."""
    shared = Counter(one.key for one in sets)
    taken = Counter[str]()
    for one in sets:
        key = one.key if shared[one.key] == 1 else f"{one.study}/{one.key}"
        taken[key] += 1
        yield replace(one, key=key if taken[key] == 1 else f"{key}/{taken[key]}")
