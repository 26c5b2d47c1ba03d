"""Images that are there twice: the same bytes, or nearly the same picture."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

__all__ = ["near_twins", "same_files"]

BITS = 4
"""Bits of 64 in which the difference hashes of two near twins may differ."""
CLOSE = 5.0
"""Mean difference of their small copies' pixels, of 255, up to which two images are near twins."""
FLAT = 6.0
"""Deviation of a small copy's pixels, of 255, below which it shows nothing to compare."""


def same_files(paths: Sequence[Path], lengths: Sequence[int]) -> list[list[int]]:
    """Groups of places whose files have the same bytes; only files of equal length are read."""
    by_length = _grouped(lengths)
    groups = []
    for places in by_length:
        digests = [hashlib.blake2b(paths[i].read_bytes(), digest_size=16).digest() for i in places]
        groups += [[places[j] for j in same] for same in _grouped(digests)]
    return sorted(groups)


def near_twins(small: np.ndarray) -> list[list[int]]:
    """Groups of places whose pictures are nearly the same: scaled, recompressed, slightly recoloured.

    A difference hash of 64 bits proposes pairs, by the pigeonhole principle those that agree in one of five
    parts of it; the small copies confirm them. Pictures that show nothing are left out.

    Args:
        small: `[images, side, side, 3]` of bytes.

    Source: the hash is Neal Krawetz's dHash.
    """
    grey = small.mean(axis=3, dtype=np.float32)
    telling = np.flatnonzero(grey.std(axis=(1, 2)) >= FLAT)
    hashes = _difference_hashes(grey[telling])
    pairs: set[tuple[int, int]] = set()
    for bucket in _buckets(hashes):
        for k, i in enumerate(bucket[:-1]):
            rest = bucket[k + 1 :]
            rest = rest[_ones(hashes[rest] ^ hashes[i]) <= BITS]
            away = np.abs(small[telling[rest]].astype(np.int16) - small[telling[i]]).mean(axis=(1, 2, 3))
            pairs |= {(int(telling[i]), int(telling[j])) for j in rest[away <= CLOSE]}
    return _joined(pairs)


def _difference_hashes(grey: np.ndarray) -> np.ndarray:
    """Whether each of 8 × 9 block means is darker than its right neighbour, as one integer per image."""
    side = grey.shape[1]
    rows = [slice(side * r // 8, side * (r + 1) // 8) for r in range(8)]
    columns = [slice(side * c // 9, max(side * (c + 1) // 9, side * c // 9 + 1)) for c in range(9)]
    means = np.stack([np.stack([grey[:, r, c].mean(axis=(1, 2)) for c in columns], 1) for r in rows], 1)
    bits = (means[:, :, :-1] < means[:, :, 1:]).reshape(len(grey), 64)
    return (bits.astype(np.uint64) << np.arange(64, dtype=np.uint64)).sum(axis=1, dtype=np.uint64)


def _buckets(hashes: np.ndarray) -> Iterator[np.ndarray]:
    """Groups that agree in one of five parts of the hash, each in ascending order."""
    for start, width in ((0, 13), (13, 13), (26, 13), (39, 13), (52, 12)):
        part = (hashes >> np.uint64(start)) & np.uint64(2**width - 1)
        order = np.argsort(part, kind="stable")
        edges = np.flatnonzero(np.diff(part[order])) + 1
        yield from (np.sort(bucket) for bucket in np.split(order, edges) if len(bucket) > 1)


_ONES = np.array([value.bit_count() for value in range(256)], np.uint8)


def _ones(values: np.ndarray) -> np.ndarray:
    return _ONES[values.view(np.uint8).reshape(-1, 8)].sum(axis=1)


def _grouped(values: Iterable[object]) -> list[list[int]]:
    places: dict[object, list[int]] = defaultdict(list)
    for i, value in enumerate(values):
        places[value].append(i)
    return [group for group in places.values() if len(group) > 1]


def _joined(pairs: Iterable[tuple[int, int]]) -> list[list[int]]:
    """Connected groups."""
    parent: dict[int, int] = {}

    def root(i: int) -> int:
        while parent.setdefault(i, i) != i:
            parent[i] = parent[parent[i]]
            i = parent[i]
        return i

    for a, b in pairs:
        parent[max(root(a), root(b))] = min(root(a), root(b))
    groups: dict[int, list[int]] = defaultdict(list)
    for i in sorted(parent):
        groups[root(i)].append(i)
    return sorted(group for group in groups.values() if len(group) > 1)
