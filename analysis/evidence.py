"""What the shipped tables know, in the shape a query needs, without pandas: it must answer in a second."""

from __future__ import annotations

import json
import math
import statistics
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

from ..data.errors import InputError
from ..data.families import family, kind

__all__ = ["Candidate", "Evidence", "Result", "Task", "load_evidence"]

TABLES = Path(__file__).parents[1] / "data" / "tables"
Row = Mapping[str, Any]

_OBSERVED = (
    *("study", "dataset", "backbone", "weights", "match", "recipe", "learning_rate", "resolution"),
    *("error", "metric", "n_eval", "n_replicates", "error_sd", "fit_time_s", "peak_memory_bytes", "status"),
)
_WEIGHTS = (
    *("weights", "backbone", "family", "kind", "pretraining", "licence"),
    *("input_size", "mean", "std", "interpolation", "crop_pct", "crop_mode", "is_default"),
)
_PROFILED = ("backbone", "params", "macs", "activations", "input_shapes")
_BENCHED = (
    *("backbone", "device", "mode", "throughput", "batch_size", "dtype", "compiled", "memory_format"),
    *("torch_version", "input_shapes", "status", "source_ref"),
)


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
    """One data set under one recipe in one study; its results are summarised when they are first needed.

    Attributes:
        facts: the data set's row (`domain`, `n_train`, `n_classes`, `image_size`, `channels`, `group`).
        runs: model → its rows.
    """

    study: str
    dataset: str
    recipe: str
    facts: Row
    runs: Mapping[str, list[Row]]

    @cached_property
    def metric(self) -> str:
        """What the error is one minus of."""
        return str(next(iter(self.runs.values()))[0]["metric"])

    @cached_property
    def results(self) -> dict[str, Result]:
        """Model → mean over its comparable runs, in the order of names."""
        return {model: _result(rows) for model, rows in sorted(_comparable(self.runs).items())}

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
        return _noise(self.results, next(iter(self.runs.values()))[0].get("n_eval"))

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


@dataclass(frozen=True, slots=True)
class Candidate:
    """Something that can be recommended: a set of weights, or an architecture where none are known."""

    model: str
    backbone: str
    weights: str | None
    family: str
    kind: str
    pretraining: str | None
    licence: str | None
    params: int | None
    macs: int | None
    activations: int | None
    preprocessing: Row | None


@dataclass(frozen=True)
class Evidence:
    """The tables as rows: results, data sets, weights, profiles; published speeds on demand.

    `shipped`: whether these are the tables that the shipped model was fitted on.
    """

    observations: tuple[Row, ...]
    datasets: Mapping[str, Row]
    weights: Mapping[str, Row]
    profiles: Mapping[str, Row]
    read_benchmarks: Callable[[], dict[str, list[Any]]]
    shipped: bool = False

    @staticmethod
    def of(
        *,
        observations: Iterable[Row],
        datasets: Iterable[Row] = (),
        weights: Iterable[Row] = (),
        profiles: Iterable[Row] = (),
        benchmarks: Iterable[Row] | Callable[[], dict[str, list[Any]]] = (),
    ) -> Evidence:
        """Build it from rows keyed by the records' field names."""
        return Evidence(
            observations=tuple(observations),
            datasets={row["dataset"]: row for row in datasets},
            weights={row["weights"]: row for row in weights},
            profiles={row["backbone"]: row for row in profiles},
            read_benchmarks=benchmarks if callable(benchmarks) else lambda: _by_column(benchmarks),
        )

    @cached_property
    def tasks(self) -> tuple[Task, ...]:
        """Every study, data set and recipe, sorted by these; models without a timm name are left out."""
        cells: dict[tuple[str, str, str], dict[str, list[Row]]] = defaultdict(lambda: defaultdict(list))
        for row in self.observations:
            if row["status"] == "ok" and row["match"] != "none":
                cell = cells[row["study"], row["dataset"], row["recipe"]]
                cell[row["weights"] or row["backbone"]].append(row)
        return tuple(
            Task(*key, self.datasets.get(key[1], {"dataset": key[1], "domain": "unknown"}), cells[key])
            for key in sorted(cells)
        )

    def candidate(self, model: str) -> Candidate:
        """What is known of a model's weights and architecture."""
        known = self.weights.get(model)
        backbone = known["backbone"] if known else model.partition(".")[0]
        profile = self.profiles.get(backbone, {})
        return Candidate(
            model=model,
            backbone=backbone,
            weights=model if "." in model else None,
            family=known["family"] if known else family(backbone),
            kind=known["kind"] if known else kind(backbone),
            pretraining=known["pretraining"] if known else None,
            licence=known["licence"] if known else None,
            params=profile.get("params"),
            macs=profile.get("macs"),
            activations=profile.get("activations"),
            preprocessing=_preprocessing(known),
        )

    @cached_property
    def _benchmarks(self) -> dict[str, list[Any]]:
        return self.read_benchmarks()

    @cached_property
    def devices(self) -> tuple[str, ...]:
        """Devices with published inference speeds, sorted."""
        held = self._benchmarks
        pairs = zip(held.get("device", ()), held.get("mode", ()), strict=True)
        return tuple(sorted({device for device, mode in pairs if mode == "inference"}))

    def speeds(self, device: str) -> dict[str, Row]:
        """Model or backbone → its published inference row on `device` at the smallest size.

        Where there is a choice: not compiled, contiguous, the newest torch.
        """
        held = self._benchmarks
        here = [i for i, name in enumerate(held["device"]) if name == device]
        rows = [{name: values[i] for name, values in held.items()} for i in here]
        usable = [r for r in rows if r["mode"] == "inference" and r["status"] == "ok" and r["throughput"]]
        best: dict[str, Row] = {}
        for row in sorted(usable, key=_preference):
            best.setdefault(row["backbone"], row)
            named = str(row["source_ref"] or "").partition(":")[2]
            best.setdefault(named or row["backbone"], row)
        return best


def _preference(row: Row) -> tuple[Any, ...]:
    version = tuple(-int(part) for part in str(row["torch_version"] or "0").split(".") if part.isdigit())
    return (_area(row["input_shapes"]), bool(row["compiled"]), row["memory_format"] != "contiguous", version)


@lru_cache(maxsize=512)
def _area(shapes: str | None) -> int:
    shape = json.loads(shapes)[0] if shapes else [0]
    return math.prod(shape[-2:])


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


@lru_cache(maxsize=512)
def _parsed(text: str) -> Any:
    return json.loads(text)  # a thousand weights share a few dozen texts


def _preprocessing(known: Row | None) -> Row | None:
    if known is None:
        return None
    nested = {name: known.get(name) for name in ("input_size", "mean", "std")}
    read = {name: _parsed(value) if isinstance(value, str) else value for name, value in nested.items()}
    return read | {name: known.get(name) for name in ("interpolation", "crop_pct", "crop_mode")}


_PRETRAINING = "timm-imagenet"
"""How well weights do on what they were pretrained for is no transfer result, and half of all rows."""


def load_evidence(folder: Path = TABLES) -> Evidence:
    """Read the shipped tables; only the columns that a query needs.

    Raises:
        InputError: if a table is missing or damaged.
    """
    entries = json.loads(_text(folder / "manifest.json"))["tables"]
    studies = [e["table"] for e in entries if e["record"] == "Observation" and e["table"] != _PRETRAINING]
    made = Evidence.of(
        observations=[row for study in studies for row in _read(folder / f"{study}.parquet", _OBSERVED)],
        datasets=_read(folder / "datasets.parquet", None),
        weights=_read(folder / "weights.parquet", _WEIGHTS),
        profiles=_read(folder / "profiles.parquet", _PROFILED),
        benchmarks=lambda: _columns(folder / "benchmarks.parquet", _BENCHED),
    )
    return replace(made, shipped=folder == TABLES)


_REMEDY = "Reinstall archimeter, or rebuild the tables with `python -m archimeter.data.build RAW_DIR`."


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise InputError(
            f"The tables' manifest {path} cannot be read: {error.strerror}. {_REMEDY}"
        ) from error


def _read(path: Path, columns: tuple[str, ...] | None) -> list[Row]:
    held = _columns(path, columns)
    return [dict(zip(held, row, strict=True)) for row in zip(*held.values(), strict=True)]


def _columns(path: Path, columns: tuple[str, ...] | None) -> dict[str, list[Any]]:
    """Column by column, which is three times faster than pyarrow's own rows."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        table = pq.ParquetFile(path).read(columns=columns and list(columns))
    except FileNotFoundError as error:
        raise InputError(f"The table {path} is missing. {_REMEDY}") from error
    except (OSError, pa.ArrowException) as error:
        raise InputError(f"The table {path} is damaged. {_REMEDY}") from error
    return {name: table[name].to_pylist() for name in table.column_names}


def _by_column(rows: Iterable[Row]) -> dict[str, list[Any]]:
    held = list(rows)
    return {name: [row[name] for row in held] for name in (held[0] if held else ())}
