"""What a cell of a CSV says as a number, decided once for a column from all rows that are looked at."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import Literal

from tare.errors import DataError

#: Cells that say "no value here"; they count as NaN.
MISSING = ("", "NA", "N/A", "n/a", "nan", "NaN", "NULL", "null", "None", "?")

#: How a column writes its numbers: as Python does, with a comma for the point, or with commas between thousands.
Style = Literal["plain", "decimal comma", "thousands comma"]

_DECIMAL = re.compile(r"[+-]?\d*,\d+(?:[eE][+-]?\d+)?")
_THOUSANDS = re.compile(r"[+-]?\d{1,3}(?:,\d{3})+(?:\.\d*)?")
_DOTTED = re.compile(r"[+-]?\d{1,3}(?:\.\d{3})+(?:,\d+)?")
_WHOLE = re.compile(r"[+-]?\d+")
#: More digits are beyond the largest double.
_LONGEST = 308


def is_number(cell: str) -> bool:
    """Whether Python reads a cell as a number, or it says that there is none; ``1_000`` is text."""
    if cell.strip() in MISSING:
        return True
    try:
        float(cell)
    except ValueError:
        return False
    return "_" not in cell


def looks_like_a_number(cell: str) -> bool:
    """Whether a cell is a number that Python reads, or one with a comma for the point or between thousands."""
    cell = cell.strip()
    return is_number(cell) or any(form.fullmatch(cell) for form in (_DECIMAL, _THOUSANDS, _DOTTED))


def number_of(cell: str, style: Style = "plain") -> float | None:
    """The number of a cell, NaN where it says that there is none; None for text, and for a whole number beyond 2**53."""
    cell = cell.strip().strip('"').strip()
    if cell in MISSING:
        return math.nan
    if style == "decimal comma":
        if "." in cell:
            return None
        cell = cell.replace(",", ".", 1)
    elif style == "thousands comma" and _THOUSANDS.fullmatch(cell):
        cell = cell.replace(",", "")
    if not is_number(cell) or is_inexact(cell):
        return None
    return float(cell)


def is_inexact(cell: str) -> bool:
    """Whether a cell is a whole number that no double holds exactly."""
    if len(cell) <= 15 or _WHOLE.fullmatch(cell) is None:
        return False
    return len(cell) > _LONGEST or int(float(cell)) != int(cell)


def style_of(cells: Sequence[str], column: str, where: str) -> Style | None:
    """How the cells of a column write numbers; None for a column of text.

    Raises :class:`DataError` where they may mean two numbers: ``1,234`` alone is a thousand or a little more than one.
    """
    others = [cell.strip() for cell in cells if not is_number(cell)]
    if not others:
        return "plain"
    plain = [cell.strip() for cell in cells if is_number(cell) and cell.strip() not in MISSING]
    if not all(_DECIMAL.fullmatch(cell) or _THOUSANDS.fullmatch(cell) or _DOTTED.fullmatch(cell) for cell in others):
        return None
    decimal = all(map(_DECIMAL.fullmatch, others)) and not any("." in cell for cell in plain)
    thousands = all(map(_THOUSANDS.fullmatch, others))
    if decimal != thousands:
        return "decimal comma" if decimal else "thousands comma"
    kind = "numbers that a comma writes in two ways" if decimal else "numbers with points and commas of several kinds"
    raise DataError(
        "numbers that can be read in one way", f"{kind} in column {column!r} of {where!r}, such as {others[0]!r}",
        "write them with a point and without signs between thousands, or leave the column out with --columns",
    )  # fmt: skip
