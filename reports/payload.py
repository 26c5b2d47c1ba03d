"""What the page's script draws from: every name and every number once, as compact JSON."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

import numpy as np

from ..analysis.axes import AXES
from .front import front_chances, front_rows
from .heatmap import LEVELS, SCALES, heatmap_info
from .look import CONFIG, base_figure
from .measures import Measure, available, metric_words
from .palette import GREY, MARKS
from .trends import Trend, all_trend_lines

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import pandas as pd

    from .results import ResultSet

__all__ = ["PageData", "page_data", "to_script_json"]

PageData = dict[str, Any]


class _Numbers:
    """Strings, or tuples of them, numbered in the order in which they first come."""

    def __init__(self, first: Iterable[Any] = ()) -> None:
        self.places = {item: i for i, item in enumerate(dict.fromkeys(first))}

    def __call__(self, item: Any) -> int:
        return self.places.setdefault(item, len(self.places))


class _Names:
    """The page's names: families, kinds, backbones, and models (a backbone with a weights tag)."""

    def __init__(self, backbones: pd.DataFrame) -> None:
        self.families = _Numbers(sorted(backbones["family"].unique()))
        self.kinds = _Numbers(sorted(backbones["kind"].unique()))
        self.backbones = _Numbers(backbones["backbone"])
        self.models = _Numbers()


def page_data(
    profiles: pd.DataFrame,
    *,
    sets: Sequence[ResultSet],
    measures: Sequence[Measure],
    grids: Mapping[str, pd.DataFrame],
    coloured: Sequence[str],
    words: Mapping[str, Mapping[str, str]],
) -> PageData:
    """Gather what is drawn.

    Args:
        profiles: one row per backbone, with the measures' columns.
        sets: the result sets.
        measures: the axes.
        grids: correlations by key of set.
        coloured: families with a colour.
        words: sentences on each set (`about`, `gaps`), by its key.
    """
    backbones = profiles.sort_values("backbone", ignore_index=True)
    names = _Names(backbones)
    drawn = [{**_set(one, measures, grids.get(one.key), names), **words[one.key]} for one in sets]
    used = {key for one in drawn for key in one["trends"]}
    return {
        "families": list(names.families.places),
        "kinds": list(names.kinds.places),
        "coloured": [names.families(f) for f in coloured],
        "marks": [mark._asdict() for mark in MARKS],
        "grey": GREY._asdict(),
        "backbones": {
            "name": list(backbones["backbone"]),
            "family": [names.families(f) for f in backbones["family"]],
            "kind": [names.kinds(k) for k in backbones["kind"]],
            "input": [_input_side(shapes) for shapes in backbones["input_shapes"]],
        },
        "model": {
            "backbone": [b for b, _ in names.models.places],
            "tag": [tag for _, tag in names.models.places],
        },
        "measures": {m.key: _measure(m, backbones) for m in measures if m.key in used},
        "heads": {s: _head(s, measures) for one in drawn for s in one["correlations"]["measures"]},
        "levels": list(LEVELS.values()),
        "sets": drawn,
        "table": sorted(
            (m.key for m in measures if m.key in used and m.of == "backbone" and m.table), key=_column_order
        ),
        "scales": {name: [list(stop) for stop in scale] for name, scale in SCALES.items()},
        "layout": base_figure(x_label="", y_label="").to_plotly_json()["layout"],
        "config": CONFIG,
        "start": {"data": sets[0].key, "cost": "macs", "stat": "macs"},
    }


def _column_order(key: str) -> int:
    """Size, then speed, then shape: the table is wide, and a phone shows its first columns only."""
    return 0 if key in {"macs", "params", "activations"} else 1 if key.startswith("time_") else 2


def _measure(measure: Measure, backbones: pd.DataFrame) -> dict[str, Any]:
    known = {"label": measure.label, "short": measure.short, "unit": measure.unit, "of": measure.of}
    values = _numbers(backbones[measure.key]) if measure.of == "backbone" else None
    return {**known, "cost": measure.cost, "log": measure.log, "source": measure.source, "values": values}


def _head(statistic: str, measures: Sequence[Measure]) -> dict[str, str]:
    for measure in measures:
        if measure.key == statistic:
            return {"label": measure.label, "short": measure.short}
    label = AXES[statistic].label if statistic in AXES else statistic
    return {"label": label, "short": label}


def _set(
    one: ResultSet, measures: Sequence[Measure], grid: pd.DataFrame | None, names: _Names
) -> dict[str, Any]:
    frame = one.frame
    mine = available(measures, frame)
    fronts = {m.key: front_rows(one, m) for m in mine if m.cost}
    chances = {m.key: front_chances(one, m, fronts[m.key]) for m in mine if m.cost}
    return {
        "key": one.key,
        "title": one.title,
        "study": one.study,
        "recipe": one.condition,
        "metric": metric_words(one.metric),
        "summary": one.summary,
        "model": [
            names.models((names.backbones(backbone), _tag(weights)))
            for backbone, weights in zip(frame["backbone"], frame["weights"], strict=True)
        ],
        "error": _numbers(frame["error"], 6),
        "sd": _numbers(frame["error_sd"], 3),
        "runs": [int(n) for n in frame["n_runs"]],
        "own": {m.key: _numbers(frame[m.key]) for m in mine if m.of == "result"},
        "trends": {key: _trends(fits, names.families) for key, fits in all_trend_lines(one, mine).items()},
        "fronts": fronts,
        "chances": {key: [_short(v, 2) for v in chance] for key, chance in chances.items() if chance},
        "correlations": _correlations(one.title, grid, names.families),
    }


_TREND_DIGITS = (6, 4, 4, 6, 4, 4, 4)  # slope, its interval, intercept, R², ends: to draw and to read


def _trends(lines: Sequence[Trend], families: _Numbers) -> list[list[Any]]:
    fits = sorted(lines, key=lambda t: (-t.n, t.family))
    return [
        [
            families(t.family),
            t.n,
            *(_short(v, digits) for v, digits in zip(t[2:], _TREND_DIGITS, strict=True)),
        ]
        for t in fits
    ]


def _correlations(title: str, grid: pd.DataFrame | None, families: _Numbers) -> dict[str, Any]:
    if grid is None:
        return {"measures": [], "rows": []}
    info = heatmap_info(title, grid)
    levels = list(LEVELS.values())
    rows = []
    for label, cells in info.rows:
        name = -1 - levels.index(label) if label in levels else families(label)
        rows.append([name, [[*map(_short, cell)] if cell else None for cell in cells]])
    return {"measures": list(info.statistics), "rows": rows}


def _tag(weights: Any) -> str:
    return weights.partition(".")[2] if isinstance(weights, str) else ""


def _input_side(shapes: Any) -> int | None:
    shape = json.loads(shapes)[0] if isinstance(shapes, str) and shapes else None
    return min(shape[-2:]) if shape else None


def _numbers(values: pd.Series, digits: int = 5) -> list[float | int | None]:
    return [_short(v, digits) for v in values.to_numpy(dtype=float, na_value=np.nan)]


def _short(value: float, digits: int = 4) -> float | int | None:
    """Enough digits to draw and read; counts below 10^15 keep every digit."""
    if not math.isfinite(value):
        return None
    return int(value) if float(value).is_integer() and abs(value) < 1e15 else float(f"{value:.{digits}g}")


def to_script_json(data: PageData) -> str:
    """JSON that may stand inside a script element, whatever names it holds; equal data gives equal text."""
    text = json.dumps(data, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")
