"""Percent or fraction, accuracy or error: what a column of results is in, decided from the whole column.

A header that says `percent`, or cells that end in %, decide. Otherwise figures up to 1 are fractions and
figures above 1 are percents; where that can be read both ways the column is refused rather than guessed.
"""

from __future__ import annotations

import math
import re
import statistics
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from .errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["UNITS", "Figure", "Unit", "decide_unit", "error_of", "parse_figure"]

Unit = Literal["percent", "fraction"]
UNITS: tuple[Unit, ...] = ("percent", "fraction")
_DECIMAL_COMMA = re.compile(r"[+-]?\d+,\d+")


class Figure(NamedTuple):
    """One cell of a column of results: its line, its number, whether it ends in a percent sign."""

    line: int
    value: float
    percent_sign: bool = False


def parse_figure(cell: Any, line: int, *, decimal_comma: bool) -> Figure:
    """Read a number as people write it.

    Raises:
        InputError: if it is none, or not finite; the message is for the end of `file:line: column:`.
    """
    if isinstance(cell, bool) or not isinstance(cell, int | float | str):
        raise InputError(f"{cell!r} is not a number.")
    text = str(cell).strip()
    sign = text.endswith("%")
    number = text.removesuffix("%").strip()
    if decimal_comma and _DECIMAL_COMMA.fullmatch(number):
        number = number.replace(",", ".")
    try:
        value = float(number)
    except ValueError:
        hint = " Write it with a point." if _DECIMAL_COMMA.fullmatch(number) else ""
        raise InputError(f"{_short(text)!r} is not a number.{hint}") from None
    if not math.isfinite(value):
        raise InputError(
            f"{_short(text)!r} is not finite. Give the run the status 'failed', or remove its row."
        )
    return Figure(line, value, sign)


def decide_unit(
    figures: Sequence[Figure],
    *,
    is_error: bool,
    stated_percent: bool | None = None,
    given: Unit | None = None,
    column: str = "the result",
) -> tuple[Unit, str]:
    """Decide the unit of the figures that carry no percent sign.

    Args:
        figures: the column.
        is_error: whether lower is better.
        stated_percent: what the column's name says.
        given: what the user says; it decides.
        column: the column's name, for messages.

    Returns:
        The unit and one sentence that says it and why.

    Raises:
        InputError: if the figures can be read both ways.
    """
    plain = [figure for figure in figures if not figure.percent_sign]
    if given is not None:
        return given, f"{column} is read as {given}, as you said."
    if stated_percent:
        return "percent", f"{column} is read as percent, as its name says."
    if not plain:
        return "percent", f"{column} is read as percent: every cell has the sign."
    above = [figure for figure in plain if figure.value > 1]
    below = [figure for figure in plain if 0 < figure.value <= 1]
    remedy = "Say --unit percent or --unit fraction."
    if above and below:
        raise InputError(
            f"Column {column!r} holds {above[0].value:g} (line {above[0].line}) and {below[0].value:g} (line "
            f"{below[0].line}): percents, fractions or both? {remedy}"
        )
    if above:
        return "percent", f"{column} is read as percent: all figures lie above 1."
    if is_error and below and statistics.median(figure.value for figure in below) >= 0.5:
        first = below[0]
        raise InputError(
            f"Column {column!r} holds errors such as {first.value:g} (line {first.line}): "
            f"{first.value:.3g} % or {100 * first.value:.3g} %? {remedy}"
        )
    return "fraction", f"{column} is read as fractions: no figure lies above 1."


def error_of(figure: Figure, *, is_error: bool, unit: Unit) -> float:
    """Return the error in [0, 1].

    Raises:
        InputError: if the figure lies outside what its unit allows.
    """
    percent = figure.percent_sign or unit == "percent"
    share = figure.value / 100 if percent else figure.value
    if not 0 <= share <= 1:
        allowed = "0 to 100" if percent else "0 to 1"
        raise InputError(
            f"{figure.value:g} lies outside {allowed} ({'percent' if percent else 'a fraction'})."
        )
    # 1 − 0.9 and 8.2 / 100 to twelve places: the figures were written in decimals
    return share if is_error and not percent else round(share if is_error else 1 - share, 12)


def _short(text: str) -> str:
    return text if len(text) <= 40 else text[:40] + "…"
