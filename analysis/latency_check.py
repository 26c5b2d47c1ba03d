"""How good predicted times are: on families, and on whole devices, that the prediction has not seen."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ..data.tables import load_benchmarks, load_profiles
from .atlas import Atlas, load_atlas
from .calibration import PROBES, Z90, fit_line
from .fit_latency import published_times

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd

__all__ = ["family_scores", "held_out_devices"]


def family_scores() -> list[dict[str, Any]]:
    """How good every published device's model is on families left out, scored when it was fitted.

    Returns:
        Rows of `device`, `mode`, `n` backbones, `median` and `p90` relative error, `r2` of log time.
    """
    return load_atlas().scores


def held_out_devices(probes: Sequence[str] = PROBES) -> list[dict[str, Any]]:
    """Hold every published GPU out entirely and predict it from its probes and the other devices.

    Every setting that was published is predicted: other software, another layout of memory, compiled.

    Args:
        probes: backbones whose times on it are taken as measured.

    Returns:
        Rows of `device`, `setting`, `like` (whether the setting is the one that the other devices are known
        in: contiguous, not compiled), `base` (the device that the probes chose), `n_probes`, `n` backbones
        predicted, `median` and `p90` relative error, `coverage` of the 90 % intervals.
    """
    atlas, found = load_atlas(), []
    for (device, compiled, layout, torch), times in _settings(load_benchmarks(), load_profiles()).items():
        others = [name for name, mode in atlas.entries if mode == "inference" and name != device]
        row = _predicted(atlas, times, probes, others)
        setting = f"torch {torch}, {layout.replace('_', ' ')}{', compiled' if compiled else ''}"
        like = not compiled and layout == "contiguous" and torch != "1.13"
        found.append({"device": device, "setting": setting, "like": like, **row})
    return found


def _settings(benchmarks: pd.DataFrame, profiles: pd.DataFrame) -> dict[tuple[Any, ...], dict[str, float]]:
    gpus = benchmarks[benchmarks["device"].str.contains("NVIDIA")]
    keys = ["device", "compiled", "memory_format", "torch_version"]
    found = {}
    for key, rows in gpus[gpus["mode"] == "inference"].groupby(keys, sort=True):
        alone = rows.assign(memory_format="contiguous", compiled=False)  # one setting: nothing to choose from
        times = published_times(alone, profiles)[str(key[0])]  # pyright: ignore[reportIndexIssue]
        found[key] = dict(zip(times["backbone"], 1 / times["throughput"], strict=True))
    return found


def _predicted(
    atlas: Atlas, times: Mapping[str, float], probes: Sequence[str], others: Sequence[str]
) -> dict[str, Any]:
    measured = {name: times[name] for name in probes if name in times}
    line = fit_line(atlas, measured, others)
    names = [name for name in times if name in atlas.place and name not in measured]
    at = [atlas.place[name] for name in names]
    correction, sd = line.correction(atlas.columns[at])
    log_seconds = np.log(atlas.times(line.base)[at]) + line.offset + correction
    away = log_seconds - np.log([times[name] for name in names])
    relative = np.abs(np.expm1(away))
    return {
        "base": line.base,
        "n_probes": len(measured),
        "n": len(names),
        "median": float(np.median(relative)),
        "p90": float(np.quantile(relative, 0.9)),
        "coverage": float((np.abs(away) <= Z90 * sd).mean()),
    }
