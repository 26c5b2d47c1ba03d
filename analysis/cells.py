"""The estimates of a grid, for many cells at once: cells of equally many models are computed together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .association import kendall, line, pearson, spearman
from .jackknife import intervals, unit_sums
from .permutation import EXACT_UP_TO, exact_p, student_p
from .pooling import less_family, within_family
from .synthesis import disattenuated, reliability

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

__all__ = ["FEWEST", "Block", "Cells", "adjust", "estimate"]

Floats = NDArray[np.float64]
FEWEST = 6
"""Fewer models than this get no interval and no verdict."""
FEWEST_BACKBONES = 3
NUMBERS = (
    *("pearson", "pearson_low", "pearson_high", "spearman", "kendall"),
    *("slope", "slope_low", "slope_high", "r2", "reliability", "disattenuated", "p_value", "shrunk"),
)


class Block(NamedTuple):
    """Several statistics of the same models.

    rows: `[s]`, the cells' rows in the grid. x: `[s, n]`. y: `[n]`. error: `[n]`, what Kendall orders by,
    with `tie_width`. families, backbones: `[n]`, codes 0 … k − 1. resized: models profiled at another input
    size than they were trained at. noise, runs: `[n]`, see `synthesis.reliability`.
    """

    rows: NDArray[np.intp]
    x: Floats
    y: Floats
    error: Floats
    families: NDArray[np.intp]
    backbones: NDArray[np.intp]
    resized: int
    tie_width: float
    noise: Floats
    runs: Floats

    @property
    def n_backbones(self) -> int:
        """Architectures among the models."""
        return int(self.backbones.max()) + 1 if len(self.y) else 0


@dataclass(frozen=True, slots=True)
class Cells:
    """The grid's estimates as columns, one entry per row; NaN and None until they are known."""

    numbers: dict[str, Floats]
    counts: dict[str, NDArray[np.intp]]
    interval_method: list[str | None]
    p_method: list[str | None]

    @classmethod
    def empty(cls, size: int) -> Cells:
        """Return columns of `size` rows without an estimate."""
        return cls(
            numbers={name: np.full(size, np.nan) for name in NUMBERS},
            counts={
                name: np.zeros(size, dtype=np.intp) for name in ("n", "n_backbones", "n_families", "resized")
            },
            interval_method=[None] * size,
            p_method=[None] * size,
        )

    def put(self, rows: NDArray[np.intp], **values: Floats | float) -> None:
        """Enter numbers of some rows, column by column."""
        for name, value in values.items():
            self.numbers[name][rows] = value

    def count(self, rows: NDArray[np.intp], *sizes: int) -> None:
        """Enter how many models, architectures, families and resized models some rows have."""
        for column, size in zip(self.counts.values(), sizes, strict=True):
            column[rows] = size


def estimate(blocks: Sequence[Block], cells: Cells, level: float) -> None:
    """Fill in the cells of one family, or of all of them pooled.

    Args:
        blocks: those of fewer than 3 models are counted only; intervals go to those that may get a verdict.
        cells: filled in place.
        level: coverage of the intervals.
    """
    for block in blocks:
        families = len(set(block.families.tolist()))
        cells.count(block.rows, len(block.y), block.n_backbones, families, block.resized)
    for same in _grouped((b for b in blocks if len(b.y) >= 3), lambda b: len(b.y)):
        _associate(same, cells)
    judged = (b for b in blocks if len(b.y) >= FEWEST and b.n_backbones >= FEWEST_BACKBONES)
    for same in _grouped(judged, lambda b: b.n_backbones):
        _bound(same, cells, level)


def _grouped(blocks: Iterable[Block], size: Callable[[Block], int]) -> list[list[Block]]:
    groups: dict[int, list[Block]] = {}
    for block in blocks:
        groups.setdefault(size(block), []).append(block)
    return list(groups.values())


def _associate(blocks: list[Block], cells: Cells) -> None:
    rows, x = np.concatenate([b.rows for b in blocks]), np.concatenate([b.x for b in blocks])
    y = np.concatenate([np.broadcast_to(b.y, b.x.shape) for b in blocks])
    fit = line(x, y)
    cells.put(rows, pearson=pearson(x, y), spearman=spearman(x, y), slope=fit.slope, r2=fit.r2)
    for block in blocks:
        r = cells.numbers["pearson"][block.rows]
        known = reliability(block.y, block.noise, block.runs)
        p, method = _p_values(block, r)
        cells.put(block.rows, reliability=known, disattenuated=disattenuated(r, known), p_value=p)
        cells.put(block.rows, kendall=kendall(block.x, block.error, block.tie_width))
        for row in block.rows.tolist():
            cells.p_method[row] = method


def _p_values(block: Block, r: Floats) -> tuple[Floats, str]:
    n, n_backbones = len(block.y), block.n_backbones
    if n_backbones < n:
        return student_p(r, n_backbones - 2), "Student's t, architectures counted once"
    if n <= EXACT_UP_TO:
        return exact_p(block.x, block.y), "exact permutation"
    return student_p(r, n - 2), "Student's t"


def _bound(blocks: list[Block], cells: Cells, level: float) -> None:
    rows = np.concatenate([b.rows for b in blocks])
    sums = [unit_sums(b.x, b.y, b.backbones if b.n_backbones < len(b.y) else None) for b in blocks]
    of_r, of_slope = intervals(np.concatenate(sums, axis=1), level)
    cells.put(rows, pearson_low=of_r.low, pearson_high=of_r.high)
    cells.put(rows, slope_low=of_slope.low, slope_high=of_slope.high)
    for row in rows.tolist():
        cells.interval_method[row] = "jackknife t"


def adjust(blocks: Sequence[Block], cells: Cells, level: float) -> None:
    """Fill in the cells over all families with each family's own mean taken out.

    Args:
        blocks: of models of many families.
        cells: filled in place.
        level: coverage of the intervals.
    """
    for block in blocks:
        found = within_family(
            block.x,
            block.y,
            block.families,
            block.backbones,
            tie_width=block.tie_width,
            ranked=block.error,
            level=level,
        )
        rest = less_family(block.y, block.families)
        rest *= np.sqrt(max(found.n - 1, 0) / max(found.n - found.n_families, 1))  # family means use up
        known = reliability(rest, block.noise, block.runs)
        cells.count(block.rows, found.n, found.n_backbones, found.n_families, block.resized)
        cells.put(block.rows, pearson=found.pearson, pearson_low=found.low, pearson_high=found.high)
        cells.put(block.rows, spearman=found.spearman, kendall=found.kendall, slope=found.slope)
        cells.put(block.rows, r2=found.pearson**2, p_value=found.p, reliability=known)
        cells.put(block.rows, disattenuated=disattenuated(found.pearson, known))
        for row in block.rows.tolist():
            cells.p_method[row] = "Student's t, given the family"
            cells.interval_method[row] = "jackknife t, given the family"
