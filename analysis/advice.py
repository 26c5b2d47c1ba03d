"""What to do with these data whatever the backbone: how to train, what to mind, where nothing is known."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .query import Query

__all__ = ["advice", "checklist", "few", "foreign"]

FEW = 5
"""Images per class below which a fine-tune is noise."""
PREPROCESSING = (
    "Use each backbone's own preprocessing (size, mean, std, interpolation): it differs between weights."
)
CHECKLIST = (
    PREPROCESSING,
    "Do not freeze the backbone unless the images are very few.",
    "Global pooling and one linear layer are enough; more layers on top seldom help.",
    "Take the largest backbone that the device's memory holds at your batch; then search batch and rate.",
)
"""The usual mistakes of fine-tuning."""


def foreign(query: Query) -> list[str]:
    """In which respects no known data set is like the question."""
    said = [
        (query.images is not None and query.images < 100, f"{query.images} images"),
        (query.classes is not None and query.classes > 20_000, f"{query.classes or 0:,} classes"),
        (query.channels not in (None, 1, 3), f"{query.channels} channels"),
        (query.image_size is not None and query.image_size < 28, f"{query.image_size} pixels a side"),
        (query.domain in ("astronomy", "industrial"), f"the domain {query.domain}"),
    ]
    return [words for holds, words in said if holds]


def advice(query: Query) -> str | None:
    """Frozen features, a linear probe or full fine-tuning for this many images per class."""
    if query.recipe != "fine-tune":
        return None
    if not query.images or not query.classes:
        return "Fine-tune all layers; below about 10 images per class start with a linear probe."
    each = query.images / query.classes
    many = f"{each:,.0f} images per class" if each >= 10 else f"{each:.2g} images per class"
    if each < FEW:
        return (
            f"{many}: frozen features with a nearest-class or linear head; fine-tuning will be noise. "
            "--recipe linear-probe ranks for that."
        )
    if each < 20:
        return f"{many}: run a linear probe first and fine-tune all layers only if it beats that."
    return f"{many}: fine-tune all layers; a linear probe is the check that the run went well."


def checklist(query: Query) -> tuple[str, ...]:
    """Those of CHECKLIST that fit the question: of fine-tuning nothing where a frozen backbone is meant."""
    return (PREPROCESSING,) if few(query) or query.recipe != "fine-tune" else CHECKLIST


def few(query: Query) -> bool:
    """Whether there are so few images per class that a fine-tune is noise."""
    return bool(query.images and query.classes) and (query.images or 0) < FEW * (query.classes or 0)
