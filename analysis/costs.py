"""What a candidate takes: time per image, memory of a step, time of a fine-tune; published or predicted."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from functools import cache, cached_property
from typing import TYPE_CHECKING, Any

from ..data.errors import InputError, UnknownNameError
from .answer import FitTime, MemoryNeed, Speed
from .atlas import Atlas, load_atlas
from .budgets import Budget, Cost, written_bytes, written_seconds
from .calibration import Calibration, calibrated
from .prediction.design import recipe_branch

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np

    from .evidence import Candidate, Evidence
    from .limits import FitBudget, LatencyBudget, MemoryBudget
    from .query import Query

__all__ = ["Costs", "device_named"]

TRAINED_ON = "NVIDIA GeForce RTX 3090"
"""The one device with published training speeds."""
TRANSFER = {True: 0.25, False: 0.5}
"""Log error, 90 %, of taking the ratio of training to inference from TRAINED_ON: to a GPU, to anything else.
Assumed, as no second device has published training speeds."""
SINGLE = ", batch 1"
"""How the name of a device ends that was calibrated one image at a time."""
MEMORY_ERROR = 0.02
"""Relative, 1 sigma: what every row of the memory table states."""
CONTEXT_BYTES = 2**29
"""A CUDA context and the workspaces of its libraries, which a prediction of tensors does not see."""


class Costs:
    """The costs of candidates under a query's budgets.

    Args:
        query: the question. known: the tables.
    """

    def __init__(self, query: Query, known: Evidence) -> None:
        self.query, self.known = query, known
        self.calibrations: Mapping[str, Calibration] = calibrated()
        self._published: dict[tuple[str, str], Mapping[str, Any]] = {}
        self._predictions: dict[tuple[str, str], tuple[str, list[list[float]]] | None] = {}

    @property
    def devices(self) -> tuple[str, ...]:
        """Devices whose speeds are published, or were calibrated here."""
        return tuple(sorted({*self.known.devices, *self.calibrations}))

    def budgets(self) -> list[Budget]:
        """Every budget of the query that needs more than a count, in the order of latency, memory, fit.

        Raises:
            UnknownNameError: for a device that is neither published nor calibrated.
        """
        query = self.query
        return [
            *(self._latency(budget) for budget in query.within),
            *(self._memory(budget) for budget in query.memory),
            *(self._fit(budget) for budget in query.fit_within),
        ]

    def seconds(self, candidate: Candidate, device: str, mode: str = "inference") -> Cost | None:
        """Time per image of the size that the weights expect: published, else predicted, else None."""
        if device in self.calibrations:
            return self._grown(self._calibrated(candidate, self.calibrations[device]), candidate)
        if (device, mode) not in self._published:
            self._published[device, mode] = self.known.speeds(device, mode)
        rows = self._published[device, mode]
        row = rows.get(candidate.model) or rows.get(candidate.backbone)
        if row is not None and candidate.model not in self.known.custom:
            seconds = 1 / row["throughput"]
            said = f"published: batch {row['batch_size']}, {row['dtype']}, torch {row['torch_version']}"
            return self._grown(Cost(seconds, seconds, seconds, said), candidate, row["input_shapes"])
        return self._grown(self._predicted(candidate, device, mode), candidate)

    def _grown(self, cost: Cost | None, candidate: Candidate, shapes: str | None = None) -> Cost | None:
        """The cost at the size that the weights expect, from that at `shapes`."""
        growth = self._growth(candidate, shapes)
        if cost is None or growth == 1:
            return cost
        said = f"{cost.source}, times {growth:.2f} for the area of the images that the weights expect"
        return Cost(cost.value * growth, cost.low * growth, cost.high * growth, said)

    def _growth(self, candidate: Candidate, shapes: str | None = None) -> float:
        """Area of the images that the weights expect over that of `shapes`; by default of those counted.

        Of an architecture without weights the counted size is the expected one.
        """
        counted = self.known.profiles.get(candidate.backbone, {}).get("input_shapes")
        if not isinstance(counted, str):
            return 1.0
        known = candidate.preprocessing
        expected = math.prod(known["input_size"][-2:]) if known else _area(counted)
        return expected / _area(shapes or counted)

    def training_seconds(self, candidate: Candidate) -> float | None:
        """Seconds of training per image on TRAINED_ON, published or predicted; from the fitted file alone."""
        own, at = self.known.custom.get(candidate.model), self._atlas.place.get(candidate.backbone)
        if own is not None:
            cost = self._predicted(candidate, TRAINED_ON, "training")
            return cost.value if cost else None
        return None if at is None else float(self._trained[at]) * self._growth(candidate)

    @cached_property
    def _trained(self) -> np.ndarray:
        return self._atlas.times(TRAINED_ON, "training")

    def _predicted(self, candidate: Candidate, device: str, mode: str) -> Cost | None:
        if not self.known.profiled:
            return None
        own = self.known.custom.get(candidate.model)
        if own is not None:
            model = self._atlas.model_of(device, mode)
            if model is None:
                return None
            setting = model.source
            s, low, high = (float(value[0]) for value in model.seconds([own]))
        else:
            found, i = self._foretold(device, mode), self._atlas.place.get(candidate.backbone)
            if found is None or i is None:
                return None
            setting, (s, low, high) = found[0], found[1][i]
        span = f"90 % between {written_seconds(low)} and {written_seconds(high)}"
        return Cost(s, low, high, f"predicted, {span}: {setting}")

    def _calibrated(self, candidate: Candidate, calibration: Calibration) -> Cost | None:
        found = calibration.seconds(candidate.backbone, self.known.custom.get(candidate.model))
        if found is None:
            return None
        s, low, high, said = found
        return Cost(s, low, high, said)

    @cached_property
    def _atlas(self) -> Atlas:
        return load_atlas()

    def _foretold(self, device: str, mode: str) -> tuple[str, list[list[float]]] | None:
        if (device, mode) not in self._predictions:
            found = self._atlas.foretold(device, mode)
            self._predictions[device, mode] = found and (found[0], found[1].T.tolist())
        return self._predictions[device, mode]

    def _latency(self, budget: LatencyBudget) -> Budget:
        device = device_named(budget.device, self.devices)
        calibration = self.calibrations.get(device)
        if budget.percentile == 90 and calibration is None:
            raise InputError(
                f"How far single steps on the {device} stray from the published mean (p90) nobody published: "
                "leave p90 out, or measure a device of your own with `archimeter calibrate`."
            )
        spread = calibration.p90_ratio if calibration else 1.0
        asked = spread if budget.percentile == 90 else 1.0

        def cost(candidate: Candidate) -> Cost | None:
            found = self.seconds(candidate, device)
            return found and replace(
                found, value=found.value * asked, low=found.low * asked, high=found.high * asked
            )

        def said(_: Candidate, cost: Cost) -> Speed:
            verdict = cost.verdict(budget.seconds_per_image)
            median, low, high = (value / asked for value in (cost.value, cost.low, cost.high))
            p90 = median * spread if calibration else None
            return Speed(device, median, _measured(cost, verdict), low, high, verdict, p90)

        what = f"--within '{{}}{' p90' if budget.percentile == 90 else ''} @ {device}'"
        return Budget(what, budget.seconds_per_image, cost, written_seconds, said)

    def _memory(self, budget: MemoryBudget) -> Budget:
        optimiser = self.query.optimiser if budget.mode == "training" else None
        needs = self.known.memory_of(budget.mode, optimiser)
        own = {name: (row.get("memory") or {}).get(budget.mode) for name, row in self.known.custom.items()}

        def lines(candidate: Candidate) -> list[tuple[float, float]]:
            row = own.get(candidate.model) or needs.get(candidate.backbone)
            return _memory_lines(row, self._growth(candidate)) if row else []

        def cost(candidate: Candidate) -> Cost | None:
            peak = max((fixed + each * budget.batch_size for fixed, each in lines(candidate)), default=None)
            if peak is None:
                return None
            low, high = peak * (1 - MEMORY_ERROR), peak * (1 + MEMORY_ERROR) + CONTEXT_BYTES
            return Cost(peak, low, high, _MEMORY_SOURCE)

        def said(candidate: Candidate, cost: Cost) -> MemoryNeed:
            free = (budget.limit_bytes - CONTEXT_BYTES) / (1 + MEMORY_ERROR)
            fits = min((free - fixed) / max(each, 1.0) for fixed, each in lines(candidate))
            verdict = cost.verdict(budget.limit_bytes)
            return MemoryNeed(
                budget.mode,
                optimiser,
                budget.batch_size,
                cost.value,
                cost.low,
                cost.high,
                verdict,
                max(0, math.floor(fits)),
                _measured(cost, verdict),
            )

        option = "max-memory" if budget.mode == "training" else "max-inference-memory"
        what = f"--{option} '{{}} @ {budget.batch_size}'"
        return Budget(what, budget.limit_bytes, cost, written_bytes, said)

    def _fit(self, budget: FitBudget) -> Budget:
        device = self._to_train_on(budget.device)
        frozen = recipe_branch(self.query.recipe) == "frozen"
        epochs = 1 if frozen else self.query.epochs
        images = (self.query.images or 0) * epochs

        def cost(candidate: Candidate) -> Cost | None:
            step = self.seconds(candidate, device) if frozen else self._training(candidate, device)
            if step is None:
                return None
            return Cost(images * step.value, images * step.low, images * step.high, step.source)

        def said(_: Candidate, cost: Cost) -> FitTime:
            verdict = cost.verdict(budget.seconds)
            source = _measured(cost, verdict)
            return FitTime(device, epochs, cost.value, cost.low, cost.high, verdict, source)

        what = f"--max-fit-time '{{}} @ {device}'"
        return Budget(what, budget.seconds, cost, written_seconds, said)

    def _to_train_on(self, asked: str) -> str:
        """The device of that name at the least batch beyond one image, which is no speed to train at."""
        many = tuple(device for device in self.devices if not device.endswith(SINGLE))
        try:
            return device_named(asked, many)
        except UnknownNameError:
            single = device_named(asked, self.devices)
            raise InputError(
                f"{single!r} is one image at a time, which is no speed to train at: measure larger steps "
                "there too, `archimeter calibrate --batch 64`."
            ) from None

    def _training(self, candidate: Candidate, device: str) -> Cost | None:
        """Training time per image; elsewhere than on TRAINED_ON by its ratio to inference there."""
        there = self.seconds(candidate, TRAINED_ON, "training")
        if device == TRAINED_ON or there is None:
            return there
        here, base = self.seconds(candidate, device), self.seconds(candidate, TRAINED_ON)
        if here is None or base is None:
            return None
        value = here.value * there.value / base.value
        parts = (math.log(c.high / c.value) for c in (here, there, base))
        reach = math.hypot(*parts, TRANSFER["NVIDIA" in device])
        said = f"predicted: time per image there, times training over inference on the {TRAINED_ON}"
        return Cost(value, value * math.exp(-reach), value * math.exp(reach), said)


def device_named(asked: str, known: tuple[str, ...]) -> str:
    """The one known device whose name holds every word asked for; of its batches the smallest.

    Raises:
        UnknownNameError: if none does, or several do.
    """
    words = asked.lower().replace(",", " ").split()
    found = [device for device in known if set(words) <= set(device.lower().replace(",", " ").split())]
    found = found or [device for device in known if all(word in _together(device) for word in words)]
    single = [device for device in found if device.endswith(SINGLE)]
    found = single if len(single) == 1 else found
    if len(found) != 1:
        raise UnknownNameError(
            "device",
            asked,
            found or known,
            "Speeds are published for these devices only; for your own run `archimeter calibrate`.",
        )
    return found[0]


def _together(device: str) -> str:
    return device.lower() + " " + device.lower().replace(" ", "").replace(",", "")


@cache
def _area(shapes: str) -> int:
    return math.prod(json.loads(shapes)[0][-2:])


def _memory_lines(row: Mapping[str, Any], growth: float) -> list[tuple[float, float]]:
    """The passes', and the optimiser's update, which may be more at small batches; at `growth` the area."""
    passes = (row["fixed_bytes"], row["bytes_per_image"] * growth)
    update = row.get("update_bytes")
    return [passes] if update is None else [passes, (update, row["input_bytes"] * growth)]


def _measured(cost: Cost, verdict: str) -> str:
    return cost.source + ("; the budget lies between: measure it" if verdict == "measure" else "")


_MEMORY_SOURCE = (
    "predicted for CUDA in float32; the upper end holds 2 % and 0.5 GB of device context and workspaces"
)
