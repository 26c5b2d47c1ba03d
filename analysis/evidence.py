"""What the tables know, in the shape a query needs, without pandas: it must answer in a second."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

from ..data.errors import InputError
from ..data.families import family, kind
from ..data.pretraining import PRETRAININGS
from ..data.resolving import IDENTITY
from .plain_tables import Columns, columns_of_file, columns_of_rows
from .tasks import OBSERVED, Result, Task, architecture, broadest, tasks_of

__all__ = ["Candidate", "Evidence", "Result", "Task", "load_evidence"]

TABLES = Path(__file__).parents[1] / "data" / "tables"
Row = Mapping[str, Any]

_WEIGHTS = (
    *("weights", "backbone", "family", "kind", "pretraining", "licence"),
    *("input_size", "mean", "std", "interpolation", "crop_pct", "crop_mode", "is_default"),
)
_PROFILED = ("backbone", "params", "macs", "activations", "input_shapes")
_BENCHED = (
    *("backbone", "device", "mode", "throughput", "batch_size", "dtype", "compiled", "memory_format"),
    *("torch_version", "input_shapes", "status", "source_ref"),
)
_WEIGHED = (
    *("backbone", "mode", "optimiser", "fixed_bytes", "bytes_per_image", "update_bytes", "input_bytes"),
)


@dataclass(frozen=True, slots=True)
class Candidate:
    """Something that can be recommended: a set of weights, or an architecture where none are known.

    stated: the weights' row, from which `preprocessing` is read.
    """

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
    stated: Row | None

    @property
    def preprocessing(self) -> Row | None:
        """What the weights expect of an image."""
        return _preprocessing(self.stated)


@dataclass(frozen=True)
class Evidence:
    """The tables: results, data sets, weights, profiles; published speeds and memory on demand.

    Attributes:
        shipped: whether the shipped studies are among them, which the shipped model was fitted on.
        profiled: whether profiles and speeds are the shipped ones, which the speeds were fitted on.
        own: the user's own results, which are among the studies. custom: the user's own networks, name →
            profile row, beside what timm has.
    """

    studies: tuple[Columns, ...]
    datasets: Mapping[str, Row]
    weights: Mapping[str, Row]
    profiles: Mapping[str, Row]
    benchmarks: Columns
    memory: Columns
    shipped: bool = False
    profiled: bool = False
    own: Columns | None = None
    custom: Mapping[str, Row] = field(default_factory=dict)

    @staticmethod
    def of(
        *,
        observations: Iterable[Row],
        datasets: Iterable[Row] = (),
        weights: Iterable[Row] = (),
        profiles: Iterable[Row] = (),
        benchmarks: Iterable[Row] | Columns = (),
        memory: Iterable[Row] | Columns = (),
    ) -> Evidence:
        """Build it from rows keyed by the records' field names."""
        return Evidence(
            studies=(columns_of_rows(observations),),
            datasets={row["dataset"]: row for row in datasets},
            weights={row["weights"]: row for row in weights},
            profiles={row["backbone"]: row for row in profiles},
            benchmarks=benchmarks if isinstance(benchmarks, Columns) else columns_of_rows(benchmarks),
            memory=memory if isinstance(memory, Columns) else columns_of_rows(memory),
        )

    def with_results(self, rows: Iterable[Row], *, only: bool = False) -> Evidence:
        """Beside these results, or instead of them, the user's own; rows of a shipped study count once."""
        own = columns_of_rows(rows if only or not self.shipped else self._beside(list(rows)))
        studies = (own,) if only else (*self.studies, own)
        return replace(self, studies=studies, own=own, shipped=self.shipped and not only)

    def _beside(self, rows: Sequence[Row]) -> list[Row]:
        """Those rows that are not among these results, nor of the study that holds no transfer results."""
        named = {row["study"] for row in rows}
        there = {
            one
            for table in self.studies
            if not named.isdisjoint(table["study"])
            for one in zip(*(table[name] for name in IDENTITY), strict=True)
        }
        return [
            row
            for row in rows
            if row["study"] != _PRETRAINING and tuple(row.get(name) for name in IDENTITY) not in there
        ]

    def with_models(self, rows: Iterable[Row]) -> Evidence:
        """Beside what timm has, the user's own networks: rows of profiles, named by their `backbone`."""
        return replace(self, custom={**self.custom, **{row["backbone"]: row for row in rows}})

    @cached_property
    def tasks(self) -> tuple[Task, ...]:
        """What is comparable in every study, data set and recipe, sorted by these (see `tasks`)."""
        found = [task for table in self.studies for task in tasks_of(table, self.datasets)]
        return tuple(sorted(found, key=lambda t: (t.study, t.dataset, t.recipe, t.metric, t.condition)))

    @cached_property
    def own_tasks(self) -> tuple[Task, ...]:
        """Those of the user's own results; a data set counts once, under its broadest condition."""
        return broadest(task for task in self.tasks if task.table is self.own)

    @cached_property
    def own_models(self) -> tuple[str, ...]:
        """What the user has results of, under any condition."""
        return tuple(sorted({model for t in self.tasks if t.table is self.own for model in t.runs}))

    def candidate(self, model: str) -> Candidate:
        """What is known of a model's weights and architecture."""
        if model in self.custom:
            return _custom(model, self.custom[model])
        known = self.weights.get(model)
        backbone = known["backbone"] if known else architecture(model)
        profile = self.profiles.get(backbone, {})
        return Candidate(
            model=model,
            backbone=backbone,
            weights=model if model != backbone else None,
            family=known["family"] if known else family(backbone),
            kind=known["kind"] if known else kind(backbone),
            pretraining=known["pretraining"] if known else _stated(model),
            licence=known["licence"] if known else None,
            params=profile.get("params"),
            macs=profile.get("macs"),
            activations=profile.get("activations"),
            stated=known,
        )

    @cached_property
    def devices(self) -> tuple[str, ...]:
        """Devices with published inference speeds, sorted."""
        pairs = {*zip(self.benchmarks["device"], self.benchmarks["mode"], strict=True)}
        return tuple(sorted(device for device, mode in pairs if mode == "inference"))

    def speeds(self, device: str, mode: str = "inference") -> dict[str, Row]:
        """Model or backbone → its published row on `device` at the size that its profile has.

        Where there is a choice: the nearest size, not compiled, contiguous, the newest torch.
        """
        usable = self.benchmarks.where(device=device, mode=mode, status="ok")
        best: dict[str, Row] = {}
        for row in sorted(usable.rows(_BENCHED), key=self._preference):
            if row["throughput"]:
                best.setdefault(row["backbone"], row)
                named = str(row["source_ref"] or "").partition(":")[2]
                best.setdefault(named or row["backbone"], row)
        return best

    def _preference(self, row: Row) -> tuple[Any, ...]:
        away = _away(row["input_shapes"], self.profiles.get(row["backbone"], {}).get("input_shapes"))
        setting = bool(row["compiled"]), row["memory_format"] != "contiguous"
        return (away, *setting, _newest_first(row["torch_version"]))

    def memory_of(self, mode: str, optimiser: str | None) -> dict[str, Row]:
        """Backbone → its memory as lines in the batch (see `data.memory`)."""
        return {
            row["backbone"]: row
            for row in self.memory.rows(_WEIGHED)
            if (row["mode"], row["optimiser"]) == (mode, optimiser) and row["fixed_bytes"] is not None
        }


def _stated(model: str) -> str | None:
    """The kind of pretraining that stands in brackets behind an architecture."""
    said = model.partition(" (")[2].removesuffix(")")
    return said if said in PRETRAININGS else None


def _custom(model: str, row: Row) -> Candidate:
    return Candidate(
        model=model,
        backbone=model,
        weights=None,
        family="custom",
        kind=row.get("kind") or "other",
        pretraining=None,
        licence=None,
        params=row.get("params"),
        macs=row.get("macs"),
        activations=row.get("activations"),
        stated=None,
    )


@lru_cache(maxsize=4096)
def _away(shapes: str | None, own: str | None) -> float:
    """How far an input's area is from the profile's; from none where the profile does not say."""
    area, wanted = (math.prod(json.loads(text)[0][-2:]) if text else 1 for text in (shapes, own))
    return abs(math.log(area / wanted))


@lru_cache(maxsize=64)
def _newest_first(version: str | None) -> tuple[int, ...]:
    return tuple(-int(part) for part in str(version or "0").split(".") if part.isdigit())


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
    """Read the shipped tables; only the columns that a query needs, the large ones when they are needed.

    Raises:
        InputError: if a table is missing or damaged.
    """
    entries = json.loads(_text(folder / "manifest.json"))["tables"]
    studies = [e["table"] for e in entries if e["record"] == "Observation" and e["table"] != _PRETRAINING]
    made = Evidence.of(
        observations=(),
        datasets=_rows(folder / "datasets.parquet", None),
        weights=_rows(folder / "weights.parquet", _WEIGHTS),
        profiles=_rows(folder / "profiles.parquet", _PROFILED),
        benchmarks=columns_of_file(folder / "benchmarks.parquet", _BENCHED),
        memory=columns_of_file(folder / "memory.parquet", _WEIGHED),
    )
    tables = tuple(columns_of_file(folder / f"{study}.parquet", OBSERVED) for study in studies)
    return replace(made, studies=tables, shipped=folder == TABLES, profiled=folder == TABLES)


def _rows(path: Path, names: Sequence[str] | None) -> Sequence[Row]:
    return columns_of_file(path, names).rows(names)


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise InputError(
            f"The tables' manifest {path} cannot be read: {error.strerror}. Reinstall archimeter, or rebuild "
            "the tables with `python -m archimeter.data.build RAW_DIR`."
        ) from error
