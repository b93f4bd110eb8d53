"""The cells of a CSV found by Python: the same rows as :mod:`tare.sources.tables.number_parser`, without a compiler."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

_NEWLINE, _QUOTE = b"\n", 34


def parse_rows(
    data: NDArray[np.uint8], delimiter: int, target: NDArray[np.int64], out: NDArray[np.float64], unsure: NDArray[np.int64]
) -> tuple[int, int, int]:
    """Parse lines into ``out``; the arguments and the answer are those of the compiled parser."""
    text, position, row, doubts = data.tobytes(), 0, 0, 0
    while position < len(text):
        cells, end = _cells(text, position, delimiter)
        if text[position:end] not in (b"", b"\r"):
            if len(cells) != target.size:
                return row, doubts, position
            for (start, last), place in zip(cells, target.tolist(), strict=True):
                value = _plain(text[start:last]) if place >= 0 else 0.0
                if place >= 0 and value is not None:
                    out[place, row] = value
                elif place >= 0:
                    unsure[min(doubts, len(unsure) - 1)] = start, last, place, row
                    doubts += 1
            row += 1
        position = end + 1
    return row, doubts, -1


def _cells(text: bytes, start: int, delimiter: int) -> tuple[list[tuple[int, int]], int]:
    """First byte and end of each cell of the line that begins at ``start``; and where the line ends."""
    end = text.find(_NEWLINE, start)
    line = text[start:end]
    if _QUOTE not in line:
        ends = [start - 1]
        for cell in line.split(bytes([delimiter])):
            ends.append(ends[-1] + 1 + len(cell))
        return [(before + 1, at) for before, at in pairwise(ends)], end
    cells, first, quoted, at = [], start, False, start
    while at < len(text) and (quoted or text[at] != _NEWLINE[0]):
        quoted ^= text[at] == _QUOTE
        if text[at] == delimiter and not quoted:
            cells.append((first, at))
            first = at + 1
        at += 1
    return [*cells, (first, at)], at


def _plain(cell: bytes) -> float | None:
    """The number of a cell of digits, sign, point and exponent; None if the caller has to read it."""
    cell = cell.rstrip(b"\r")
    if cell.strip(b"+-.0123456789eE") or not cell:
        return None
    try:
        return float(cell)
    except ValueError:
        return None
