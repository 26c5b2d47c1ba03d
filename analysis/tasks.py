"""Tasks: what one study measured on one data set in one way, so that its results may be compared.

A result is comparable with another of the same study, data set, recipe, metric and condition. A condition is
a number of training images or a detail of the recipe that a study varied with a model held fixed: 1-shot and
the whole set, images of 28 and of 224 pixels. Replicates are averaged.
"""

from __future__ import annotations

import math
import re
import statistics
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import combinations
from typing import Any

from .plain_tables import Columns

__all__ = ["OBSERVED", "Result", "Task", "architecture", "broadest", "measure", "tasks_of"]

Row = Mapping[str, Any]
_Runs = dict[str, list[int]]
_Parts = dict[tuple[str, int | None, str | None], _Runs]
_Part = tuple[int | None, str | None, _Runs]

_SUMMARISED = (
    *("learning_rate", "resolution", "error", "n_eval", "n_replicates", "error_sd"),
    *("fit_time_s", "peak_memory_bytes"),
)
_CELL = ("study", "dataset", "recipe")
_STATED = ("metric", "n_train", "recipe_detail")
_OTHER = ("study", "backbone", "published_name", "pretraining")
OBSERVED = ("status", "match", "weights", *_CELL, *_STATED, *_OTHER[1:], *_SUMMARISED)
"""Columns of a table of results that tasks are made of."""
_ORDINARY = frozenset({"supervised-in1k", "supervised-in12k", "supervised-in21k", "supervised-in22k"})
_WHOLE = re.compile(r"\b(whole training set|100 % of the training)")
_PART = re.compile(r"\d-shot\b|(\bpart|%) of the training|\d images per |\b\d+ a class")
_PIXELS = re.compile(r"\b(\d+) px\b")


@dataclass(frozen=True, slots=True)
class Result:
    """One model's result on one task: mean over comparable runs.

    Attributes:
        error, n_runs: mean and what it is a mean of. sd: between runs, None where it was run once.
        fit_time_s, peak_memory_bytes: what the study says training took, None where it does not.
    """

    error: float
    n_runs: int
    sd: float | None
    fit_time_s: float | None
    peak_memory_bytes: float | None


@dataclass(frozen=True)
class Task:
    """One data set under one recipe, metric and condition; results are summarised when first needed.

    Attributes:
        metric: what the error is one minus of. condition: in words, empty where the study has one only.
        n_train: images that the models were trained on, None where nobody states it.
        image_size: pixels a side of the images, before any are scaled up.
        facts: the data set's row (`domain`, `n_train`, `n_classes`, `image_size`, `channels`, `group`).
        runs: model → places of its rows in `table`. A model is a set of timm's weights, or an architecture;
            where its weights are others, their kind or the study's name for them stands in brackets, unless
            nothing tells them from the usual ones.
    """

    study: str
    dataset: str
    recipe: str
    metric: str
    condition: str
    n_train: int | None
    image_size: int | None
    facts: Row
    runs: Mapping[str, list[int]]
    table: Columns

    @property
    def measure(self) -> str:
        """What the error is called."""
        return measure(self.metric)

    @cached_property
    def n_choices(self) -> int:
        """Models that differ in more than how unnamed weights were pretrained."""
        return len({model.partition(" (")[0] for model in self.runs})

    @cached_property
    def results(self) -> dict[str, Result]:
        """Model → mean over its comparable runs, in the order of names."""
        cell = {model: [self._row(i) for i in places] for model, places in self.runs.items()}
        return {model: _result(rows) for model, rows in sorted(_comparable(cell).items())}

    @cached_property
    def noise(self) -> float | None:
        """Standard deviation of one run's error, or None where nothing tells it."""
        return self._noise[0]

    @cached_property
    def noise_from(self) -> str | None:
        """`replicates` (median over models), `sample size` (binomial), or None."""
        return self._noise[1]

    @cached_property
    def _noise(self) -> tuple[float | None, str | None]:
        return _noise(self.results, self._row(next(iter(self.runs.values()))[0])["n_eval"])

    def _row(self, i: int) -> Row:
        return {name: self.table[name][i] for name in _SUMMARISED}

    @cached_property
    def rank_shares(self) -> dict[str, float]:
        """Model → share of the other models that are better, 0 for the best and 1 for the worst."""
        models = sorted(self.results, key=lambda name: self.results[name].error)
        if len(models) < 2:
            return dict.fromkeys(models, 0.5)
        places: dict[float, list[int]] = defaultdict(list)
        for place, name in enumerate(models):
            places[self.results[name].error].append(place)
        return {
            name: statistics.fmean(places[self.results[name].error]) / (len(models) - 1) for name in models
        }


_MEASURES = {"top1": "error", "accuracy": "error", "auc": "AUC error"}


def measure(metric: str) -> str:
    """What one minus a metric is called: `error` alone where it is a share of wrong answers."""
    return _MEASURES.get(metric, f"{metric} error")


def architecture(model: str) -> str:
    """The backbone of a task's model."""
    return model.partition(" (")[0].partition(".")[0]


def broadest(tasks: Iterable[Task]) -> tuple[Task, ...]:
    """Of every data set under a recipe one condition, so that it counts once.

    It is the one with results of the most models; of several the one by top-1 accuracy, then that on the most
    images.
    """
    best: dict[tuple[str, str, str], Task] = {}
    for task in sorted(tasks, key=_breadth):
        best.setdefault((task.study, task.dataset, task.recipe), task)
    return tuple(sorted(best.values(), key=lambda task: (task.study, task.dataset, task.recipe)))


def _breadth(task: Task) -> tuple[Any, ...]:
    return (-len(task.runs), task.metric != "top1", -(task.n_train or math.inf), task.metric, task.condition)


def tasks_of(table: Columns, datasets: Mapping[str, Row]) -> list[Task]:
    """The tasks of a table of results; what did not finish, and models without a timm name, are left out."""
    outcome = zip(table["status"], table["match"], strict=True)
    usable = [i for i, (status, match) in enumerate(outcome) if status == "ok" and match != "none"]
    weights, other = table["weights"], [table[name] for name in _OTHER]
    unnamed = {i: tuple(column[i] for column in other) for i in usable if not weights[i]}
    named = _names({*unnamed.values()})
    keys = list(zip(*(table[name] for name in (*_CELL, *_STATED)), strict=True))
    parts: dict[tuple[Any, ...], _Runs] = defaultdict(dict)
    for i in usable:
        part, model = parts[keys[i]], weights[i] or named[unnamed[i]]
        if model in part:
            part[model].append(i)
        else:
            part[model] = [i]
    cells: dict[tuple[str, ...], _Parts] = defaultdict(dict)
    for (*cell, metric, n, detail), part in parts.items():
        cells[tuple(cell)][metric, n, detail] = part
    return [
        task
        for key, cell in cells.items()
        for task in _tasks(key, _merged(cell), table, datasets.get(key[1]))
    ]


def _names(unnamed: set[tuple[Any, ...]]) -> dict[tuple[Any, ...], str]:
    """Names of models whose weights are not timm's; study, backbone, the study's name and kind → name.

    The architecture alone, where a study has one such model of it and nothing special is said of its weights.
    """
    kinds: dict[tuple[str, str], list[str | None]] = defaultdict(list)
    for study, backbone, _, kind in unnamed:
        kinds[study, backbone].append(kind)
    names: dict[tuple[Any, ...], str] = {}
    for study, backbone, published, kind in unnamed:
        others = kinds[study, backbone]
        ordinary = sum(other is None or other in _ORDINARY for other in others)
        of = kind if others.count(kind) == 1 or not published else published
        plain = of in {None, "none", "unknown"} or (of in _ORDINARY and ordinary == 1)
        spelled = of if of and of.startswith(f"{backbone} (") else f"{backbone} ({of})"
        names[study, backbone, published, kind] = backbone if plain else spelled
    return names


def _merged(cell: _Parts) -> dict[tuple[str, str], list[_Part]]:
    """Metric and condition → the parts of a cell that no model holds apart."""
    by_n = by_detail = False
    for ((_, n, detail), part), ((_, n_too, detail_too), other) in combinations(cell.items(), 2):
        if (n, detail) != (n_too, detail_too) and not part.keys().isdisjoint(other):
            by_n, by_detail = by_n or n != n_too, by_detail or detail != detail_too
    found: dict[tuple[str, str], list[_Part]] = defaultdict(list)
    several = len({detail for _, _, detail in cell}) < len({(n, detail) for _, n, detail in cell})
    for (metric, n, detail), part in cell.items():
        said = [detail] if by_detail and detail else []
        if (by_n or by_detail) and (not said or (by_n and several)):
            said.append(_images(n))
        found[metric, ", ".join(said)].append((n, detail, part))
    return found


def _tasks(
    key: tuple[str, ...],
    merged: Mapping[tuple[str, str], list[_Part]],
    table: Columns,
    known: Row | None,
) -> Iterable[Task]:
    study, dataset, recipe = key
    facts = known or {"dataset": dataset, "domain": "unknown"}
    for (metric, condition), parts in merged.items():
        runs, *more = [part for _, _, part in parts]
        for part in more:
            for model, places in part.items():
                runs[model] = [*runs.get(model, ()), *places]
        sizes = {_n_train(n, detail, facts) for n, detail, _ in parts}
        sides = {_side(detail, facts) for _, detail, _ in parts}
        n_train, side = (one.pop() if len(one) == 1 else None for one in (sizes, sides))
        yield Task(study, dataset, recipe, metric, condition, n_train, side, facts, runs, table)


def _images(n: float | None) -> str:
    return f"{n:,.0f} training images" if n else "nothing else stated"


def _n_train(n: float | None, detail: str | None, facts: Row) -> int | None:
    """Images trained on: the data set's own number only where nothing says that it was a part of them."""
    if n is None and not _is_part(detail):
        n = facts.get("n_train")
    return int(n) if n else None


def _side(detail: str | None, facts: Row) -> int | None:
    side = _pixels(detail) or facts.get("image_size")
    return int(side) if side else None


@lru_cache(maxsize=512)
def _is_part(detail: str | None) -> bool:
    return bool(detail and _PART.search(detail) and not _WHOLE.search(detail))


@lru_cache(maxsize=512)
def _pixels(detail: str | None) -> int | None:
    found = _PIXELS.search(detail or "")
    return int(found[1]) if found else None


def _comparable(cell: Mapping[str, list[Row]]) -> dict[str, list[Row]]:
    """Keep the learning rate that most models were run with, and each model's first resolution."""
    rates: dict[float, set[str]] = defaultdict(set)
    for model, rows in cell.items():
        for row in rows:
            if row.get("learning_rate") is not None:
                rates[row["learning_rate"]].add(model)
    common = min(rates, key=lambda rate: (-len(rates[rate]), rate)) if rates else None
    kept = {}
    for model, rows in cell.items():
        same = [row for row in rows if common is None or row.get("learning_rate") == common]
        sizes = [row["resolution"] for row in same if row.get("resolution")]
        smallest = min(sizes) if sizes else None
        same = [row for row in same if smallest is None or row.get("resolution") == smallest]
        if same:
            kept[model] = same
    return kept


def _result(rows: list[Row]) -> Result:
    errors = [row["error"] for row in rows]
    times = [row["fit_time_s"] for row in rows if row.get("fit_time_s")]
    memory = [row["peak_memory_bytes"] for row in rows if row.get("peak_memory_bytes")]
    return Result(
        error=statistics.fmean(errors),
        n_runs=sum(int(row.get("n_replicates") or 1) for row in rows),
        sd=statistics.stdev(errors) if len(errors) > 1 else rows[0].get("error_sd"),
        fit_time_s=statistics.median(times) if times else None,
        peak_memory_bytes=min(memory) if memory else None,
    )


def _noise(results: Mapping[str, Result], n_eval: float | None) -> tuple[float | None, str | None]:
    between = [result.sd for result in results.values() if result.sd is not None]
    if between:
        return statistics.median(between), "replicates"
    if n_eval:
        middle = statistics.median(result.error for result in results.values())
        return math.sqrt(max(middle * (1 - middle), 0.25 / n_eval) / n_eval), "sample size"
    return None, None
