"""How good predicted times are: on families, and on whole devices, that the prediction has not seen."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from .atlas import Atlas, load_atlas
from .calibration import PROBES
from .latency_transfer import Z90, fit_line

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["family_scores", "held_out_devices"]


def family_scores() -> list[dict[str, Any]]:
    """How good every published setting's model is on families left out, scored when it was fitted.

    Returns:
        Rows of `device`, `mode`, `setting`, `n` backbones, `median` and `p90` relative error, `r2` of log
        time; of each device and mode first the setting that it is known by.
    """
    return load_atlas().scores


def held_out_devices(probes: Sequence[str] = PROBES) -> list[dict[str, Any]]:
    """Hold every published GPU out entirely and predict it from its probes and the other devices.

    Every setting that was published is predicted: other software, another layout of memory, compiled.

    Args:
        probes: backbones whose times on it are taken as measured.

    Returns:
        Rows of `device`, `setting`, `like` (whether another GPU is known in the setting, whatever its
        torch 2), `base` and `base_setting` (which the probes chose), `n_probes`, `n` backbones predicted,
        `median` and `p90` relative error, `coverage` of the 90 % intervals.
    """
    atlas, found = load_atlas(), []
    for i, (device, mode) in enumerate(atlas.entries):
        if mode == "inference" and "NVIDIA" in device:
            published = atlas.arrays["published"][i].astype(float)
            times = {name: float(published[at]) for name, at in atlas.place.items() if published[at] > 0}
            others = sorted({name for name, _ in atlas.entries} - {device})
            setting = atlas.setting(i)
            like = "compiled" not in setting and "torch 2" in setting
            row = _predicted(atlas, times, probes, others)
            found.append({"device": device, "setting": setting, "like": like, **row})
    return found


def _predicted(
    atlas: Atlas, times: Mapping[str, float], probes: Sequence[str], others: Sequence[str]
) -> dict[str, Any]:
    measured = {name: times[name] for name in probes if name in times}
    line = fit_line(atlas, measured, others)
    names = [name for name in times if name not in measured]
    log_seconds, sd = (values[[atlas.place[name] for name in names]] for values in line.everything)
    away = log_seconds - np.log([times[name] for name in names])
    relative = np.abs(np.expm1(away))
    return {
        "base": line.device,
        "base_setting": atlas.setting(line.base),
        "n_probes": len(measured),
        "n": len(names),
        "median": float(np.median(relative)),
        "p90": float(np.quantile(relative, 0.9)),
        "coverage": float((np.abs(away) <= Z90 * sd).mean()),
    }
