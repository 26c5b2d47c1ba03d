"""What the (backbone × target) studies have in common: who was measured, and an error from a percentage."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..names import split

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["backbone", "from_fraction", "from_percent", "identified"]

MATCHES = {"exact": "exact", "arch": "architecture", "none": "none"}


def backbone(
    row: Mapping[str, str], names: Mapping[str, str], pretraining: str | None = None
) -> dict[str, Any]:
    """Say which backbone a row is about, as fields of an Observation.

    Args:
        row: a raw row with `model`, `timm_name` and `timm_match`.
        names: the study's name → our backbone, where it differs from the raw row's mapping: models that
            timm does not have (match `none`), and corrections (a timm architecture, match `architecture`
            unless the row knows none).
        pretraining: what the study says of its weights; kept where they are not timm's.
    """
    model, match = row["model"], MATCHES[row["timm_match"]]
    name = names.get(model, row["timm_name"] or model)
    return {
        "backbone": split(name)[0],
        "weights": name if match == "exact" else None,
        "published_name": model,
        "match": match,
        "pretraining": None if match == "exact" else pretraining,
    }


def identified(
    row: Mapping[str, str], corrections: Mapping[str, str | None], pretraining: str | None = None
) -> dict[str, Any]:
    """Say which backbone a row is about where some of the raw mappings are wrong or missing.

    Args:
        row: a raw row with `model`, `timm_name` and `timm_match`.
        corrections: the study's name → what it is: a timm weights name (match `exact`), an architecture
            (match `architecture`), or None where timm has nothing that fits. Other rows keep their mapping.
        pretraining: what the study says of its weights; kept where they are not timm's.
    """
    model = row["model"]
    if model not in corrections:
        return backbone(row, {}, pretraining)
    name = corrections[model]
    exact = bool(name and split(name)[1])
    return {
        "backbone": split(name)[0] if name else model,
        "weights": name if exact else None,
        "published_name": model,
        "match": "none" if name is None else "exact" if exact else "architecture",
        "pretraining": None if exact else pretraining,
    }


def from_percent(value: str) -> float:
    """Error in [0, 1] from a score in percent, without the noise of binary fractions."""
    return round(1 - float(value) / 100, 12)


def from_fraction(value: str) -> float:
    """Error in [0, 1] from a score in [0, 1], without the noise of binary fractions."""
    return round(1 - float(value), 12)
