"""The three records that everything else reads and writes: Profile, Observation, Dataset.

Base units in the values, units in the names. Unmeasured is `None`, never 0 and never NaN.
`as_row()` and `from_row()` are the only door between records and tables: a row is a flat mapping
of field names to values that JSON can hold (numbers, strings, lists, string-keyed objects).
"""

from __future__ import annotations

import json
import math
import statistics
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Literal, Self, get_args

from .errors import InputError
from .pretraining import PRETRAININGS

__all__ = [
    "DOMAINS",
    "RECIPES",
    "Dataset",
    "Observation",
    "Profile",
]

Mode = Literal["static", "inference", "training"]
Recipe = Literal[
    "fine-tune", "linear-probe", "knn", "zero-shot", "from-scratch", "pretraining-task", "unstated"
]
Match = Literal["exact", "architecture", "none"]
Domain = Literal[
    "natural",
    "fine-grained",
    "texture",
    "remote-sensing",
    "microscopy",
    "radiology",
    "dermatology",
    "astronomy",
    "plants-animals",
    "document",
    "industrial",
    "synthetic",
    "unknown",
]
RECIPES: tuple[str, ...] = get_args(Recipe)
DOMAINS: tuple[str, ...] = get_args(Domain)


class _Row:
    """What the records share: the way to a row and back."""

    __slots__ = ()

    def as_row(self) -> dict[str, Any]:
        """Return the fields as a flat mapping that JSON can hold; tuples become lists."""
        values = {f.name: getattr(self, f.name) for f in fields(self)}  # pyright: ignore[reportArgumentType]
        return {name: _plain(value) for name, value in values.items()}

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> Self:
        """Build a record from a row; NaN and missing become None, JSON text becomes what it holds.

        Raises:
            InputError: if the row has a key that is no field, or a value that the record refuses.
        """
        known = {f.name: f for f in fields(cls)}  # pyright: ignore[reportArgumentType]
        unknown = [key for key in row if key not in known]
        if unknown:
            raise InputError(f"{cls.__name__} has no field {unknown[0]!r}. Fields: {', '.join(known)}.")
        values = {key: _parsed(value, str(known[key].type)) for key, value in row.items()}
        return cls(**{key: value for key, value in values.items() if value is not None})


def _plain(value: Any) -> Any:
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    return value


def _parsed(value: Any, annotation: str) -> Any:
    to_python = getattr(value, "tolist", None)  # a numpy scalar or array
    if callable(to_python):
        value = to_python()
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return None
    wants_mapping, wants_tuple = annotation.startswith("Mapping"), annotation.startswith("tuple")
    if isinstance(value, str) and (wants_mapping or wants_tuple):
        value = json.loads(value) if value else ([] if wants_tuple else {})
    if wants_tuple and isinstance(value, list | tuple):
        return tuple(tuple(v) if isinstance(v, list) else v for v in value)
    if annotation.startswith("int") and isinstance(value, float) and value.is_integer():
        return int(value)
    return value


def _require_one_of(record: object, name: str, allowed: tuple[str, ...]) -> None:
    value = getattr(record, name)
    if value not in allowed:
        raise InputError(f"{type(record).__name__}.{name} is {value!r}; allowed: {', '.join(allowed)}.")


def _require_not_negative(record: object, *names: str) -> None:
    for name in names:
        value = getattr(record, name)
        if value is not None and not (math.isfinite(value) and value >= 0):
            raise InputError(
                f"{type(record).__name__}.{name} is {value!r}; it must be finite and not negative."
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile(_Row):
    """One backbone under one condition.

    Identity:
        backbone: architecture name, without a weights tag (`convnext_tiny`).
        family, kind: what `data.names` says of it.
        source: `timm`, `file` (a user's factory), `object` (a live module), `published` (a shipped table).
        source_ref: the exact target: weights name, `file.py:factory`, class name, or table.
    Condition:
        input_shapes: per input, without the batch: `((3, 224, 224),)`.
        batch_size: images per step. dtype: `float32`, `amp-float16` …
        device: as a person would name it; `meta` for static counts.
        mode: `static` (counts only), `inference` or `training` (forward, backward, optimiser).
        optimiser: of a training step: `sgd` (with momentum) or `adamw`; its state is part of the memory.
        memory_format, attention_fused, compiled, torch_version, timm_version, date (ISO).
    Measurement:
        params, params_trainable, buffers: elements; a shared tensor counts once.
        macs: multiply-accumulates of one input (batch 1): convolutions, linear layers, matrix products,
            attention. FLOPs are twice that.
        macs_by_kind: the same, split; sums to `macs`.
        macs_fvcore: MACs by fvcore's convention: `macs` plus its norm and pooling terms.
        elementwise_ops: operations of norm, activation, pooling and other pointwise work, one per
            output element and op; not part of `macs`.
        uncounted_ops: op name → calls, for ops that no rule covers.
        activations: elements of all convolution and matrix-product outputs (RegNet, fvcore), batch 1.
        depth: weighted layers on the longest data-flow path; blocks: repeated units; stages: resolutions.
        width_max, width_mean, width_macs: channels out of weighted layers: maximum, mean, MAC-weighted mean.
        width_residual: channels of the widest residual stream. feature_dim: pooled feature size.
        reduction: input side over last feature map's side.
        attention_share: share of MACs in products of two activations.
        peak_memory_bytes with peak_memory_method (`predicted`, `measured`) and peak_memory_error (relative,
            1 sigma, for predictions). memory_reserved_bytes: allocator's reserve on CUDA.
        latencies_s: every timed step. throughput: images per second. energy_j: joules per step.
        noisy, contended: the timing's own warnings. core_share: of the time for which it was ready to
            compute, the share in which it had a core (CPU only).
        macs_second_opinion: what fvcore itself counted, where it was asked.
    Outcome:
        status: `ok` or `failed`; reason: why it failed, or what a reader must know of the row.
    """

    backbone: str
    family: str | None = None
    kind: str | None = None
    source: Literal["timm", "file", "object", "published"] = "timm"
    source_ref: str = ""

    input_shapes: tuple[tuple[int, ...], ...] = ()
    batch_size: int = 1
    dtype: str = "float32"
    device: str = "meta"
    mode: Mode = "static"
    optimiser: str | None = None
    memory_format: Literal["contiguous", "channels_last"] = "contiguous"
    attention_fused: bool | None = None
    compiled: bool = False
    torch_version: str | None = None
    timm_version: str | None = None
    date: str | None = None

    params: int | None = None
    params_trainable: int | None = None
    buffers: int | None = None
    macs: int | None = None
    macs_by_kind: Mapping[str, int] = field(default_factory=dict)
    macs_fvcore: int | None = None
    elementwise_ops: int | None = None
    uncounted_ops: Mapping[str, int] = field(default_factory=dict)
    activations: int | None = None
    depth: int | None = None
    blocks: int | None = None
    stages: int | None = None
    width_max: int | None = None
    width_mean: float | None = None
    width_macs: float | None = None
    width_residual: int | None = None
    feature_dim: int | None = None
    reduction: float | None = None
    attention_share: float | None = None
    peak_memory_bytes: int | None = None
    peak_memory_method: Literal["predicted", "measured"] | None = None
    peak_memory_error: float | None = None
    memory_reserved_bytes: int | None = None
    latencies_s: tuple[float, ...] = ()
    throughput: float | None = None
    energy_j: float | None = None
    noisy: bool | None = None
    contended: bool | None = None
    core_share: float | None = None
    macs_second_opinion: int | None = None

    status: Literal["ok", "failed"] = "ok"
    reason: str | None = None

    def __post_init__(self) -> None:
        if not self.backbone:
            raise InputError("Profile.backbone is empty; give the architecture's name.")
        _require_one_of(self, "mode", get_args(Mode))
        _require_one_of(self, "status", ("ok", "failed"))
        _require_not_negative(
            self, "params", "macs", "activations", "depth", "throughput", "peak_memory_bytes"
        )
        if self.batch_size < 1:
            raise InputError(f"Profile.batch_size is {self.batch_size}; it must be at least 1.")

    @property
    def flops(self) -> int | None:
        """Floating-point operations: twice the multiply-accumulates."""
        return None if self.macs is None else 2 * self.macs

    @property
    def latency_median_s(self) -> float | None:
        """Median of the timed steps, in seconds per batch."""
        return statistics.median(self.latencies_s) if self.latencies_s else None

    @property
    def latency_iqr_s(self) -> float | None:
        """Interquartile range of the timed steps, in seconds."""
        low, high = self.latency_quantile_s(0.25), self.latency_quantile_s(0.75)
        return None if low is None or high is None else high - low

    @property
    def latency_p90_s(self) -> float | None:
        """90th percentile of the timed steps: MLPerf's single-stream figure at batch 1."""
        return self.latency_quantile_s(0.9)

    @property
    def latency_p99_s(self) -> float | None:
        """99th percentile of the timed steps, in seconds."""
        return self.latency_quantile_s(0.99)

    def latency_quantile_s(self, q: float) -> float | None:
        """Quantile `q` in [0, 1] of the timed steps, linearly interpolated (numpy's default)."""
        if not self.latencies_s:
            return None
        ordered = sorted(self.latencies_s)
        place = q * (len(ordered) - 1)
        low = math.floor(place)
        high = min(low + 1, len(ordered) - 1)
        return ordered[low] + (place - low) * (ordered[high] - ordered[low])


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation(_Row):
    """One result of one backbone on one data set, as a study states it.

    Identity:
        study: key in the tables' manifest, or the user's own name for it.
        dataset: key in the data sets' table. backbone: timm architecture where known, else the study's name.
        weights: timm name with tag, where the exact weights are known. published_name: the study's own name.
        match: `exact` (weights known), `architecture`, `none` (not in timm).
        pretraining: of weights that are not timm's, where it is stated: a key of `pretraining.PRETRAININGS`.
    Condition:
        recipe: see RECIPES (`unstated`: trained, but whether from pretrained weights no source says);
        recipe_detail: what else distinguishes it, in words ("16-shot", "10 epochs").
        epochs, learning_rate, pooling, resolution (pixels), n_train (images, where not the whole set).
    Measurement:
        error in [0, 1]: 1 − metric, lower is better; metric: its name (`top1`, `auc`, `quadratic-kappa` …).
        n_eval: units that the error is a mean of. replicate: index of the run, None for an aggregate.
        n_replicates, error_sd: runs behind an aggregate and their spread.
        fit_time_s, peak_memory_bytes.
    Outcome:
        status: `ok`, `incomplete`, `failed`, `excluded`; reason: why. Only `ok` rows enter an analysis.
    """

    study: str
    dataset: str
    backbone: str
    weights: str | None = None
    published_name: str | None = None
    match: Match = "none"
    pretraining: str | None = None

    recipe: Recipe = "fine-tune"
    recipe_detail: str | None = None
    epochs: int | None = None
    learning_rate: float | None = None
    pooling: str | None = None
    resolution: int | None = None
    n_train: int | None = None

    error: float | None = None
    metric: str = "top1"
    n_eval: int | None = None
    replicate: int | None = None
    n_replicates: int | None = None
    error_sd: float | None = None
    fit_time_s: float | None = None
    peak_memory_bytes: int | None = None

    status: Literal["ok", "incomplete", "failed", "excluded"] = "ok"
    reason: str | None = None

    def __post_init__(self) -> None:
        _require_one_of(self, "recipe", RECIPES)
        _require_one_of(self, "match", get_args(Match))
        if self.pretraining is not None:
            _require_one_of(self, "pretraining", tuple(PRETRAININGS))
        _require_one_of(self, "status", ("ok", "incomplete", "failed", "excluded"))
        _require_not_negative(self, "fit_time_s", "peak_memory_bytes", "error_sd", "learning_rate")
        if self.status == "ok" and self.error is None:
            raise InputError(f"Observation of {self.backbone} on {self.dataset} is ok but has no error.")
        if self.error is not None and not 0 <= self.error <= 1:
            raise InputError(
                f"Observation.error is {self.error!r}; it must lie in [0, 1]. Is it a percentage?"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Dataset(_Row):
    """One target data set; blank where no source states the figure.

    Identity: dataset (key), title (as published), group (sets that must share a fold have the same group).
    Facts: n_train (images), n_classes, image_size (pixels, shorter side), channels, domain (see DOMAINS),
    label_type, task (what is to be told apart, in words), split (what the studies evaluated on).
    Source: where the figures are from.
    """

    dataset: str
    title: str | None = None
    group: str | None = None
    n_train: int | None = None
    n_classes: int | None = None
    image_size: int | None = None
    channels: int | None = None
    domain: Domain = "unknown"
    label_type: Literal["single-label", "multi-label", "ordinal", "unknown"] = "unknown"
    task: str | None = None
    split: str | None = None
    source: str | None = None

    def __post_init__(self) -> None:
        _require_one_of(self, "domain", DOMAINS)
        _require_one_of(self, "label_type", ("single-label", "multi-label", "ordinal", "unknown"))
        _require_not_negative(self, "n_train", "n_classes", "image_size", "channels")
