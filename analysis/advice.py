"""What to do with these data whatever the backbone: how to train, what to mind, where nothing is known."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .answer import Support
    from .query import Query
    from .tasks import Task

__all__ = ["advice", "at_most", "checklist", "few", "foreign", "support"]

FEW = 5
"""Images per class below which a fine-tune is noise."""
ENOUGH = 20
"""Images per class from which a fine-tune needs no probe before it."""
SMALL = 32
"""Pixels of a side that most backbones, which reduce by 32, turn into a single point."""
PREPROCESSING = (
    "Use each backbone's own preprocessing (size, mean, std, interpolation): it differs between weights."
)
CHECKLIST = (
    PREPROCESSING,
    "Freeze the backbone for a linear probe only: a fine-tune trains all layers.",
    "Global pooling and one linear layer are enough; more layers on top seldom help.",
    "Do not go below the backbones listed to spare memory that you have: among them cost decides.",
    "Search batch size and learning rate for the backbone that you take.",
)
"""The usual mistakes of fine-tuning."""
PLACES = ("inside", "edge", "outside")


def foreign(query: Query) -> list[str]:
    """In which respects hardly any known data set is like the question."""
    images = query.images if query.recipe != "zero-shot" else None  # such a model sees none of them
    classes, side = query.classes, query.image_size
    bare = images is not None and classes is not None and images < classes and not query.multi_label
    tiny = side is not None and side < 28
    pixels = f"{side} pixels a side"
    said = [
        (images is not None and images < 100, f"{images} image{'s' * (images != 1)}"),
        (bare, "fewer images than classes"),
        (classes is not None and classes > 20_000, f"{classes or 0:,} classes"),
        (query.channels not in (None, 1, 3), f"{query.channels} channels"),
        (tiny, f"1 channel at {pixels}" if query.channels == 1 else pixels),
        (query.domain in ("astronomy", "industrial"), f"the domain {query.domain}"),
    ]
    return [words for holds, words in said if holds]


def support(query: Query, tasks: Iterable[Task]) -> tuple[Support, str]:
    """Whether the question lies inside, at the edge, or outside of what the tables hold, and why."""
    strange = foreign(query)
    if strange:
        return "outside", ", ".join(strange)
    same = [task for task in tasks if task.recipe == query.recipe]
    if not same:
        return "outside", f"there is no {query.recipe} result"
    if query.domain == "unknown":
        return "edge", "no domain was stated, which says most of what is alike; --domain narrows it"
    there = {task.dataset for task in same if task.facts.get("domain") == query.domain}
    if not there:
        return "outside", f"there is no {query.recipe} result of the domain {query.domain}"
    sets = "1 data set" if len(there) == 1 else f"{len(there)} data sets"
    return "inside", f"{sets} of the domain {query.domain} with {query.recipe} results"


def at_most(ours: Support, limit: Support) -> Support:
    """The less supported of two: a row is known no better than the question is."""
    return cast("Support", max(ours, limit, key=PLACES.index))


def advice(query: Query) -> str | None:
    """Frozen features, a linear probe or full fine-tuning for this many images per class."""
    if query.recipe != "fine-tune":
        return None
    if not query.images or not query.classes:
        return f"Fine-tune all layers; below about {ENOUGH} images per class run a linear probe first."
    each = query.images / query.classes
    many = f"{each:,.0f} images per class" if each >= 10 else f"{each:.2g} images per class"
    if each < 1 and not query.multi_label:
        return (
            f"{query.images:,} images of {query.classes:,} classes: one without an image cannot be learnt, "
            f"so at most a share of {each:.2g} of the classes, whatever error is predicted. An image-text "
            "model names classes by their words: --recipe zero-shot ranks these."
        )
    if each < FEW:
        return (
            f"{many}: frozen features with a nearest-class or linear head; fine-tuning will be noise. "
            "--recipe linear-probe ranks for that."
        )
    if each < ENOUGH:
        return f"{many}: run a linear probe first and fine-tune all layers only if it beats that."
    return f"{many}: fine-tune all layers; a linear probe is the check that the run went well."


def checklist(query: Query) -> tuple[str, ...]:
    """Those of CHECKLIST that fit the question, and what its images need.

    Of fine-tuning nothing where a frozen backbone is meant.
    """
    usual = (PREPROCESSING,) if few(query) or query.recipe != "fine-tune" else CHECKLIST
    return (*usual, *_of_images(query))


def few(query: Query) -> bool:
    """Whether there are so few images per class that a fine-tune is noise."""
    return bool(query.images and query.classes) and (query.images or 0) < FEW * (query.classes or 0)


def _of_images(query: Query) -> list[str]:
    """What small images, and images that are not of three colours, need."""
    said = []
    if query.image_size is not None and query.image_size <= SMALL:
        said.append(
            f"Enlarge the images to the size that the weights expect (bicubic): most backbones reduce by 32, "
            f"so {query.image_size} pixels leave a single point."
        )
    if query.channels == 1:
        said.append(
            "Repeat the one channel three times and keep the weights' mean and std; or let timm make a stem "
            "of one channel from theirs: timm.create_model(NAME, pretrained=True, in_chans=1)."
        )
    elif query.channels not in (None, 3):
        said.append(
            f"Let timm make a stem of {query.channels} channels from the weights' three: "
            f"timm.create_model(NAME, pretrained=True, in_chans={query.channels}); mean and std are those of "
            "your own channels."
        )
    return said
