"""What a folder of images is, in the numbers that a recommendation asks for, and what is wrong with it."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from .errors import InputError
from .imagefolder import sample
from .imagelook import Look, Unreadable, look_at_all
from .twins import near_twins, same_files

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from .imagefolder import Found, Labelled

__all__ = ["MOST", "ImageFacts", "Twins", "facts_of_images"]

MOST = 20_000
"""Images looked at; of larger sets a fixed sample, and the answer says so."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Twins:
    """A group of images that show the same.

    same_file: byte for byte, else nearly. splits: that it reaches into. labels_differ: whether they are
    labelled differently.
    """

    paths: tuple[str, ...]
    same_file: bool
    splits: tuple[str, ...]
    labels_differ: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageFacts:
    """The facts of one set of images.

    Counts:
        n_images: readable and labelled. n_train: of the training split, or all where there is none.
        by_split: split → images. n_classes. multi_label: whether an image has several labels, or none.
        per_class: class → training images, in the order of names. balance: entropy of these over that of
            equal classes, 1 where all are equal.
    Pictures:
        shorter_side: smallest, median and largest, in pixels. channels: most frequent number as stored.
        grey_share: images stored in colour that are grey all the same. bits: most per channel.
    Trouble:
        unreadable: (path, reason). twins: groups of images that show the same. missing: names in the table
            of labels without a file. unlabelled: files without a row in it.
    n_looked_at: images behind `Pictures` and `Trouble`. small: their copies `[n, 32, 32, 3]`, bytes.
    """

    n_images: int
    n_train: int
    by_split: dict[str, int]
    n_classes: int
    multi_label: bool
    per_class: dict[str, int]
    balance: float
    shorter_side: tuple[int, int, int]
    channels: int
    grey_share: float
    bits: int
    unreadable: tuple[tuple[str, str], ...]
    twins: tuple[Twins, ...]
    missing: tuple[str, ...]
    unlabelled: int
    n_looked_at: int
    small: np.ndarray

    @property
    def channels_seen(self) -> int:
        """Channels that carry something: 1 where nearly all images are grey, however they are stored."""
        return 1 if self.grey_share > 0.95 else self.channels

    @property
    def leaks(self) -> tuple[Twins, ...]:
        """Twins that are in several splits."""
        return tuple(group for group in self.twins if len(group.splits) > 1)

    def as_document(self) -> dict[str, Any]:
        """As JSON holds it: all but the pictures; of classes and groups every one."""
        skipped = ("small", "twins", "unreadable")
        plain = {name: getattr(self, name) for name in self.__slots__ if name not in skipped}
        return plain | {
            "channels_seen": self.channels_seen,
            "shorter_side": list(self.shorter_side),
            "unreadable": [{"path": path, "reason": reason} for path, reason in self.unreadable],
            "twins": [{name: getattr(group, name) for name in group.__slots__} for group in self.twins],
        }


def facts_of_images(
    found: Found, *, step: Callable[[str], Any] = lambda _: None, most: int = MOST
) -> ImageFacts:
    """Look at a set of images.

    Args:
        found: what `find_images` found.
        step: told of every image that was looked at.
        most: how many to look at; labels and files are counted for all.

    Raises:
        InputError: if not one can be read, or there are fewer than two classes.
    """
    images = found.images
    chosen = sample(images, most)
    looks = look_at_all([one.path for one in chosen], step)
    seen = [(one, look) for one, look in zip(chosen, looks, strict=True) if isinstance(look, Look)]
    broken = [(one, look) for one, look in zip(chosen, looks, strict=True) if isinstance(look, Unreadable)]
    if not seen:
        raise InputError(
            f"None of the {len(chosen)} images can be read; {broken[0][0].path}: {broken[0][1].reason}."
        )
    lost = {one.path for one, _ in broken}
    good = [one for one in images if one.path not in lost]
    splits = Counter(one.split for one in good)
    training = [one for one in good if one.split == "train"] or good
    per_class = Counter(label for one in training for label in one.labels)
    if len(per_class) < 2:
        raise InputError(_too_few_classes(len(per_class), good, found.missing))
    pictures = [look for _, look in seen]
    sides = sorted(min(look.width, look.height) for look in pictures)
    small = np.stack([look.small for look in pictures])
    return ImageFacts(
        n_images=len(good),
        n_train=len(training),
        by_split={name: splits[name] for name in sorted(splits) if name},
        n_classes=len(per_class),
        multi_label=any(len(one.labels) != 1 for one in good),
        per_class=dict(sorted(per_class.items())),
        balance=_balance(per_class),
        shorter_side=(sides[0], sides[len(sides) // 2], sides[-1]),
        channels=Counter(look.channels for look in pictures).most_common(1)[0][0],
        grey_share=sum(look.grey and look.channels > 1 for look in pictures) / len(pictures),
        bits=max(look.bits for look in pictures),
        unreadable=tuple((str(one.path), look.reason) for one, look in broken),
        twins=_twins([one for one, _ in seen], pictures, small),
        missing=found.missing,
        unlabelled=len(found.unlabelled),
        n_looked_at=len(chosen),
        small=small,
    )


def _too_few_classes(n: int, images: Sequence[Labelled], missing: Sequence[str]) -> str:
    """What is missing first: it may be why."""
    bare = [str(one.path) for one in images if not one.labels]
    lacks = [("name", "in the table without a file", missing), ("image", "without a label", bare)]
    said = [f"{_count(len(those), what)} {how}, such as {those[0]!r}" for what, how, those in lacks if those]
    why = f"{'; '.join(said)}. " if said else ""
    there = f"There {'is' if n == 1 else 'are'} {_count(n, 'class')} in {_count(len(images), 'image')}"
    return f"{why}{there}; there must be two or more to tell apart."


def _count(n: int, what: str) -> str:
    return f"{n:,} {what}{'' if n == 1 else 'es' if what.endswith('s') else 's'}"


def _balance(per_class: Counter[str]) -> float:
    total = per_class.total()
    entropy = -sum(n / total * math.log(n / total) for n in per_class.values())
    return round(entropy / math.log(len(per_class)), 6)


def _twins(images: Sequence[Labelled], looks: Sequence[Look], small: np.ndarray) -> tuple[Twins, ...]:
    same = same_files([one.path for one in images], [look.length for look in looks])
    known = {tuple(group) for group in same}
    near = [group for group in near_twins(small) if tuple(group) not in known]
    found = []
    for group, exactly in [*((g, True) for g in same), *((g, False) for g in near)]:
        members = [images[i] for i in group]
        found.append(
            Twins(
                paths=tuple(str(one.path) for one in members),
                same_file=exactly,
                splits=tuple(sorted({one.split for one in members} - {""})),
                labels_differ=len({one.labels for one in members}) > 1,
            )
        )
    return tuple(found)
