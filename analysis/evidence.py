"""What the shipped tables know, in the shape a query needs, without pandas: it must answer in a second."""

from __future__ import annotations

import json
import math
import statistics
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
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
    *("input_size", "mean", "std", "interpolation", "crop_pct", "crop_mode"),
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
    """One data set under one recipe in one study, with the results of every model.

    Attributes:
        facts: the data set's row (`domain`, `n_train`, `n_classes`, `image_size`, `channels`, `group`).
        noise: standard deviation of one run's error: median over models between replicates, else binomial
            from `n_eval`, else None.
        noise_from: `replicates`, `sample size` or None.
    """

    study: str
    dataset: str
    recipe: str
    metric: str
    facts: Row
    results: Mapping[str, Result]
    noise: float | None
    noise_from: str | None

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
    """The tables as rows: results, data sets, weights, profiles; published speeds on demand."""

    observations: tuple[Row, ...]
    datasets: Mapping[str, Row]
    weights: Mapping[str, Row]
    profiles: Mapping[str, Row]
    read_benchmarks: Callable[[], Iterable[Row]]

    @staticmethod
    def of(
        *,
        observations: Iterable[Row],
        datasets: Iterable[Row] = (),
        weights: Iterable[Row] = (),
        profiles: Iterable[Row] = (),
        benchmarks: Iterable[Row] | Callable[[], Iterable[Row]] = (),
    ) -> Evidence:
        """Build it from rows keyed by the records' field names."""
        return Evidence(
            observations=tuple(observations),
            datasets={row["dataset"]: row for row in datasets},
            weights={row["weights"]: row for row in weights},
            profiles={row["backbone"]: row for row in profiles},
            read_benchmarks=benchmarks if callable(benchmarks) else lambda: benchmarks,
        )

    @cached_property
    def tasks(self) -> tuple[Task, ...]:
        """Every study, data set and recipe, sorted by these; models without a timm name are left out."""
        cells: dict[tuple[str, str, str], dict[str, list[Row]]] = defaultdict(lambda: defaultdict(list))
        for row in self.observations:
            if row["status"] == "ok" and row["match"] != "none":
                cell = cells[row["study"], row["dataset"], row["recipe"]]
                cell[row["weights"] or row["backbone"]].append(row)
        return tuple(self._task(key, cells[key]) for key in sorted(cells))

    def _task(self, key: tuple[str, str, str], cell: Mapping[str, list[Row]]) -> Task:
        study, dataset, recipe = key
        comparable = _comparable(cell)
        results = {model: _result(rows) for model, rows in sorted(comparable.items())}
        noise, noise_from = _noise(results, next(iter(comparable.values()))[0].get("n_eval"))
        facts = self.datasets.get(dataset, {"dataset": dataset, "domain": "unknown"})
        metric = str(next(iter(comparable.values()))[0]["metric"])
        return Task(study, dataset, recipe, metric, facts, results, noise, noise_from)

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
    def benchmarks(self) -> tuple[Row, ...]:
        """Usable published inference speeds; read only when a budget asks for them."""
        return tuple(
            row
            for row in self.read_benchmarks()
            if row["mode"] == "inference" and row["status"] == "ok" and row["throughput"]
        )

    @cached_property
    def devices(self) -> tuple[str, ...]:
        """Devices with published inference speeds, sorted."""
        return tuple(sorted({row["device"] for row in self.benchmarks}))

    def speeds(self, device: str) -> dict[str, Row]:
        """Model or backbone → its published row on `device` at the smallest size.

        Where there is a choice: not compiled, contiguous, the newest torch.
        """
        rows = [row for row in self.benchmarks if row["device"] == device]
        rows.sort(key=_preference)
        best: dict[str, Row] = {}
        for row in rows:
            best.setdefault(row["backbone"], row)
            named = str(row["source_ref"] or "").partition(":")[2]
            best.setdefault(named or row["backbone"], row)
        return best


def _preference(row: Row) -> tuple[Any, ...]:
    version = tuple(-int(part) for part in str(row["torch_version"] or "0").split(".") if part.isdigit())
    return (_area(row["input_shapes"]), bool(row["compiled"]), row["memory_format"] != "contiguous", version)


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


def _preprocessing(known: Row | None) -> Row | None:
    if known is None:
        return None
    nested = {name: known.get(name) for name in ("input_size", "mean", "std")}
    read = {name: json.loads(value) if isinstance(value, str) else value for name, value in nested.items()}
    return read | {name: known.get(name) for name in ("interpolation", "crop_pct", "crop_mode")}


def load_evidence(folder: Path = TABLES) -> Evidence:
    """Read the shipped tables; only the columns that a query needs.

    Raises:
        InputError: if a table is missing or damaged.
    """
    entries = json.loads(_text(folder / "manifest.json"))["tables"]
    studies = [entry["table"] for entry in entries if entry["record"] == "Observation"]
    return Evidence.of(
        observations=[row for study in studies for row in _read(folder / f"{study}.parquet", _OBSERVED)],
        datasets=_read(folder / "datasets.parquet", None),
        weights=_read(folder / "weights.parquet", _WEIGHTS),
        profiles=_read(folder / "profiles.parquet", _PROFILED),
        benchmarks=lambda: _read(folder / "benchmarks.parquet", _BENCHED),
    )


_REMEDY = "Reinstall archimeter, or rebuild the tables with `python -m archimeter.data.build RAW_DIR`."


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise InputError(
            f"The tables' manifest {path} cannot be read: {error.strerror}. {_REMEDY}"
        ) from error


def _read(path: Path, columns: tuple[str, ...] | None) -> list[dict[str, Any]]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        table = pq.ParquetFile(path).read(columns=columns and list(columns))
    except FileNotFoundError as error:
        raise InputError(f"The table {path} is missing. {_REMEDY}") from error
    except (OSError, pa.ArrowException) as error:
        raise InputError(f"The table {path} is damaged. {_REMEDY}") from error
    names = table.column_names  # column by column is three times faster than pyarrow's rows
    return [
        dict(zip(names, row, strict=True))
        for row in zip(*(c.to_pylist() for c in table.columns), strict=True)
    ]
