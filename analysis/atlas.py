"""The published devices' speeds, fitted and written ahead: what every backbone takes on each of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..data.errors import InputError
from .latency_costs import priced
from .latency_model import COLUMNS, DeviceModel, around, work

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["FITTED", "Atlas", "load_atlas", "save_atlas"]

Array = np.ndarray
SCORES = ("n", "median", "p90", "r2")
FITTED = Path(__file__).parent / "prediction" / "latency.npz"


@dataclass(frozen=True)
class Atlas:
    """Fitted devices, and what they say of the shipped backbones at their default sizes.

    Attributes:
        arrays: as written; read one by one when they are first needed.
    """

    arrays: Mapping[str, Any]

    @cached_property
    def entries(self) -> tuple[tuple[str, str], ...]:
        """Device and mode of each entry, in order; of each pair first the setting that it is known by."""
        return tuple(zip(self.arrays["devices"].tolist(), self.arrays["modes"].tolist(), strict=True))

    @cached_property
    def place(self) -> dict[str, int]:
        """Backbone → its row."""
        return {name: i for i, name in enumerate(self.arrays["backbones"].tolist())}

    @cached_property
    def columns(self) -> Array:
        """What the models take of every backbone, `[backbones, COLUMNS]`."""
        return self.arrays["columns"].astype(float)

    def foretold(self, device: str, mode: str) -> tuple[str, Array] | None:
        """How the times are to be read, and seconds per image with their 90 % interval `[3, backbones]`."""
        if (device, mode) not in self.entries:
            return None
        i = self.entries.index((device, mode))
        model, seconds = self.model(i), self.arrays["seconds"][i].astype(float)
        floor = model.floor * np.exp(self.columns[:, COLUMNS.index("macs")])
        return model.source, np.array([seconds, *around(seconds, floor, model.error[1])])

    def times(self, device: str, mode: str = "inference") -> Array:
        """Seconds per image of every backbone `[backbones]`: published where it is, else predicted."""
        return self.times_of(self.entries.index((device, mode)))

    def times_of(self, i: int) -> Array:
        """As `times`, of entry `i`."""
        published = self.arrays["published"][i].astype(float)
        return np.where(np.isfinite(published), published, self.arrays["seconds"][i])

    @cached_property
    def log_times(self) -> Array:
        """Logs of `times_of`, `[entries, backbones]`."""
        return np.log([self.times_of(i) for i in range(len(self.entries))])

    def shares_of(self, i: int, raw: Array) -> Array:
        """Share of each kind of work in entry `i`'s time, `[models, WORK]`, from columns."""
        return priced(self.arrays[f"prices_{i}"], work(raw))[1]

    def setting(self, i: int) -> str:
        """The conditions of entry `i`, in words."""
        return str(self.arrays["settings"][i])

    @cached_property
    def scores(self) -> list[dict[str, Any]]:
        """Per entry `device`, `mode`, `setting` and SCORES: how good it is on families left out."""
        return [
            {
                "device": device,
                "mode": mode,
                "setting": self.setting(i),
                **dict(zip(SCORES, row, strict=True)),
                "n": int(row[0]),
            }
            for i, ((device, mode), row) in enumerate(
                zip(self.entries, self.arrays["scores"].tolist(), strict=True)
            )
        ]

    def model(self, i: int) -> DeviceModel:
        """The fitted model of entry `i`."""
        a = self.arrays
        median, reach, floor = a["numbers"][i].tolist()
        parts = ("prices", "middle", "spread", "alpha", "theta")
        prices, middle, spread, alpha, theta = (a[f"{part}_{i}"] for part in parts)
        raw, name = self.columns[a[f"rows_{i}"]], (*self.entries[i], self.setting(i))
        return DeviceModel(*name, prices, middle, spread, raw, alpha, theta, (median, reach), floor)

    def model_of(self, device: str, mode: str) -> DeviceModel | None:
        """The fitted model of a device, None where there is none."""
        return self.model(self.entries.index((device, mode))) if (device, mode) in self.entries else None


class _Lazily(dict[str, Any]):
    """Arrays of an open file, each read when it is first asked for."""

    def __init__(self, held: Any) -> None:
        super().__init__()
        self._held = held

    def __missing__(self, name: str) -> Any:
        self[name] = self._held[name]
        return self[name]


def load_atlas(path: Path = FITTED) -> Atlas:
    """Open the fitted devices.

    Raises:
        InputError: if the file is missing or damaged.
    """
    try:
        held = np.load(path, allow_pickle=False)
        atlas = Atlas(_Lazily(held))
        _ = atlas.entries
    except (OSError, ValueError, KeyError) as error:
        raise InputError(
            f"The fitted speeds {path} cannot be read ({error}). Reinstall archimeter, or fit them again "
            "with `python -m archimeter.analysis.fit_latency`."
        ) from error
    return atlas


def save_atlas(
    entries: Sequence[tuple[DeviceModel, Array, Array]],
    scores: Sequence[Mapping[str, float]],
    backbones: Sequence[str],
    columns: Array,
    path: Path = FITTED,
) -> None:
    """Write the fitted devices; the same input gives the same file.

    Args:
        entries: model, places among the backbones of the rows that it was fitted on, and their published
            seconds per image.
        scores: of each on families left out: SCORES.
        backbones: names.
        columns: what the models take of the backbones.
        path: where to.
    """
    models = [model for model, _, _ in entries]
    columns = columns.astype(np.float32)
    published = np.full((len(models), len(backbones)), np.nan, np.float32)
    for known, (_, rows, seconds) in zip(published, entries, strict=True):
        known[rows] = seconds
    held: dict[str, Any] = {
        "devices": np.array([m.device for m in models]),
        "modes": np.array([m.mode for m in models]),
        "settings": np.array([m.setting for m in models]),
        "backbones": np.array(backbones),
        "columns": columns,
        "scores": np.array([[one[name] for name in SCORES] for one in scores]),
        "numbers": np.array([[*m.error, m.floor] for m in models]),
        "seconds": np.array([m.seconds_of(columns.astype(float))[0] for m in models], np.float32),
        "published": published,
    }
    for i, (m, rows, _) in enumerate(entries):
        held |= {f"rows_{i}": rows.astype(np.int16), f"prices_{i}": m.prices, f"middle_{i}": m.middle}
        held |= {f"spread_{i}": m.spread, f"alpha_{i}": m.alpha, f"theta_{i}": m.theta}
    np.savez_compressed(path, **held)
