"""A compiled parser for the common case of a CSV: plain decimal numbers.

It reads plain decimals and lists every other cell (quotes, words, more than 19 digits) for Python to read. Numbers are
exact as in Clinger 1990: up to 19 digits are an integer, the power of ten is at most 22 and so a double itself, and one
division in doubled precision rounds once.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tare.system.engines.compiler import numba

_NEWLINE, _RETURN, _QUOTE = 10, 13, 34
_PLUS, _MINUS, _POINT, _BIG_E, _SMALL_E = 43, 45, 46, 69, 101
_ZERO, _ONE = np.uint8(48), np.uintp(1)
_SPLITTER = 134_217_729.0  # 2**27 + 1, Dekker's constant for halving a double
_TENS = np.array([10.0**k for k in range(23)])
_MANTISSA_END = np.uint64(1) << np.uint64(53)


@numba.njit(cache=True, nogil=True, inline="always")  # type: ignore[untyped-decorator]
def _scaled(mantissa: np.uint64, exponent: int) -> float:  # pragma: no cover - compiled
    """``mantissa * 10**exponent`` for exponents from -22 to 0, or up to 22 for mantissas below 2**53."""
    value = np.float64(mantissa)
    if exponent >= 0:
        return float(value * _TENS[exponent])
    power = _TENS[-exponent]
    quotient = value / power
    if mantissa < _MANTISSA_END:
        return float(quotient)
    # The mantissa was rounded: add what the quotient still owes, with the product's error taken exactly (Dekker 1971).
    lost = np.float64(np.int64(mantissa - np.uint64(value)))
    product = quotient * power
    qs, ps = quotient * _SPLITTER, power * _SPLITTER
    qh, ph = qs - (qs - quotient), ps - (ps - power)
    ql, pl = quotient - qh, power - ph
    error = ((qh * ph - product) + qh * pl + ql * ph) + ql * pl
    return float(quotient + (((value - product) - error) + lost) / power)


@numba.njit(cache=True, nogil=True, inline="always")  # type: ignore[untyped-decorator]
def _end_of_cell(data: NDArray[np.uint8], position: int, delimiter: int) -> int:  # pragma: no cover - compiled
    """Where a cell ends: at a delimiter or newline outside quotes, or at the end of the data."""
    size, quoted = data.size, False
    while position < size and (quoted or (data[position] != delimiter and data[position] != _NEWLINE)):
        quoted ^= data[position] == _QUOTE
        position += 1
    return position


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _stated_exponent(data: NDArray[np.uint8], at: Any) -> tuple[Any, int]:  # pragma: no cover - compiled
    """Read the digits behind an E; a missing or absurd exponent is returned as one that :func:`_number` refuses."""
    lowers = data[at] == _MINUS
    if lowers or data[at] == _PLUS:
        at += _ONE
    first, stated = at, 0
    while np.uint8(data[at] - _ZERO) < 10 and at - first < 5:
        stated = stated * 10 + int(data[at] - _ZERO)
        at += _ONE
    if at == first:
        return at, 100_000
    return at, -stated if lowers else stated


@numba.njit(cache=True, nogil=True, inline="always")  # type: ignore[untyped-decorator]
def _number(data: NDArray[np.uint8], position: int) -> tuple[float, int]:  # pragma: no cover - compiled
    """Read a plain decimal number; the position behind it is -1 if Python has to read the cell."""
    at = np.uintp(position)  # unsigned, so that no index is checked for counting from the end
    byte = data[at]
    negative = byte == _MINUS
    if negative or byte == _PLUS:
        at += _ONE
        byte = data[at]
    first = at
    mantissa, zeros = np.uint64(0), np.int64(0)
    while byte == _ZERO:
        zeros += 1
        at += _ONE
        byte = data[at]
    while np.uint8(byte - _ZERO) < 10:
        mantissa = mantissa * np.uint64(10) + np.uint64(byte - _ZERO)
        at += _ONE
        byte = data[at]
    read, exponent = np.int64(at - first), np.int64(0)
    if byte == _POINT:
        at += _ONE
        first = at
        byte = data[at]
        while byte == _ZERO and mantissa == 0:
            zeros += 1
            at += _ONE
            byte = data[at]
        while np.uint8(byte - _ZERO) < 10:
            mantissa = mantissa * np.uint64(10) + np.uint64(byte - _ZERO)
            at += _ONE
            byte = data[at]
        exponent = -np.int64(at - first)
        read -= exponent
    if byte in (_SMALL_E, _BIG_E):
        at, stated = _stated_exponent(data, at + _ONE)
        exponent += np.int64(stated)
    end = np.int64(at)
    if read == 0 or read - zeros > 19 or exponent < -22 or exponent > 22 or (exponent > 0 and mantissa >= _MANTISSA_END):
        return 0.0, -1
    value = _scaled(mantissa, exponent)
    return (-value if negative else value), int(end)


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def parse_rows(  # noqa: C901 - one pass over the bytes, seen whole
    data: NDArray[np.uint8], delimiter: int, target: NDArray[np.int64], out: NDArray[np.float64], unsure: NDArray[np.int64]
) -> tuple[int, int, int]:  # pragma: no cover - compiled
    """Parse lines, each ending in a newline, into ``out`` ``(columns wanted, rows)``.

    ``target`` gives for each column of the file its row in ``out``, or -1 to pass over it. A cell that is not a plain number
    goes to ``unsure`` ``(capacity, 4)`` as its first byte, the byte behind it, and its place in ``out``. Returns the number
    of rows, the number of unsure cells (those beyond the capacity are counted only), and the position of the first line
    with another number of columns, or -1.
    """
    position, row, size, doubts = 0, 0, data.size, 0
    while position < size:
        line = position
        if data[position] == _NEWLINE or (data[position] == _RETURN and data[position + 1] == _NEWLINE):
            position += 1 if data[position] == _NEWLINE else 2
            continue
        for column in range(target.size):
            start, end, value = position, -1, 0.0
            if target[column] >= 0:
                value, end = _number(data, position)
                if end >= 0 and data[end] == _RETURN and data[end + 1] == _NEWLINE:
                    end += 1
                if end >= 0 and data[end] != delimiter and data[end] != _NEWLINE:
                    end = -1
            position = end if end >= 0 else _end_of_cell(data, position, delimiter)
            if target[column] >= 0 and end < 0:
                if doubts < unsure.shape[0]:
                    unsure[doubts, 0], unsure[doubts, 1] = start, position
                    unsure[doubts, 2], unsure[doubts, 3] = target[column], row
                doubts += 1
            elif target[column] >= 0:
                out[target[column], row] = value
            if position >= size or (column == target.size - 1) != (data[position] == _NEWLINE):
                return row, doubts, line
            position += 1
        row += 1
    return row, doubts, -1
