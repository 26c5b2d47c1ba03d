"""What may be spent, applied to candidates: licence, pretraining, size, published speed."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from ..data.errors import InputError, UnknownNameError
from .answer import Speed

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from .evidence import Candidate
    from .query import Query

Predicted = tuple[str, dict[str, tuple[float, float, float]]]
"""How the times are to be read, and backbone → seconds per image with a 90 % interval."""

__all__ = ["affordable", "published_device", "published_speeds"]


def affordable(
    query: Query,
    candidates: Mapping[str, Candidate],
    devices: list[str],
    speeds: Mapping[str, Mapping[str, Mapping[str, Any]]],
    predicted: Mapping[str, Predicted] | None = None,
) -> list[str]:
    """Apply one budget after the other; the one that leaves nobody is the one that is reported.

    A published time decides where there is one, else the lower end of the predicted one: what may keep the
    budget stays, and its row says that it has to be measured.
    """
    kept = list(candidates)
    if query.licences:
        kept = _named(kept, candidates, query.licences, "licence", wanted=True)
    if query.exclude_pretraining:
        kept = _named(kept, candidates, query.exclude_pretraining, "pretraining", wanted=False)
    for name in ("params", "macs"):
        limit = getattr(query, f"max_{name}")
        if limit is not None:
            kept = _within(
                kept, lambda m, name=name: getattr(candidates[m], name), limit, f"--max-{name}", _si
            )
    for budget, device in zip(query.within, devices, strict=True):
        kept = _within(
            kept,
            lambda m, device=device: _seconds(candidates[m], speeds[device], (predicted or {}).get(device)),
            budget.seconds_per_image,
            f"--within on the {device}",
            _ms,
        )
    return kept


def _within(
    models: list[str],
    cost: Callable[[str], float | None],
    limit: float,
    what: str,
    write: Callable[[float], str],
) -> list[str]:
    costs = {model: value for model in models if (value := cost(model)) is not None}
    kept = [model for model, value in costs.items() if value <= limit]
    if kept:
        return kept
    if not costs:
        raise InputError(
            f"{what} cannot be checked: none of the {len(models)} backbones left has that figure."
        )
    smallest = min(costs, key=lambda model: (costs[model], model))
    raise InputError(
        f"No backbone keeps {what} {write(limit)}: the smallest of the {len(costs)} with results is "
        f"{smallest} with {write(costs[smallest])}. Allow at least that."
    )


def _named(
    models: list[str],
    candidates: Mapping[str, Candidate],
    patterns: tuple[str, ...],
    field: str,
    *,
    wanted: bool,
) -> list[str]:
    def matches(model: str) -> bool:
        value = getattr(candidates[model], field) or "unknown"
        return any(fnmatchcase(value.lower(), pattern.lower()) for pattern in patterns)

    kept = [model for model in models if matches(model) == wanted]
    if not kept:
        there = sorted({getattr(candidates[model], field) or "unknown" for model in models})
        raise InputError(
            f"No backbone is left after {'allowing' if wanted else 'excluding'} {field} "
            f"{', '.join(patterns)}. There are: {', '.join(there)}."
        )
    return kept


def published_device(asked: str, known: tuple[str, ...]) -> str:
    """The one known device whose name holds every word asked for.

    Raises:
        UnknownNameError: if none does, or several do.
    """
    words = asked.lower().split()
    found = [device for device in known if all(word in device.lower() for word in words)]
    if len(found) != 1:
        raise UnknownNameError(
            "device", asked, found or known, "Speeds are published for these devices only."
        )
    return found[0]


def _published(candidate: Candidate, rows: Mapping[str, Mapping[str, Any]]) -> Mapping[str, Any] | None:
    return rows.get(candidate.model) or rows.get(candidate.backbone)


def _seconds(
    candidate: Candidate, rows: Mapping[str, Mapping[str, Any]], predicted: Predicted | None
) -> float | None:
    row = _published(candidate, rows)
    if row is not None:
        return 1 / row["throughput"]
    known = predicted[1].get(candidate.backbone) if predicted else None
    return known[1] if known else None


def published_speeds(
    candidate: Candidate,
    speeds: Mapping[str, Mapping[str, Mapping[str, Any]]],
    predicted: Mapping[str, Predicted] | None = None,
    limits: Mapping[str, float] | None = None,
) -> tuple[Speed, ...]:
    """The candidate's time per image on each device: published with its setting, or predicted and said so."""
    found = []
    for device, rows in speeds.items():
        row = _published(candidate, rows)
        if row is not None:
            source = f"published: batch {row['batch_size']}, {row['dtype']}, torch {row['torch_version']}"
            found.append(Speed(device, 1 / row["throughput"], source))
        elif predicted and device in predicted and candidate.backbone in predicted[device][1]:
            seconds, low, high = predicted[device][1][candidate.backbone]
            source = f"predicted, 90 % between {_ms(low)} and {_ms(high)}: {predicted[device][0]}"
            if low <= (limits or {}).get(device, 0.0) < high:
                source += "; the budget lies between: measure it"
            found.append(Speed(device, seconds, source))
    return tuple(found)


def _si(value: float) -> str:
    for scale, unit in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if value >= scale:
            return f"{value / scale:.4g} {unit}"
    return f"{value:g}"


def _ms(seconds: float) -> str:
    return f"{1e3 * seconds:.4g} ms"
